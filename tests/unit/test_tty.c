/* Terminals: which input a reader gets, what the screen shows, and which calls wait for how long.
 * The service runs as a whole, with the stand-in for libservice; the device is an array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_service.h"
#include "terminal.h"

#include <minnow/file.h>

enum { NUMBER = DEV_TTYS0, GROUP = 7, SESSION = 5 };
#define LABEL(group, session) ((uint64_t)(group) << 32 | (session))

static struct terminal t;
static const struct protocol *protocols;
static void (*service_notify)(uint64_t bits);
static jmp_buf served;

static char shown[65536]; /* what the device has taken */
static size_t shown_length, device_takes;
static struct message handed_up;

void service_run(const struct service *s)
{
    protocols = s->protocols;
    service_notify = s->notify;
    longjmp(served, 1);
}

int forward(struct message *m, endpoint_t to)
{
    (void)to;
    handed_up = *m;
    call_waits(m->call); /* posix has it now, which is told of signals */
    return 0;
}

static void start(struct terminal *terminal)
{
    size_t n = terminal_take(terminal, (uint8_t *)shown + shown_length, device_takes);
    shown_length += n;
    device_takes -= n;
}

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    t.number = NUMBER;
    t.start = start;
    t.winsize = (struct winsize){ 24, 80, 0, 0 };
    shown_length = 0;
    device_takes = SIZE_MAX;
    handed_up = (struct message){ 0 };
    fake_notified = fake_alarm = 0;
    if (!setjmp(served))
        terminal_serve(&t, 1, NULL);
    t.session = SESSION;
    t.group = GROUP;
    return 0;
}

static handler_t handler(uint64_t op)
{
    return protocols[op_protocol(op) == PROTOCOL_TTY].handlers[op_number(op)];
}

static struct message message(uint64_t op)
{
    return (
        struct message){ .op = op, .object = NUMBER, .label = LABEL(GROUP, SESSION), .from = 1000 };
}

static void type(const char *text)
{
    terminal_input(&t, (const uint8_t *)text, strlen(text));
    terminal_settle(&t);
}

static char read_buffer[8192];

static int64_t read_flags(size_t length, uint64_t flags)
{
    struct message m = message(FS_READ);
    m.flags = flags;
    memset(read_buffer, 0, sizeof read_buffer);
    return fake_call(handler(FS_READ), &m, read_buffer, length).result;
}

#define assert_reads(length, text)                                      \
    do {                                                                \
        assert_int_equal(read_flags(length, O_NONBLOCK), strlen(text)); \
        assert_string_equal(read_buffer, text);                         \
    } while (0)

static call_t begin_read(void *buffer, size_t length)
{
    struct message m = message(FS_READ);
    return fake_begin(handler(FS_READ), &m, buffer, length);
}

static int64_t result_of(call_t call)
{
    struct fake_answer a;
    return fake_finish(call, &a) ? a.result : LATER;
}

static int64_t write_text(const void *text, size_t length, uint64_t flags)
{
    struct message m = message(FS_WRITE);
    m.flags = flags;
    return fake_call(handler(FS_WRITE), &m, (void *)text, length).result;
}

static int64_t control(uint64_t request, uint64_t argument)
{
    struct message m = message(FS_IOCTL);
    m.w[1] = request;
    m.w[2] = argument;
    return fake_call(handler(FS_IOCTL), &m, NULL, 0).result;
}

static void raw(unsigned min, unsigned time)
{
    struct termios new = t.termios;
    new.lflag &= ~(ICANON | ECHO | ISIG);
    new.iflag = 0;
    new.cc[VMIN] = min;
    new.cc[VTIME] = time;
    terminal_set_termios(&t, &new);
}

#define assert_shown(text)                              \
    do {                                                \
        assert_int_equal(shown_length, strlen(text));   \
        assert_memory_equal(shown, text, shown_length); \
        shown_length = 0;                               \
    } while (0)

/* ---- lines ---- */

static void a_line_is_read_when_it_is_complete(void **state)
{
    (void)state;
    type("abc");
    assert_int_equal(read_flags(100, O_NONBLOCK), -EAGAIN);
    type("d\r");
    assert_reads(100, "abcd\n");
    assert_shown("abcd\r\n");
    assert_int_equal(read_flags(100, O_NONBLOCK), -EAGAIN);
}

