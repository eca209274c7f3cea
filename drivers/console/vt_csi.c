/* Control sequences, ESC [ parameters final (ECMA-48, 8.3; Linux: console_codes(4)). Rows and
 * columns count from 1 in parameters, from 0 on the screen. */
#include "vt_csi.h"

#include "service.h"

enum { FOREGROUND = 7, BACKGROUND = 0 };

/* Parameter number i, or `otherwise` if it is left out or 0. */
static unsigned parameter(const struct vt *v, unsigned i, unsigned otherwise)
{
    return i < v->count && v->parameters[i] ? v->parameters[i] : otherwise;
}

/* ---- SGR: how text looks ---- */

/* The VGA's number of a colour: in ANSI's red is 1, green 2, blue 4; in VGA's blue is 1, red 4. */
static uint8_t vga_colour(unsigned ansi)
{
    return (ansi & 1) << 2 | (ansi & 2) | (ansi & 4) >> 2 | (ansi & 8);
}

/* The one of the 16 colours that is most like red, green and blue of 0 to 255 each. */
static uint8_t nearest(unsigned red, unsigned green, unsigned blue)
{
    unsigned most = MAX(red, MAX(green, blue)), half = most / 2;
    if (most < 48)
        return 0;
    return vga_colour((red > half) | (green > half) << 1 | (blue > half) << 2 | (most > 191) << 3);
}

/* The VGA's colour for one of the 256 of xterm: 16 of ANSI, a cube of 6 x 6 x 6, greys. */
static uint8_t of_256(unsigned n)
{
    enum { CUBE = 16, GREYS = 232, STEP = 51 };
    if (n < CUBE)
        return vga_colour(n);
    if (n >= GREYS)
        return n < GREYS + 6 ? 0 : n < GREYS + 14 ? 8 : n < GREYS + 20 ? 7 : 15;
    n -= CUBE;
    return nearest(n / 36 * STEP, n / 6 % 6 * STEP, n % 6 * STEP);
}

/* Reads the colour behind parameter i, 38 or 48: returns how many parameters it takes. */
static unsigned extended_colour(struct vt *v, unsigned i, uint8_t *colour)
{
    if (i + 2 < v->count && v->parameters[i + 1] == 5) {
        *colour = of_256(v->parameters[i + 2] & 255);
        return 2;
    }
    if (i + 4 < v->count && v->parameters[i + 1] == 2) {
        *colour = nearest(v->parameters[i + 2], v->parameters[i + 3], v->parameters[i + 4]);
        return 4;
    }
    return 0;
}

/* SGR: each parameter changes one thing of the look. */
static void set_look(struct vt *v)
{
    struct vt_look *l = &v->look;
    for (unsigned i = 0; i < v->count; i++) {
        unsigned p = v->parameters[i];
        switch (p) {
        case 0: *l = (struct vt_look){ .foreground = FOREGROUND, .background = BACKGROUND }; break;
        case 1:
            l->bold = true;
            l->dim = false;
            break;
        case 2:
            l->dim = true;
            l->bold = false;
            break;
        case 4: l->underline = true; break;
        case 5: l->blink = true; break;
        case 7: l->reverse = true; break;
        case 10: v->charset = 0; break;
        case 11:
        case 12: v->charset = 1; break;
        case 21:
        case 22: l->bold = l->dim = false; break;
        case 24: l->underline = false; break;
        case 25: l->blink = false; break;
        case 27: l->reverse = false; break;
        case 38: i += extended_colour(v, i, &l->foreground); break;
        case 39: l->foreground = FOREGROUND; break;
        case 48: i += extended_colour(v, i, &l->background); break;
        case 49: l->background = BACKGROUND; break;
        default:
            if (p >= 30 && p <= 37)
                l->foreground = vga_colour(p - 30);
            else if (p >= 40 && p <= 47)
                l->background = vga_colour(p - 40);
            else if (p >= 90 && p <= 97)
                l->foreground = vga_colour(p - 90 + 8);
            else if (p >= 100 && p <= 107)
                l->background = vga_colour(p - 100 + 8);
        }
    }
    vt_apply_look(v);
}

/* ---- modes ---- */

/* Enters or leaves the alternate screen, which vi and less draw on; leaving brings the main screen
 * back, and `with_cursor` its cursor. */
