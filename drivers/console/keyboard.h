/* The PS/2 keyboard: from scan codes of set 1, into which the controller translates them, to the
 * bytes that a program reads. US layout; keys without a character send the sequences of Linux's
 * console. Pure logic. */
#ifndef KEYBOARD_H
#define KEYBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* bytes that one key sends at most */
enum { KEYBOARD_MAX = 8 };

/* What the console itself does at a key: scroll back, scroll on, log all threads. */
enum keyboard_action { KEYBOARD_NOTHING, KEYBOARD_LOOK_BACK, KEYBOARD_LOOK_ON, KEYBOARD_DEBUG };

struct keyboard {
    bool shift[2], control[2], alt[2]; /* held: left, right */
    bool caps_lock, num_lock;
    bool extended;               /* 0xe0 has come */
    unsigned skip;               /* bytes of Pause's sequence that are yet to come */
    bool cursor_keys;            /* arrows as ESC O A: set by the terminal */
    enum keyboard_action action; /* of the last key */
};

/* Takes a byte of the keyboard. Writes the bytes that the program is to read to `to`, which has
 * room for KEYBOARD_MAX, and returns how many; sets k->action. */
size_t keyboard_scan(struct keyboard *k, uint8_t code, uint8_t *to);

#endif
