/* The way in: signals, flow control, editing of lines, and what a read gets. See terminal.h.
 *
 *   tail ............ ready ............ head
 *        for reads          being edited
 *
 * A byte goes through receive(): stripped, literal (after VLNEXT), flow control, signals, CR and
 * NL, and, in canonical mode, editing. `line_end` marks the bytes at which a read ends, `hidden`
 * those of them that are end-of-file characters. */
#include "terminal.h"

enum { SIGNAL_INT = 2, SIGNAL_QUIT = 3, SIGNAL_TSTP = 20, ALL_ONES = 0377 };

static const struct termios fresh = {
    .iflag = ICRNL | IXON | IUTF8,
    .oflag = OPOST | ONLCR,
    .cflag = B38400 | CS8 | CREAD | CLOCAL | HUPCL,
    .lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .cc = { [VINTR] = 'C' & 31,
            [VQUIT] = '\\' & 31,
            [VERASE] = 0x7f,
            [VKILL] = 'U' & 31,
            [VEOF] = 'D' & 31,
            [VMIN] = 1,
            [VSTART] = 'Q' & 31,
            [VSTOP] = 'S' & 31,
            [VSUSP] = 'Z' & 31,
            [VREPRINT] = 'R' & 31,
            [VDISCARD] = 'O' & 31,
            [VWERASE] = 'W' & 31,
            [VLNEXT] = 'V' & 31 },
};

void terminal_init(struct terminal *t)
{
    t->termios = fresh;
    t->poll.object = t->number;
}

/* ---- the ring ---- */

static bool bit(const uint8_t *bits, uint32_t at) { return bits[at % TTY_INPUT / 8] >> at % 8 & 1; }

static void set_bit(uint8_t *bits, uint32_t at, bool on)
{
    uint8_t *byte = &bits[at % TTY_INPUT / 8], mask = 1 << at % 8;
    *byte = on ? *byte | mask : *byte & ~mask;
}

static bool canonical(const struct terminal *t) { return t->termios.lflag & ICANON; }
static bool flag(const struct terminal *t, uint32_t local) { return t->termios.lflag & local; }

/* Whether c is the control character `which`. One that is 0 is switched off. */
static bool is_control(const struct terminal *t, unsigned which, uint8_t c)
{
    return c && c == t->termios.cc[which];
}

/* Whether a byte has no room. A line that is being edited leaves a place for the byte that `ends`
 * it.
 */
static bool input_full(const struct terminal *t, bool ends)
{
    return t->head - t->tail >= TTY_INPUT - (canonical(t) && !ends ? 1u : 0u);
}

/* Puts a byte into the ring. false: there is no room. */
static bool input_put(struct terminal *t, uint8_t c, bool ends, bool hide)
{
    if (input_full(t, ends)) {
        if (t->termios.iflag & IMAXBEL)
            terminal_echo(t, '\a');
        return false;
    }
    t->input[t->head % TTY_INPUT] = c;
    set_bit(t->line_end, t->head, ends);
    set_bit(t->hidden, t->head, hide);
    t->head++;
    if (ends || !canonical(t))
        t->ready = t->head;
    return true;
}

size_t terminal_input_room(const struct terminal *t)
{
    if (canonical(t) && t->ready == t->tail)
        return TTY_INPUT; /* bytes of a line that is too long are dropped, so that its end can come
                           */
    return TTY_INPUT - (t->head - t->tail);
}

void terminal_flush_input(struct terminal *t)
{
    t->tail = t->ready = t->head;
    t->literal = false;
    t->read_deadline = 0;
    t->happened |= TIOCPKT_FLUSHREAD;
}

/* Whether ^S and ^Q stop and start the output. */
static bool usual_flow(const struct termios *c)
{
    return c->iflag & IXON && c->cc[VSTOP] == ('S' & 31) && c->cc[VSTART] == ('Q' & 31);
}

void terminal_set_termios(struct terminal *t, const struct termios *new)
{
    bool was = canonical(t), flow = usual_flow(new);
    if (flow != usual_flow(&t->termios))
        t->happened = (t->happened & ~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP)) |
                      (flow ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
    t->termios = *new;
    if (was != canonical(t)) {
        t->literal = false;
        if (canonical(t) && t->head != t->tail)
            set_bit(t->line_end, t->head - 1, true);
        t->ready = t->head;
    }
    if (!(new->iflag &IXON))
        terminal_stop(t, false);
}

