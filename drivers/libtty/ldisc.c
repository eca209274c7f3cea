/* Line discipline, input side: signals and flow control by keys, canonical editing, and what a read gets. See ldisc.h. */
#include "ldisc.h"

enum { INPUT_END = 0x100 /* a read stops behind it */, INPUT_EOF = 0x200 /* and does not get it */ };
enum { SIGNAL_INT = 2, SIGNAL_QUIT = 3, SIGNAL_TSTP = 20, TENTH = 100000000 /* ns, the unit of VTIME */ };

static size_t in_count(const struct ldisc *l) { return l->in_head - l->in_tail; }
static bool has(const struct ldisc *l, uint32_t flag) { return l->termios.lflag & flag; }

/* Is c this control character? A control character of 0 is disabled. */
static bool is_key(const struct ldisc *l, unsigned which, uint8_t c) { return c && l->termios.cc[which] == c; }

void ldisc_init(struct ldisc *l, unsigned rows, unsigned columns)
{
    *l = (struct ldisc){
        .termios = {
            .iflag = ICRNL | IXON | IUTF8, .oflag = OPOST | ONLCR, .cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
            .lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
            .cc = { [VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VMIN] = 1, [VSTART] = 17, [VSTOP] = 19,
                    [VSUSP] = 26, [VREPRINT] = 18, [VDISCARD] = 15, [VWERASE] = 23, [VLNEXT] = 22 },
        },
        .winsize = { .rows = rows, .cols = columns },
    };
}

/* ---- the input ring ---- */

/* One place is kept for what ends a line, so that a line too long can still be ended. */
static void put(struct ldisc *l, uint16_t entry)
{
    bool end = entry & INPUT_END;
    if (in_count(l) + !end >= LDISC_INPUT) {
        if (l->termios.iflag & IMAXBEL)
            ldisc_post(l, '\a', 0);
        return;
    }
    l->input[l->in_head++ % LDISC_INPUT] = entry;
    if (end) {
        l->lines++;
        l->line_start = l->in_head;
    }
}

bool ldisc_has_room(const struct ldisc *l)
{
    /* A line without an end that fills the ring must not stop the input: its end could never come. */
    return in_count(l) + LDISC_SLACK < LDISC_INPUT || (has(l, ICANON) && !l->lines);
}

void ldisc_flush_input(struct ldisc *l)
{
    l->in_tail = l->line_start = l->in_head;
    l->lines = 0;
    l->literal = false;
}

/* ---- canonical editing ---- */

static uint8_t last(const struct ldisc *l) { return l->input[(l->in_head - 1) % LDISC_INPUT]; }
static bool line_empty(const struct ldisc *l) { return l->in_head == l->line_start; }

/* The column behind the unfinished line as it was echoed. */
static unsigned end_column(const struct ldisc *l)
{
    unsigned column = l->line_column;
    for (uint32_t i = l->line_start; i != l->in_head; i++)
        column += ldisc_width(l, l->input[i % LDISC_INPUT], column);
    return column;
}

/* Takes the last character, of several bytes in UTF-8, off the line and off the screen. */
static void erase(struct ldisc *l)
{
    unsigned before = end_column(l);
    uint8_t c;
    do {
        c = last(l);
        l->in_head--;
    } while ((l->termios.iflag & IUTF8) && (c & 0xc0) == 0x80 && !line_empty(l));
    if (!has(l, ECHO))
        return;
    if (!has(l, ECHOE)) {
        ldisc_echo(l, l->termios.cc[VERASE]);
        return;
    }
    for (unsigned n = before - end_column(l); n; n--)
        ldisc_echo_text(l, c == '\t' ? "\b" : "\b \b");
}

static bool is_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static void erase_word(struct ldisc *l)
{
    while (!line_empty(l) && !is_word(last(l)))
        erase(l);
    while (!line_empty(l) && is_word(last(l)))
        erase(l);
}

