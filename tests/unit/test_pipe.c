/* Pipes and FIFOs: POSIX' rules, and that interrupted callers lose nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <minnow/file.h>
#include <minnow/tty.h>

#include "fake_service.h"

int64_t do_read(struct message *m), do_write(struct message *m), do_create(struct message *m),
    do_open_fifo(struct message *m);
int64_t do_poll(struct message *m), do_ioctl(struct message *m), do_stat(struct message *m),
    do_resize(struct message *m);
void do_release(const struct message *m);

struct end {
    uint64_t object, flags;
};

static struct end end_of(int64_t descriptor)
{
    assert_true(descriptor >= 0);
    return (struct end){ fake_connections[descriptor].object, fake_connections[descriptor].flags };
}

/* These have other things than a length in w[1] and w[2]. */
static uint64_t pipe_flags;
static int64_t create(struct message *m)
{
    m->w[2] = pipe_flags;
    return do_create(m);
}
static int64_t fionread(struct message *m)
{
    m->w[1] = FIONREAD;
    return do_ioctl(m);
}

static void make_pipe(struct end *r, struct end *w, uint64_t flags)
{
    int32_t ends[2];
    struct message m = { .op = PIPE_CREATE };
    pipe_flags = flags;
    assert_int_equal(fake_call(create, &m, ends, sizeof(ends)).result, 0);
    *r = end_of(ends[0]);
    *w = end_of(ends[1]);
}

static call_t begin(handler_t h, struct end e, void *buffer, size_t length)
{
    struct message m = { .object = e.object, .flags = e.flags, .from = 70 };
    return fake_begin(h, &m, buffer, length);
}

static int64_t once(handler_t h, struct end e, void *buffer, size_t length)
{
    struct message m = { .object = e.object, .flags = e.flags };
    return fake_call(h, &m, buffer, length).result;
}

static int64_t poll_end(struct end e, unsigned events, bool arm)
{
    struct message m = {
        .object = e.object, .flags = e.flags, .from = 5, .w = { [1] = events, arm }
    };
    return fake_call(do_poll, &m, NULL, 0).result;
}

static void close_end(struct end e)
{
    struct message m = { .op = KERNEL_RELEASE, .object = e.object, .flags = e.flags };
    do_release(&m);
}

static int64_t finished(call_t c)
{
    struct fake_answer a;
    return fake_finish(c, &a) ? a.result : LATER;
}

static void bytes_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct end r, w;
    make_pipe(&r, &w, O_NONBLOCK);
    static uint8_t in[70000], out[70000];
    uint8_t written = 0, read = 0;
    for (unsigned k = 0; k < 20000; k++) {
        size_t length = rand() % (rand() % 3 ? 3000 : 70000);
        if (rand() % 2) {
            for (size_t b = 0; b < length; b++)
                in[b] = written + b;
            int64_t n = once(do_write, w, in, length);
            assert_true(n == -EAGAIN || (n >= 0 && n <= (int64_t)length));
            if (length <= 4096)
                assert_true(n == -EAGAIN || n == (int64_t)length);
            written += n > 0 ? n : 0;
        } else {
            int64_t n = once(do_read, r, out, length);
            assert_true(n == -EAGAIN || (n >= 0 && n <= (int64_t)length));
            for (int64_t b = 0; b < n; b++)
                assert_int_equal(out[b], (uint8_t)(read + b));
            read += n > 0 ? n : 0;
        }
    }
    close_end(r);
    close_end(w);
}

static void capacity_and_atomicity(void **state)
{
    (void)state;
    struct end r, w;
    static uint8_t data[200000];
    int32_t used;
    make_pipe(&r, &w, O_NONBLOCK);
    assert_int_equal(once(do_read, r, data, 10), -EAGAIN);
    assert_int_equal(once(do_write, w, data, 100000), 65536);
    assert_int_equal(once(do_write, w, data, 1), -EAGAIN);
    assert_int_equal(once(do_read, r, data, 4000), 4000);
    assert_int_equal(once(do_write, w, data, 4096), -EAGAIN);
    assert_int_equal(once(do_write, w, data, 4000), 4000);
    assert_int_equal(poll_end(w, POLLOUT, false), 0);
    struct message m = { .object = r.object, .flags = r.flags };
    assert_int_equal(fake_call(fionread, &m, &used, sizeof(used)).result, 0);
    assert_int_equal(used, 65536);
    close_end(r);
    assert_int_equal(once(do_write, w, data, 1), -EPIPE);
    assert_int_equal(poll_end(w, POLLOUT, false), POLLERR);
    close_end(w);
}

static int64_t resize(struct end e, uint64_t size)
{
    struct message m = { .object = e.object, .from = 5, .w = { [1] = size, 1 << 20 } };
    return do_resize(&m);
}

