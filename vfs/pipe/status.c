/* Poll, ioctl, stat: the state of a pipe. A pipe is writable, for poll, when PIPE_ATOMIC bytes have
 * room: then a write of so many does not wait. */
#include "pipe.h"

#include <minnow/tty.h>

int64_t do_poll(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p)
        return POLLERR;
    uint64_t now = 0, access = m->flags & O_ACCMODE;
    if (access != O_WRONLY)
        now |= (p->used ? POLLIN | POLLRDNORM : 0) | (p->writers ? 0 : POLLHUP);
    if (access != O_RDONLY)
        now |= ((p->small ? p->size : PIPE_MAX) - p->used >= PIPE_ATOMIC ? POLLOUT | POLLWRNORM
                                                                         : 0) |
               (p->readers ? 0 : POLLERR);
    now &= m->w[1] | POLLHUP | POLLERR;
    if (!now && m->w[2])
        p->armed |= 1ull << (m->from & 63);
    return now;
}

int64_t do_ioctl(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p || m->w[1] != FIONREAD)
        return -ENOTTY;
    int32_t used = p->used;
    return copy_out(m, 0, &used, sizeof used) ? -EFAULT : 0;
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

int64_t do_seek(struct message *m)
{
    (void)m;
    return -ESPIPE;
}

int64_t do_refuse(struct message *m)
{
    (void)m;
    return -EINVAL;
}

int64_t do_ignore(struct message *m)
{
    (void)m;
    return 0;
}
