/* The state of the terminal that programs write to, and the actions on it that both text and
 * sequences need. Pure logic. */
#ifndef VT_STATE_H
#define VT_STATE_H

#include <stddef.h>

#include "screen.h"

enum { VT_PARAMETERS = 16, VT_ANSWER = 64 };

/* The terminal's answer to a program that asks for its kind: a VT102. */
#define VT_ATTRIBUTES "\033[?6c"

/* How the next byte is taken: vt.c has a table. */
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

/* The state that DECSC saves and DECRC brings back. */
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
    bool bell;                          /* BEL has come */
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

    /* answers of the terminal, which the program reads as if they were typed */
    uint8_t answer[VT_ANSWER];
    size_t answer_length;
};

/* As after power-on, the screen blank. */
void vt_reset(struct vt *v);
/* Makes the screen write and erase as v->look says. */
void vt_apply_look(struct vt *v);
/* Shows one character at the cursor; it takes two cells if it is a wide one. */
void vt_show(struct vt *v, uint32_t code);
/* Adds to v->answer; left out when there is no room. */
void vt_answer(struct vt *v, const char *text);
/* Saves cursor, look and character sets (DECSC), and brings them back. */
void vt_save(struct vt *v);
void vt_restore(struct vt *v);

#endif
