/* The terminal that programs write to: UTF-8 text with control characters and escape sequences,
 * those of a VT100/VT220 (ECMA-48; DEC VT220 Programmer Reference, chapters 4 and 5) as Linux's
 * console knows them (console_codes(4)). Pure logic. */
#ifndef VT_H
#define VT_H

#include <stddef.h>

#include "screen.h"

enum { VT_PARAMETERS = 16, VT_ANSWER = 64 };

/* What it says of itself: a VT102. */
#define VT_ATTRIBUTES "\033[?6c"

enum vt_state {
    VT_TEXT,
    VT_ESCAPE,
    VT_ESCAPE_SKIP,
    VT_CHARSET,
    VT_CSI,
    VT_STRING,
    VT_STRING_ESCAPE,
    VT_PALETTE
};

/* How text looks, as SGR says. */
struct vt_look {
    uint8_t foreground, background;
    bool bold, dim, underline, blink, reverse;
};

/* What DECSC saves. */
struct vt_saved {
    int row, column;
    struct vt_look look;
    uint8_t charset;
    uint8_t graphics[2];
    bool origin;
};

struct vt {
    struct screen screen;
    struct vt_look look;
    bool wrap, insert, origin, newline; /* modes 7, 4, 6, 20 */
    bool cursor_visible;                /* mode 25 */
    bool cursor_keys;                   /* mode 1: arrows send ESC O in place of ESC [ */
    bool keypad;                        /* ESC = : no digits from the keypad */
    bool reversed;                      /* mode 5: the whole screen */
    bool alternate;                     /* mode 1049 */
    bool bell;                          /* was asked for */
    uint8_t charset, graphics[2];       /* G0 or G1; which of them are line graphics */
    uint8_t tabs[SCREEN_COLUMNS];
    struct vt_saved saved, saved_main;
    cell_t main_cells[SCREEN_ROWS][SCREEN_COLUMNS]; /* while the alternate screen is shown */

    enum vt_state state;
    char prefix, intermediate; /* '?' and the like; ' ' ... '/' within a sequence */
    unsigned count, parameters[VT_PARAMETERS];
    unsigned skip; /* bytes of a palette sequence yet to come */
    unsigned charset_slot;
    uint32_t code; /* a UTF-8 character being put together */
    unsigned code_left;
    uint32_t code_least;
    uint32_t last; /* the last character shown, for REP */

    /* what the terminal says to the program: to be typed in */
    uint8_t answer[VT_ANSWER];
    size_t answer_length;
};

void vt_init(struct vt *v);
void vt_write(struct vt *v, const uint8_t *bytes, size_t n);

/* vt_csi.c: ESC [ parameters final. */
void vt_csi(struct vt *v, char final);
/* The attribute of the screen follows the look. */
void vt_apply_look(struct vt *v);
void vt_show(struct vt *v, uint32_t code); /* one character at the cursor */
void vt_answer(struct vt *v, const char *text);
void vt_save(struct vt *v);
void vt_restore(struct vt *v);
void vt_reset(struct vt *v);

/* glyphs.c: the VGA's character for a Unicode code point, or for one of DEC's line graphics. */
uint8_t glyph(uint32_t code);
uint32_t line_graphic(uint8_t byte);

#endif
