/* The VGA in text mode: see vga.h. Its memory is a device and slow to reach, so only rows that have
 * changed are copied, eight bytes at a time. */
#include "vga.h"

#include "service.h"

enum {
    TEXT = 0xb8000,
    TEXT_SIZE = 0x8000,
    CRTC = 0x3d4,
    CURSOR_START = 0x0a,
    CURSOR_END = 0x0b,
    START_HIGH = 0x0c,
    START_LOW = 0x0d,
    CURSOR_HIGH = 0x0e,
    CURSOR_LOW = 0x0f
};
enum { CURSOR_OFF = 0x20, SCAN_FIRST = 14, SCAN_LAST = 15 };
enum {
    ATTRIBUTES = 0x3c0,
    ATTRIBUTES_READ = 0x3c1,
    INPUT_STATUS = 0x3da,
    MODE = 0x10,
    PALETTE_ON = 0x20,
    BLINK = 8
};
enum { WORDS = SCREEN_COLUMNS * sizeof(cell_t) / sizeof(uint64_t) };

static volatile uint64_t *text;
static int shown_at = -1; /* where the hardware's cursor is; -1: it is off */

/* Sets a register of the CRT controller. */
static void crtc(uint8_t index, uint8_t value) { out16(CRTC, index | value << 8); }

/* Lets the upper bit of an attribute make the background bright, in place of blinking text. */
static void no_blinking(void)
{
    in8(INPUT_STATUS); /* the next write is an index */
    out8(ATTRIBUTES, MODE | PALETTE_ON);
    uint8_t mode = in8(ATTRIBUTES_READ);
    in8(INPUT_STATUS);
    out8(ATTRIBUTES, MODE | PALETTE_ON);
    out8(ATTRIBUTES, mode & ~BLINK);
}

void vga_init(void)
{
    text = map_device(TEXT, TEXT_SIZE);
    if (!text)
        die("no text memory");
    crtc(START_HIGH, 0);
    crtc(START_LOW, 0);
    crtc(CURSOR_END, SCAN_LAST);
    crtc(CURSOR_START, CURSOR_OFF);
    no_blinking();
}

/* Moves the hardware's cursor to a cell; -1 hides it. A register is only written if it changes. */
static void show_cursor(int at)
{
    if (at == shown_at)
        return;
    if (at >= 0) {
        crtc(CURSOR_HIGH, at >> 8);
        crtc(CURSOR_LOW, at);
    }
    if ((at < 0) != (shown_at < 0))
        crtc(CURSOR_START, at < 0 ? CURSOR_OFF : SCAN_FIRST);
    shown_at = at;
}

void vga_show(struct screen *s, unsigned back, bool cursor)
{
    for (int row = 0; row < SCREEN_ROWS; row++) {
        if (!(s->dirty >> row & 1))
            continue;
        uint64_t words[WORDS];
        memcpy(words, screen_view(s, row, back), sizeof words);
        for (int i = 0; i < WORDS; i++)
            text[row * WORDS + i] = words[i];
    }
    s->dirty = 0;
    show_cursor(cursor && !back ? s->row * SCREEN_COLUMNS + s->column : -1);
}
