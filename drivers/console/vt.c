/* Bytes to actions: UTF-8, control characters, escape sequences without parameters.
 *
 *   state              a byte
 *   VT_TEXT            is shown, or is part of a UTF-8 character; ESC begins a sequence
 *   VT_ESCAPE          ESC has come: this byte says what sequence it is
 *   VT_ESCAPE_SKIP     belongs to a sequence that means nothing here; then text again
 *   VT_CHARSET         chooses the character set G0 or G1
 *   VT_CSI             parameters and the last byte of ESC [ ...: vt_csi.c
 *   VT_STRING          a title or the like, up to BEL or ESC \; nothing of it is shown
 *   VT_STRING_ESCAPE   ESC within such a string
 *   VT_PALETTE         Linux's palette sequence, which has a fixed length
 *
 * Control characters act in the middle of a sequence, too; CAN and SUB end it. */
#include "vt.h"

#include "glyphs.h"
#include "service.h"
#include "vt_csi.h"

enum { REPLACEMENT = 0xfffd, PARAMETER_MAX = 9999, PALETTE_DIGITS = 7 };
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

void vt_init(struct vt *v)
{
    memset(v, 0, sizeof *v);
    vt_reset(v);
}

/* ---- text ---- */

/* Whether a character has no width: accents that combine with the character before, and marks. */
static bool invisible(uint32_t code)
{
    return (code >= 0x300 && code < 0x370) || (code >= 0x200b && code <= 0x200f) || code == 0xfeff;
}

static void show_character(struct vt *v, uint32_t code)
{
    if (v->graphics[v->charset] && code >= 0x5f && code <= 0x7e)
        code = line_graphic(code);
    if (!invisible(code))
        vt_show(v, code);
}

/* Takes a byte of text, UTF-8 (RFC 3629). A byte that does not continue the character before it
 * ends that character, which is shown as a replacement, and may begin the next one. */
static void text_byte(struct vt *v, uint8_t byte)
{
    if (v->code_left) {
        if ((byte & 0xc0) == 0x80) {
            v->code = v->code << 6 | (byte & 0x3f);
            if (--v->code_left == 0)
                show_character(v, v->code < v->code_least || v->code > 0x10ffff ||
                                          (v->code >= 0xd800 && v->code < 0xe000)
                                      ? REPLACEMENT
                                      : v->code);
            return;
        }
        v->code_left = 0;
        show_character(v, REPLACEMENT);
    }
    if (byte < 0x80) {
        show_character(v, byte);
    } else if (byte >= 0xc2 && byte < 0xf5) {
        v->code_left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
        v->code = byte & (0x3f >> v->code_left);
        v->code_least = byte < 0xe0 ? 0x80 : byte < 0xf0 ? 0x800 : 0x10000;
    } else {
        show_character(v, REPLACEMENT);
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

static void control_character(struct vt *v, uint8_t byte)
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

static void escape_byte(struct vt *v, uint8_t byte)
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

/* A byte of ESC [ parameters final; the final one is carried out by vt_csi(). */
static void csi_byte(struct vt *v, uint8_t byte)
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

/* A byte of a string sequence (ESC ] and the like). Linux's ESC ] P and ESC ] R are none: they have
 * a fixed length. */
static void string_byte(struct vt *v, uint8_t byte)
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

/* A byte that is not a control character. */
static void other_byte(struct vt *v, uint8_t byte)
{
    switch (v->state) {
    case VT_ESCAPE: escape_byte(v, byte); break;
    case VT_ESCAPE_SKIP: v->state = VT_TEXT; break;
    case VT_CHARSET:
        v->graphics[v->charset_slot] = byte == '0';
        v->state = VT_TEXT;
        break;
    case VT_CSI: csi_byte(v, byte); break;
    case VT_PALETTE: v->state = --v->skip ? VT_PALETTE : VT_TEXT; break;
    default: text_byte(v, byte); break;
    }
}

void vt_write(struct vt *v, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = bytes[i];
        if (v->state == VT_STRING) {
            string_byte(v, byte);
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
                show_character(v, REPLACEMENT);
            }
            control_character(v, byte);
        } else if (byte != DELETE) {
            other_byte(v, byte);
        }
    }
}