/* ---- editing ---- */

/* The column at which the line ends, as far as the width of a tab depends on it: what stands before
 * the last tab does not matter. */
static unsigned column_of_end(struct terminal *t)
{
    uint32_t from = t->head;
    while (from != t->ready && t->input[(from - 1) % TTY_INPUT] != '\t')
        from--;
    t->looked_at += t->head - from;
    unsigned column = from == t->ready ? t->line_column : 0;
    for (; from != t->head; from++)
        column = terminal_column_after(t, column, t->input[from % TTY_INPUT]);
    return column;
}

/* Removes the last character of the line, with all its bytes, from the input and from the screen.
 */
static void erase_character(struct terminal *t, bool show)
{
    uint8_t c;
    do
        c = t->input[--t->head % TTY_INPUT];
    while (t->termios.iflag & IUTF8 && (c & 0xc0) == 0x80 && t->head != t->ready);
    if (!show)
        return;
    unsigned before = c == '\t' ? column_of_end(t) : 0;
    unsigned width = terminal_column_after(t, before, c) - before;
    for (unsigned i = 0; i < width; i++) {
        if (c == '\t') {
            terminal_echo(t, '\b');
            continue;
        }
        terminal_echo(t, '\b');
        terminal_echo(t, ' ');
        terminal_echo(t, '\b');
    }
}

static bool word_byte(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c >= 0x80;
}

static uint8_t last_byte(const struct terminal *t) { return t->input[(t->head - 1) % TTY_INPUT]; }

/* Removes the last word of the line, and what is no word behind it. */
static void erase_word(struct terminal *t, bool show)
{
    while (t->head != t->ready && !word_byte(last_byte(t)))
        erase_character(t, show);
    while (t->head != t->ready && word_byte(last_byte(t)))
        erase_character(t, show);
}

/* Removes the line; c is the key that asks for it. */
static void erase_line(struct terminal *t, uint8_t c)
{
    if (flag(t, ECHO) && !(flag(t, ECHOKE) && flag(t, ECHOE))) {
        t->head = t->ready;
        terminal_echo_visible(t, c);
        if (flag(t, ECHOK))
            terminal_echo(t, '\n');
        return;
    }
    while (t->head != t->ready)
        erase_character(t, flag(t, ECHO));
}

static void reprint_line(struct terminal *t, uint8_t c)
{
    terminal_echo_visible(t, c);
    terminal_echo(t, '\n');
    t->line_column = 0;
    for (uint32_t at = t->ready; at != t->head && terminal_echo_room(t); at++)
        terminal_echo_visible(t, t->input[at % TTY_INPUT]);
}

/* Keeps an ordinary character, and echoes it. */
static void accept_character(struct terminal *t, uint8_t c, bool ends)
{
    if (canonical(t) && t->head == t->ready)
        t->line_column = t->column;
    if (!input_put(t, c, ends, false))
        return;
    if (flag(t, ECHO) || (c == '\n' && flag(t, ECHONL) && canonical(t))) {
        if (c == '\n')
            terminal_echo(t, c);
        else
            terminal_echo_visible(t, c);
    }
}

/* Acts on a character that edits the line. false: c is no such character. */
static bool edit_line(struct terminal *t, uint8_t c)
{
    bool extended = flag(t, IEXTEN);
    bool show = flag(t, ECHO) && flag(t, ECHOE);
    if (is_control(t, VERASE, c) || (extended && is_control(t, VWERASE, c))) {
        if (t->head == t->ready)
            return true;
        if (is_control(t, VERASE, c))
            erase_character(t, show);
        else
            erase_word(t, show);
        if (flag(t, ECHO) && !show)
            terminal_echo_visible(t, c);
    } else if (is_control(t, VKILL, c)) {
        erase_line(t, c);
    } else if (extended && is_control(t, VLNEXT, c)) {
        t->literal = true;
        if (flag(t, ECHO) && flag(t, ECHOCTL)) {
            terminal_echo(t, '^');
            terminal_echo(t, '\b');
        }
    } else if (extended && is_control(t, VREPRINT, c)) {
        if (flag(t, ECHO))
            reprint_line(t, c);
    } else if (is_control(t, VEOF, c)) {
        input_put(t, c, true, true);
    } else if (c == '\n' || is_control(t, VEOL, c) || (extended && is_control(t, VEOL2, c))) {
        accept_character(t, c, true);
    } else {
        return false;
    }
    return true;
}

