/* Scan codes to bytes: see keyboard.h. The codes: IBM Personal System/2 Technical Reference,
 * Keyboards, set 1; Linux: console_codes(4), terminfo entry "linux".
 *
 * A key sends one byte when it goes down, and the same byte with bit 7 set when it goes up. Keys
 * that the first keyboards lacked send 0xe0 before it, and the code of a key of the keypad or of a
 * left modifier: Home is 0xe0 and the code of keypad 7. Pause sends six bytes, and nothing when it
 * goes up. */
#include "keyboard.h"

#include "service.h"

enum { RELEASED = 0x80, EXTENDED = 0xe0, PAUSE = 0xe1, ESCAPE = 27, DELETE = 127 };
enum {
    KEY_ESCAPE = 0x01,
    KEY_ENTER = 0x1c,
    KEY_CONTROL = 0x1d,
    KEY_SHIFT = 0x2a,
    KEY_SHIFT_RIGHT = 0x36,
    KEY_ALT = 0x38,
    KEY_CAPS = 0x3a,
    KEY_F1 = 0x3b,
    KEY_F10 = 0x44,
    KEY_NUM = 0x45,
    KEY_PAD = 0x47,
    KEY_PAD_LAST = 0x53,
    KEY_F11 = 0x57,
    KEY_F12 = 0x58,
    KEY_SLASH = 0x35,
    KEY_PAGE_UP = 0x49,
    KEY_PAGE_DOWN = 0x51
};

/* The characters of the keys from scan code 0 on, without and with Shift. 0: the key has none. */
static const char plain[] =
    "\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
    "\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";
/* The block of keys 0x47 to 0x53. With Num Lock each sends the character in the first line;
 * without, ESC [ and the letter in the second, or ESC [ n ~ with that digit. */
static const char pad_digits[] = "789-456+1230.";
static const char pad_keys[] = "1A5-DGC+4B623";

static size_t write_text(uint8_t *to, const char *text)
{
    size_t n = strlen(text);
    memcpy(to, text, n);
    return n;
}

static bool alt(const struct keyboard *k) { return k->alt[0] || k->alt[1]; }
static bool control(const struct keyboard *k) { return k->control[0] || k->control[1]; }
static bool shift(const struct keyboard *k) { return k->shift[0] || k->shift[1]; }

/* Keeps the state of a key that is held while others are pressed, or of a lock. false: the key is
 * neither. */
static bool modifier_key(struct keyboard *k, uint8_t key, bool extended, bool down)
{
    switch (key) {
    /* an extended one is a fake shift, which the keyboard sends around arrows */
    case KEY_SHIFT:
        if (!extended)
            k->shift[0] = down;
        break;
    case KEY_SHIFT_RIGHT:
        if (!extended)
            k->shift[1] = down;
        break;
    case KEY_CONTROL: k->control[extended] = down; break;
    case KEY_ALT: k->alt[extended] = down; break;
    case KEY_CAPS: k->caps_lock ^= down; break;
    case KEY_NUM: k->num_lock ^= down; break;
    default: return false;
    }
    return true;
}

/* The bytes of Home, Insert, arrows and the like, and of the keypad's keys, which have the same
 * codes. */
static size_t navigation_key(struct keyboard *k, uint8_t key, bool extended, uint8_t *to)
{
    char name = pad_keys[key - KEY_PAD];
    if (shift(k) && (key == KEY_PAGE_UP || key == KEY_PAGE_DOWN) && (extended || !k->num_lock)) {
        k->action = key == KEY_PAGE_UP ? KEYBOARD_LOOK_BACK : KEYBOARD_LOOK_ON;
        return 0;
    }
    if (!extended && (k->num_lock != shift(k) || name == '-' || name == '+'))
        return write_text(to, (char[]){ pad_digits[key - KEY_PAD], 0 });
    if (name >= 'A')
        return write_text(to,
                          (char[]){ ESCAPE, k->cursor_keys && name != 'G' ? 'O' : '[', name, 0 });
    if (name < '1' || name > '6')
        return 0;
    return write_text(to, (char[]){ ESCAPE, '[', name, '~', 0 });
}

static size_t function_key(unsigned n, uint8_t *to)
{
    static const char *const sequences[] = { "[[A",  "[[B",  "[[C",  "[[D",  "[[E",  "[17~",
                                             "[18~", "[19~", "[20~", "[21~", "[23~", "[24~" };
    to[0] = ESCAPE;
    return 1 + write_text(to + 1, sequences[n]);
}

/* The byte that a character sends while Ctrl is held; 0xff: none. */
static uint8_t with_control(uint8_t c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 1;
    if (c >= '@' && c <= '_')
        return c - '@';
    switch (c) {
    case ' ':
    case '2': return 0;
    case '3': return 27;
    case '4': return 28;
    case '5': return 29;
    case '6': return 30;
    case '7':
    case '-':
    case '/': return 31;
    case '8': return DELETE;
    case '?': return DELETE;
    case DELETE: return '\b';
    case '\t':
    case '\r':
    case ESCAPE: return c;
    default: return 0xff;
    }
}

/* The bytes of a key with a character, by Shift, Caps Lock, Ctrl and Alt. */
static size_t character_key(struct keyboard *k, uint8_t key, uint8_t *to)
{
    size_t n = 0;
    uint8_t c = key < sizeof plain ? (shift(k) ? shifted : plain)[key] : 0;
    if (!c)
        return 0;
    if (k->caps_lock && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
        c ^= 'a' ^ 'A';
    if (control(k) && alt(k) && key == KEY_ESCAPE) {
        k->action = KEYBOARD_DEBUG;
        return 0;
    }
    if (control(k) && (c = with_control(c)) == 0xff)
        return 0;
    if (alt(k))
        to[n++] = ESCAPE;
    if (c == '\t' && shift(k))
        return n + write_text(to + n, "\033[Z");
    to[n++] = c;
    return n;
}

size_t keyboard_scan(struct keyboard *k, uint8_t code, uint8_t *to)
{
    k->action = KEYBOARD_NOTHING;
    if (k->skip) {
        k->skip--;
        return 0;
    }
    if (code == EXTENDED || code == PAUSE) {
        k->extended = code == EXTENDED;
        k->skip = code == PAUSE ? 5 : 0; /* e1 1d 45 e1 9d c5 */
        return 0;
    }
    bool extended = k->extended, down = !(code & RELEASED);
    uint8_t key = code & ~RELEASED;
    k->extended = false;
    if (modifier_key(k, key, extended, down) || !down)
        return 0;
    if (key >= KEY_PAD && key <= KEY_PAD_LAST)
        return navigation_key(k, key, extended, to);
    if (extended && key == KEY_SLASH)
        return write_text(to, "/");
    if (extended && key != KEY_ENTER)
        return 0;
    if (key >= KEY_F1 && key <= KEY_F10)
        return function_key(key - KEY_F1, to);
    if (key == KEY_F11 || key == KEY_F12)
        return function_key(key - KEY_F11 + 10, to);
    return character_key(k, key, to);
}
