/* The PS/2 keyboard: scan codes of set 1, as the controller translates them, to the bytes a program
 * reads. US layout; keys without a character send the sequences of Linux's console. Pure logic. */
#ifndef KEYBOARD_H
#define KEYBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* bytes that one key sends at most */
enum { KEYBOARD_MAX = 8 };

/* What a key means for the console itself. */
enum keyboard_action { KEYBOARD_NOTHING, KEYBOARD_LOOK_BACK, KEYBOARD_LOOK_ON, KEYBOARD_DEBUG };

struct keyboard {
    bool shift[2], control[2], alt[2]; /* held: left, right */
    bool caps_lock, num_lock;
    bool extended;               /* 0xe0 has come */
    unsigned skip;               /* bytes of Pause's sequence that are yet to come */
    bool cursor_keys;            /* arrows as ESC O A: set by the terminal */
    enum keyboard_action action; /* of the last key */
};

/* Takes a byte of the keyboard. Writes what the program is to read to `to`, which has room for
 * KEYBOARD_MAX bytes, and returns how many. */
size_t keyboard_scan(struct keyboard *k, uint8_t code, uint8_t *to);

#endif
