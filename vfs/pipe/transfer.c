/* Reading and writing, and the calls that wait for the other end.
 *
 * The bytes of a waiting reader leave the ring only when the kernel has accepted its reply: if the
 * reader was interrupted meanwhile, they stay in the pipe. A write of up to PIPE_ATOMIC bytes goes
 * in as a whole or waits; a longer one goes in by pieces.
 *
 * A long write may break off after some of its bytes are in the pipe, or read from it already, and
 * these must be neither lost nor written twice. w[5] of the waiting call counts the bytes that are
 * in, and call_moved() tells the kernel the same number:
 *
 *     what happens to the writer         who ends the call            its result
 *     a signal interrupts it             the kernel                   the bytes moved
 *     the last reader closes its end     answer_write(): -EPIPE       the bytes moved, if any
 *     a page of its buffer is missing    throw_back(): PM brings the  - the call is made again;
 *                                        page                         moved_before() is where it
 *                                                                     goes on
 *     this service is rolled back        - rings, lists and w[5] are  as if nothing had happened
 *                                        rolled back with it, and
 *                                        the kernel's number commits
 *                                        with call_moved()
 *
 * What is copied into a ring is not in the undo log. So a reader is answered, which commits, before
 * a waiting writer's bytes may take the place of those that were read: see do_read(). */
#include "pipe.h"

enum { THROWN_AHEAD = 65536 /* bytes of a buffer that are brought at least, if it has so many */ };

/* ---- Callers that wait ---- */

/* The bytes of a buffer that may be used. A buffer that runs into unmapped memory (CALL_CUT) is
 * used in whole pages. */
static uint64_t whole_pages(const struct message *m)
{
    return m->flags & CALL_CUT ? m->w[2] & ~(PAGE_SIZE - 1ul) : m->w[2];
}

/* The bytes that a read gets now, of those in the pipe; 0 with `bad` set: its buffer has no room.
 */
static inline uint32_t readable(const struct pipe *p, const struct message *m, bool *bad)
{
    uint64_t room = m->w[2] < p->used ? whole_pages(m) : m->w[2];
    *bad = !room && p->used && m->w[2];
    return MIN(room, (uint64_t)read_most(p));
}

/* Ends one waiting read with the bytes in the pipe, or with 0 if no writer is left. */
static void answer_read(struct pipe *p, struct pending *waiting)
{
    struct message *m = &waiting->m;
    bool bad;
    uint32_t bytes = readable(p, m, &bad);
    if (bad)
        reply(m->call, -EFAULT);
    else if (bytes && ring_copy_out(p, m->call, 0, bytes))
        throw_back(m->call, 0, bytes); /* made again when the page is there; the bytes stay */
    else if (reply(m->call, bytes) == 0)
        ring_take(p, read_takes(p, bytes));
    pending_remove(&p->reads, waiting);
}

void serve_reads(struct pipe *p)
{
    while (p->reads.first && !p->peeked && (p->used || !p->writers))
        answer_read(p, p->reads.first);
}

/* How many of the `rest` bytes that are left of a write of `length` can go in now: of packets,
 * whole ones. Makes the ring large if that helps. */
static inline uint32_t fitting(struct pipe *p, const struct message *m, uint64_t length,
                               uint64_t rest)
{
    uint32_t bytes = MIN(rest, (uint64_t)(p->capacity - p->used));
    if (length <= PIPE_ATOMIC && bytes < length)
        return 0;
    /* no memory for a large ring: as many as the small one has room for */
    if (bytes && !ring_room(p, bytes)) {
        bytes = p->size - p->used;
        if (length <= PIPE_ATOMIC && bytes < length)
            return 0;
    }
    if (__builtin_expect(m->flags & O_DIRECT, 0)) {
        bytes = MIN(bytes, packets_free(p->packets) * PIPE_ATOMIC);
        if (bytes < rest)
            bytes -= bytes % PIPE_ATOMIC;
    }
    return bytes;
}

