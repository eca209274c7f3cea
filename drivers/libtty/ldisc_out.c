/* Line discipline, output side: OPOST, columns, echo. See ldisc.h. */
#include "ldisc.h"

enum { TAB = 8, DELETE = 0x7f, EXPANDED = 8 };

static bool is_control(uint8_t c) { return c < ' ' || c == DELETE; }
static bool is_continuation(const struct ldisc *l, uint8_t c) { return (l->termios.iflag & IUTF8) && (c & 0xc0) == 0x80; }

static void move_column(struct ldisc *l, uint8_t c)
{
    switch (c) {
    case '\r': l->column = 0; break;
    case '\t': l->column = (l->column | (TAB - 1)) + 1; break;
    case '\b': l->column -= l->column > 0; break;
    case '\n': l->column = l->termios.oflag & ONLRET ? 0 : l->column; break;
    default:   l->column += !is_control(c) && !is_continuation(l, c); break;
    }
}

/* What a byte becomes by the output flags: how many bytes in out. */
static size_t expand(const struct ldisc *l, uint8_t c, uint8_t out[EXPANDED])
{
    uint32_t flags = l->termios.oflag;
    size_t n = 0;
    out[0] = c;
    if (!(flags & OPOST))
        return 1;
    switch (c) {
    case '\n':
        if (flags & ONLCR)
            out[n++] = '\r';
        break;
    case '\r':
        if ((flags & ONOCR) && l->column == 0)
            return 0;
        if (flags & OCRNL)
            c = '\n';
        break;
    case '\t':
        if ((flags & TABDLY) != XTABS)
            break;
        do
            out[n++] = ' ';
        while ((l->column + n) % TAB);
        return n;
    default:
        if ((flags & OLCUC) && c >= 'a' && c <= 'z')
            c -= 'a' - 'A';
        break;
    }
    out[n++] = c;
    return n;
}

bool ldisc_post(struct ldisc *l, uint8_t c, size_t reserve)
{
    uint8_t out[EXPANDED];
    size_t n = expand(l, c, out);
    if (ldisc_out_count(l) + n + reserve > LDISC_OUTPUT)
        return false;
    for (size_t i = 0; i < n; i++) {
        l->output[l->out_head++ % LDISC_OUTPUT] = out[i];
        move_column(l, out[i]);
    }
    return true;
}

size_t ldisc_write(struct ldisc *l, const uint8_t *bytes, size_t n)
{
    size_t done = 0;
    while (done < n && ldisc_post(l, bytes[done], LDISC_ECHO))
        done++;
    return done;
}

size_t ldisc_output(struct ldisc *l, uint8_t *to, size_t max)
{
    size_t n = 0;
    while (n < max && !l->stopped && l->out_tail != l->out_head)
        to[n++] = l->output[l->out_tail++ % LDISC_OUTPUT];
    return n;
}

bool ldisc_poll_out(const struct ldisc *l) { return ldisc_out_count(l) + LDISC_ECHO < LDISC_OUTPUT / 2; }

void ldisc_flush_output(struct ldisc *l) { l->out_tail = l->out_head; }

bool ldisc_flow(struct ldisc *l, unsigned action)
{
    switch (action) {
    case TCOOFF: l->stopped = true; return true;
    case TCOON:  l->stopped = false; return true;
    case TCIOFF: return l->termios.cc[VSTOP] ? ldisc_post(l, l->termios.cc[VSTOP], 0), true : true;
    case TCION:  return l->termios.cc[VSTART] ? ldisc_post(l, l->termios.cc[VSTART], 0), true : true;
    default:     return false;
    }
}

/* ---- echo; what does not fit is not shown ---- */

static bool as_caret(const struct ldisc *l, uint8_t c)
{
    return (l->termios.lflag & ECHOCTL) && is_control(c) && c != '\t' && c != '\n';
}

void ldisc_echo(struct ldisc *l, uint8_t c)
{
    if (as_caret(l, c)) {
        ldisc_post(l, '^', 0);
        c ^= 0x40;
    }
    ldisc_post(l, c, 0);
}

void ldisc_echo_text(struct ldisc *l, const char *text)
{
    while (*text)
        ldisc_post(l, *text++, 0);
}

unsigned ldisc_width(const struct ldisc *l, uint8_t c, unsigned column)
{
    if (c == '\t')
        return TAB - column % TAB;
    if (as_caret(l, c))
        return 2;
    return !is_control(c) && !is_continuation(l, c);
}