static void bytes_stay_when_the_size_changes(void **state)
{
    (void)state;
    struct end r, w;
    make_pipe(&r, &w, O_NONBLOCK);
    static uint8_t in[1 << 20], out[1 << 20];
    uint8_t written = 0, read = 0;
    size_t used = 0, room = 65536;
    for (unsigned k = 0; k < 3000; k++) {
        size_t length = rand() % (rand() % 3 ? 9000 : 1 << 20), size = 4096 << rand() % 9;
        if (rand() % 4 == 0) {
            int64_t n = resize(r, size);
            assert_int_equal(n, used > size ? -EBUSY : (int64_t)size);
            room = n > 0 ? size : room;
            assert_int_equal(resize(w, 0), room);
        } else if (rand() % 2) {
            for (size_t b = 0; b < length; b++)
                in[b] = written + b;
            int64_t n = once(do_write, w, in, length);
            assert_true(n == (int64_t)MIN(length, room - used) || n == -EAGAIN);
            written += n > 0 ? n : 0;
            used += n > 0 ? n : 0;
        } else {
            int64_t n = once(do_read, r, out, length);
            assert_true(n == (int64_t)MIN(length, used) || n == -EAGAIN);
            for (int64_t b = 0; b < n; b++)
                assert_int_equal(out[b], (uint8_t)(read + b));
            read += n > 0 ? n : 0;
            used -= n > 0 ? n : 0;
        }
    }
    assert_int_equal(resize(r, 1 << 21), -EPERM);
    close_end(r);
    close_end(w);
}

static void readers_wait_and_see_the_end(void **state)
{
    (void)state;
    struct end r, w;
    char a[10] = "", b[10] = "";
    make_pipe(&r, &w, 0);
    call_t first = begin(do_read, r, a, 3), second = begin(do_read, r, b, 9);
    assert_int_equal(finished(first), LATER);
    assert_int_equal(once(do_write, w, "hello", 5), 5);
    assert_int_equal(finished(first), 3);
    assert_int_equal(finished(second), 2);
    assert_string_equal(a, "hel");
    assert_string_equal(b, "lo");
    first = begin(do_read, r, a, 3);
    close_end(w);
    assert_int_equal(finished(first), 0);
    assert_int_equal(once(do_read, r, a, 3), 0);
    assert_int_equal(poll_end(r, POLLIN, true), POLLHUP);
    close_end(r);
}

static void an_interrupted_reader_loses_nothing(void **state)
{
    (void)state;
    struct end r, w;
    char a[10] = "";
    make_pipe(&r, &w, 0);
    call_t first = begin(do_read, r, a, 5);
    fake_cancel(first);
    finished(first);
    assert_int_equal(once(do_write, w, "hello", 5), 5);
    assert_int_equal(once(do_read, r, a, 5), 5);
    assert_string_equal(a, "hello");
    close_end(r);
    close_end(w);
}

static void writers_wait_for_room(void **state)
{
    (void)state;
    struct end r, w;
    static uint8_t in[300000], out[300000];
    make_pipe(&r, &w, 0);
    for (unsigned k = 0; k < sizeof(in); k++)
        in[k] = k * 31 >> 3;
    call_t call = begin(do_write, w, in, sizeof(in));
    size_t got = 0;
    while (got < sizeof(out)) {
        int64_t n = once(do_read, r, out + got, 1 + rand() % 20000);
        assert_true(n > 0);
        got += n;
    }
    assert_int_equal(finished(call), sizeof(in));
    assert_memory_equal(in, out, sizeof(in));
    /* Small ones wait behind each other and stay whole. */
    assert_int_equal(once(do_write, w, in, 65536), 65536);
    call_t one = begin(do_write, w, in, 4096), two = begin(do_write, w, in, 10);
    assert_int_equal(once(do_read, r, out, 4000), 4000);
    assert_int_equal(finished(one), LATER);
    assert_int_equal(finished(two), LATER);
    assert_int_equal(once(do_read, r, out, 100), 100);
    assert_int_equal(finished(one), 4096);
    assert_int_equal(finished(two), LATER);
    assert_int_equal(once(do_read, r, out, 65536), 65532);
    assert_int_equal(finished(two), 10);
    one = begin(do_write, w, in, 100000);
    close_end(r);
    assert_int_equal(finished(one), -EPIPE);
    close_end(w);
}

/* The kernel is told how many bytes are in; a write that is made again with that number goes on
 * there. */
static void an_interrupted_write_goes_on(void **state)
{
    (void)state;
    struct end r, w;
    static uint8_t in[200000], out[200000];
    make_pipe(&r, &w, 0);
    for (unsigned k = 0; k < sizeof(in); k++)
        in[k] = k * 31 >> 3;
    struct message m = { .object = w.object, .flags = w.flags, .from = 70 };
    call_t call = fake_begin(do_write, &m, in, sizeof(in));
    assert_int_equal(once(do_read, r, out, 10000), 10000);
    assert_int_equal(fake_moved(call), 75536);
    fake_cancel(call);
    finished(call);
    m.flags |= CALL_MOVED;
    m.w[5] = 75536;
    call = fake_begin(do_write, &m, in, sizeof(in));
    size_t got = 10000;
    while (got < sizeof(out)) {
        int64_t n = once(do_read, r, out + got, 30000);
        assert_true(n > 0);
        got += n;
    }
    assert_int_equal(finished(call), sizeof(in));
    assert_memory_equal(in, out, sizeof(in));
    struct end quiet = r;
    quiet.flags |= O_NONBLOCK;
    assert_int_equal(once(do_read, quiet, out, 10), -EAGAIN);
    close_end(r);
    close_end(w);
}

