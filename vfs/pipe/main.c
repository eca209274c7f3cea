/* pipe: pipes and FIFOs. Start-up, creation, opening, closing, and the small operations. */
#include "pipe.h"

#include <minnow/file.h>

enum { FIONREAD = 0x541B };

static KEPT struct pipe *pipes[PIPES_MAX];
static unsigned next_number;

struct pipe *pipe_of(uint64_t object)
{
    return object / 4 < PIPES_MAX ? pipes[object / 4] : NULL;
}

static struct pipe *pipe_create(void)
{
    for (unsigned n = 0; n < PIPES_MAX; n++) {
        unsigned i = next_number++ % PIPES_MAX;
        if (pipes[i])
            continue;
        struct pipe *p = memory_zalloc(sizeof *p);
        if (!p)
            return NULL;
        if (!ring_init(p)) {
            memory_free(p);
            return NULL;
        }
        p->number = i;
        pipes[i] = p;
        return p;
    }
    return NULL;
}

static void pipe_free_unused(struct pipe *p)
{
    if (p->readers || p->writers || p->opening.first)
        return;
    pipes[p->number] = NULL;
    ring_free(p);
    memory_free(p);
}

static int64_t connect_end(struct message *m, struct pipe *p, unsigned ends, uint64_t flags)
{
    int64_t fd = connect(m, p->number * 4 + ends, flags & (O_ACCMODE | O_NONBLOCK | O_APPEND | O_CLOEXEC));
    if (fd >= 0) {
        p->readers += (ends & END_READ) != 0;
        p->writers += (ends & END_WRITE) != 0;
    }
    return fd;
}

/* The window is int[2]; what cannot be finished must leave no descriptor, so the window is tried first. */
static int64_t do_create(struct message *m)
{
    int32_t fds[2] = { -1, -1 };
    uint64_t flags = m->w[2];
    if (flags & ~(uint64_t)(O_NONBLOCK | O_CLOEXEC | O_DIRECT))
        return -EINVAL;
    int error = copy_out(m, 0, fds, sizeof fds);
    if (error)
        return error;
    struct pipe *p = pipe_create();
    if (!p)
        return -ENFILE;
    int64_t first = connect_end(m, p, END_READ, O_RDONLY | flags);
    int64_t second = first < 0 ? first : connect_end(m, p, END_WRITE, O_WRONLY | flags);
    if (second < 0) {
        if (first >= 0)
            reply(m->call, second);   /* the first end stays open until the program closes it: nothing can take it back */
        pipe_free_unused(p);
        return first >= 0 ? LATER : second;
    }
    fds[0] = first;
    fds[1] = second;
    return copy_out(m, 0, fds, sizeof fds);
}

/* ---- FIFOs ---- */

static struct pipe *fifo_find(uint64_t key1, uint64_t key2)
{
    for (unsigned i = 0; i < PIPES_MAX; i++)
        if (pipes[i] && pipes[i]->key1 == key1 && pipes[i]->key2 == key2)
            return pipes[i];
    struct pipe *p = pipe_create();
    if (p) {
        p->key1 = key1;
        p->key2 = key2;
    }
    return p;
}

static unsigned ends_of(uint64_t flags)
{
    unsigned access = flags & O_ACCMODE;
    return access == O_RDONLY ? END_READ : access == O_WRONLY ? END_WRITE : END_READ | END_WRITE;
}

/* Lets in those who waited for the end that has just been opened. How many came. */
static unsigned admit(struct pipe *p, unsigned ends)
{
    unsigned came = 0;
    struct pending *next;
    for (struct pending *o = p->opening.first; o; o = next) {
        next = o->next;
        if (ends_of(o->m.w[0]) & ends && ends != (END_READ | END_WRITE))
            continue;
        int64_t fd = connect_end(&o->m, p, ends_of(o->m.w[0]), o->m.w[0]);
        if (fd != -ESRCH)
            reply(o->m.call, fd);
        came += fd >= 0;
        pending_remove(&p->opening, o);
    }
    return came;
}

static int64_t do_open(struct message *m)
{
    uint64_t flags = m->w[0];
    unsigned ends = ends_of(flags);
    struct pipe *p = fifo_find(m->w[1], m->w[2]);
    if (!p)
        return -ENFILE;
    unsigned came = admit(p, ends);
    bool alone = ends == END_READ ? !p->writers && !came : ends == END_WRITE ? !p->readers && !came : false;
    int64_t result = 0;
    if (alone && flags & O_NONBLOCK && ends == END_WRITE)
        result = -ENXIO;
    else if (alone && !(flags & O_NONBLOCK))
        result = pending_add(&p->opening, m) ? LATER : -ENOMEM;
    else
        result = connect_end(m, p, ends, flags);
    pipe_free_unused(p);
    return result;
}

static void released(const struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p)
        return;
    p->readers -= (m->object & END_READ) != 0;
    p->writers -= (m->object & END_WRITE) != 0;
    pipe_changed(p);
    pipe_free_unused(p);
}

/* ---- the small ones ---- */

static int64_t do_poll(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p)
        return POLLNVAL;
    uint64_t now = 0;
    if (m->object & END_READ)
        now |= (p->count ? POLLIN | POLLRDNORM : 0) | (p->writers ? 0 : POLLHUP);
    if (m->object & END_WRITE)
        now |= (ring_space(p) >= PIPE_BUF || p->size < RING_LARGE ? POLLOUT | POLLWRNORM : 0) | (p->readers ? 0 : POLLERR);
    now &= m->w[1] | POLLHUP | POLLERR;
    if (!now && m->w[2])
        p->armed = true;
    return now;
}

static int64_t do_stat(struct message *m)
{
    struct timespec64 now = fs_now();
    struct stat s = { .dev = 12, .ino = m->object / 4 + 1, .nlink = 1, .mode = S_IFIFO | 0600, .blksize = PAGE_SIZE, .atime = now, .mtime = now, .ctime = now };
    return copy_out(m, 0, &s, sizeof s);
}

static int64_t do_ioctl(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p || (uint32_t)m->w[1] != FIONREAD)
        return -ENOTTY;
    int32_t n = p->count;
    return copy_out(m, 0, &n, sizeof n);
}

static int64_t do_seek(struct message *m) { (void)m; return -ESPIPE; }
static int64_t do_invalid(struct message *m) { (void)m; return -EINVAL; }

int main(void)
{
    static const handler_t fs_handlers[] = {
        [FS_READ & 0xff] = do_read, [FS_WRITE & 0xff] = do_write, [FS_SEEK & 0xff] = do_seek, [FS_STAT & 0xff] = do_stat,
        [FS_POLL & 0xff] = do_poll, [FS_IOCTL & 0xff] = do_ioctl, [FS_SYNC & 0xff] = do_invalid, [FS_TRUNCATE & 0xff] = do_invalid,
    };
    static const handler_t pipe_handlers[] = { [PIPE_CREATE & 0xff] = do_create, [PIPE_OPEN & 0xff] = do_open };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, fs_handlers), PROTOCOL_TABLE(PIPE, pipe_handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 2, .threads = 1, .release = released });
}
