/* Bytes to actions: UTF-8, control characters, escape sequences without parameters. See vt.h. */
#include "vt.h"

#include "service.h"

enum { REPLACEMENT = 0xfffd, TAB = 8, PARAMETER_MAX = 9999, PALETTE_DIGITS = 7 };
enum {
    BELL = 7,
    BACKSPACE = 8,
    SHIFT_OUT = 14,
    SHIFT_IN = 15,
    CANCEL = 24,
    SUBSTITUTE = 26,
    ESCAPE = 27,
    DELETE = 127
};
enum { WHITE = 7, BLACK = 0, BRIGHT = 8, CYAN = 3, GREY = 8 };

/* ---- looks ---- */

void vt_apply_look(struct vt *v)
{
    const struct vt_look *l = &v->look;
    uint8_t front = l->foreground, back = l->background;
    if (l->underline && front == WHITE)
        front = CYAN; /* VGA text has no underline in colour */
    else if (l->dim)
        front = GREY;
    if (l->bold)
        front |= BRIGHT;
    v->screen.blank = back << 4 | l->foreground;
    if (l->reverse != v->reversed) {
        uint8_t other = front;
        front = back;
        back = other;
    }
    v->screen.attribute = back << 4 | front;
}

void vt_save(struct vt *v)
{
    v->saved = (struct vt_saved){
        v->screen.row, v->screen.column, v->look, v->charset, { v->graphics[0], v->graphics[1] },
        v->origin
    };
}

void vt_restore(struct vt *v)
{
    const struct vt_saved *s = &v->saved;
    v->look = s->look;
    v->charset = s->charset;
    v->graphics[0] = s->graphics[0];
    v->graphics[1] = s->graphics[1];
    v->origin = s->origin;
    vt_apply_look(v);
    screen_move(&v->screen, s->row, s->column);
}

void vt_reset(struct vt *v)
{
    v->look = (struct vt_look){ .foreground = WHITE, .background = BLACK };
    v->wrap = v->cursor_visible = true;
    v->insert = v->origin = v->newline = v->cursor_keys = v->keypad = v->reversed = v->alternate =
        false;
    v->charset = v->graphics[0] = v->graphics[1] = 0;
    v->state = VT_TEXT;
    v->code_left = 0;
    for (int i = 0; i < SCREEN_COLUMNS; i++)
        v->tabs[i] = i % TAB == 0;
    vt_apply_look(v);
    screen_init(&v->screen, v->screen.attribute);
    v->screen.keeps_history = true;
    vt_save(v);
}

void vt_init(struct vt *v)
{
    memset(v, 0, sizeof *v);
    vt_reset(v);
}

/* ---- text ---- */

/* Characters of East Asia and pictures take two columns (Unicode annex 11). */
static bool wide(uint32_t code)
{
    return (code >= 0x1100 && code < 0x1160) || (code >= 0x2e80 && code < 0xa4d0) ||
           (code >= 0xac00 && code < 0xd7a4) || (code >= 0xf900 && code < 0xfb00) ||
           (code >= 0xfe30 && code < 0xfe70) || (code >= 0xff00 && code < 0xff61) ||
           (code >= 0xffe0 && code < 0xffe7) || (code >= 0x1f300 && code < 0x1fb00) ||
           (code >= 0x20000 && code < 0x3fffe);
}

void vt_show(struct vt *v, uint32_t code)
{
    v->last = code;
    for (int i = 0; i <= wide(code); i++)
        screen_put(&v->screen, glyph(code), v->wrap, v->insert);
}

/* Accents that combine with the character before, and marks without a width. */
static bool invisible(uint32_t code)
{
    return (code >= 0x300 && code < 0x370) || (code >= 0x200b && code <= 0x200f) || code == 0xfeff;
}

static void character(struct vt *v, uint32_t code)
{
    if (v->graphics[v->charset] && code >= 0x5f && code <= 0x7e)
        code = line_graphic(code);
    if (!invisible(code))
        vt_show(v, code);
}

/* UTF-8 (RFC 3629): a byte that does not fit shows as a replacement, and what it begins is looked
 * at anew. */
static void text(struct vt *v, uint8_t byte)
{
    if (v->code_left) {
        if ((byte & 0xc0) == 0x80) {
            v->code = v->code << 6 | (byte & 0x3f);
            if (--v->code_left == 0)
                character(v, v->code < v->code_least || v->code > 0x10ffff ||
                                     (v->code >= 0xd800 && v->code < 0xe000)
                                 ? REPLACEMENT
                                 : v->code);
            return;
        }
        v->code_left = 0;
        character(v, REPLACEMENT);
    }
    if (byte < 0x80) {
        character(v, byte);
    } else if (byte >= 0xc2 && byte < 0xf5) {
        v->code_left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
        v->code = byte & (0x3f >> v->code_left);
        v->code_least = byte < 0xe0 ? 0x80 : byte < 0xf0 ? 0x800 : 0x10000;
    } else {
        character(v, REPLACEMENT);
    }
}

static void line_feed(struct vt *v)
{
    screen_down(&v->screen);
    if (v->newline)
        v->screen.column = 0;
}

