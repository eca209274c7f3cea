/* Terminals: the line discipline between a device that moves bytes and the programs that read and
 * write lines (POSIX.1-2017, XBD chapter 11; where that is silent, as Linux does it: termios(3),
 * ioctl_tty(2)).
 *
 * A driver fills in one struct terminal for each of its lines and calls terminal_serve(). The
 * driver hands bytes that have come to terminal_input(), fetches bytes that the device can take
 * with terminal_take(), and after either calls terminal_settle(), which ends the calls that need
 * wait no longer.
 *
 * input.c and output.c are pure logic; serve.c and control.c speak with the callers. There is one
 * thread, and none of these functions waits for another service; a long write gives way. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <minnow/devices.h>
#include <minnow/tty.h>

#include "pollable.h"
#include "service.h"

enum {
    TTY_INPUT = 4096,   /* bytes typed and not yet read; a power of two */
    TTY_OUTPUT = 4096,  /* bytes written and not yet taken by the device; a power of two */
    TTY_ECHO_ROOM = 64, /* bytes of the output ring that are kept for echo */
};

/* A read that waits. */
struct reader {
    struct reader *next;
    call_t call;
    uint64_t length;
    uint64_t deadline; /* of this read (VMIN 0, VTIME), in nanoseconds since boot; 0: none */
};

/* A write of which a part has been taken. It goes on as the device takes bytes, and is never made
 * again from its beginning, or its first part would appear twice. */
struct writer {
    call_t call;
    uint64_t length, done;
};

/* The writes to one place, in order: see writes.c. */
struct writes {
    /* Filled in by the owner: whether there is room for some bytes; takes bytes, as far as there is
     * room, and returns how many. */
    bool (*has_room)(void *of);
    size_t (*take)(void *of, const uint8_t *bytes, size_t n);
    void *of;
    uint32_t extra; /* as many more bytes the last take() was worth in work */
    struct pending_list waiting;
    struct writer writer; /* call 0: none */
};

struct terminal {
    /* Filled in by the driver. */
    uint32_t number; /* the device's; also its object */
    /* called when output waits: the driver fetches what the device can take now */
    void (*start)(struct terminal *t);
    /* called when input has been read, so that a sender that was held back may go on; or NULL */
    void (*resume)(struct terminal *t);
    /* called when another open file of the terminal has been made; or NULL */
    void (*opened)(struct terminal *t);
    /* output has arrived as soon as it is in the ring: nobody waits until it has gone, and no
     * flush drops it */
    bool arrives_at_once;
    int32_t closed; /* not 0: why the terminal cannot be opened now */
    struct winsize winsize;

    struct termios termios;

    /* Input. Positions count on for ever; modulo TTY_INPUT they are places in the ring. tail <=
     * ready <= head. */
    uint8_t input[TTY_INPUT];
    uint8_t line_end[TTY_INPUT / 8]; /* a bit per byte: it ends a line */
    uint8_t
        hidden[TTY_INPUT / 8]; /* a bit per byte: an end-of-file character, which no read gets */
    /* reads get the bytes before ready; those from there to head are being edited */
    uint32_t tail, ready, head;
    bool literal; /* the character before was VLNEXT */
    /* bytes of the line that editing has looked at once more; drivers may set it back */
    uint32_t looked_at;
    bool hung_up;

    /* Output. */
    uint8_t output[TTY_OUTPUT];
    uint32_t out_tail, out_head;
    unsigned column;      /* of the cursor */
    unsigned line_column; /* where the line that is being edited began */
    bool stopped;         /* by VSTOP */
    bool stopped_by_call; /* by TCXONC */
    uint8_t happened;     /* TIOCPKT_ bits, for drivers that tell of such things and clear them */

    /* Job control, as the personality server has set it (TTY_SET). 0: none. */
    uint32_t session, group;
    uint64_t signals;       /* of keys, to be fetched by TTY_PULL: a bit for each number */
    uint32_t signals_group; /* the group that they are for */
    bool signals_told;      /* the personality server has been notified of them */
    bool lost;              /* the session has lost the terminal, which is to be fetched likewise */

    /* Calls that wait: see serve.c. */
    struct reader *readers;
    struct writes writes;
    struct pending_list drainers;
    /* when the first read's time is over, VTIME after the last byte; 0: it does not run */
    uint64_t read_deadline;
    uint32_t read_deadline_head; /* head when that byte had come */
    struct pollable poll;
    uint16_t poll_seen;  /* events that held when somebody asked last, or was told */
    uint32_t poll_ready; /* `ready` at that time */
};

/* ---- for drivers ---- */

/* Serves the terminals for ever. notify gets the bits of notifications, the driver's interrupts
 * among them; it may be NULL. */
_Noreturn void terminal_serve(struct terminal *list, unsigned count, void (*notify)(uint64_t bits));
/* The parts of terminal_serve(), for a driver that has other objects beside its terminals: to be
 * called first; the handlers of protocols FS and TTY; to be called with bits of notifications. */
