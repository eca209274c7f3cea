/* A terminal's line discipline, without the terminal: what becomes of typed bytes before a program reads them, and of written
 * bytes before the device gets them. Pure logic over two rings; nothing here waits, calls or knows the time by itself.
 * What the flags mean: POSIX.1-2017 chapter 11 (General Terminal Interface); where it leaves a choice, what Linux does (termios(3)).
 *
 *      device --> ldisc_input --> input ring  --> ldisc_peek, ldisc_consume --> reading program
 *                     | echo
 *                     v
 *      device <-- ldisc_output <-- output ring <-- ldisc_write <-- writing program
 */
#ifndef LDISC_H
#define LDISC_H

#include <minnow/tty.h>
#include <minnow/types.h>

enum {
    LDISC_INPUT  = 4096,
    LDISC_OUTPUT = 4096,
    LDISC_ECHO   = 256,     /* of the output ring: programs leave it to echo */
    LDISC_SLACK  = 512,     /* room of the input ring below which the device should hold its input back */
};

struct ldisc {
    struct termios termios;
    struct winsize winsize;
    uint16_t input[LDISC_INPUT];    /* bytes, with INPUT_END and INPUT_EOF of ldisc.c above them */
    uint32_t in_head, in_tail;      /* free-running: the ring holds in_tail .. in_head */
    uint32_t line_start;            /* canonical: where the unfinished line begins; erasing stops here */
    uint32_t lines;                 /* how many entries of the ring end a line */
    uint64_t last_input;            /* when the last byte came, ns */
    uint8_t  output[LDISC_OUTPUT];
    uint32_t out_head, out_tail;
    unsigned column;                /* of the cursor, for tabs */
    unsigned line_column;           /* the same where the unfinished line began to be echoed */
    uint32_t signals;               /* bit set by signal number, raised since the owner last cleared it */
    bool     literal;               /* the next byte is taken as it is (VLNEXT) */
    bool     stopped;               /* output is held (VSTOP, TCOOFF) */
    bool     flushed;               /* a signal key threw the output away; the owner clears it */
};

void ldisc_init(struct ldisc *l, unsigned rows, unsigned columns);

/* n bytes came from the device at time now. */
void ldisc_input(struct ldisc *l, const uint8_t *bytes, size_t n, uint64_t now);
/* The line was held in break. */
void ldisc_break(struct ldisc *l, uint64_t now);
/* False: the device should hold back what it has until bytes have been consumed. */
bool ldisc_has_room(const struct ldisc *l);

/* Would a read of `wanted` (> 0) bytes, waiting since `start`, be answered at time now? If not, *deadline is when to ask again
 * though nothing came, or 0. */
bool ldisc_read_ready(const struct ldisc *l, size_t wanted, uint64_t start, uint64_t now, uint64_t *deadline);
/* Bytes that are there to be read: FIONREAD. */
size_t ldisc_readable(const struct ldisc *l);
/* Does poll say POLLIN? */
bool ldisc_poll_in(const struct ldisc *l);
/* Copies what a read of `wanted` bytes is given, and leaves it in the ring: how many bytes (0: end of file). *entries is
 * what to consume when the reader has it. */
size_t ldisc_peek(const struct ldisc *l, uint8_t *to, size_t wanted, size_t *entries);
void ldisc_consume(struct ldisc *l, size_t entries);

/* A program writes: how many bytes were taken. */
size_t ldisc_write(struct ldisc *l, const uint8_t *bytes, size_t n);
/* Takes up to max bytes for the device; none while output is stopped. */
size_t ldisc_output(struct ldisc *l, uint8_t *to, size_t max);
static inline size_t ldisc_out_count(const struct ldisc *l) { return l->out_head - l->out_tail; }
/* Is there room for a program's write? POLLOUT. */
bool ldisc_poll_out(const struct ldisc *l);

void ldisc_set_termios(struct ldisc *l, const struct termios *t);
void ldisc_flush_input(struct ldisc *l);
void ldisc_flush_output(struct ldisc *l);
/* TCXONC: TCOOFF ... TCION; false when the action is unknown. */
bool ldisc_flow(struct ldisc *l, unsigned action);

/* Between the parts of the line discipline: see ldisc_out.c. */
bool ldisc_post(struct ldisc *l, uint8_t c, size_t reserve);    /* output processing of one byte; false: no room */
void ldisc_echo(struct ldisc *l, uint8_t c);                    /* one typed byte, controls as ^X with ECHOCTL */
void ldisc_echo_text(struct ldisc *l, const char *text);
unsigned ldisc_width(const struct ldisc *l, uint8_t c, unsigned column);  /* columns that its echo took, having begun at column */

#endif