static void tab(struct vt *v)
{
    int column = v->screen.column;
    while (column < SCREEN_COLUMNS - 1 && !v->tabs[++column])
        ;
    screen_move(&v->screen, v->screen.row, column);
}

/* Control characters work in the middle of a sequence too. */
static void control(struct vt *v, uint8_t byte)
{
    struct screen *s = &v->screen;
    switch (byte) {
    case BELL: v->bell = true; break;
    case BACKSPACE: screen_move(s, s->row, s->column - 1); break;
    case '\t': tab(v); break;
    case '\n':
    case '\v':
    case '\f': line_feed(v); break;
    case '\r': screen_move(s, s->row, 0); break;
    case SHIFT_OUT: v->charset = 1; break;
    case SHIFT_IN: v->charset = 0; break;
    case CANCEL:
    case SUBSTITUTE: v->state = VT_TEXT; break;
    case ESCAPE: v->state = VT_ESCAPE; break;
    default: break;
    }
}

/* ---- sequences ---- */

void vt_answer(struct vt *v, const char *text)
{
    size_t n = strlen(text);
    if (n > VT_ANSWER - v->answer_length)
        return;
    memcpy(v->answer + v->answer_length, text, n);
    v->answer_length += n;
}

static void escape(struct vt *v, uint8_t byte)
{
    v->state = VT_TEXT;
    switch (byte) {
    case '[':
        v->state = VT_CSI;
        v->prefix = v->intermediate = 0;
        v->count = 0;
        memset(v->parameters, 0, sizeof v->parameters);
        break;
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
        v->state = VT_STRING;
        v->prefix = byte;
        v->count = 0;
        break;
    case '(':
    case ')':
        v->state = VT_CHARSET;
        v->charset_slot = byte - '(';
        break;
    case '%':
    case '#':
    case '*':
    case '+':
    case ' ': v->state = VT_ESCAPE_SKIP; break;
    case '7': vt_save(v); break;
    case '8': vt_restore(v); break;
    case 'D': screen_down(&v->screen); break;
    case 'E':
        v->screen.column = 0;
        screen_down(&v->screen);
        break;
    case 'H': v->tabs[v->screen.column] = 1; break;
    case 'M': screen_up(&v->screen); break;
    case 'Z': vt_answer(v, VT_ATTRIBUTES); break;
    case 'c': vt_reset(v); break;
    case '=': v->keypad = true; break;
    case '>': v->keypad = false; break;
    default: break;
    }
}

static void csi(struct vt *v, uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        unsigned *p = &v->parameters[MIN(v->count, (unsigned)VT_PARAMETERS - 1)];
        *p = MIN(*p * 10 + (byte - '0'), (unsigned)PARAMETER_MAX);
    } else if (byte == ';' || byte == ':') {
        v->count += v->count < VT_PARAMETERS - 1;
    } else if (byte >= '<' && byte <= '?') {
        v->prefix = byte;
    } else if (byte >= ' ' && byte <= '/') {
        v->intermediate = byte;
    } else if (byte == '[') {
        v->state = VT_ESCAPE_SKIP; /* ESC [ [ x: a function key that was echoed */
    } else {
        v->state = VT_TEXT;
        v->count++;
        if (byte >= '@' && byte <= '~' && !v->intermediate)
            vt_csi(v, byte);
    }
}

/* Titles and the like run up to BEL or ESC \. Linux's palette sequences have a fixed length
 * instead. */
static void string(struct vt *v, uint8_t byte)
{
    bool first = v->count++ == 0 && v->prefix == ']';
    if (first && byte == 'P') {
        v->state = VT_PALETTE;
        v->skip = PALETTE_DIGITS;
    } else if ((first && byte == 'R') || byte == BELL || byte == CANCEL || byte == SUBSTITUTE) {
        v->state = VT_TEXT;
    } else if (byte == ESCAPE) {
        v->state = VT_STRING_ESCAPE;
    }
}

static void sequence(struct vt *v, uint8_t byte)
{
    switch (v->state) {
    case VT_ESCAPE: escape(v, byte); break;
    case VT_ESCAPE_SKIP: v->state = VT_TEXT; break;
    case VT_CHARSET:
        v->graphics[v->charset_slot] = byte == '0';
        v->state = VT_TEXT;
        break;
    case VT_CSI: csi(v, byte); break;
    case VT_PALETTE: v->state = --v->skip ? VT_PALETTE : VT_TEXT; break;
    default: text(v, byte); break;
    }
}

void vt_write(struct vt *v, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = bytes[i];
        if (v->state == VT_STRING) {
            string(v, byte);
            continue;
        }
        if (v->state == VT_STRING_ESCAPE) {
            v->state = byte == '\\' ? VT_TEXT : VT_ESCAPE;
            if (byte == '\\')
                continue;
        }
        if (byte < ' ') {
            if (v->code_left) {
                v->code_left = 0;
                character(v, REPLACEMENT);
            }
            control(v, byte);
        } else if (byte != DELETE) {
            sequence(v, byte);
        }
    }
}