static void a_read_gets_one_line_at_a_time_and_no_more_than_it_asked_for(void **state)
{
    (void)state;
    type("one\ntwo\n");
    assert_reads(2, "on");
    assert_reads(100, "e\n");
    assert_reads(100, "two\n");
}

static void end_of_file_ends_a_read_and_is_not_in_it(void **state)
{
    (void)state;
    type("ab\004cd\n\004");
    assert_reads(2, "ab"); /* and the end that follows is eaten with it */
    assert_reads(100, "cd\n");
    assert_reads(100, "");
    assert_int_equal(read_flags(100, O_NONBLOCK), -EAGAIN);
}

static void erasing_takes_away_characters_words_and_lines(void **state)
{
    (void)state;
    type("abx\177c\n");
    assert_reads(100, "abc\n");
    assert_shown("abx\b \bc\r\n");
    type("one two.\027three\n");
    assert_reads(100, "one three\n");
    shown_length = 0;
    type("no\025yes\n");
    assert_reads(100, "yes\n");
    assert_shown("no\b \b\b \byes\r\n");
    type("\177\177\027\025ok\n");
    assert_reads(100, "ok\n");
    assert_shown("ok\r\n");
}

static void erasing_knows_the_width_of_what_is_shown(void **state)
{
    (void)state;
    type("\xc3\xa4\177"); /* one character of two bytes */
    assert_shown("\xc3\xa4\b \b");
    type("\026\001\177"); /* ^A takes two columns */
    assert_shown("^\b^A\b \b\b \b");
    type("ab\t\177"); /* the tab goes back to column 2 */
    assert_shown("ab\t\b\b\b\b\b\b");
    type("\n");
    assert_reads(100, "ab\n");
}

static void a_literal_character_has_no_meaning(void **state)
{
    (void)state;
    type("a\026\003\026\177b\n");
    assert_reads(100, "a\003\177b\n");
    assert_int_equal(t.signals, 0);
}

static void carriage_return_and_newline_are_mapped(void **state)
{
    (void)state;
    t.termios.iflag = INLCR;
    type("a\n");
    assert_int_equal(read_flags(100, O_NONBLOCK), -EAGAIN);
    t.termios.iflag = IGNCR;
    type("\r\n");
    assert_reads(100, "a\r\n");
}

static void a_line_too_long_keeps_its_beginning_and_its_end(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++)
        type("x");
    type("\n");
    assert_int_equal(read_flags(8192, 0), TTY_INPUT);
    assert_int_equal(read_buffer[TTY_INPUT - 1], '\n');
    type("ok\n");
    assert_reads(100, "ok\n");
}

static void what_was_typed_survives_a_change_of_mode(void **state)
{
    (void)state;
    type("half");
    raw(1, 0);
    assert_reads(100, "half");
    type("more");
    struct termios new = t.termios;
    new.lflag |= ICANON;
    terminal_set_termios(&t, &new);
    assert_reads(100, "more");
}

static void without_echo_nothing_is_shown_but_a_newline_if_asked(void **state)
{
    (void)state;
    t.termios.lflag &= ~ECHO;
    type("secret\177\n");
    assert_shown("");
    t.termios.lflag |= ECHONL;
    type("x\n");
    assert_shown("\r\n");
}

static void reprint_shows_the_line_again(void **state)
{
    (void)state;
    type("ab\022");
    assert_shown("ab^R\r\nab");
}

/* ---- signals and flow ---- */

static void keys_signal_the_foreground_group_and_flush(void **state)
{
    (void)state;
    type("rest");
    type("\003");
    assert_shown("rest^C");
    assert_true(fake_notified & 1 << BIT_TTY);
    struct message m = message(TTY_PULL);
    m.from = 5;
    struct fake_answer a = fake_call(handler(TTY_PULL), &m, NULL, 0);
    assert_int_equal(a.r1, 1 << 2);
    assert_int_equal(a.r2, GROUP);
    assert_int_equal(a.r3, 0);
    a = fake_call(handler(TTY_PULL), &m, NULL, 0);
    assert_int_equal(a.r1, 0);
    type("\n");
    assert_reads(100, "\n");
    t.termios.lflag |= NOFLSH;
    type("kept\032\n");
    assert_reads(100, "kept\n");
    a = fake_call(handler(TTY_PULL), &m, NULL, 0);
    assert_int_equal(a.r1, 1 << 20);
}