static void kill_line(struct ldisc *l)
{
    if (has(l, ECHO) && has(l, ECHOK) && !(has(l, ECHOKE) && has(l, ECHOE))) {
        ldisc_echo(l, l->termios.cc[VKILL]);
        ldisc_echo_text(l, "\n");
        l->in_head = l->line_start;
        return;
    }
    while (!line_empty(l))
        erase(l);
}

static void reprint(struct ldisc *l)
{
    ldisc_echo(l, l->termios.cc[VREPRINT]);
    ldisc_echo_text(l, "\n");
    l->line_column = 0;
    for (uint32_t i = l->line_start; i != l->in_head; i++)
        ldisc_echo(l, l->input[i % LDISC_INPUT]);
}

/* An ordinary byte, or one that lost its meaning by VLNEXT. */
static void take(struct ldisc *l, uint8_t c, uint16_t marks)
{
    if (has(l, ECHO)) {
        if (line_empty(l))
            l->line_column = l->column;
        ldisc_echo(l, c);
    }
    put(l, c | marks);
}

/* Keys of canonical mode. True when c was one. */
static bool edit(struct ldisc *l, uint8_t c)
{
    bool extended = has(l, IEXTEN);
    if (is_key(l, VERASE, c)) {
        if (!line_empty(l))
            erase(l);
    } else if (is_key(l, VKILL, c)) {
        kill_line(l);
    } else if (extended && is_key(l, VWERASE, c)) {
        erase_word(l);
    } else if (extended && is_key(l, VLNEXT, c)) {
        l->literal = true;
        if (has(l, ECHO) && has(l, ECHOCTL))
            ldisc_echo_text(l, "^\b");
    } else if (extended && has(l, ECHO) && is_key(l, VREPRINT, c)) {
        reprint(l);
    } else if (c == '\n') {
        if (has(l, ECHO) || has(l, ECHONL))
            ldisc_echo_text(l, "\n");
        put(l, c | INPUT_END);
    } else if (is_key(l, VEOF, c)) {
        put(l, INPUT_END | INPUT_EOF);
    } else if (is_key(l, VEOL, c) || (extended && is_key(l, VEOL2, c))) {
        take(l, c, INPUT_END);
    } else {
        return false;
    }
    return true;
}

/* ---- what comes in ---- */

static bool flow_key(struct ldisc *l, uint8_t c)
{
    if (!(l->termios.iflag & IXON))
        return false;
    if (is_key(l, VSTART, c)) {
        l->stopped = false;
        return true;
    }
    if (is_key(l, VSTOP, c)) {
        l->stopped = true;
        return true;
    }
    return false;
}

static void raise(struct ldisc *l, unsigned signal)
{
    l->signals |= 1u << signal;
    if (has(l, NOFLSH))
        return;
    ldisc_flush_input(l);
    ldisc_flush_output(l);
    l->flushed = true;
}

static bool signal_key(struct ldisc *l, uint8_t c)
{
    if (!has(l, ISIG))
        return false;
    unsigned signal = is_key(l, VINTR, c) ? SIGNAL_INT : is_key(l, VQUIT, c) ? SIGNAL_QUIT : is_key(l, VSUSP, c) ? SIGNAL_TSTP : 0;
    if (!signal)
        return false;
    raise(l, signal);
    if (l->termios.iflag & IXON)
        l->stopped = false;
    if (has(l, ECHO))
        ldisc_echo(l, c);
    return true;
}

static void input_byte(struct ldisc *l, uint8_t c)
{
    uint32_t flags = l->termios.iflag;
    if (flags & ISTRIP)
        c &= 0x7f;
    if ((flags & IUCLC) && has(l, IEXTEN) && c >= 'A' && c <= 'Z')
        c += 'a' - 'A';
    if (l->literal) {
        l->literal = false;
        take(l, c, 0);
        return;
    }
    if (flow_key(l, c) || signal_key(l, c))
        return;
    if (l->stopped && (flags & IXON) && (flags & IXANY))
        l->stopped = false;
    if (c == '\r') {
        if (flags & IGNCR)
            return;
        if (flags & ICRNL)
            c = '\n';
    } else if (c == '\n' && (flags & INLCR)) {
        c = '\r';
    }
    if (!has(l, ICANON) || !edit(l, c))
        take(l, c, 0);
}

