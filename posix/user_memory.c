/* Reading and writing a program's memory.
 *
 * No handler waits for a page. If one is missing, the call is thrown back (throw_back in
 * service.h): the caller leaves this service, PM brings the page, and the kernel makes the same
 * call again from its start. So a handler reads all that it needs before it changes anything, and
 * writes its results last; where that cannot be, user_probe() makes sure of the page first.
 *
 * Neither copy commits. When this server dies in the middle of a handler, what the handler has read
 * of the program is read once more, and must still be there: of sigaction(number, &a, &a) the
 * question must not be replaced by the answer. So a copy that overwrites what has been read
 * commits, in the same step. A handler that fills a buffer again must not rely on what it has
 * copied out of it since: it may be done over from the last copy that committed. */
#include "user_memory.h"

#include "syscalls.h"

/* Whether the range lies where programs can have memory. */
static bool plausible(caller_t at, size_t length)
{
    return at >= PAGE_SIZE && at < USER_TOP && length <= USER_TOP - at;
}

int user_peek(struct thread *t, caller_t from, void *to, size_t length)
{
    if (!plausible(from, length) || ask_peek(t->call, from, to, length) < 0)
        return -EFAULT;
    t->read_from = t->read_end ? MIN(t->read_from, from) : from;
    t->read_end = MAX(t->read_end, from + length);
    return 0;
}

int user_poke_once(struct thread *t, caller_t to, const void *from, size_t length)
{
    if (!plausible(to, length))
        return -EFAULT;
    int64_t error = sys_poke(t->call, to, from, length);
    t->read_end = 0;
    return error < 0 ? -EFAULT : 0;
}

int user_poke(struct thread *t, caller_t to, const void *from, size_t length)
{
    if (t->read_end > to && t->read_from < to + length)
        return user_poke_once(t, to, from, length);
    return plausible(to, length) && ask_poke(t->call, to, from, length) >= 0 ? 0 : -EFAULT;
}

int64_t user_throw_window(struct thread *t, size_t length)
{
    call_t c = t->call;
    t->call = 0;
    throw_back(c, 0, length);
    return thread_gone(t);
}

int64_t user_throw(struct thread *t, caller_t at, size_t length, unsigned window)
{
    if (!plausible(at, length))
        return -EFAULT;
    if (sys_aim(t->call, at, length, window) < 0)
        return -EFAULT;
    return user_throw_window(t, length);
}

int64_t user_read(struct thread *t, caller_t from, void *to, size_t length)
{
    if (!user_peek(t, from, to, length))
        return 0;
    return user_throw(t, from, length, WINDOW_IN);
}

int64_t user_write(struct thread *t, caller_t to, const void *from, size_t length)
{
    if (!user_poke(t, to, from, length))
        return 0;
    return user_throw(t, to, length, WINDOW_OUT);
}

int64_t user_probe(struct thread *t, caller_t to, size_t length)
{
    char now[512];
    for (size_t done = 0; done < length; done += sizeof now) {
        size_t n = MIN(length - done, sizeof now);
        if (!plausible(to + done, n) || ask_peek(t->call, to + done, now, n) < 0 ||
            ask_poke(t->call, to + done, now, n) < 0)
            return user_throw(t, to, length, WINDOW_INOUT);
    }
    return 0;
}

int64_t user_string(struct thread *t, caller_t from, char *to, size_t size)
{
    size_t have = 0;
    while (have < size) {
        size_t n = MIN(size - have, PAGE_SIZE - ((from + have) & (PAGE_SIZE - 1)));
        n = MIN(n, have ? 1024ul : 128ul);
        if (user_peek(t, from + have, to + have, n))
            return user_throw(t, from + have, 1, WINDOW_IN);
        const char *end = memchr(to + have, 0, n);
        if (end)
            return end - to;
        have += n;
    }
    return -ENAMETOOLONG;
}
