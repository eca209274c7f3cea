/* The ends of pipes: making, opening, closing them. An open of a FIFO ends like this (POSIX,
 * open()); an open file of the other end, or an open that waits for this one, counts as "there":
 *
 *     access mode   the other end is there   it is not           it is not, and O_NONBLOCK
 *     read          at once                  waits               at once
 *     write         at once                  waits               -ENXIO
 *     both          at once                  at once             at once
 *
 * An open that waits has no end yet: admit() connects it when the other end comes. So a pipe lives
 * as long as it has open files or opens that wait. */
#include "pipe.h"

static struct pipe *pipes[PIPES];
static unsigned count;
static struct pipe *free_pipes;
static struct share pipe_share = SHARE(PIPES, PIPES / 8, PIPES / 2);
static uint32_t usual = PIPE_USUAL; /* of pipes that root does not make: see do_limit() */

struct pipe *pipe_of(uint64_t object)
{
    uint32_t number = pipe_number(object);
    struct pipe *p = number < count ? pipes[number] : NULL;
    return p && (object >> 32) % PIPE_GENERATIONS == p->generation ? p : NULL;
}

static void pipe_free(struct pipe *p)
{
    ring_drop(p);
    memory_free(p->packets);
    p->packets = NULL;
    share_give(&pipe_share, p->user, 1);
    p->used_now = false;
    p->generation = (p->generation + 1) % PIPE_GENERATIONS;
    p->next_free = free_pipes;
    free_pipes = p;
}

/* A new pipe, charged to the caller's user. NULL: the user has its share of all pipes, or there is
 * no memory. */
static struct pipe *pipe_new(call_t caller)
{
    uint32_t user = call_user(caller);
    if (share_take(&pipe_share, user, 1, -ENFILE))
        return NULL;
    struct pipe *p = free_pipes;
    if (p) {
        free_pipes = p->next_free;
    } else if ((p = memory_zalloc(sizeof *p))) {
        p->number = count;
        for (int end = END_READ; end <= END_WRITE; end++)
            p->poll[end].object = pipe_object(p->number, 0, end);
        pipes[count++] = p;
    } else {
        share_give(&pipe_share, user, 1);
        return NULL;
    }
    *p = (struct pipe){ .used_now = true,
                        .number = p->number,
                        .poll = { p->poll[END_READ], p->poll[END_WRITE] },
                        .generation = (p->generation + 1) % PIPE_GENERATIONS,
                        .opened = 1,
                        .capacity = usual < PIPE_USUAL && !call_privileged(caller) ? usual
                                                                                   : PIPE_USUAL,
                        .user = user,
                        .born = fs_now() };
    if (ring_begin(p) == 0)
        return p;
    pipe_free(p);
    return NULL;
}

/* Ends a pipe that has neither open files nor opens that wait for the other end. */
static void free_if_unused(struct pipe *p)
{
    if (p->readers || p->writers || p->open_reads.first || p->open_writes.first)
        return;
    pipe_free(p);
}

static inline bool reads(uint64_t flags) { return (flags & O_ACCMODE) != O_WRONLY; }

/* Connects the caller to the end or ends that the flags of the open say: the descriptor, or
 * -EMFILE. */
static int64_t connect_end(struct pipe *p, struct message *m, uint64_t flags)
{
    int end = reads(flags) ? END_READ : END_WRITE;
    uint32_t kept = fs_connection_flags(flags) & ~(uint32_t)(CONN_SEEKABLE | CONN_READY);
    uint64_t object = pipe_object(p->number, p->generation, end);
    if (p->fifo && !p->writers && !fs_writes(flags))
        object |= (uint64_t)p->opened << PIPE_OPENED_SHIFT;
    int64_t descriptor = connect(m, object, kept);
    if (descriptor >= 0) {
        p->readers += reads(flags);
        p->writers += fs_writes(flags);
        p->opened = fs_writes(flags) ? p->opened % UINT8_MAX + 1 : p->opened;
    }
    return descriptor;
}