static void show_alternate(struct vt *v, bool on, bool with_cursor)
{
    struct screen *s = &v->screen;
    if (on == v->alternate)
        return;
    v->alternate = on;
    s->keeps_history = !on;
    if (on) {
        if (with_cursor) {
            vt_save(v);
            v->saved_main = v->saved;
        }
        memcpy(v->main_cells, s->cells, sizeof s->cells);
        screen_erase(s, 0, 0, SCREEN_ROWS - 1, SCREEN_COLUMNS - 1);
    } else {
        memcpy(s->cells, v->main_cells, sizeof s->cells);
        s->dirty = (1u << SCREEN_ROWS) - 1;
        if (with_cursor) {
            v->saved = v->saved_main;
            vt_restore(v);
        }
    }
}

static void home(struct vt *v) { screen_move(&v->screen, v->origin ? v->screen.top : 0, 0); }

/* Mode 5: exchanges foreground and background of the whole screen, text that is there included. */
static void reverse_all(struct vt *v, bool on)
{
    if (on == v->reversed)
        return;
    v->reversed = on;
    for (int r = 0; r < SCREEN_ROWS; r++)
        for (int c = 0; c < SCREEN_COLUMNS; c++) {
            cell_t *cell = &v->screen.cells[r][c];
            *cell = (*cell & 0xff) | (*cell & 0xf000) >> 4 | (*cell & 0x0f00) << 4;
        }
    v->screen.dirty = (1u << SCREEN_ROWS) - 1;
    vt_apply_look(v);
}

/* A DEC mode, ESC [ ? n h or l. */
static void private_mode(struct vt *v, unsigned mode, bool on)
{
    switch (mode) {
    case 1: v->cursor_keys = on; break;
    case 5: reverse_all(v, on); break;
    case 6:
        v->origin = on;
        home(v);
        break;
    case 7: v->wrap = on; break;
    case 25: v->cursor_visible = on; break;
    case 47:
    case 1047: show_alternate(v, on, false); break;
    case 1048:
        if (on)
            vt_save(v);
        else
            vt_restore(v);
        break;
    case 1049: show_alternate(v, on, true); break;
    default: break;
    }
}

static void set_modes(struct vt *v, bool on)
{
    for (unsigned i = 0; i < v->count; i++) {
        if (v->prefix == '?')
            private_mode(v, v->parameters[i], on);
        else if (v->parameters[i] == 4)
            v->insert = on;
        else if (v->parameters[i] == 20)
            v->newline = on;
    }
}

/* ---- answers to the program ---- */

static void answer_status(struct vt *v)
{
    char place[32];
    format(place, sizeof place, "\033[%d;%dR", v->screen.row + 1 - (v->origin ? v->screen.top : 0),
           v->screen.column + 1);
    if (v->parameters[0] == 5)
        vt_answer(v, "\033[0n");
    else if (v->parameters[0] == 6)
        vt_answer(v, place);
}

/* ---- places ---- */

static void erase_display(struct vt *v)
{
    struct screen *s = &v->screen;
    int last = SCREEN_ROWS - 1, edge = SCREEN_COLUMNS - 1;
    switch (v->parameters[0]) {
    case 0: screen_erase(s, s->row, s->column, last, edge); break;
    case 1: screen_erase(s, 0, 0, s->row, s->column); break;
    case 3: s->history_count = 0; /* fallthrough */
    case 2: screen_erase(s, 0, 0, last, edge); break;
    default: break;
    }
}

static void erase_line(struct vt *v)
{
    struct screen *s = &v->screen;
    unsigned which = v->parameters[0];
    if (which <= 2)
        screen_erase(s, s->row, which == 0 ? s->column : 0, s->row,
                     which == 1 ? s->column : SCREEN_COLUMNS - 1);
}

static void set_region(struct vt *v)
{
    int top = parameter(v, 0, 1) - 1, bottom = (int)parameter(v, 1, SCREEN_ROWS) - 1;
    if (bottom >= SCREEN_ROWS)
        bottom = SCREEN_ROWS - 1;
    if (top >= bottom)
        return;
    v->screen.top = top;
    v->screen.bottom = bottom;
    home(v);
}

