/* The console's terminal: the screen after text and escape sequences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../drivers/console/vt.h"

enum { NORMAL = 0x07 };

static struct vt v;

static int set_up(void **state)
{
    (void)state;
    vt_init(&v);
    return 0;
}

static void say(const char *text) { vt_write(&v, (const uint8_t *)text, strlen(text)); }

/* The text of a row without the blanks at its end. */
static const char *row(int r)
{
    static char text[SCREEN_COLUMNS + 1];
    int end = 0;
    for (int c = 0; c < SCREEN_COLUMNS; c++) {
        text[c] = v.screen.cells[r][c] & 0xff;
        if (text[c] != ' ')
            end = c + 1;
    }
    text[end] = 0;
    return text;
}

static uint8_t attribute(int r, int c) { return v.screen.cells[r][c] >> 8; }

#define assert_cursor(r, c)                   \
    do {                                      \
        assert_int_equal(v.screen.row, r);    \
        assert_int_equal(v.screen.column, c); \
    } while (0)

static void answered(const char *text)
{
    assert_int_equal(v.answer_length, strlen(text));
    assert_memory_equal(v.answer, text, v.answer_length);
    v.answer_length = 0;
}

static void text_and_control_characters(void **state)
{
    (void)state;
    say("one\r\ntwo\bO\r\n\tx");
    assert_string_equal(row(0), "one");
    assert_string_equal(row(1), "twO");
    assert_string_equal(row(2), "        x");
    assert_cursor(2, 9);
}

static void the_last_column_wraps_with_the_next_character(void **state)
{
    (void)state;
    for (int i = 0; i < SCREEN_COLUMNS; i++)
        say("x");
    assert_cursor(0, SCREEN_COLUMNS - 1);
    say("\r\n"); /* no empty line between */
    assert_cursor(1, 0);
    say("\033[1;80Hab");
    assert_string_equal(row(1), "b");
    say("\033[?7l\033[1;80Hcd");
    assert_int_equal(v.screen.cells[0][79] & 0xff, 'd');
    assert_cursor(0, 79);
}

static void the_screen_scrolls_and_remembers(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        char line[8] = { 'L', '0' + i / 10, '0' + i % 10, i < 29 ? '\r' : 0, '\n' };
        say(line);
    }
    assert_string_equal(row(24), "L29");
    assert_string_equal(row(0), "L05");
    assert_int_equal(v.screen.history_count, 5);
    assert_int_equal(screen_view(&v.screen, 0, 5)[2] & 0xff, '0');
    assert_int_equal(screen_view(&v.screen, 5, 5)[2] & 0xff, '5');
    assert_int_equal(screen_view(&v.screen, 0, 1)[2] & 0xff, '4');
}

static void the_cursor_moves_and_stays_on_the_screen(void **state)
{
    (void)state;
    say("\033[10;20H");
    assert_cursor(9, 19);
    say("\033[3A\033[2B\033[5C\033[D");
    assert_cursor(8, 23);
    say("\033[99;999H\033[99B\033[999C");
    assert_cursor(24, 79);
    say("\033[99A\033[999D");
    assert_cursor(0, 0);
    say("\033[5d\033[7G");
    assert_cursor(4, 6);
    say("\033[2E");
    assert_cursor(6, 0);
    say("\033[F");
    assert_cursor(5, 0);
    say("\033[;H");
    assert_cursor(0, 0);
}

static void erasing(void **state)
{
    (void)state;
    say("abcdef\r\nghijkl\r\nmnopqr\033[2;3H\033[K");
    assert_string_equal(row(1), "gh");
    say("\033[1J");
    assert_string_equal(row(0), "");
    assert_string_equal(row(1), "");
    assert_string_equal(row(2), "mnopqr");
    say("\033[3;2H\033[2X");
    assert_string_equal(row(2), "m  pqr");
    say("\033[1K");
    assert_string_equal(row(2), "   pqr");
    say("\033[H\033[J");
    assert_string_equal(row(2), "");
}

