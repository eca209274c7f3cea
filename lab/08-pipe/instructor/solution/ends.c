/* The ends of pipes: making, opening and closing them. The server counts open files; the kernel
 * counts the descriptors of each, and says when the last one has gone.
 *
 * An open of a FIFO ends like this; an open file of the other side, or an open that waits for this
 * one, counts as "there":
 *
 *     access mode   the other side is there   it is not   it is not, and O_NONBLOCK
 *     read          at once                   waits       at once
 *     write         at once                   waits       -ENXIO
 *     both          at once                   at once     at once */
#include "pipe.h"

static struct pipe pipes[PIPES];

struct pipe *pipe_of(uint64_t object)
{
    uint32_t number = pipe_number(object);
    struct pipe *p = number < PIPES ? &pipes[number] : NULL;
    return p && p->there && pipe_object(number, p->generation, object & 1) == object ? p : NULL;
}

/* Drops all calls of the list that were interrupted. true: one is left. */
static bool anyone(struct pending_list *list)
{
    for (struct pending *w = list->first, *next; w; w = next) {
        next = w->next;
        if (!call_alive(w->m.call))
            pending_remove(list, w);
    }
    return list->first != NULL;
}

/* Ends a pipe that has neither open files nor opens that wait for the other side. */
static void end_if_unused(struct pipe *p)
{
    if (p->readers || p->writers || p->open_reads.first || p->open_writes.first)
        return;
    p->there = false;
}

/* Ends those that only openers keep who have gone, of which nobody tells. */
static void end_lonely(void)
{
    for (struct pipe *p = pipes; p < pipes + PIPES; p++)
        if (p->there && !anyone(&p->open_reads) && !anyone(&p->open_writes))
            end_if_unused(p);
}

static struct pipe *free_place(void)
{
    for (struct pipe *p = pipes; p < pipes + PIPES; p++)
        if (!p->there)
            return p;
    return NULL;
}

/* A new pipe, without ends. NULL: there are as many as there can be. */
static struct pipe *pipe_new(void)
{
    struct pipe *p = free_place();
    if (!p) {
        end_lonely();
        p = free_place();
    }
    if (!p)
        return NULL;
    p->there = true;
    p->fifo = false;
    p->number = p - pipes;
    p->generation++;
    p->head = p->used = 0;
    for (int end = END_READ; end <= END_WRITE; end++)
        p->poll[end].object = pipe_object(p->number, p->generation, end);
    return p;
}

/* Gives the caller a descriptor with these flags: the descriptor, or an error. */
static int64_t connect_end(struct pipe *p, struct message *m, uint64_t flags)
{
    int end = reads(flags) ? END_READ : END_WRITE;
    int64_t fd = connect(m, pipe_object(p->number, p->generation, end), end_flags(flags));
    if (fd >= 0) {
        p->readers += reads(flags);
        p->writers += writes(flags);
    }
    return fd;
}

int64_t do_create(struct message *m)
{
    uint64_t flags = m->w[2];
    int32_t fds[2];
    if (flags & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    /* has the caller's page brought before anything has changed: the copy below cannot fail */
    if (copy_in(m, 0, fds, sizeof fds) || copy_out(m, 0, fds, sizeof fds))
        return -EFAULT;
    struct pipe *p = pipe_new();
    if (!p)
        return -ENFILE;
    int64_t a = connect_end(p, m, flags | O_RDONLY);
    int64_t b = a < 0 ? a : connect_end(p, m, flags | O_WRONLY);
    if (b < 0) {
        end_if_unused(p); /* if there is one end, the kernel takes it back, and releases it */
        return b;
    }
    fds[0] = a;
    fds[1] = b;
    return copy_out(m, 0, fds, sizeof fds) ? -EFAULT : 0;
}

int64_t do_open(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    return p ? connect_end(p, m, m->w[1]) : -ENXIO;
}

void do_release(const struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p)
        return;
    p->readers -= reads(m->flags);
    p->writers -= writes(m->flags);
    if (!p->writers)
        pollable_happened(&p->poll[END_READ], POLLHUP);
    if (!p->readers)
        pollable_happened(&p->poll[END_WRITE], POLLERR);
    serve(p);
    end_if_unused(p);
}

/* ---- FIFOs ---- */

/* The pipe of the FIFO whose file is (key1, key2), made if need be. NULL as pipe_new(). */
static struct pipe *fifo_of(uint64_t key1, uint64_t key2)
{
    for (struct pipe *p = pipes; p < pipes + PIPES; p++)
        if (p->there && p->fifo && p->key1 == key1 && p->key2 == key2)
            return p;
    struct pipe *p = pipe_new();
    if (p) {
        p->fifo = true;
        p->key1 = key1;
        p->key2 = key2;
    }
    return p;
}

/* Answers the opens that waited for this side to come. */
static void admit(struct pipe *p, struct pending_list *list)
{
    while (list->first) {
        struct message *m = &list->first->m;
        if (call_alive(m->call))
            reply(m->call, connect_end(p, m, m->w[0]));
        pending_remove(list, list->first);
    }
}

int64_t do_open_fifo(struct message *m)
{
    uint64_t flags = m->w[0];
    bool read = reads(flags), write = writes(flags);
    struct pipe *p = fifo_of(m->w[1], m->w[2]);
    if (!p)
        return -ENFILE;
    bool reader_there = anyone(&p->open_reads) || p->readers;
    bool writer_there = anyone(&p->open_writes) || p->writers;
    bool at_once = (read && write) || (read ? writer_there || flags & O_NONBLOCK : reader_there);
    int64_t result;
    if (at_once) {
        result = connect_end(p, m, flags);
        if (result >= 0 && write)
            admit(p, &p->open_reads);
        if (result >= 0 && read)
            admit(p, &p->open_writes);
        serve(p);
    } else if (flags & O_NONBLOCK) {
        result = -ENXIO;
    } else {
        result = pending_add(read ? &p->open_reads : &p->open_writes, m) ? LATER : -ENOMEM;
    }
    end_if_unused(p);
    return result;
}