static void poll_is_told_of_changes(void **state)
{
    (void)state;
    struct end r, w;
    char c;
    make_pipe(&r, &w, 0);
    fake_notified = 0;
    assert_int_equal(poll_end(r, POLLIN | POLLOUT, true), 0);
    assert_int_equal(poll_end(w, POLLIN | POLLOUT, true), POLLOUT);
    assert_int_equal(once(do_write, w, "x", 1), 1);
    assert_int_equal(fake_notified, 1);
    assert_int_equal(poll_end(r, POLLIN, true), POLLIN);
    fake_notified = 0;
    assert_int_equal(once(do_read, r, &c, 1), 1);
    assert_int_equal(fake_notified, 0);
    poll_end(r, POLLIN, true);
    close_end(w);
    assert_int_equal(fake_notified, 1);
    close_end(r);
}

static call_t begin_fifo(uint64_t flags, uint64_t key)
{
    struct message m = { .op = PIPE_OPEN, .w = { flags, 1, key } };
    return fake_begin(do_open_fifo, &m, NULL, 0);
}

static void fifos_wait_for_the_other_end(void **state)
{
    (void)state;
    char c[4] = "";
    assert_int_equal(finished(begin_fifo(O_WRONLY | O_NONBLOCK, 7)), -ENXIO);
    call_t reader = begin_fifo(O_RDONLY, 7), other = begin_fifo(O_RDONLY, 8);
    assert_int_equal(finished(reader), LATER);
    struct end w = end_of(finished(begin_fifo(O_WRONLY | O_NONBLOCK, 7))),
               r = end_of(finished(reader));
    assert_int_equal(finished(other), LATER);
    assert_int_equal(once(do_write, w, "abc", 3), 3);
    assert_int_equal(once(do_read, r, c, 3), 3);
    assert_string_equal(c, "abc");
    close_end(w);
    assert_int_equal(once(do_read, r, c, 3), 0);
    w = end_of(finished(begin_fifo(O_WRONLY, 7)));
    assert_int_equal(once(do_write, w, "d", 1), 1);
    close_end(r);
    assert_int_equal(once(do_write, w, "d", 1), -EPIPE);
    close_end(w);
    /* An interrupted opener does not count. */
    fake_cancel(other);
    finished(other);
    assert_int_equal(finished(begin_fifo(O_WRONLY | O_NONBLOCK, 8)), -ENXIO);
    r = end_of(finished(begin_fifo(O_RDONLY | O_NONBLOCK, 8)));
    assert_int_equal(once(do_read, r, c, 3), 0);
    close_end(r);
    struct end both = end_of(finished(begin_fifo(O_RDWR, 8)));
    assert_int_equal(once(do_write, both, "xyz", 3), 3);
    assert_int_equal(once(do_read, both, c, 3), 3);
    assert_string_equal(c, "xyz");
    close_end(both);
}

static void pipes_are_used_again(void **state)
{
    (void)state;
    struct end r, w;
    make_pipe(&r, &w, 0);
    uint64_t first = r.object, last = first;
    close_end(r);
    close_end(w);
    size_t before = 0;
    static uint8_t data[65536];
    for (unsigned k = 0; k < 3000; k++) {
        make_pipe(&r, &w, 0);
        assert_int_equal((uint32_t)r.object, (uint32_t)first); /* the same place, */
        assert_true(r.object != last);                         /* but not the same object */
        last = r.object;
        assert_int_equal(once(do_write, w, data, k % 2 ? 65536 : 10), k % 2 ? 65536 : 10);
        close_end(w);
        assert_int_equal(once(do_read, r, data, 65536), k % 2 ? 65536 : 10);
        close_end(r);
        if (k == 10)
            before = fake_budget;
    }
    assert_int_equal(fake_budget, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_out_as_they_went_in),
        cmocka_unit_test(capacity_and_atomicity),
        cmocka_unit_test(bytes_stay_when_the_size_changes),
        cmocka_unit_test(readers_wait_and_see_the_end),
        cmocka_unit_test(an_interrupted_reader_loses_nothing),
        cmocka_unit_test(writers_wait_for_room),
        cmocka_unit_test(an_interrupted_write_goes_on),
        cmocka_unit_test(poll_is_told_of_changes),
        cmocka_unit_test(fifos_wait_for_the_other_end),
        cmocka_unit_test(pipes_are_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
