/* The terminal's state, without the sequences that change it: how text looks, the saved cursor, one
 * character on the screen, answers. */
#include "vt_state.h"

#include "glyphs.h"
#include "service.h"

enum { TAB = 8 };
enum { WHITE = 7, BLACK = 0, BRIGHT = 8, CYAN = 3, GREY = 8 };

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

/* ---- characters and answers ---- */

/* Whether a character takes two columns: those of East Asia, and pictures (Unicode annex 11). */
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

void vt_answer(struct vt *v, const char *text)
{
    size_t n = strlen(text);
    if (n > VT_ANSWER - v->answer_length)
        return;
    memcpy(v->answer + v->answer_length, text, n);
    v->answer_length += n;
}
