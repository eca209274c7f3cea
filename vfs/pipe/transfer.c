/* Reading and writing.
 *
 * A reader that waits gives up its bytes only when its reply has been taken: if it was interrupted meanwhile, they stay
 * in the pipe. A writer of up to PIPE_ATOMIC bytes puts them all in at once or waits; a longer write goes in by pieces. */
#include "pipe.h"

static inline uint16_t thread_of(call_t call) { return call & 0xffff; }

/* ---- Those who wait ---- */

/* One waiting reader gets what is there. */
static void answer_read(struct pipe *p, struct pending *waiting)
{
    struct message *m = &waiting->m;
    uint32_t bytes = MIN(m->w[2], (uint64_t)p->used);
    if (bytes && ring_copy_out(p, m->call, 0, bytes))
        throw_back(m->call, 0, bytes);       /* sent again when the page is there; the bytes stay */
    else if (reply(m->call, bytes) == 0)
        ring_take(p, bytes);
    pending_remove(&p->reads, waiting);
}

void serve_reads(struct pipe *p)
{
    while (p->reads.first && (p->used || !p->writers))
        answer_read(p, p->reads.first);
}

/* How much of a write of which `rest` bytes are left can go in now. */
static uint32_t fitting(struct pipe *p, uint64_t length, uint64_t rest)
{
    uint32_t bytes = MIN(rest, (uint64_t)(PIPE_MAX - p->used));
    if (length <= PIPE_ATOMIC && bytes < length)
        return 0;
    if (bytes && !ring_room(p, bytes)) {     /* no memory for a large ring: what the small one holds */
        bytes = p->size - p->used;
        if (length <= PIPE_ATOMIC && bytes < length)
            return 0;
    }
    return bytes;
}

static void remember(struct pipe *p, const struct message *m)
{
    if (m->w[5])
        p->broken = (struct broken_write){ m->from, m->w[1], m->w[2], m->w[5], thread_of(m->call) };
}

/* One waiting writer goes on. Whether it has made room for the next. */
static bool answer_write(struct pipe *p, struct pending *waiting)
{
    struct message *m = &waiting->m;
    if (!p->readers) {
        reply(m->call, -EPIPE);
        pending_remove(&p->writes, waiting);
        return true;
    }
    uint32_t bytes = fitting(p, m->w[2], m->w[2] - m->w[5]);
    if (!bytes)
        return false;
    if (ring_copy_in(p, m->call, m->w[5], bytes)) {
        remember(p, m);
        throw_back(m->call, m->w[5], m->w[2] - m->w[5]);
        pending_remove(&p->writes, waiting);
        return true;
    }
    if (!call_alive(m->call)) {
        remember(p, m);
        pending_remove(&p->writes, waiting);
        return true;
    }
    p->used += bytes;
    m->w[5] += bytes;
    if (m->w[5] < m->w[2])
        return false;
    if (reply(m->call, m->w[2]))
        remember(p, m);
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
    if (!p->used) {
        if (!m->w[2] || !p->writers)
            return 0;
        if (m->flags & O_NONBLOCK)
            return -EAGAIN;
        return pending_add(&p->reads, m) ? LATER : -ENOMEM;
    }
    uint32_t bytes = MIN(m->w[2], (uint64_t)p->used), first = MIN(bytes, p->size - p->head);
    if (copy_out(m, 0, p->ring + p->head, first) || (bytes > first && copy_out(m, first, p->ring, bytes - first)))
        return -EFAULT;
    ring_take(p, bytes);
    if (!p->writes.first) {
        if (p->armed)
            pipe_changed(p);
        return bytes;
    }
    reply(m->call, bytes);   /* before a writer's bytes take their place: what is copied in is not in the undo log */
    serve_writes(p);
    serve_reads(p);
    if (p->armed)
        pipe_changed(p);
    return LATER;
}

/* How much of this very call was written before it was interrupted. */
static uint64_t resume(struct pipe *p, const struct message *m)
{
    uint16_t thread = thread_of(m->call);
    for (struct pending *w = p->writes.first; w; w = w->next)
        if (thread_of(w->m.call) == thread)
            remember(p, &w->m);
    if (p->broken.done == 0 || p->broken.thread != thread)
        return 0;
    struct broken_write b = p->broken;
    p->broken.done = 0;
    return b.from == m->from && b.base == m->w[1] && b.length == m->w[2] ? b.done : 0;
}

int64_t do_write(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    uint64_t length = m->w[2], done = 0;
    if (!p)
        return -EBADF;
    if (!p->readers)
        return -EPIPE;
    if (!length)
        return 0;
    if (p->broken.done || p->writes.first)
        done = resume(p, m);
    uint32_t bytes = 0;
    if (done < length && !(p->writes.first && !(m->flags & O_NONBLOCK))) {      /* else behind those who wait already */
        bytes = fitting(p, length, length - done);
        uint32_t at = (p->head + p->used) & (p->size - 1), first = MIN(bytes, p->size - at);
        if (bytes && (copy_in(m, done, p->ring + at, first) || (bytes > first && copy_in(m, done + first, p->ring, bytes - first)))) {
            m->w[5] = done;
            remember(p, m);
            return -EFAULT;
        }
        p->used += bytes;
        done += bytes;
    }
    int64_t result = done;
    if (done < length) {
        m->w[5] = done;
        if (!(m->flags & O_NONBLOCK))
            result = pending_add(&p->writes, m) ? LATER : done ? (int64_t)done : -ENOMEM;
        else if (!done)
            result = -EAGAIN;
    }
    if (p->reads.first) {
        serve_reads(p);
        serve_writes(p);
    }
    if (p->armed && bytes)
        pipe_changed(p);
    return result;
}