enum { TERMINAL_FS_HANDLERS = op_number(FS_LEASE) + 1 };
void terminal_start(struct terminal *list, unsigned count);
/* Nothing is left of what was done with the terminal before. Nobody has it open. */
void terminal_fresh(struct terminal *t);
extern const handler_t terminal_fs[TERMINAL_FS_HANDLERS];
extern const struct protocol terminal_tty;
void terminal_notified(uint64_t bits);
/* To be called when bytes have come from the line. Bytes without room are dropped. */
void terminal_input(struct terminal *t, const uint8_t *bytes, size_t n);
/* To be called at a break condition on the line. */
void terminal_break(struct terminal *t);
/* How many bytes terminal_input() certainly has room for. The driver of a device that can hold its
 * sender back asks before it takes them from the device. */
size_t terminal_input_room(const struct terminal *t);
/* Fetches up to max bytes of output for the device. Returns how many; 0 while output is stopped. */
size_t terminal_take(struct terminal *t, uint8_t *to, size_t max);
/* The same in two steps: copies bytes, which stay in the ring until so many are dropped from it. */
size_t terminal_look(const struct terminal *t, uint8_t *to, size_t max);
void terminal_drop(struct terminal *t, size_t n);
bool terminal_stopped(const struct terminal *t); /* its output is, by a key or a call */
/* Ends the calls that need wait no longer. To be called after terminal_input() and terminal_take().
 */
void terminal_settle(struct terminal *t);
/* To be called when the line has gone (carrier lost): reads give 0, those that wait and writes
 * -EIO, the session loses the terminal, and its leader gets SIGHUP and SIGCONT. The next open ends
 * that state, unless the terminal is `closed`. */
void terminal_hang_up(struct terminal *t);

/* ---- input.c: pure logic ---- */

/* The termios of a fresh terminal. */
void terminal_init(struct terminal *t);
/* Sets the modes. When ICANON changes, input that was typed before stays readable: as one line, or
 * byte by byte. */
void terminal_set_termios(struct terminal *t, const struct termios *new);
/* Drops all input that has not been read. */
void terminal_flush_input(struct terminal *t);
/* Keeps a signal for the foreground group, until the personality server fetches it. */
void terminal_signal(struct terminal *t, unsigned signal);
/* Whether a read of `length` bytes need not wait. `expired`: the time of VTIME is over. */
bool terminal_may_read(const struct terminal *t, size_t length, bool expired);
size_t terminal_readable(const struct terminal *t); /* for FIONREAD */
/* Copies the bytes that a read of max bytes gets, and returns how many; *used is how many bytes of
 * the ring that takes, hidden ones included. They stay in the ring until terminal_consume(). */
size_t terminal_peek(const struct terminal *t, uint8_t *to, size_t max, uint32_t *used);
void terminal_consume(struct terminal *t, uint32_t used);

/* ---- output.c: pure logic ---- */

/* Output processing (OPOST): takes bytes of a program into the ring, as far as there is room.
 * Returns how many. */
size_t terminal_output(struct terminal *t, const uint8_t *bytes, size_t n);
size_t terminal_output_room(const struct terminal *t);     /* for programs, in bytes */
size_t terminal_output_waiting(const struct terminal *t);  /* bytes that the device has not taken */
void terminal_flush_output(struct terminal *t);            /* drops these */
void terminal_stop(struct terminal *t, bool stop);         /* VSTOP, VSTART */
void terminal_stop_by_call(struct terminal *t, bool stop); /* TCXONC */
/* Echoes one byte, processed; a byte without room is dropped. */
void terminal_echo(struct terminal *t, uint8_t byte);
bool terminal_echo_room(const struct terminal *t); /* there is room for one, whichever it is */
/* Echoes a byte so that it is visible: ^C for a control character, if ECHOCTL. */
void terminal_echo_visible(struct terminal *t, uint8_t byte);
/* The column after `byte` has been echoed visibly in this column. */
unsigned terminal_column_after(const struct terminal *t, unsigned column, uint8_t byte);

/* ---- writes.c ---- */

/* The handler of a write; `stopped`: a part of it is to be its result, as of one that does not
 * wait. */
int64_t writes_begin(struct writes *s, struct message *m, bool stopped);
/* Goes on with the writes; with `cut` that of which a part is taken ends short. */
void writes_settle(struct writes *s, bool cut);
void writes_fail(struct writes *s, int error); /* ends all of them */

/* ---- control.c ---- */

/* Copy an ioctl's argument from or to the caller's window. 0; or LATER, for the handler to return:
 * the call has been thrown back, or the caller has gone. */
int64_t terminal_argument_in(const struct message *m, void *to, size_t n);
int64_t terminal_argument_out(const struct message *m, const void *from, size_t n);
int64_t terminal_int_out(const struct message *m, int n);

/* FS_IOCTL: what the handler returns. A request that has to wait for the output is kept in
 * drainers, and comes here again with a copy of its message. */
int64_t terminal_ioctl(struct terminal *t, struct message *m);
/* Hands a caller in the background to the personality server (POSIX_TTY_STOP), which sends the
 * signal to the caller's group and may have the call made again. What the handler returns: LATER or
 * -EIO. */
int64_t terminal_hand_up(struct terminal *t, struct message *m, unsigned signal);
/* Whether the caller is of the terminal's session, but not in its foreground. */
bool terminal_background(const struct terminal *t, const struct message *m);
extern endpoint_t terminal_posix; /* the personality server */

#endif