int64_t do_limit(struct message *m)
{
    if (m->from >= MAX_SERVICE)
        return -EPERM;
    usual = MIN(MAX(m->w[1], (uint64_t)PIPE_FIRST), (uint64_t)PIPE_USUAL);
    return 0;
}

/* pipe2: both ends. */
int64_t do_create(struct message *m)
{
    uint64_t flags = m->w[2];
    int32_t ends[2];
    if (flags & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
        return -EINVAL;
    /* Finds a missing page of the array before anything has changed: the call can be made again. If
     * the call fails later, the array is as it was. */
    if (copy_in(m, 0, ends, sizeof ends) || copy_out(m, 0, ends, sizeof ends))
        return -EFAULT;
    struct pipe *p = pipe_new(m->call);
    if (!p)
        return -ENFILE;
    int64_t a = connect_end(p, m, (flags & ~(uint64_t)O_DIRECT) | O_RDONLY),
            b = a < 0 ? a : connect_end(p, m, flags | O_WRONLY);
    if (b < 0) {
        free_if_unused(p); /* if there is an end, the kernel has taken it back, and releases it */
        return b;
    }
    ends[0] = a;
    ends[1] = b;
    return copy_out(m, 0, ends, sizeof ends) ? -EFAULT : 0;
}

/* ---- FIFOs ---- */

/* The pipe of the FIFO whose file is (key1, key2), made if need be. NULL as pipe_new(). */
static struct pipe *fifo_of(uint64_t key1, uint64_t key2, call_t caller)
{
    for (unsigned k = 0; k < count; k++)
        if (pipes[k]->used_now && pipes[k]->fifo && pipes[k]->key1 == key1 &&
            pipes[k]->key2 == key2)
            return pipes[k];
    struct pipe *p = pipe_new(caller);
    if (p) {
        p->fifo = true;
        p->key1 = key1;
        p->key2 = key2;
    }
    return p;
}

/* Drops calls that have been interrupted from the front of the list. true: one is left. */
static bool anyone(struct pending_list *list)
{
    while (list->first && !call_alive(list->first->m.call))
        pending_remove(list, list->first);
    return list->first != NULL;
}

/* Answers the callers that waited for this end to be opened. */
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
    bool read = reads(flags), write = fs_writes(flags), both = read && write;
    struct pipe *p = fifo_of(m->w[1], m->w[2], m->call);
    if (!p)
        return -ENFILE;
    bool other = read ? p->writers || anyone(&p->open_writes)
                      : p->readers || anyone(&p->open_reads);
    int64_t result;
    if (!other && !both && !(read && flags & O_NONBLOCK)) {
        result = -ENXIO;
        if (!(flags & O_NONBLOCK))
            result = pending_add(read ? &p->open_reads : &p->open_writes, m) ? LATER : -ENOMEM;
        free_if_unused(p);
        return result;
    }
    result = connect_end(p, m, flags);
    if (result >= 0) {
        if (write)
            admit(p, &p->open_reads);
        if (read)
            admit(p, &p->open_writes);
        pipe_changed(p);
    }
    free_if_unused(p);
    return result;
}

/* FS_OPEN: a pipe that is open already, reached once more through /proc. */
int64_t do_open(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p)
        return -ENXIO;
    return connect_end(p, m, m->w[1]);
}

void do_release(const struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p)
        return;
    if (reads(m->flags) && p->readers && --p->readers == 0)
        serve_writes(p);
    if (fs_writes(m->flags) && p->writers && --p->writers == 0)
        serve_reads(p);
    /* also who waits in poll for an end that is closed meanwhile looks again */
    for (int end = END_READ; end <= END_WRITE; end++)
        pollable_happened(&p->poll[end], ~0);
    anyone(&p->open_reads);
    anyone(&p->open_writes);
    free_if_unused(p);
}