static void inserting_and_deleting(void **state)
{
    (void)state;
    say("abcdef\033[1;3H\033[2@");
    assert_string_equal(row(0), "ab  cdef");
    say("\033[3P");
    assert_string_equal(row(0), "abdef");
    say("\033[4hXY\033[4lZ");
    assert_string_equal(row(0), "abXYZef");
    say("\033[2;1Hsecond\033[3;1Hthird\033[2;4H\033[L");
    assert_string_equal(row(1), "");
    assert_string_equal(row(2), "second");
    assert_cursor(1, 0);
    say("\033[2M");
    assert_string_equal(row(1), "third");
}

static void a_scrolling_region_moves_alone(void **state)
{
    (void)state;
    say("top\033[2;1Ha\033[3;1Hb\033[4;1Hc\033[5;1Hbelow\033[2;4r");
    assert_cursor(0, 0);
    say("\033[4;1H\n");
    assert_string_equal(row(0), "top");
    assert_string_equal(row(1), "b");
    assert_string_equal(row(2), "c");
    assert_string_equal(row(3), "");
    assert_string_equal(row(4), "below");
    say("\033[2;1H\033M");
    assert_string_equal(row(1), "");
    assert_string_equal(row(2), "b");
    assert_string_equal(row(4), "below");
    assert_int_equal(v.screen.history_count, 0);
    say("\033[?6h\033[1;1H");
    assert_cursor(1, 0);
    say("\033[99;1H");
    assert_cursor(3, 0);
}

static void colours_and_looks(void **state)
{
    (void)state;
    say("a\033[31mb\033[1mc\033[7md\033[0me\033[44mf\033[97mg\033[39;49mh\033[38;5;196mi\033[48;2;"
        "0;0;255mj\033[mk");
    assert_int_equal(attribute(0, 0), NORMAL);
    assert_int_equal(attribute(0, 1), 0x04);
    assert_int_equal(attribute(0, 2), 0x0c);
    assert_int_equal(attribute(0, 3), 0xc0);
    assert_int_equal(attribute(0, 4), NORMAL);
    assert_int_equal(attribute(0, 5), 0x17);
    assert_int_equal(attribute(0, 6), 0x1f);
    assert_int_equal(attribute(0, 7), NORMAL);
    assert_int_equal(attribute(0, 8), 0x0c);
    assert_int_equal(attribute(0, 9), 0x9c);
    assert_int_equal(attribute(0, 10), NORMAL);
    say("\033[44m\033[K");
    assert_int_equal(attribute(0, 40), 0x17); /* what is erased takes the background */
}

static void the_cursor_is_saved_with_its_look(void **state)
{
    (void)state;
    say("\033[5;6H\033[32m\0337\033[H\033[0m\0338x");
    assert_int_equal(v.screen.cells[4][5], 'x' | 0x02 << 8);
    say("\033[s\033[H\033[u");
    assert_cursor(4, 6);
}

static void the_alternate_screen_brings_the_first_one_back(void **state)
{
    (void)state;
    say("shell\033[?1049h");
    assert_string_equal(row(0), "");
    say("\033[Heditor\033[31m\033[?1049l");
    assert_string_equal(row(0), "shell");
    assert_cursor(0, 5);
    say("x");
    assert_int_equal(attribute(0, 5), NORMAL);
}

static void modes_are_set_and_reset(void **state)
{
    (void)state;
    say("\033[?1h\033[?25l");
    assert_true(v.cursor_keys);
    assert_false(v.cursor_visible);
    say("\033[?1;25l\033[?25h");
    assert_false(v.cursor_keys);
    assert_true(v.cursor_visible);
    say("\033[?2004h\033[?1000h\033[>c\033[?6n"); /* unknown ones are swallowed */
    assert_string_equal(row(0), "");
    say("\033[?1h\033c");
    assert_false(v.cursor_keys);
}