/* Bytes that were copied in are in the pipe. */
static void put(struct pipe *p, const struct message *m, uint32_t bytes)
{
    ring_put(p, bytes);
    if (__builtin_expect(m->flags & O_DIRECT, 0))
        packets_add(p, bytes);
}

/* Continues one waiting write. true: the write has ended, and the next may begin. */
static bool answer_write(struct pipe *p, struct pending *waiting)
{
    struct message *m = &waiting->m;
    if (!p->readers) {
        reply(m->call, -EPIPE);
        pending_remove(&p->writes, waiting);
        return true;
    }
    uint32_t bytes = fitting(p, m, m->w[2], m->w[2] - m->w[5]);
    if (!bytes)
        return false;
    if (ring_copy_in(p, m->call, m->w[5], bytes)) {
        throw_back(m->call, m->w[5], m->w[2] - m->w[5]);
        pending_remove(&p->writes, waiting);
        return true;
    }
    put(p, m, bytes);
    m->w[5] += bytes;
    if (m->w[5] < m->w[2]) {
        call_moved(m->call, m->w[5]);
        return false;
    }
    reply(m->call, m->w[2]);
    pending_remove(&p->writes, waiting);
    return true;
}

void serve_writes(struct pipe *p)
{
    while (p->writes.first && answer_write(p, p->writes.first))
        ;
}

/* ---- The operations ---- */

int64_t do_read(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p)
        return -EBADF;
    if (!p->used || p->peeked) {
        if (!m->w[2] || (!p->used && !p->writers))
            return 0;
        if (m->flags & O_NONBLOCK)
            return -EAGAIN;
        return pending_add(&p->reads, m) ? LATER : -ENOMEM;
    }
    bool bad;
    uint32_t bytes = readable(p, m, &bad);
    if (bad)
        return -EFAULT;
    if (ring_copy_out(p, m->call, 0, bytes)) {
        throw_back(m->call, 0, MAX(bytes, MIN(whole_pages(m), (uint64_t)THROWN_AHEAD)));
        return LATER;
    }
    ring_take(p, read_takes(p, bytes));
    if (!p->writes.first) {
        pipe_changed(p);
        return bytes;
    }
    /* Commits the read before a writer's bytes take its place in the ring: what is copied in is not
     * in the undo log. */
    reply(m->call, bytes);
    serve_writes(p);
    serve_reads(p);
    pipe_changed(p);
    return LATER;
}

int64_t do_write(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    uint64_t length = whole_pages(m), done = moved_before(m);
    if (!p)
        return -EBADF;
    if (!length && !(m->flags & CALL_CUT))
        return 0; /* even without readers */
    if (!p->readers)
        return -EPIPE;
    if (!length)
        return -EFAULT;
    if (__builtin_expect(m->flags & O_DIRECT, 0) && !packets_room(p, p->capacity))
        return -ENOMEM;
    uint32_t bytes = 0;
    /* a write that may wait goes behind the writes that wait already */
    if (done < length && !(p->writes.first && !(m->flags & O_NONBLOCK))) {
        bytes = fitting(p, m, length, length - done);
        if (ring_copy_in(p, m->call, done, bytes)) {
            throw_back(m->call, done, MAX(bytes, MIN(length - done, (uint64_t)THROWN_AHEAD)));
            return LATER;
        }
        put(p, m, bytes);
        done += bytes;
    }
    int64_t result = done;
    if (done < length) {
        m->w[5] = done;
        if (bytes && !(m->flags & O_NONBLOCK))
            call_moved(m->call, done);
        if (!(m->flags & O_NONBLOCK))
            result = pending_add(&p->writes, m) ? LATER : done ? (int64_t)done : -ENOMEM;
        else if (!done)
            result = -EAGAIN;
    }
    if (p->reads.first) {
        serve_reads(p);
        serve_writes(p);
    }
    if (bytes)
        pipe_changed(p);
    return result;
}