void ldisc_input(struct ldisc *l, const uint8_t *bytes, size_t n, uint64_t now)
{
    for (size_t i = 0; i < n; i++)
        input_byte(l, bytes[i]);
    if (n)
        l->last_input = now;
}

void ldisc_break(struct ldisc *l, uint64_t now)
{
    if (l->termios.iflag & IGNBRK)
        return;
    if (l->termios.iflag & BRKINT)
        raise(l, SIGNAL_INT);
    else
        take(l, 0, 0);
    l->last_input = now;
}

/* ---- what a read gets ---- */

size_t ldisc_readable(const struct ldisc *l)
{
    if (!has(l, ICANON))
        return in_count(l);
    size_t n = 0;
    for (uint32_t i = l->in_tail; l->lines && i != l->line_start; i++)
        n += !(l->input[i % LDISC_INPUT] & INPUT_EOF);
    return n;
}

bool ldisc_poll_in(const struct ldisc *l)
{
    if (has(l, ICANON))
        return l->lines > 0;
    const uint8_t *cc = l->termios.cc;
    return in_count(l) >= (cc[VMIN] && !cc[VTIME] ? cc[VMIN] : 1);
}

bool ldisc_read_ready(const struct ldisc *l, size_t wanted, uint64_t start, uint64_t now, uint64_t *deadline)
{
    size_t n = in_count(l), min = l->termios.cc[VMIN];
    uint64_t time = (uint64_t)l->termios.cc[VTIME] * TENTH;
    *deadline = 0;
    if (has(l, ICANON))
        return l->lines > 0;
    if (n && n >= (min < wanted ? min : wanted))
        return true;
    if (!time)
        return !min;
    if (!min)
        *deadline = start + time;             /* for the first byte */
    else if (n)
        *deadline = (l->last_input > start ? l->last_input : start) + time;   /* for the next byte */
    return *deadline && now >= *deadline;
}

size_t ldisc_peek(const struct ldisc *l, uint8_t *to, size_t wanted, size_t *entries)
{
    bool canonical = has(l, ICANON);
    size_t n = 0, i = 0;
    for (; i < in_count(l); i++) {
        uint16_t entry = l->input[(l->in_tail + i) % LDISC_INPUT];
        bool eof = canonical && (entry & INPUT_EOF);
        if (n == wanted && !(eof && n))
            break;                            /* an end of file just behind belongs to this read */
        if (!eof)
            to[n++] = entry;
        if (canonical && (entry & INPUT_END)) {
            i++;
            break;
        }
    }
    *entries = i;
    return n;
}

void ldisc_consume(struct ldisc *l, size_t entries)
{
    for (; entries; entries--)
        l->lines -= (l->input[l->in_tail++ % LDISC_INPUT] & INPUT_END) != 0;
}

/* ---- changing the mode ---- */

/* What was typed in raw mode becomes lines: they end where they had ended, and the last where the ring does. */
static void make_lines(struct ldisc *l)
{
    l->lines = 0;
    for (uint32_t i = l->in_tail; i != l->in_head; i++) {
        uint16_t *entry = &l->input[i % LDISC_INPUT];
        if ((uint8_t)*entry == '\n' || i + 1 == l->in_head)
            *entry |= INPUT_END;
        l->lines += (*entry & INPUT_END) != 0;
    }
    l->line_start = l->in_head;
}

void ldisc_set_termios(struct ldisc *l, const struct termios *t)
{
    bool was_canonical = has(l, ICANON);
    l->termios = *t;
    if (!(t->iflag & IXON))
        l->stopped = false;
    l->literal = l->literal && has(l, ICANON);
    if (!was_canonical && has(l, ICANON))
        make_lines(l);
}
