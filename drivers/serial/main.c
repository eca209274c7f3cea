/* serial: the terminal ttyS0 on the first serial port, a 16550 with FIFOs (National Semiconductor
 * PC16550D data sheet, section 8). drivers/libtty keeps lines and job control.
 *
 * Output goes out by the FIFO, 16 bytes in a kernel call: at once while the FIFO is empty, then
 * with each interrupt that says so. Input for which the terminal has no room stays in the FIFO, so
 * that a sender with flow control is held back. A byte of input, and an error of the line, can be
 * read only once: in8_once() reads them, so that a rollback does not lose them. */
#include "service.h"
#include "terminal.h"

enum { PORT = 0x3f8, IRQ = 4, BIT_IRQ = 0, MINOR = DEVICE_MINOR(DEV_TTYS0), FIFO = 16 };
enum {
    DATA = PORT,
    INTERRUPTS = PORT + 1,
    IDENTIFY = PORT + 2,
    FIFO_CONTROL = PORT + 2,
    LINE_CONTROL = PORT + 3,
    MODEM_CONTROL = PORT + 4,
    LINE_STATUS = PORT + 5,
    MODEM_STATUS = PORT + 6
};
/* interrupt enable */
enum { ON_RECEIVED = 1, ON_EMPTY = 2, ON_MODEM = 8 };
/* interrupt identification */
enum { NONE_PENDING = 1, CAUSE = 0x0e, CAUSE_MODEM = 0 };
/* line status */
enum { HAS_BYTE = 1, BREAK = 0x10, EMPTY = 0x20 };
/* modem status */
enum { CARRIER_CHANGED = 8, CARRIER = 0x80 };
enum { DIVISOR_ACCESS = 0x80, EIGHT_BITS = 3, FIFO_ON = 0xc7, READY_AND_IRQ = 0x0b };
/* after so many rounds a cause of an interrupt that stays is left alone */
enum { ROUNDS = 64 };

static struct terminal terminal;
static uint8_t enabled; /* what INTERRUPTS holds */

/* Switches some of the port's interrupts (ON_) on or off. */
static void enable(uint8_t which, bool on)
{
    uint8_t now = on ? enabled | which : enabled & ~which;
    if (now != enabled)
        out8(INTERRUPTS, enabled = now);
}

/* terminal.start: gives the port as many bytes as its FIFO takes now. An interrupt comes when the
 * FIFO is empty again; it is off while output is stopped, or there is none. */
/* A break that the line's status told while output was looked for: reading the status clears it. */
static bool broken;

static uint8_t line_status(void)
{
    uint8_t status = in8_once(LINE_STATUS);
    broken = broken || status & BREAK;
    return status;
}

static void output_start(struct terminal *t)
{
    uint8_t bytes[FIFO];
    bool stopped = false;
    while (!stopped && terminal_output_waiting(t) && line_status() & EMPTY) {
        size_t n = terminal_take(t, bytes, FIFO);
        if (n)
            out_string8(DATA, bytes, n);
        stopped = n == 0;
    }
    enable(ON_EMPTY, terminal_output_waiting(t) && !stopped);
}

/* Takes the bytes that have come. Bytes without room stay in the FIFO, and the port's interrupt is
 * off until input_resume(). */
static void receive(struct terminal *t)
{
    for (uint8_t status; (status = line_status()) & HAS_BYTE;) {
        if (terminal_input_room(t) < 2) {
            enable(ON_RECEIVED, false);
            return;
        }
        uint8_t byte = in8_once(DATA);
        if (broken)
            terminal_break(t);
        else
            terminal_input(t, &byte, 1);
        broken = false;
    }
}

/* terminal.resume: input has been read, so there is room again. */
static void input_resume(struct terminal *t)
{
    if (!(enabled & ON_RECEIVED) && terminal_input_room(t) >= TTY_INPUT / 2)
        enable(ON_RECEIVED, true);
}

/* Looks at the modem's lines, one of which has changed: without a carrier the terminal hangs up. */
static void modem_changed(struct terminal *t)
{
    uint8_t status = in8_once(MODEM_STATUS);
    if (status & CARRIER_CHANGED && !(status & CARRIER) && !(t->termios.cflag & CLOCAL))
        terminal_hang_up(t);
}

static void interrupt(uint64_t bits)
{
    if (!(bits >> BIT_IRQ & 1))
        return;
    uint8_t cause;
    for (int round = 0; round < ROUNDS && !((cause = in8(IDENTIFY)) & NONE_PENDING); round++) {
        if ((cause & CAUSE) == CAUSE_MODEM)
            modem_changed(&terminal);
        if (enabled & ON_RECEIVED)
            receive(&terminal);
        if (enabled & ON_EMPTY)
            output_start(&terminal);
    }
    terminal_settle(&terminal);
    irq_ack(IRQ);
}

static void port_init(void)
{
    out8(INTERRUPTS, 0);
    out8(LINE_CONTROL, DIVISOR_ACCESS | EIGHT_BITS);
    out8(PORT, 1); /* 115200 baud */
    out8(PORT + 1, 0);
    out8(LINE_CONTROL, EIGHT_BITS);
    out8(FIFO_CONTROL, FIFO_ON);
    out8(MODEM_CONTROL, READY_AND_IRQ);
    irq_bind(IRQ, BIT_IRQ);
    enable(ON_RECEIVED | ON_MODEM, true);
}

int main(void)
{
    terminal.number = DEV_TTYS0;
    terminal.winsize = (struct winsize){ .rows = 24, .cols = 80 };
    terminal.start = output_start;
    terminal.resume = input_resume;
    port_init();
    terminal_serve(&terminal, 1, interrupt);
}
