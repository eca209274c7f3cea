/* What can be asked of a pipe: poll, ioctl, its size. */
#include "pipe.h"

#include <minnow/tty.h>

/* The events that hold for an open file with this access mode. A pipe is writable when a write of
 * PIPE_ATOMIC bytes would not wait. */
static uint64_t events_now(const struct pipe *p, uint64_t flags)
{
    uint64_t now = 0;
    if (reads(flags))
        now |= (p->used ? POLLIN | POLLRDNORM : 0) | (p->writers ? 0 : POLLHUP);
    if (writes(flags))
        now |= (PIPE_CAPACITY - p->used >= PIPE_ATOMIC ? POLLOUT | POLLWRNORM : 0) |
               (p->readers ? 0 : POLLERR);
    return now;
}

int64_t do_poll(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p)
        return POLLERR;
    return pollable_answer(&p->poll[reads(m->flags) ? END_READ : END_WRITE], m,
                           events_now(p, m->flags));
}

void tell_pollers(struct pipe *p)
{
    pollable_changed(&p->poll[END_READ], events_now(p, O_RDWR));
    pollable_changed(&p->poll[END_WRITE], events_now(p, O_WRONLY));
}

int64_t do_ioctl(struct message *m)
{
    struct pipe *p = pipe_of(m->object);
    if (!p || m->w[1] != FIONREAD)
        return -ENOTTY;
    int32_t used = p->used;
    return copy_out(m, 0, &used, sizeof used) ? -EFAULT : 0;
}

int64_t do_resize(struct message *m) { return m->w[1] ? -EPERM : PIPE_CAPACITY; }
