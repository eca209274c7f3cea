/* The boot log: a ring in memory and, while no driver owns the line, the first serial port (16550
 * data sheet), polled. */
#include "log.h"

#include "arch.h"
#include <minnow/format.h>
#include "memory.h"

enum {
    RING = 32768,
    COM1 = 0x3f8,
    HOST_PORT = 0xe9,
    LINE_STATUS = 5,
    TRANSMIT_EMPTY = 0x20,
    LINE = 256,
    LAST_WORDS = 1200
};

static char ring[RING];
static size_t written;
bool log_to_serial = true, log_to_host;

void log_init(void)
{
    arch_port_out(COM1 + 1, 1, 0);    /* no interrupts */
    arch_port_out(COM1 + 3, 1, 0x80); /* divisor: 115,200 baud */
    arch_port_out(COM1 + 0, 1, 1);
    arch_port_out(COM1 + 1, 1, 0);
    arch_port_out(COM1 + 3, 1, 3); /* 8 bits, no parity, one stop bit */
    arch_port_out(COM1 + 2, 1, 7); /* FIFOs on and empty */
}

static void serial_put(char c)
{
    if (c == '\n')
        serial_put('\r');
    for (int n = 0; n < 100000 && !(arch_port_in(COM1 + LINE_STATUS, 1) & TRANSMIT_EMPTY); n++)
        ;
    arch_port_out(COM1, 1, c);
}

/* Writes a frame of kind `p` (panic) to the test harness's channel: see tests/vmlib.py. */
static void host_frame(const char *text, uint32_t length)
{
    struct {
        char mark[5];
        uint32_t length;
    } __attribute__((packed)) head = { "\x7fMNWp", length };
    for (unsigned i = 0; i < sizeof head; i++)
        arch_port_out(HOST_PORT, 1, ((const uint8_t *)&head)[i]);
    for (unsigned i = 0; i < length; i++)
        arch_port_out(HOST_PORT, 1, (uint8_t)text[i]);
}

void log_write(const char *text, size_t length)
{
    if (log_to_host)
        host_frame(text, length);
    for (size_t i = 0; i < length; i++) {
        ring[written++ % RING] = text[i];
        if (log_to_serial)
            serial_put(text[i]);
    }
}

size_t log_piece(size_t offset, const char **piece)
{
    size_t first = written > RING ? written - RING : 0, at = first + offset;
    if (offset >= written - first)
        return 0;
    *piece = &ring[at % RING];
    return written - at < RING - at % RING ? written - at : RING - at % RING;
}

void log_halt(int how)
{
    size_t kept = written < RING ? written : RING, from = kept > LAST_WORDS ? kept - LAST_WORDS : 0;
    const char *c;
    while (how == HALT_FAILED && from && log_piece(from - 1, &c) && *c != '\n')
        from--;
    for (; how == HALT_FAILED && log_piece(from, &c); from++)
        serial_put(*c);
    arch_halt(how == HALT_REBOOT ? HALT_REBOOT : HALT_POWEROFF);
}

void kprintf(const char *format, ...)
{
    char line[LINE];
    va_list args;
    va_start(args, format);
    size_t n = format_text(line, sizeof line, format, args);
    va_end(args);
    log_write(line, n < sizeof line ? n : sizeof line - 1);
}
