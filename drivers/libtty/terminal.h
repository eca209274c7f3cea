/* Terminals: the line discipline between a device that moves bytes and the programs that read and
 * write lines (POSIX.1-2017, XBD chapter 11; where that is silent, as Linux does it: termios(3),
 * ioctl_tty(2)).
 *
 * A driver fills in one struct terminal for each of its lines and calls terminal_serve(). When
 * bytes have come it hands them to terminal_input(), when the device can take some it fetches them
 * with terminal_take(), and after either it calls terminal_settle(), which answers everybody whose
 * wait that ended.
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

/* A write that has been taken in part. It goes on as the device takes bytes, and cannot be
 * cancelled by a signal, for sent again it would show the first part twice. */
struct writer {
    call_t call;
    uint64_t length, done;
};

struct terminal {
    /* Filled in by the driver. */
    unsigned minor;
    void (*start)(struct terminal *t); /* output waits: take what the device takes now */
    /* input has been read: the sender may go on; may be NULL */
    void (*resume)(struct terminal *t);
    struct winsize winsize;

    struct termios termios;

    /* Input. Positions count on for ever; modulo TTY_INPUT they are places in the ring. tail <=
     * ready <= head. */
    uint8_t input[TTY_INPUT];
    uint8_t line_end[TTY_INPUT / 8]; /* this byte ends a line */
    /* ... and is the end-of-file character, which nobody reads */
    uint8_t hidden[TTY_INPUT / 8];
    /* readers have what is before ready; what follows is being edited */
    uint32_t tail, ready, head;
    bool literal; /* the character before was VLNEXT */
    bool hung_up;

    /* Output. */
    uint8_t output[TTY_OUTPUT];
    uint32_t out_tail, out_head;
    /* of the cursor; where the line being edited began */
    unsigned column, line_column;
    bool stopped, stopped_by_call; /* by VSTOP; by TCXONC */

    /* Job control, as the personality server says. 0: nobody. */
    uint32_t session, group;
    uint64_t signals; /* due: bit set by signal number */
    uint32_t signals_group;
    bool signals_told;

    /* Callers that wait. */
    struct pending_list readers, writers, drainers;
    struct writer writer; /* call 0: none */
    /* VTIME after the last byte, for the first reader; 0: none */
    uint64_t read_deadline;
    uint32_t read_deadline_head; /* head when that byte had come */
    uint64_t poll_in, poll_out;  /* services to be told: bit set by slot */
    /* they have been, and not been told of which terminal */
    bool poll_changed;
};

/* ---- for drivers ---- */

/* Serves the terminals for ever. notify gets the driver's own bits; may be NULL. */
_Noreturn void terminal_serve(struct terminal *list, unsigned count, void (*notify)(uint64_t bits));
/* Bytes have come from the line. */
void terminal_input(struct terminal *t, const uint8_t *bytes, size_t n);
/* A break condition on the line. */
void terminal_break(struct terminal *t);
/* How many bytes terminal_input() surely keeps. A device that can hold its sender back asks first.
 */
size_t terminal_input_room(const struct terminal *t);
/* The device takes up to max bytes of output: how many. 0 while output is stopped. */
size_t terminal_take(struct terminal *t, uint8_t *to, size_t max);
/* Answers readers, writers and pollers that need wait no longer; to be called after input and after
 * taking. */
void terminal_settle(struct terminal *t);
/* The line is gone (carrier lost): reads give 0, the session gets SIGHUP. */
void terminal_hang_up(struct terminal *t);

/* ---- input.c: pure logic ---- */

void terminal_init(struct terminal *t); /* termios as a fresh terminal has it */
void terminal_set_termios(struct terminal *t, const struct termios *new);
void terminal_flush_input(struct terminal *t);
void terminal_signal(struct terminal *t, unsigned signal); /* to the foreground group */
/* Would a read of `length` bytes wait? expired: the time VTIME allows is over. */
bool terminal_may_read(const struct terminal *t, size_t length, bool expired);
size_t terminal_readable(const struct terminal *t); /* for FIONREAD */
/* Copies what a read of max bytes gets and says in *used how much of the input that is; takes
 * nothing away. */
size_t terminal_peek(const struct terminal *t, uint8_t *to, size_t max, uint32_t *used);
void terminal_consume(struct terminal *t, uint32_t used);

/* ---- output.c: pure logic ---- */

/* Output processing (OPOST): takes bytes of a program into the ring, as far as there is room: how
 * many. */
size_t terminal_output(struct terminal *t, const uint8_t *bytes, size_t n);
size_t terminal_output_room(const struct terminal *t);
size_t terminal_output_waiting(const struct terminal *t);
void terminal_flush_output(struct terminal *t);
void terminal_stop(struct terminal *t, bool stop); /* VSTOP, VSTART */
/* Echo: one byte, processed, dropped when there is no room. */
void terminal_echo(struct terminal *t, uint8_t byte);
/* Echo as it is visible: ^C for a control character, if ECHOCTL. */
void terminal_echo_visible(struct terminal *t, uint8_t byte);
/* The column after `byte` has been echoed visibly in this column. */
unsigned terminal_column_after(const struct terminal *t, unsigned column, uint8_t byte);

/* ---- control.c ---- */

int64_t terminal_ioctl(struct terminal *t, struct message *m);
int64_t terminal_hand_up(struct terminal *t, struct message *m, unsigned signal);
bool terminal_background(const struct terminal *t, const struct message *m);
extern endpoint_t terminal_posix; /* the personality server */

#endif
