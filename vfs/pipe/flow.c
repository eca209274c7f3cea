/* Reading and writing. What can be done at once is done at once; the rest waits in the pipe's lists. A reader that waited takes
 * its bytes only when it has accepted the reply, so one that was cancelled leaves them for the next. */
#include "pipe.h"

/* How much of a write has been taken stands in a word of its message that no protocol uses. */
static inline uint64_t *progress(struct message *m) { return &m->w[3]; }

static int64_t missing(struct message *m, size_t offset, size_t length)
{
    throw_back(m->call, offset, length);
    return LATER;
}

int64_t do_read(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p)
        return -EBADF;
    uint32_t n = MIN(m->w[2], (uint64_t)p->count);
    if (!m->w[2])
        return 0;
    if (!n) {
        if (!p->writers)
            return 0;
        if (m->flags & O_NONBLOCK)
            return -EAGAIN;
        return pending_add(&p->reading, m) ? LATER : -ENOMEM;
    }
    int error = ring_show(p, m->call, n);
    if (error == -EFAULT)
        return missing(m, 0, n);
    if (error)
        return error;
    ring_taken(p, n);
    if (p->writing.first || p->armed)
        pipe_changed(p);
    return n;
}

/* A long write waits in parts, and a part must not fail when others were taken: so its pages are asked for before. */
static int touch(struct message *m, size_t length)
{
    uint8_t byte;
    for (size_t at = 0; at < length; at += PAGE_SIZE) {
        int error = copy_in_call(m->call, at, &byte, 1);
        if (error)
            return error;
    }
    return copy_in_call(m->call, length - 1, &byte, 1);
}

/* Takes what fits of the rest of a write; up to PIPE_BUF all or nothing. How much; 0: must wait; or -errno. */
static int64_t take(struct pipe *p, struct message *m)
{
    uint64_t left = m->w[2] - *progress(m);
    if (left > ring_space(p))
        ring_grow(p);
    uint32_t n = MIN(left, (uint64_t)ring_space(p));
    if (!n || (n < left && m->w[2] <= PIPE_BUF))
        return 0;
    int error = ring_fill(p, m->call, *progress(m), n);
    if (error)
        return error;
    ring_added(p, n);
    *progress(m) += n;
    return n;
}

int64_t do_write(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    uint64_t length = m->w[2];
    *progress(m) = 0;
    if (!p)
        return -EBADF;
    if (!p->readers)
        return -EPIPE;
    if (!length)
        return 0;
    int64_t error = length > ring_space(p) ? touch(m, length) : 0;
    if (!error && !p->writing.first)
        error = take(p, m);
    if (error == -EFAULT)
        return missing(m, 0, length);
    if (error < 0)
        return error;
    if (*progress(m) && (p->reading.first || p->armed))
        pipe_changed(p);
    while (*progress(m) < length && error > 0 && !p->writing.first) {   /* readers have made room */
        error = take(p, m);
        if (error > 0)
            pipe_changed(p);
    }
    if (*progress(m) == length)
        return length;
    if (m->flags & O_NONBLOCK)
        return *progress(m) ? (int64_t)*progress(m) : -EAGAIN;
    return pending_add(&p->writing, m) ? LATER : -ENOMEM;
}

/* One waiting reader. false: there is nothing for him yet. */
static bool serve_reader(struct pipe *p, struct pending *r)
{
    uint32_t n = MIN(r->m.w[2], (uint64_t)p->count);
    if (!n && p->writers)
        return false;
    int error = n ? ring_show(p, r->m.call, n) : 0;
    if (error == -EFAULT)
        throw_back(r->m.call, 0, n);
    else if (!error && reply(r->m.call, n) == 0)
        ring_taken(p, n);
    pending_remove(&p->reading, r);
    return true;
}

static bool serve_writer(struct pipe *p, struct pending *w)
{
    int64_t n = p->readers ? take(p, &w->m) : -EPIPE;
    uint64_t done = *progress(&w->m);
    if (n == 0 && call_alive(w->m.call))
        return false;
    if (n > 0 && done < w->m.w[2])
        return true;
    reply(w->m.call, n < 0 && !done ? n : (int64_t)done);
    pending_remove(&p->writing, w);
    return true;
}

void pipe_changed(struct pipe *p)
{
    bool moved;
    do {
        moved = false;
        while (p->reading.first && serve_reader(p, p->reading.first))
            moved = true;
        while (p->writing.first && (ring_space(p) || !p->readers) && serve_writer(p, p->writing.first))
            moved = true;
    } while (moved && p->reading.first && p->count);
    if (p->armed) {
        static endpoint_t posix;
        if (!posix)
            posix = service_find("posix");
        p->armed = false;
        notify(posix, BIT_POLL);
    }
}