static void without_isig_the_key_is_a_character(void **state)
{
    (void)state;
    t.termios.lflag &= ~ISIG;
    type("\003\n");
    assert_reads(100, "\003\n");
    assert_int_equal(t.signals, 0);
}

static void stop_and_start_hold_output(void **state)
{
    (void)state;
    type("\023");
    assert_int_equal(write_text("x", 1, 0), 1);
    assert_shown("");
    type("\021");
    assert_shown("x");
    assert_int_equal(control(TCXONC, TCOOFF), 0);
    assert_int_equal(write_text("y", 1, 0), 1);
    assert_shown("");
    assert_int_equal(control(TCXONC, TCOON), 0);
    assert_shown("y");
}

/* ---- output ---- */

static void output_is_processed(void **state)
{
    (void)state;
    assert_int_equal(write_text("a\nb", 3, 0), 3);
    assert_shown("a\r\nb");
    t.termios.oflag |= XTABS;
    write_text("\tc", 2, 0);
    assert_shown("       c");
    t.termios.oflag = 0;
    write_text("\n\t", 2, 0);
    assert_shown("\n\t");
}

static void a_write_larger_than_the_ring_waits_and_is_written_once(void **state)
{
    (void)state;
    static char text[20000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = 'a' + i % 26;
    device_takes = 100;
    struct message m = message(FS_WRITE);
    call_t call = fake_begin(handler(FS_WRITE), &m, text, sizeof text);
    assert_true(call_alive(call));
    struct fake_answer a;
    assert_false(fake_finish(call, &a));
    for (int i = 0; i < 100 && t.writes.writer.call; i++) {
        device_takes = 777;
        terminal_settle(&t);
    }
    assert_int_equal(result_of(call), sizeof text);
    device_takes = SIZE_MAX;
    terminal_settle(&t);
    assert_int_equal(shown_length, sizeof text);
    assert_memory_equal(shown, text, sizeof text);
}

static void a_write_that_does_not_want_to_wait_is_short(void **state)
{
    (void)state;
    static char text[10000];
    device_takes = 0;
    int64_t n = write_text(text, sizeof text, O_NONBLOCK);
    assert_in_range(n, 1, TTY_OUTPUT);
    assert_int_equal(write_text(text, sizeof text, O_NONBLOCK), -EAGAIN);
}

static void writers_take_turns(void **state)
{
    (void)state;
    static char first[8000], second[100];
    memset(first, 'a', sizeof first);
    memset(second, 'b', sizeof second);
    device_takes = 0;
    struct message m = message(FS_WRITE);
    call_t a = fake_begin(handler(FS_WRITE), &m, first, sizeof first);
    call_t b = fake_begin(handler(FS_WRITE), &m, second, sizeof second);
    device_takes = SIZE_MAX;
    terminal_settle(&t);
    terminal_settle(&t);
    assert_int_equal(result_of(a), sizeof first);
    assert_int_equal(result_of(b), sizeof second);
    assert_int_equal(shown_length, sizeof first + sizeof second);
    assert_int_equal(shown[sizeof first - 1], 'a');
    assert_int_equal(shown[sizeof first], 'b');
}

/* ---- raw reads: VMIN and VTIME ---- */

static void raw_min_waits_for_so_many_bytes(void **state)
{
    (void)state;
    char buffer[100];
    raw(3, 0);
    call_t call = begin_read(buffer, sizeof buffer);
    type("a");
    type("b");
    struct fake_answer a;
    assert_false(fake_finish(call, &a));
    type("cd");
    assert_int_equal(result_of(call), 4);
    call = begin_read(buffer, 1); /* fewer wanted than VMIN */
    type("x");
    assert_int_equal(result_of(call), 1);
}

static void raw_without_min_and_time_never_waits(void **state)
{
    (void)state;
    raw(0, 0);
    assert_int_equal(read_flags(10, 0), 0);
    type("a");
    assert_int_equal(read_flags(10, 0), 1);
}

static void raw_time_alone_bounds_the_whole_wait(void **state)
{
    (void)state;
    char buffer[10];
    raw(0, 10);
    call_t call = begin_read(buffer, sizeof buffer);
    struct fake_answer a;
    assert_false(fake_finish(call, &a));
    assert_true(fake_alarm > fake_clock);
    fake_clock = fake_alarm;
    service_notify(1ull << NOTIFY_ALARM);
    assert_true(fake_finish(call, &a));
    assert_int_equal(a.result, 0);
    call = begin_read(buffer, sizeof buffer);
    type("a");
    assert_int_equal(result_of(call), 1);
}

static void raw_min_and_time_end_when_bytes_stop_coming(void **state)
{
    (void)state;
    char buffer[10];
    raw(5, 10);
    call_t call = begin_read(buffer, sizeof buffer);
    assert_int_equal(fake_alarm, 0); /* time runs from the first byte on */
    type("a");
    uint64_t first = fake_alarm;
    assert_true(first > fake_clock);
    fake_clock += SECOND / 2;
    type("b");
    assert_true(fake_alarm >= first + SECOND / 2);
    struct fake_answer a;
    fake_clock = first;
    service_notify(1ull << NOTIFY_ALARM); /* too early: b came in between */
    assert_false(fake_finish(call, &a));
    fake_clock = fake_alarm;
    service_notify(1ull << NOTIFY_ALARM);
    assert_true(fake_finish(call, &a));
    assert_int_equal(a.result, 2);
}

static void a_cancelled_reader_leaves_the_input_to_the_next(void **state)
{
    (void)state;
    char buffer[10];
    call_t call = begin_read(buffer, sizeof buffer);
    fake_cancel(call);
    type("ab\n");
    assert_reads(10, "ab\n");
}

/* ---- job control, poll, ioctl ---- */

static void a_background_reader_is_handed_up(void **state)
{
    (void)state;
    struct message m = message(FS_READ);
    m.label = LABEL(GROUP + 1, SESSION);
    type("x\n");
    fake_call(handler(FS_READ), &m, read_buffer, 10);
    assert_int_equal(handed_up.op, POSIX_TTY_STOP);
    assert_int_equal(handed_up.w[0], 21);
    assert_int_equal(handed_up.w[1], NUMBER);
    m.label = LABEL(GROUP + 1,
                    SESSION + 1); /* of another session: no rule of job control applies */
    m.flags = O_NONBLOCK;
    assert_int_equal(fake_call(handler(FS_READ), &m, read_buffer, 10).result, 2);
}

static void a_background_writer_is_handed_up_with_tostop_only(void **state)
{
    (void)state;
    struct message m = message(FS_WRITE);
    m.label = LABEL(GROUP + 1, SESSION);
    assert_int_equal(fake_call(handler(FS_WRITE), &m, "a", 1).result, 1);
    t.termios.lflag |= TOSTOP;
    fake_call(handler(FS_WRITE), &m, "a", 1);
    assert_int_equal(handed_up.w[0], 22);
}

static void job_control_requests_go_to_posix(void **state)
{
    (void)state;
    control(TIOCSPGRP, 0x1234);
    assert_int_equal(handed_up.op, POSIX_TTY_CONTROL);
    assert_int_equal(handed_up.w[0], TIOCSPGRP);
    assert_int_equal(handed_up.w[1], 0x1234);
    assert_int_equal(handed_up.object, NUMBER);
}

static uint64_t poll_events(uint64_t events, bool arm)
{
    struct message m = message(FS_POLL);
    m.from = 5;
    m.w[1] = events;
    m.w[2] = arm;
    return fake_call(handler(FS_POLL), &m, NULL, 0).result;
}

static void poll_tells_now_and_notifies_once_later(void **state)
{
    (void)state;
    fake_notified = 0; /* the start has notified */
    assert_int_equal(poll_events(POLLIN | POLLOUT, false), POLLOUT);
    assert_int_equal(poll_events(POLLIN, true), 0);
    type("a");
    assert_false(fake_notified & 1 << BIT_POLL);
    type("\n");
    assert_true(fake_notified & 1 << BIT_POLL);
    fake_notified = 0;
    type("b\n");
    assert_false(fake_notified & 1 << BIT_POLL);
    assert_int_equal(poll_events(POLLIN, true), POLLIN);
}

static void requests_answer(void **state)
{
    (void)state;
    assert_int_equal(control(0x1234, 0), -ENOTTY);
    assert_int_equal(control(TCFLSH, 3), -EINVAL);
    type("typed\n");
    assert_int_equal(control(TCFLSH, TCIFLUSH), 0);
    assert_int_equal(read_flags(10, O_NONBLOCK), -EAGAIN);
}

static void draining_waits_until_the_output_is_gone(void **state)
{
    (void)state;
    device_takes = 0;
    assert_int_equal(write_text("abc", 3, 0), 3);
    struct message m = message(FS_IOCTL);
    m.w[1] = TCSBRK;
    m.w[2] = 1;
    call_t call = fake_begin(handler(FS_IOCTL), &m, NULL, 0);
    struct fake_answer a;
    assert_false(fake_finish(call, &a));
    device_takes = SIZE_MAX;
    terminal_settle(&t);
    assert_true(fake_finish(call, &a));
    assert_int_equal(a.result, 0);
}

static void a_hang_up_ends_reads_and_signals(void **state)
{
    (void)state;
    char buffer[10];
    call_t call = begin_read(buffer, sizeof buffer);
    terminal_hang_up(&t);
    assert_int_equal(result_of(call), -EIO);
    assert_true(t.lost);
    assert_int_equal(write_text("a", 1, 0), -EIO);
    assert_true(poll_events(POLLIN, false) & POLLHUP);
}

/* Any bytes in any mode: the rings stay within themselves, and everything that can be read can be
 * read. */
static void random_input_never_breaks_it(void **state)
{
    (void)state;
    uint32_t seed = 12345;
    for (int i = 0; i < 200000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint8_t c = seed >> 24;
        if (c % 64 == 0) {
            t.termios.lflag = seed >> 8 & (ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE |
                                           IEXTEN | ECHONL);
            struct termios new = t.termios;
            new.iflag = seed >> 3 & 0xffff & ~IXON;
            new.lflag ^= ICANON;
            terminal_set_termios(&t, &new);
        }
        uint8_t byte = c % 3 ? c & 31 : c;
        terminal_input(&t, &byte, 1);
        if (seed % 97 == 0)
            read_flags(seed >> 16 & 63, O_NONBLOCK);
        assert_true(t.head - t.tail <= TTY_INPUT);
        assert_true(t.ready - t.tail <= t.head - t.tail);
        terminal_settle(&t);
        shown_length = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup(f, set_up)
        T(a_line_is_read_when_it_is_complete),
        T(a_read_gets_one_line_at_a_time_and_no_more_than_it_asked_for),
        T(end_of_file_ends_a_read_and_is_not_in_it),
        T(erasing_takes_away_characters_words_and_lines),
        T(erasing_knows_the_width_of_what_is_shown),
        T(a_literal_character_has_no_meaning),
        T(carriage_return_and_newline_are_mapped),
        T(a_line_too_long_keeps_its_beginning_and_its_end),
        T(what_was_typed_survives_a_change_of_mode),
        T(without_echo_nothing_is_shown_but_a_newline_if_asked),
        T(reprint_shows_the_line_again),
        T(keys_signal_the_foreground_group_and_flush),
        T(without_isig_the_key_is_a_character),
        T(stop_and_start_hold_output),
        T(output_is_processed),
        T(a_write_larger_than_the_ring_waits_and_is_written_once),
        T(a_write_that_does_not_want_to_wait_is_short),
        T(writers_take_turns),
        T(raw_min_waits_for_so_many_bytes),
        T(raw_without_min_and_time_never_waits),
        T(raw_time_alone_bounds_the_whole_wait),
        T(raw_min_and_time_end_when_bytes_stop_coming),
        T(a_cancelled_reader_leaves_the_input_to_the_next),
        T(a_background_reader_is_handed_up),
        T(a_background_writer_is_handed_up_with_tostop_only),
        T(job_control_requests_go_to_posix),
        T(poll_tells_now_and_notifies_once_later),
        T(requests_answer),
        T(draining_waits_until_the_output_is_gone),
        T(a_hang_up_ends_reads_and_signals),
        T(random_input_never_breaks_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