/* ---- bytes from the line ---- */

void terminal_signal(struct terminal *t, unsigned signal)
{
    if (!t->group)
        return;
    if (t->signals_group != t->group)
        t->signals = 0;
    t->signals |= 1ull << signal;
    t->signals_group = t->group;
    t->signals_told = false;
}

/* Acts on a character that sends a signal. false: c is no such character. */
static bool signal_key(struct terminal *t, uint8_t c)
{
    unsigned signal = is_control(t, VINTR, c)   ? SIGNAL_INT
                      : is_control(t, VQUIT, c) ? SIGNAL_QUIT
                      : is_control(t, VSUSP, c) ? SIGNAL_TSTP
                                                : 0;
    if (!signal)
        return false;
    if (!flag(t, NOFLSH)) {
        terminal_flush_input(t);
        terminal_flush_output(t);
    }
    terminal_stop(t, false);
    if (flag(t, ECHO))
        terminal_echo_visible(t, c);
    terminal_signal(t, signal);
    return true;
}

void terminal_break(struct terminal *t)
{
    uint32_t in = t->termios.iflag;
    if (in & IGNBRK)
        return;
    if (in & BRKINT) {
        terminal_flush_input(t);
        terminal_flush_output(t);
        terminal_signal(t, SIGNAL_INT);
        return;
    }
    if (in & PARMRK) {
        input_put(t, ALL_ONES, false, false);
        input_put(t, 0, false, false);
    }
    input_put(t, 0, false, false);
}

/* Acts on a character that stops or starts the output. false: c is no such character. */
static bool flow_key(struct terminal *t, uint8_t c)
{
    if (is_control(t, VSTART, c))
        terminal_stop(t, false);
    else if (is_control(t, VSTOP, c))
        terminal_stop(t, true);
    else
        return false;
    return true;
}

/* One byte from the line. */
static void receive(struct terminal *t, uint8_t c)
{
    uint32_t in = t->termios.iflag;
    if (in & ISTRIP)
        c &= 0x7f;
    if (t->literal) {
        t->literal = false;
        accept_character(t, c, false);
        return;
    }
    if (in & IXON && flow_key(t, c))
        return;
    if (flag(t, ISIG) && signal_key(t, c))
        return;
    if (in & IXON && in & IXANY)
        terminal_stop(t, false);
    if (c == '\r') {
        if (in & IGNCR)
            return;
        if (in & ICRNL)
            c = '\n';
    } else if (c == '\n' && in & INLCR) {
        c = '\r';
    }
    if (in & IUCLC && flag(t, IEXTEN) && c >= 'A' && c <= 'Z')
        c += 'a' - 'A';
    if (canonical(t) && edit_line(t, c))
        return;
    if (c == ALL_ONES && in & PARMRK && !(in & ISTRIP))
        input_put(t, c, false, false);
    accept_character(t, c, false);
}

void terminal_input(struct terminal *t, const uint8_t *bytes, size_t n)
{
    if (!(t->termios.cflag & CREAD))
        return;
    for (size_t i = 0; i < n; i++)
        receive(t, bytes[i]);
}

/* ---- reading ---- */

bool terminal_may_read(const struct terminal *t, size_t length, bool expired)
{
    uint32_t have = t->ready - t->tail;
    if (t->hung_up)
        return true;
    if (canonical(t))
        return have;
    uint8_t min = t->termios.cc[VMIN], time = t->termios.cc[VTIME];
    if (min == 0)
        return have || time == 0 || expired;
    return have >= MIN(length, (size_t)min) || (have && expired);
}

size_t terminal_readable(const struct terminal *t)
{
    size_t n = 0;
    for (uint32_t at = t->tail; at != t->ready; at++)
        n += !bit(t->hidden, at);
    return n;
}

size_t terminal_peek(const struct terminal *t, uint8_t *to, size_t max, uint32_t *used)
{
    size_t n = 0;
    uint32_t at = t->tail;
    bool ended = false;
    while (at != t->ready && !ended) {
        if (bit(t->hidden, at)) {
            at++;
            ended = canonical(t);
            continue;
        }
        if (n == max)
            break;
        to[n++] = t->input[at % TTY_INPUT];
        ended = canonical(t) && bit(t->line_end, at);
        at++;
    }
    *used = at - t->tail;
    return n;
}

void terminal_consume(struct terminal *t, uint32_t used)
{
    t->tail += MIN(used, t->ready - t->tail);
}
