/* The way out: output processing, the ring before the device, echo. See terminal.h. Writes of
 * programs leave TTY_ECHO_ROOM bytes of the ring to echo, so that keys are echoed even while
 * programs write. */
#include "terminal.h"

enum { TAB = 8 };

size_t terminal_output_waiting(const struct terminal *t) { return t->out_head - t->out_tail; }

static size_t room(const struct terminal *t) { return TTY_OUTPUT - terminal_output_waiting(t); }

size_t terminal_output_room(const struct terminal *t)
{
    return room(t) > TTY_ECHO_ROOM ? room(t) - TTY_ECHO_ROOM : 0;
}

static void output_put(struct terminal *t, uint8_t byte)
{
    t->output[t->out_head++ % TTY_OUTPUT] = byte;
}

static bool continuation(const struct terminal *t, uint8_t byte)
{
    return t->termios.iflag & IUTF8 && (byte & 0xc0) == 0x80;
}

/* Puts one byte through OPOST. false: the byte may need more than `space` places, and nothing was
 * done. */
static bool process_byte(struct terminal *t, uint8_t byte, size_t space)
{
    uint32_t flags = t->termios.oflag;
    if (space < TAB)
        return false;
    if (byte == '\r' && flags & OCRNL)
        byte = '\n';
    switch (byte) {
    case '\n':
        if (flags & ONLCR)
            output_put(t, '\r');
        if (flags & (ONLCR | ONLRET))
            t->column = 0;
        break;
    case '\r':
        if (flags & ONOCR && t->column == 0)
            return true;
        t->column = 0;
        break;
    case '\t': {
        unsigned spaces = TAB - t->column % TAB;
        t->column += spaces;
        if ((flags & TABDLY) != XTABS)
            break;
        while (spaces--)
            output_put(t, ' ');
        return true;
    }
    case '\b': t->column -= t->column > 0; break;
    default:
        if (flags & OLCUC && byte >= 'a' && byte <= 'z')
            byte += 'A' - 'a';
        t->column += byte >= ' ' && byte != 0x7f && !continuation(t, byte);
    }
    output_put(t, byte);
    return true;
}

size_t terminal_output(struct terminal *t, const uint8_t *bytes, size_t n)
{
    size_t done = 0;
    if (t->termios.oflag & OPOST) {
        while (done < n && process_byte(t, bytes[done], terminal_output_room(t)))
            done++;
    } else {
        for (n = MIN(n, terminal_output_room(t)); done < n; done++)
            output_put(t, bytes[done]);
    }
    return done;
}

bool terminal_stopped(const struct terminal *t) { return t->stopped || t->stopped_by_call; }

size_t terminal_look(const struct terminal *t, uint8_t *to, size_t max)
{
    if (terminal_stopped(t))
        return 0;
    size_t n = MIN(max, terminal_output_waiting(t)),
           first = MIN(n, TTY_OUTPUT - t->out_tail % TTY_OUTPUT);
    memcpy(to, t->output + t->out_tail % TTY_OUTPUT, first);
    memcpy(to + first, t->output, n - first);
    return n;
}

void terminal_drop(struct terminal *t, size_t n)
{
    t->out_tail += MIN(n, terminal_output_waiting(t));
}

size_t terminal_take(struct terminal *t, uint8_t *to, size_t max)
{
    size_t n = terminal_look(t, to, max);
    terminal_drop(t, n);
    return n;
}

void terminal_flush_output(struct terminal *t)
{
    t->happened |= TIOCPKT_FLUSHWRITE;
    if (!t->arrives_at_once)
        terminal_drop(t, TTY_OUTPUT);
}

/* Notes that `was` the state of the output, and that it may be another now. */
static void stop_changed(struct terminal *t, bool was)
{
    if (terminal_stopped(t) != was)
        t->happened = (t->happened & ~(TIOCPKT_STOP | TIOCPKT_START)) |
                      (was ? TIOCPKT_START : TIOCPKT_STOP);
}

void terminal_stop(struct terminal *t, bool stop)
{
    bool was = terminal_stopped(t);
    t->stopped = stop;
    stop_changed(t, was);
}

void terminal_stop_by_call(struct terminal *t, bool stop)
{
    bool was = terminal_stopped(t);
    t->stopped_by_call = stop;
    stop_changed(t, was);
}

bool terminal_echo_room(const struct terminal *t)
{
    return room(t) >= (t->termios.oflag & OPOST ? TAB : 1);
}

void terminal_echo(struct terminal *t, uint8_t byte)
{
    if (t->termios.oflag & OPOST)
        process_byte(t, byte, room(t));
    else if (room(t))
        output_put(t, byte);
}

/* Whether the byte is a control character that is echoed visibly. */
static bool control(uint8_t byte)
{
    return (byte < ' ' && byte != '\t' && byte != '\n') || byte == 0x7f;
}

void terminal_echo_visible(struct terminal *t, uint8_t byte)
{
    if (!(t->termios.lflag & ECHOCTL) || !control(byte)) {
        terminal_echo(t, byte);
        return;
    }
    terminal_echo(t, '^');
    terminal_echo(t, byte ^ 0x40);
}

unsigned terminal_column_after(const struct terminal *t, unsigned column, uint8_t byte)
{
    if (byte == '\t')
        return column + TAB - column % TAB;
    if (control(byte))
        return column + (t->termios.lflag & ECHOCTL ? 2 : 0);
    return column + !continuation(t, byte);
}
