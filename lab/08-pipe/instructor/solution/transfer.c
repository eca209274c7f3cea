/* Reading and writing, and the calls that wait.
 *
 * The bytes of a waiting reader leave the ring only when the kernel has accepted its reply: if the
 * reader was interrupted meanwhile, they stay in the pipe. A write of up to PIPE_ATOMIC bytes goes
 * in as a whole or waits; a longer one goes in by pieces, and may break off between two of them:
 *
 *     what happens to the writer        who ends the call        its result
 *     a signal interrupts it            the kernel               what call_moved() has said
 *     the last reader closes            answer_write(): -EPIPE   the same, if that is not 0
 *     a page of its buffer is missing   nobody: throw_back()     the call is made again, behind
 *                                                                the bytes of moved_before() */
#include "pipe.h"

/* ---- the ring ---- */

/* Copies the first bytes to the beginning of a call's window, and leaves them in the ring. 0 or an
 * error. */
static int ring_copy_out(struct pipe *p, call_t call, uint32_t bytes)
{
    uint32_t first = MIN(bytes, PIPE_CAPACITY - p->head);
    int error = copy_out_call(call, 0, p->ring + p->head, first);
    return error || first == bytes ? error : copy_out_call(call, first, p->ring, bytes - first);
}

/* Copies bytes from `offset` of a call's window to behind the last one, where they have room. They
 * do not count before ring_put(). */
static int ring_copy_in(struct pipe *p, call_t call, size_t offset, uint32_t bytes)
{
    uint32_t at = (p->head + p->used) % PIPE_CAPACITY, first = MIN(bytes, PIPE_CAPACITY - at);
    int error = copy_in_call(call, offset, p->ring + at, first);
    return error || first == bytes ? error
                                   : copy_in_call(call, offset + first, p->ring, bytes - first);
}

static void ring_put(struct pipe *p, uint32_t bytes)
{
    p->used += bytes;
    if (bytes)
        pollable_happened(&p->poll[END_READ], POLLIN | POLLRDNORM);
}

static void ring_take(struct pipe *p, uint32_t bytes)
{
    p->head = (p->head + bytes) % PIPE_CAPACITY;
    p->used -= bytes;
}

/* How many of the `rest` bytes that are left of a write of `length` go in now. */
static uint32_t fitting(const struct pipe *p, uint64_t length, uint64_t rest)
{
    uint32_t room = PIPE_CAPACITY - p->used;
    if (length <= PIPE_ATOMIC && room < length)
        return 0;
    return MIN(rest, (uint64_t)room);
}

/* ---- the calls that wait ---- */

/* Ends the first waiting read, with bytes or with the end of the file. */
static void answer_read(struct pipe *p)
{
    struct message *m = &p->reads.first->m;
    uint32_t bytes = MIN(m->w[2], (uint64_t)p->used);
    if (bytes && ring_copy_out(p, m->call, bytes))
        throw_back(m->call, 0, bytes); /* made again when the page is there; the bytes stay */
    else if (reply(m->call, bytes) == 0)
        ring_take(p, bytes);
    pending_remove(&p->reads, p->reads.first);
}

/* Goes on with the first waiting write. true: something has changed. */
static bool answer_write(struct pipe *p)
{
    struct message *m = &p->writes.first->m;
    uint64_t done = m->w[5], rest = m->w[2] - done;
    uint32_t bytes = p->readers ? fitting(p, m->w[2], rest) : 0;
    bool ends = true;
    if (!p->readers) {
        reply(m->call, -EPIPE);
    } else if (!bytes) {
        return false;
    } else if (ring_copy_in(p, m->call, done, bytes)) {
        throw_back(m->call, done, rest);
    } else {
        ring_put(p, bytes);
        m->w[5] = done += bytes;
        ends = done == m->w[2];
        if (ends)
            reply(m->call, done);
        else
            call_moved(m->call, done);
    }
    if (ends)
        pending_remove(&p->writes, p->writes.first);
    return true;
}

void serve(struct pipe *p)
{
    for (;;) {
        if (p->reads.first && (p->used || !p->writers))
            answer_read(p);
        else if (!p->writes.first || !answer_write(p))
            break;
    }
    tell_pollers(p);
}

/* ---- the operations ---- */

int64_t do_read(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p)
        return -EBADF;
    uint32_t bytes = MIN(m->w[2], (uint64_t)p->used);
    if (!m->w[2] || (!bytes && !p->writers))
        return 0;
    if (!bytes && m->flags & O_NONBLOCK)
        return -EAGAIN;
    if (!bytes)
        return pending_add(&p->reads, m) ? LATER : -ENOMEM;
    if (ring_copy_out(p, m->call, bytes)) {
        throw_back(m->call, 0, bytes);
        return LATER;
    }
    ring_take(p, bytes);
    serve(p);
    return bytes;
}

int64_t do_write(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    uint64_t length = m->w[2], done = moved_before(m);
    bool may_wait = !(m->flags & O_NONBLOCK);
    if (!p)
        return -EBADF;
    if (!length)
        return 0; /* even without readers */
    if (!p->readers)
        return -EPIPE;
    /* a write that may wait goes behind those that wait already */
    uint32_t bytes = p->writes.first && may_wait ? 0 : fitting(p, length, length - done);
    if (bytes && ring_copy_in(p, m->call, done, bytes)) {
        throw_back(m->call, done, bytes);
        return LATER;
    }
    ring_put(p, bytes);
    done += bytes;
    int64_t result = done ? (int64_t)done : -EAGAIN;
    if (done < length && may_wait) {
        if (done)
            call_moved(m->call, done); /* first: a signal may be waiting for the call to wait */
        m->w[5] = done;
        result = pending_add(&p->writes, m) ? LATER : done ? (int64_t)done : -ENOMEM;
    }
    serve(p);
    return result;
}
