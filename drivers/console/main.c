/* console: the terminal tty1, VGA text and PS/2 keyboard. The keyboard's controller: IBM PS/2
 * Hardware Interface Technical Reference, Keyboard and Auxiliary Device Controller.
 *
 *     key -> interrupt() -> keyboard_scan() -> terminal_input()      libtty: lines, echo, signals
 *                                                   |
 *     screen <- vga_show() <- vt_write() <- terminal_take()          output_start(): all at once
 *
 * The screen takes output as fast as it comes, so output never waits but while it is stopped. */
#include "keyboard.h"
#include "service.h"
#include "syscalls.h"
#include "terminal.h"
#include "vga.h"
#include "vt.h"

enum { MINOR = DEVICE_MINOR(DEV_TTY1), IRQ = 1, BIT_IRQ = 0 };
enum { DATA = 0x60, STATUS = 0x64, COMMAND = 0x64, HAS_BYTE = 1, BUSY = 2, OF_MOUSE = 0x20 };
enum {
    READ_CONFIGURATION = 0x20,
    WRITE_CONFIGURATION = 0x60,
    ENABLE_KEYBOARD = 0xae,
    KEYBOARD_INTERRUPT = 1,
    NO_KEYBOARD = 0x10,
    TRANSLATE = 0x40
};
enum { POLLS = 1000, BYTES_AT_ONCE = 64, CHUNK = 256 };

static struct terminal terminal;
static struct vt vt;
static struct keyboard keyboard;
static unsigned back; /* how many lines before the newest are shown */

/* Has the kernel write all threads, and what each waits for, to the boot log. */
static void log_threads(void) { ask_trace(TRACE_DUMP, 0, NULL, 0); }

/* Scrolls the view `lines` further back into the history; negative: on towards the newest. */
static void look_back(int lines)
{
    int to = (int)back + lines;
    back = to < 0 ? 0 : MIN((unsigned)to, vt.screen.history_count);
    vt.screen.dirty = (1u << SCREEN_ROWS) - 1;
    vga_show(&vt.screen, back, vt.cursor_visible);
}

/* terminal.start: puts all output on the screen, and an answer of the terminal into the input.
 * Output ends a look at the history. */
static void output_start(struct terminal *t)
{
    uint8_t bytes[CHUNK];
    for (size_t n; (n = terminal_take(t, bytes, sizeof bytes));) {
        vt_write(&vt, bytes, n);
        if (vt.answer_length) {
            n = vt.answer_length;
            vt.answer_length = 0;
            terminal_input(t, vt.answer, n);
        }
    }
    if (back) {
        back = 0;
        vt.screen.dirty = (1u << SCREEN_ROWS) - 1;
    }
    keyboard.cursor_keys = vt.cursor_keys;
    vga_show(&vt.screen, 0, vt.cursor_visible);
}

static void key_changed(uint8_t code)
{
    uint8_t bytes[KEYBOARD_MAX];
    size_t n = keyboard_scan(&keyboard, code, bytes);
    switch (keyboard.action) {
    case KEYBOARD_LOOK_BACK: look_back(SCREEN_ROWS / 2); break;
    case KEYBOARD_LOOK_ON: look_back(-(SCREEN_ROWS / 2)); break;
    case KEYBOARD_DEBUG: log_threads(); break;
    default: break;
    }
    if (n)
        terminal_input(&terminal, bytes, n);
}

static void interrupt(uint64_t bits)
{
    if (!(bits >> BIT_IRQ & 1))
        return;
    uint8_t status;
    for (int i = 0; i < BYTES_AT_ONCE && (status = in8(STATUS)) & HAS_BYTE; i++) {
        uint8_t code = in8_once(DATA);
        if (!(status & OF_MOUSE))
            key_changed(code);
    }
    terminal_settle(&terminal);
    irq_ack(IRQ);
}

/* Gives the controller a command when it is ready for one. */
static void controller_command(uint8_t byte)
{
    for (int i = 0; i < POLLS && in8(STATUS) & BUSY; i++)
        ;
    out8(COMMAND, byte);
}

/* Drops bytes that the controller still holds: while one is there no interrupt comes. */
static void controller_drain(void)
{
    for (int i = 0; i < BYTES_AT_ONCE && in8(STATUS) & HAS_BYTE; i++)
        in8(DATA);
}

/* Switches the keyboard, its interrupt and the translation to set 1 on. Waits for the controller no
 * longer than POLLS reads: a machine without one still has its screen. */
static void keyboard_init(void)
{
    controller_drain();
    controller_command(ENABLE_KEYBOARD);
    controller_command(READ_CONFIGURATION);
    for (int i = 0; i < POLLS && !(in8(STATUS) & HAS_BYTE); i++)
        ;
    uint8_t configuration = in8(DATA);
    controller_command(WRITE_CONFIGURATION);
    for (int i = 0; i < POLLS && in8(STATUS) & BUSY; i++)
        ;
    out8(DATA, (configuration | KEYBOARD_INTERRUPT | TRANSLATE) & ~NO_KEYBOARD);
    irq_bind(IRQ, BIT_IRQ);
    controller_drain();
}

int main(void)
{
    vt_init(&vt);
    vga_init();
    vga_show(&vt.screen, 0, true);
    keyboard_init();
    terminal.number = DEV_TTY1;
    terminal.winsize = (struct winsize){ .rows = SCREEN_ROWS, .cols = SCREEN_COLUMNS };
    terminal.start = output_start;
    terminal_serve(&terminal, 1, interrupt);
}
