/* Bytes for splice and tee. Between a pipe and a file POSIX carries them, in two steps: it looks at
 * the first bytes of the pipe (PIPE_PEEK), and takes as many out as the file has room for
 * (PIPE_TAKE), so none are lost when the file has none. Meanwhile nobody else gets bytes. Between
 * two pipes they go from ring to ring. */
#include "pipe.h"

int64_t do_peek(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p || m->from >= MAX_SERVICE)
        return -EBADF;
    if (p->peeked || (!p->used && p->writers))
        return -EAGAIN;
    uint32_t bytes = MIN(m->w[2], (uint64_t)p->used);
    if (!bytes)
        return 0;
    int error = ring_copy_out(p, m->call, 0, bytes);
    if (error)
        return error;
    p->peeked = true;
    return bytes;
}

/* The pipe has lost or got bytes: who waits for that goes on. */
static void moved(struct pipe *p)
{
    serve_writes(p);
    serve_reads(p);
    pipe_changed(p);
}

int64_t do_take(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p || m->from >= MAX_SERVICE || !p->peeked)
        return -EBADF;
    p->peeked = false;
    ring_take(p, MIN(m->w[1], (uint64_t)p->used));
    reply(m->call, 0); /* as in do_read(): before a writer's bytes take their place */
    moved(p);
    return LATER;
}

int64_t do_move(struct message *m)
{
    struct pipe *from = pipe_of(m->object), *to = pipe_of(m->w[1]);
    if (!from || !to || from == to || m->from >= MAX_SERVICE)
        return -EBADF;
    if (!to->readers)
        return -EPIPE;
    uint64_t length = MIN(m->w[2], (uint64_t)from->used);
    if (!length || from->peeked)
        return from->used || from->writers ? -EAGAIN : 0;
    /* a packet stays one: up to its end at a time */
    uint32_t lead = read_lead(from);
    length = MIN(length, (uint64_t)read_most(from));
    if (length > lead && !packets_room(to, to->capacity))
        return -ENOMEM;
    if (to->packets && !packets_free(to->packets))
        length = MIN(length, (uint64_t)lead);
    uint32_t bytes = MIN(length, (uint64_t)(to->capacity - to->used));
    if (bytes && !ring_room(to, bytes))
        bytes = MIN(bytes, to->size - to->used);
    if (!bytes)
        return -ENOBUFS;
    ring_copy(from, to, bytes);
    ring_put(to, bytes);
    if (bytes > lead)
        packets_add(to, bytes - lead);
    if (!m->w[3])
        ring_take(from, bytes);
    reply(m->call, bytes);
    moved(to);
    if (!m->w[3])
        moved(from);
    return LATER;
}
