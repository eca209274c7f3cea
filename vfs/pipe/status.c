/* Poll, ioctl, size, stat: the state of a pipe. */
#include "pipe.h"
#include "statfs.h"

#include <minnow/tty.h>

/* The events that hold for an open file of this object, with this access mode. The last writer has
 * gone (POLLHUP) only for an end that has seen one. */
static uint64_t events_now(const struct pipe *p, uint64_t object, uint64_t access)
{
    uint64_t now = 0;
    bool writer_gone = !p->writers && object >> PIPE_OPENED_SHIFT != p->opened;
    if (access != O_WRONLY)
        now |= (p->used ? POLLIN | POLLRDNORM : 0) | (writer_gone ? POLLHUP : 0);
    if (access != O_RDONLY)
        now |= (pipe_writable(p) ? POLLOUT | POLLWRNORM : 0) | (p->readers ? 0 : POLLERR);
    return now;
}

int64_t do_poll(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p)
        return POLLERR;
    uint64_t access = m->flags & O_ACCMODE;
    return pollable_answer(&p->poll[access == O_WRONLY ? END_WRITE : END_READ], m,
                           events_now(p, m->object, access));
}

void pipe_tell(struct pipe *p)
{
    pollable_changed(&p->poll[END_READ], events_now(p, 0, O_RDWR));
    pollable_changed(&p->poll[END_WRITE], events_now(p, 0, O_WRONLY));
}

int64_t do_ioctl(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p || m->w[1] != FIONREAD)
        return -ENOTTY;
    int32_t used = p->used;
    return copy_out(m, 0, &used, sizeof used) ? -EFAULT : 0;
}

int64_t do_resize(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    uint64_t size = m->w[1];
    if (!p || m->from >= MAX_SERVICE)
        return -EBADF;
    if (!size)
        return p->capacity;
    if (size > p->capacity && size > m->w[2])
        return -EPERM;
    if (size > PIPE_MOST)
        return -ENOMEM;
    if (p->used > size || (p->packets && packets_count(p->packets) > size / PAGE_SIZE))
        return -EBUSY;
    if (p->packets && !packets_room(p, size))
        return -ENOMEM;
    int error = ring_resize(p, size);
    if (error)
        return error;
    serve_writes(p);
    serve_reads(p);
    pipe_changed(p);
    return size;
}

int64_t do_stat(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p)
        return -EBADF;
    struct stat s = {
        .dev = PIPE_DEV,
        .ino = pipe_inode(m->object),
        .nlink = 1,
        .mode = S_IFIFO | 0600,
        .uid = p->user,
        .blksize = PAGE_SIZE,
        .atime = p->born,
        .mtime = p->born,
        .ctime = p->born,
    };
    return copy_out(m, 0, &s, sizeof s) ? -EFAULT : 0;
}

/* As Linux's file system of pipes; of a FIFO too, whose own is not asked. */
int64_t do_statfs(struct message *m)
{
    enum { PIPE_MAGIC = 0x50495045 };
    return statfs_without_disk(m, PIPE_MAGIC);
}
