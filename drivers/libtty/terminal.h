/* Terminals: the line discipline between a device that moves bytes and the programs that read and
 * write lines (POSIX.1-2017, XBD chapter 11; where that is silent, as Linux does it: termios(3),
 * ioctl_tty(2)).
 *
 * A driver fills in one struct terminal for each of its lines and calls terminal_serve(). It hands
 * bytes that have come to terminal_input(), fetches bytes that the device can take with
 * terminal_take(), and after either it calls terminal_settle(), which answers the calls whose wait
 * that ended.
 *
 * input.c and output.c are pure logic; serve.c and control.c speak with the callers. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <minnow/devices.h>
#include <minnow/tty.h>

#include "service.h"

enum {
    TTY_INPUT = 4096,   /* bytes typed and not yet read; a power of two */
    TTY_OUTPUT = 4096,  /* bytes written and not yet taken by the device; a power of two */
    TTY_ECHO_ROOM = 64, /* of these, how many are kept for echo */
};

/* A read that waits. */
struct reader {
    struct reader *next;
    call_t call;
    uint64_t length;
    uint64_t deadline; /* its own (VMIN 0, VTIME), in nanoseconds since boot; 0: none */
};

/* A write that has been taken in part. It goes on as the device takes bytes, and a signal cannot
 * cancel it: if it were made again its first part would appear twice. */
struct writer {
    call_t call;
    uint64_t length, done;
};

struct terminal {
    /* Filled in by the driver. */
    unsigned minor;
    /* output waits: fetches what the device can take now */
    void (*start)(struct terminal *t);
    /* input has been read, so the sender may go on; may be NULL */
    void (*resume)(struct terminal *t);
    struct winsize winsize;

    struct termios termios;

    /* Input. Positions count on for ever; modulo TTY_INPUT they are places in the ring. tail <=
     * ready <= head. */
    uint8_t input[TTY_INPUT];
    uint8_t line_end[TTY_INPUT / 8]; /* this byte ends a line */
    uint8_t hidden[TTY_INPUT / 8];   /* and is the end-of-file character, which no read gets */
    /* reads get what is before ready; what follows is being edited */
    uint32_t tail, ready, head;
    bool literal; /* the character before was VLNEXT */
    bool hung_up;

    /* Output. */
    uint8_t output[TTY_OUTPUT];
    uint32_t out_tail, out_head;
    unsigned column;      /* of the cursor */
    unsigned line_column; /* where the line that is being edited began */
    bool stopped;         /* by VSTOP */
    bool stopped_by_call; /* by TCXONC */

    /* Job control, as the personality server says. 0: none. */
    uint32_t session, group;
    uint64_t signals;       /* to be sent: bit set by signal number */
    uint32_t signals_group; /* to this group */
    bool signals_told;      /* the personality server has been notified */

    /* Calls that wait: see serve.c. */
    struct reader *readers;
    struct pending_list writers, drainers;
    struct writer writer; /* call 0: none */
    /* VTIME after the last byte, for the first reader; 0: none */
    uint64_t read_deadline;
    uint32_t read_deadline_head; /* head when that byte had come */
    uint64_t poll_in, poll_out;  /* services to be notified: bit set by slot */
    bool poll_changed;           /* notified, and not asked yet which terminal it is */
};

/* ---- for drivers ---- */

/* Serves the terminals for ever. notify gets the driver's own bits; may be NULL. */
_Noreturn void terminal_serve(struct terminal *list, unsigned count, void (*notify)(uint64_t bits));
/* Bytes have come from the line. */
void terminal_input(struct terminal *t, const uint8_t *bytes, size_t n);
/* A break condition on the line. */
void terminal_break(struct terminal *t);
/* How many bytes terminal_input() keeps for certain. A device that can hold its sender back asks
 * before it takes them. */
size_t terminal_input_room(const struct terminal *t);
/* Fetches up to max bytes of output for the device. Returns how many; 0 while output is stopped. */
size_t terminal_take(struct terminal *t, uint8_t *to, size_t max);
/* Answers the calls that need wait no longer. To be called after terminal_input() and
 * terminal_take().
 */
void terminal_settle(struct terminal *t);
/* The line has gone (carrier lost): reads give 0, the foreground group gets SIGHUP. */
void terminal_hang_up(struct terminal *t);

/* ---- input.c: pure logic ---- */

/* The termios of a fresh terminal. */
void terminal_init(struct terminal *t);
/* What had been typed when the mode changes stays readable: as one line, or byte by byte. */
void terminal_set_termios(struct terminal *t, const struct termios *new);
void terminal_flush_input(struct terminal *t);
/* Keeps a signal for the foreground group, until the personality server fetches it. */
void terminal_signal(struct terminal *t, unsigned signal);
/* Whether a read of `length` bytes need not wait. expired: the time of VTIME is over. */
bool terminal_may_read(const struct terminal *t, size_t length, bool expired);
size_t terminal_readable(const struct terminal *t); /* for FIONREAD */
/* Copies what a read of max bytes gets, and returns how much; *used: how much of the input that is.
 * It stays in the ring until terminal_consume(). */
size_t terminal_peek(const struct terminal *t, uint8_t *to, size_t max, uint32_t *used);
void terminal_consume(struct terminal *t, uint32_t used);

/* ---- output.c: pure logic ---- */

/* Output processing (OPOST): takes bytes of a program into the ring, as far as there is room.
 * Returns how many. */
size_t terminal_output(struct terminal *t, const uint8_t *bytes, size_t n);
size_t terminal_output_room(const struct terminal *t);
size_t terminal_output_waiting(const struct terminal *t);
void terminal_flush_output(struct terminal *t);
void terminal_stop(struct terminal *t, bool stop); /* VSTOP, VSTART */
/* Echoes one byte, processed; without room for it, it is dropped. */
void terminal_echo(struct terminal *t, uint8_t byte);
/* Echoes a byte so that it is visible: ^C for a control character, if ECHOCTL. */
void terminal_echo_visible(struct terminal *t, uint8_t byte);
/* The column after `byte` has been echoed visibly in this column. */
unsigned terminal_column_after(const struct terminal *t, unsigned column, uint8_t byte);

/* ---- control.c ---- */

/* What the handler of FS_IOCTL returns. A request that has to wait for the output is kept in
 * drainers, and comes here again with a copy of its message. */
int64_t terminal_ioctl(struct terminal *t, struct message *m);
/* Hands a caller in the background to the personality server (POSIX_TTY_STOP): it gets the signal,
 * and the call may come again. What a handler returns. */
int64_t terminal_hand_up(struct terminal *t, struct message *m, unsigned signal);
/* Whether the caller is of the terminal's session, but not in its foreground. */
bool terminal_background(const struct terminal *t, const struct message *m);
extern endpoint_t terminal_posix; /* the personality server */

#endif
