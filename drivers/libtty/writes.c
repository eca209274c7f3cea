/* The writes to one place that takes bytes as it has room:
 *
 *     what waits    where it stands     until
 *     a write       waiting, in order   there is room and no write is before it; a part of it is
 *                                       taken, and it ends short or is `writer`
 *     that write    writer, the one of  all of it has been taken; it ends short when the owner says
 *                   which a part is     so, and is never made again from its beginning
 *                   taken
 *
 * A terminal has such a place, its output; the master of a pseudo terminal another, the input. */
#include "terminal.h"

enum { CHUNK = 2048, PIECE = 512, BYTES_AT_ONCE = 16384 };
/* Between two pauses there are about so many bytes at least, if each is worth all that it can be.
 */
enum { LEAST_AT_ONCE = 16 };

/* Takes as much of a write as has room. The buffer is on the stack, since it is filled again while
 * what was done with its bytes before can still be taken back (see copy_in). 0; -EFAULT: a page of
 * the caller's buffer is missing; another error: the caller has gone. */
static int writer_take(struct writes *s, struct writer *w)
{
    uint8_t bytes[PIECE];
    while (w->done < w->length && s->has_room(s->of)) {
        size_t n = MIN(w->length - w->done, PIECE - w->done % PIECE);
        int error = copy_in_call(w->call, w->done, bytes, n);
        if (error)
            return error;
        size_t taken = s->take(s->of, bytes, n);
        w->done += taken;
        uint64_t left = w->length - w->done;
        if (left / BYTES_AT_ONCE != (left + taken + s->extra) / BYTES_AT_ONCE)
            give_way(STEPS(left, LEAST_AT_ONCE));
    }
    return 0;
}

/* A signal ends the write with what has been taken. */
static void writer_waits(const struct writer *w)
{
    call_moved(w->call, w->done);
    call_waits(w->call);
}

/* Goes on with a write. true: its call has ended, or was thrown back because a page in its middle
 * is missing. With `now` it ends short if a part has been taken. */
static bool writer_continue(struct writes *s, struct writer *w, bool now)
{
    int error = writer_take(s, w);
    if (error == -EFAULT) {
        if (w->done)
            call_moved(w->call, w->done);
        throw_back(w->call, w->done, MIN(w->length - w->done, (uint64_t)TTY_OUTPUT));
        return true;
    }
    if (error)
        return true;
    if (w->done < w->length && !(now && w->done)) {
        if (w->done)
            writer_waits(w);
        return false;
    }
    reply(w->call, w->done);
    return true;
}

/* How many bytes of a write are taken: all, or, if the caller's memory ends before (CALL_CUT),
 * whole pieces of 2 KiB, as Linux's terminals take them. */
static uint64_t write_length(const struct message *m)
{
    return m->flags & CALL_CUT ? m->w[2] / CHUNK * CHUNK : m->w[2];
}

int64_t writes_begin(struct writes *s, struct message *m, bool stopped)
{
    if (!write_length(m))
        return m->w[2] ? -EFAULT : 0;
    if (moved_before(m) >= write_length(m))
        return moved_before(m);
    bool others = s->writer.call || s->waiting.first, wait = !(m->flags & O_NONBLOCK);
    struct writer w = { m->call, write_length(m), moved_before(m) };
    if (!others && writer_continue(s, &w, !wait || stopped))
        return LATER;
    if (!wait)
        return -EAGAIN;
    if (!others && w.done)
        s->writer = w;
    else if (!pending_add(&s->waiting, m))
        return -ENOMEM;
    return LATER;
}

void writes_settle(struct writes *s, bool cut)
{
    if (s->writer.call && writer_continue(s, &s->writer, cut))
        s->writer.call = 0;
    while (!s->writer.call && s->waiting.first) {
        struct pending *p = s->waiting.first;
        struct writer w = { p->m.call, write_length(&p->m), moved_before(&p->m) };
        if (!writer_continue(s, &w, true))
            break;
        pending_remove(&s->waiting, p);
    }
}

void writes_fail(struct writes *s, int error)
{
    if (s->writer.call)
        reply(s->writer.call, s->writer.done ? (int64_t)s->writer.done : error);
    s->writer.call = 0;
    for (; s->waiting.first; pending_remove(&s->waiting, s->waiting.first))
        reply(s->waiting.first->m.call, error);
}