/* Moves the cursor up or down; the edge of the region stops it if it is inside. */
static void move_vertically(struct vt *v, int n)
{
    struct screen *s = &v->screen;
    int low = s->row >= s->top ? s->top : 0,
        high = s->row <= s->bottom ? s->bottom : SCREEN_ROWS - 1;
    int row = s->row + n;
    screen_move(s, row < low ? low : row > high ? high : row, s->column);
}

/* Moves the cursor to a place, which in origin mode counts from the region's first row. */
static void place_cursor(struct vt *v, int row, int column)
{
    struct screen *s = &v->screen;
    if (v->origin) {
        row += s->top;
        if (row > s->bottom)
            row = s->bottom;
    }
    screen_move(s, row, column);
}

static void insert_or_delete_lines(struct vt *v, bool insert)
{
    struct screen *s = &v->screen;
    if (s->row < s->top || s->row > s->bottom)
        return;
    bool keeps = s->keeps_history;
    s->keeps_history = false; /* a deleted line does not belong into the history */
    if (insert)
        screen_scroll_down(s, s->row, parameter(v, 0, 1));
    else
        screen_scroll_up(s, s->row, parameter(v, 0, 1));
    s->keeps_history = keeps;
    screen_move(s, s->row, 0);
}

static void clear_tab_stops(struct vt *v)
{
    if (v->parameters[0] == 0)
        v->tabs[v->screen.column] = 0;
    else if (v->parameters[0] == 3)
        memset(v->tabs, 0, sizeof v->tabs);
}

/* Goes on by n tab stops, or back (direction -1). */
static void move_by_tabs(struct vt *v, int direction, unsigned n)
{
    int column = v->screen.column;
    while (n-- && column + direction >= 0 && column + direction < SCREEN_COLUMNS)
        do
            column += direction;
        while (column > 0 && column < SCREEN_COLUMNS - 1 && !v->tabs[column]);
    screen_move(&v->screen, v->screen.row, column);
}

static void repeat_last(struct vt *v, unsigned n)
{
    for (n = MIN(n, (unsigned)SCREEN_ROWS * SCREEN_COLUMNS); n && v->last; n--)
        vt_show(v, v->last);
}

void vt_csi(struct vt *v, char final)
{
    struct screen *s = &v->screen;
    int n = parameter(v, 0, 1);
    if (v->prefix && final != 'h' && final != 'l')
        return;
    switch (final) {
    case '@': screen_insert(s, n); break;
    case 'A': move_vertically(v, -n); break;
    case 'B':
    case 'e': move_vertically(v, n); break;
    case 'C':
    case 'a': screen_move(s, s->row, s->column + n); break;
    case 'D': screen_move(s, s->row, s->column - n); break;
    case 'E':
        move_vertically(v, n);
        s->column = 0;
        break;
    case 'F':
        move_vertically(v, -n);
        s->column = 0;
        break;
    case 'G':
    case '`': screen_move(s, s->row, n - 1); break;
    case 'H':
    case 'f': place_cursor(v, n - 1, (int)parameter(v, 1, 1) - 1); break;
    case 'I': move_by_tabs(v, 1, n); break;
    case 'J': erase_display(v); break;
    case 'K': erase_line(v); break;
    case 'L': insert_or_delete_lines(v, true); break;
    case 'M': insert_or_delete_lines(v, false); break;
    case 'P': screen_delete(s, n); break;
    case 'S': screen_scroll_up(s, s->top, n); break;
    case 'T': screen_scroll_down(s, s->top, n); break;
    case 'X':
        screen_erase(s, s->row, s->column, s->row, MIN(s->column + n, SCREEN_COLUMNS) - 1);
        break;
    case 'Z': move_by_tabs(v, -1, n); break;
    case 'b': repeat_last(v, n); break;
    case 'c': vt_answer(v, VT_ATTRIBUTES); break;
    case 'd': place_cursor(v, n - 1, s->column); break;
    case 'g': clear_tab_stops(v); break;
    case 'h': set_modes(v, true); break;
    case 'l': set_modes(v, false); break;
    case 'm': set_look(v); break;
    case 'n': answer_status(v); break;
    case 'r': set_region(v); break;
    case 's': vt_save(v); break;
    case 'u': vt_restore(v); break;
    default: break;
    }
}