static void it_answers(void **state)
{
    (void)state;
    say("\033[3;4H\033[6n");
    answered("\033[3;4R");
    say("\033[5n\033[c");
    answered("\033[0n\033[?6c");
}

static void utf8_becomes_the_vga_character(void **state)
{
    (void)state;
    say("\xc3\xa4\xe2\x94\x80\xe2\x82\xac"); /* a umlaut, a line, the euro */
    assert_int_equal(v.screen.cells[0][0] & 0xff, 0x84);
    assert_int_equal(v.screen.cells[0][1] & 0xff, 0xc4);
    assert_int_equal(v.screen.cells[0][2] & 0xff, 'E');
    /* a byte that is not UTF-8 shows as a replacement, and nothing else is lost */
    say("\r\n\xff"
        "a\xc3"
        "b\xc0\x80");
    assert_string_equal(row(1), "?a?b??");
    say("\r\n\xe4\xb8\xad|"); /* two columns wide */
    assert_int_equal(v.screen.cells[2][2] & 0xff, '|');
}

static void line_graphics(void **state)
{
    (void)state;
    say("\033(0lqk\033(Bq");
    assert_int_equal(v.screen.cells[0][0] & 0xff, 0xda);
    assert_int_equal(v.screen.cells[0][1] & 0xff, 0xc4);
    assert_int_equal(v.screen.cells[0][2] & 0xff, 0xbf);
    assert_int_equal(v.screen.cells[0][3] & 0xff, 'q');
    say("\033)0\016x\017x");
    assert_int_equal(v.screen.cells[0][4] & 0xff, 0xb3);
    assert_int_equal(v.screen.cells[0][5] & 0xff, 'x');
}

static void strings_and_palettes_are_not_shown(void **state)
{
    (void)state;
    say("\033]0;title\007a\033]2;other\033\\b\033]P1ff0000c\033]Rd\033Pq...\033\\e\033[[Af");
    assert_string_equal(row(0), "abcdef");
}

static void tabs_can_be_set(void **state)
{
    (void)state;
    say("\033[3g\033[1;5H\033H\r\tx");
    assert_string_equal(row(0), "    x");
    say("\033c\ta\033[Zb");
    assert_string_equal(row(0), "        b");
}

static void control_characters_work_within_sequences(void **state)
{
    (void)state;
    say("ab\033[\b1Cc");
    assert_string_equal(row(0), "abc");
    say("\033[3\030x");
    assert_string_equal(row(0), "abcx");
}

static void any_bytes_leave_it_whole(void **state)
{
    (void)state;
    static const char likely[] = "\033[;0123456789?ABCDHJKLMPSTXfmrhlnu@dGc()]\n\r\t\b";
    srand(1);
    for (int i = 0; i < 2000000; i++) {
        uint8_t byte = rand() % 4 ? likely[rand() % (sizeof likely - 1)] : rand();
        vt_write(&v, &byte, 1);
        v.answer_length = 0;
        assert_in_range(v.screen.row, 0, SCREEN_ROWS - 1);
        assert_in_range(v.screen.column, 0, SCREEN_COLUMNS - 1);
        assert_true(v.screen.top < v.screen.bottom && v.screen.bottom < SCREEN_ROWS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup(f, set_up)
        T(text_and_control_characters),
        T(the_last_column_wraps_with_the_next_character),
        T(the_screen_scrolls_and_remembers),
        T(the_cursor_moves_and_stays_on_the_screen),
        T(erasing),
        T(inserting_and_deleting),
        T(a_scrolling_region_moves_alone),
        T(colours_and_looks),
        T(the_cursor_is_saved_with_its_look),
        T(the_alternate_screen_brings_the_first_one_back),
        T(modes_are_set_and_reset),
        T(it_answers),
        T(utf8_becomes_the_vga_character),
        T(line_graphics),
        T(strings_and_palettes_are_not_shown),
        T(tabs_can_be_set),
        T(control_characters_work_within_sequences),
        T(any_bytes_leave_it_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
