/* The screen as an array of cells: see screen.h. The history is a ring of rows that have scrolled
 * off the top; history_next is the place of the next one. */
#include "screen.h"

#include "service.h"

enum { BLANK = ' ' };

static int limit(int n, int low, int high) { return n < low ? low : n > high ? high : n; }
static void mark_row(struct screen *s, int row) { s->dirty |= 1u << row; }

static void fill(cell_t *cells, int n, uint8_t attribute)
{
    for (int i = 0; i < n; i++)
        cells[i] = BLANK | attribute << 8;
}

void screen_init(struct screen *s, uint8_t attribute)
{
    s->row = s->column = s->top = 0;
    s->bottom = SCREEN_ROWS - 1;
    s->wrap_next = false;
    s->attribute = s->blank = attribute;
    screen_erase(s, 0, 0, SCREEN_ROWS - 1, SCREEN_COLUMNS - 1);
}

void screen_move(struct screen *s, int row, int column)
{
    s->row = limit(row, 0, SCREEN_ROWS - 1);
    s->column = limit(column, 0, SCREEN_COLUMNS - 1);
    s->wrap_next = false;
}

void screen_put(struct screen *s, uint8_t character, bool wrap, bool insert)
{
    if (s->wrap_next && wrap) {
        s->column = 0;
        screen_down(s);
    }
    s->wrap_next = false;
    if (insert)
        screen_insert(s, 1);
    s->cells[s->row][s->column] = character | s->attribute << 8;
    mark_row(s, s->row);
    if (s->column < SCREEN_COLUMNS - 1)
        s->column++;
    else
        s->wrap_next = true;
}

void screen_down(struct screen *s)
{
    s->wrap_next = false;
    if (s->row == s->bottom)
        screen_scroll_up(s, s->top, 1);
    else if (s->row < SCREEN_ROWS - 1)
        s->row++;
}

void screen_up(struct screen *s)
{
    s->wrap_next = false;
    if (s->row == s->top)
        screen_scroll_down(s, s->top, 1);
    else if (s->row > 0)
        s->row--;
}

/* Keeps a row that scrolls off the top. */
static void remember_row(struct screen *s, const cell_t *row)
{
    memcpy(s->history[s->history_next], row, sizeof s->history[0]);
    s->history_next = (s->history_next + 1) % SCREEN_HISTORY;
    if (s->history_count < SCREEN_HISTORY)
        s->history_count++;
}

/* Marks all rows of the region from `from` on. */
static void mark_rows(struct screen *s, int from)
{
    for (int row = from; row <= s->bottom; row++)
        mark_row(s, row);
}

void screen_scroll_up(struct screen *s, int from, int n)
{
    n = limit(n, 0, s->bottom - from + 1);
    for (int i = 0; i < n && from == 0 && s->keeps_history; i++)
        remember_row(s, s->cells[i]);
    memmove(s->cells[from], s->cells[from + n], (s->bottom - from + 1 - n) * sizeof s->cells[0]);
    fill(s->cells[s->bottom + 1 - n], n * SCREEN_COLUMNS, s->blank);
    mark_rows(s, from);
}

void screen_scroll_down(struct screen *s, int from, int n)
{
    n = limit(n, 0, s->bottom - from + 1);
    memmove(s->cells[from + n], s->cells[from], (s->bottom - from + 1 - n) * sizeof s->cells[0]);
    fill(s->cells[from], n * SCREEN_COLUMNS, s->blank);
    mark_rows(s, from);
}

void screen_erase(struct screen *s, int row, int column, int row2, int column2)
{
    for (int r = row; r <= row2; r++) {
        int first = r == row ? column : 0, last = r == row2 ? column2 : SCREEN_COLUMNS - 1;
        if (last >= first)
            fill(&s->cells[r][first], last - first + 1, s->blank);
        mark_row(s, r);
    }
}

void screen_insert(struct screen *s, int n)
{
    cell_t *at = &s->cells[s->row][s->column];
    int rest = SCREEN_COLUMNS - s->column;
    n = limit(n, 0, rest);
    memmove(at + n, at, (rest - n) * sizeof *at);
    fill(at, n, s->blank);
    mark_row(s, s->row);
}

void screen_delete(struct screen *s, int n)
{
    cell_t *at = &s->cells[s->row][s->column];
    int rest = SCREEN_COLUMNS - s->column;
    n = limit(n, 0, rest);
    memmove(at, at + n, (rest - n) * sizeof *at);
    fill(at + rest - n, n, s->blank);
    mark_row(s, s->row);
}

const cell_t *screen_view(const struct screen *s, int row, unsigned back)
{
    if (back > s->history_count)
        back = s->history_count;
    if (row >= (int)back)
        return s->cells[row - back];
    return s->history[(s->history_next + SCREEN_HISTORY - back + row) % SCREEN_HISTORY];
}
