/* The screen as an array of cells with a cursor, on which escape sequences act. vga.c copies the
 * rows that are marked dirty to where they can be seen. Rows and columns count from 0. Pure logic.
 */
#ifndef SCREEN_H
#define SCREEN_H

#include <stdbool.h>
#include <stdint.h>

enum { SCREEN_ROWS = 25, SCREEN_COLUMNS = 80, SCREEN_HISTORY = 200 };

typedef uint16_t cell_t; /* as VGA text memory has it: character, attribute << 8 */

struct screen {
    cell_t cells[SCREEN_ROWS][SCREEN_COLUMNS];
    uint32_t dirty;  /* bit set of rows that have changed */
    int row, column; /* the cursor */
    /* the last column has been written, and the next character goes to the next line (VT100) */
    bool wrap_next;
    int top, bottom;    /* the scrolling region, both included */
    uint8_t attribute;  /* of characters that are written */
    uint8_t blank;      /* of cells that are erased: the background alone */
    bool keeps_history; /* rows that scroll off the top are kept */
    cell_t history[SCREEN_HISTORY][SCREEN_COLUMNS];
    unsigned history_next, history_count;
};

/* A blank screen, the cursor at its beginning, the region all of it. The history stays. */
void screen_init(struct screen *s, uint8_t attribute);
/* Moves the cursor, within the screen. */
void screen_move(struct screen *s, int row, int column);
/* Writes one character at the cursor and moves the cursor on; behind the last column to the next
 * line, if `wrap`. With `insert` the rest of the line moves on before. */
void screen_put(struct screen *s, uint8_t character, bool wrap, bool insert);
/* Line feed and its reverse: at the edge of the region they scroll. */
void screen_down(struct screen *s);
void screen_up(struct screen *s);
/* Moves the text from row `from` to the region's bottom up or down by n rows; blank rows follow. */
void screen_scroll_up(struct screen *s, int from, int n);
void screen_scroll_down(struct screen *s, int from, int n);
/* Blanks the cells from (row, column) to (row2, column2), both included, in reading order. */
void screen_erase(struct screen *s, int row, int column, int row2, int column2);
void screen_insert(struct screen *s, int n); /* inserts blank characters at the cursor */
void screen_delete(struct screen *s, int n); /* deletes characters at the cursor */
/* The cells of a row of the view that is scrolled `back` lines into the history. Valid until the
 * screen changes. */
const cell_t *screen_view(const struct screen *s, int row, unsigned back);

#endif
