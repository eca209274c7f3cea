/* The keyboard: what a program reads when keys are pressed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../drivers/console/keyboard.h"

static struct keyboard k;

static int set_up(void **state)
{
    (void)state;
    k = (struct keyboard){ 0 };
    return 0;
}

static char sent[256];
static size_t sent_length;

static void scan(const char *codes, size_t n)
{
    sent_length = 0;
    for (size_t i = 0; i < n; i++)
        sent_length += keyboard_scan(&k, codes[i], (uint8_t *)sent + sent_length);
}

#define assert_sends(codes, text)                        \
    do {                                                 \
        scan(codes, sizeof(codes) - 1);                  \
        assert_int_equal(sent_length, sizeof(text) - 1); \
        assert_memory_equal(sent, text, sent_length);    \
    } while (0)

static void letters_digits_and_signs(void **state)
{
    (void)state;
    assert_sends("\x23\xa3\x12\x26\x26\x18", "hello");
    assert_sends("\x02\x0b\x0c\x0d\x2b\x35\x39", "10-=\\/ ");
    assert_sends("\x1c\x0e\x0f\x01", "\r\177\t\033");
}

static void shift_and_caps_lock(void **state)
{
    (void)state;
    assert_sends("\x2a\x1e\xaa\x1e", "Aa");
    assert_sends("\x36\x02\x0d\xb6\x02", "!+1");
    assert_sends("\x3a\xba\x1e\x02\x2a\x1e\xaa\x3a\xba\x1e", "A1aa");
}

static void control_and_alt(void **state)
{
    (void)state;
    assert_sends("\x1d\x2e\x2c\x2b\x39\x9d", "\003\032\034\0");
    assert_sends("\x38\x21\xb8\x21", "\033ff");
    assert_sends("\xe0\x1d\x20\xe0\x9d\x20", "\004d");
}

static void arrows_follow_the_terminal_mode(void **state)
{
    (void)state;
    assert_sends("\xe0\x48\xe0\xc8\xe0\x4d", "\033[A\033[C");
    k.cursor_keys = true;
    assert_sends("\xe0\x50\xe0\x4b", "\033OB\033OD");
    assert_sends("\xe0\x47\xe0\x4f\xe0\x49\xe0\x51\xe0\x52\xe0\x53",
                 "\033[1~\033[4~\033[5~\033[6~\033[2~\033[3~");
}

static void function_keys_are_those_of_the_linux_console(void **state)
{
    (void)state;
    assert_sends("\x3b\x3f\x40\x44\x57\x58", "\033[[A\033[[E\033[17~\033[21~\033[23~\033[24~");
}

static void the_keypad_has_two_faces(void **state)
{
    (void)state;
    assert_sends("\x48\x4a\x4e\x37\xe0\x35\xe0\x1c", "\033[A-+*/\r");
    assert_sends("\x45\xc5\x48\x53\x4c", "8.5");
    assert_sends("\xe0\x48", "\033[A");
}

static void pause_sends_nothing(void **state)
{
    (void)state;
    assert_sends("\xe1\x1d\x45\xe1\x9d\xc5\x1e", "a");
    assert_false(k.num_lock);
}

static void the_console_has_keys_of_its_own(void **state)
{
    (void)state;
    assert_sends("\x2a\xe0\x49", "");
    assert_int_equal(k.action, KEYBOARD_LOOK_BACK);
    assert_sends("\xe0\x51\xaa", "");
    assert_sends("\x1d\x38\x01", "");
    assert_int_equal(k.action, KEYBOARD_DEBUG);
    assert_sends("\x81", "");
    assert_int_equal(k.action, KEYBOARD_NOTHING);
}

static void any_bytes_are_harmless(void **state)
{
    (void)state;
    uint8_t out[KEYBOARD_MAX];
    srand(1);
    for (int i = 0; i < 1000000; i++)
        assert_true(keyboard_scan(&k, rand(), out) <= KEYBOARD_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup(f, set_up)
        T(letters_digits_and_signs),
        T(shift_and_caps_lock),
        T(control_and_alt),
        T(arrows_follow_the_terminal_mode),
        T(function_keys_are_those_of_the_linux_console),
        T(the_keypad_has_two_faces),
        T(pause_sends_nothing),
        T(the_console_has_keys_of_its_own),
        T(any_bytes_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
