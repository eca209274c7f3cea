/* eventfd: a number that is counted up by writes, and down by reads, which wait for it. */
#include "anon.h"

#include "handlers.h"
#include <minnow/file.h>

enum { EFD_SEMAPHORE = 1 };
#define MOST (~0ul - 1)

struct eventfd {
    struct anon a;
    uint64_t count;
    bool semaphore; /* a read takes 1, not all */
};

static uint64_t events(struct anon *a, struct thread *asker)
{
    (void)asker;
    uint64_t count = ((const struct eventfd *)a)->count;
    return (count ? POLLIN : 0) | (count < MOST ? POLLOUT : 0);
}

static int64_t read(struct anon *a, call_t call, uint64_t length)
{
    struct eventfd *e = (struct eventfd *)a;
    if (length < sizeof e->count)
        return -EINVAL;
    if (!e->count)
        return -EAGAIN;
    uint64_t taken = e->semaphore ? 1 : e->count;
    int error = copy_out_call(call, 0, &taken, sizeof taken);
    if (error)
        return anon_copy_failed(error);
    e->count -= taken;
    return sizeof taken;
}

static int64_t write(struct anon *a, call_t call, uint64_t length)
{
    struct eventfd *e = (struct eventfd *)a;
    uint64_t more;
    if (length < sizeof more)
        return -EINVAL;
    int error = copy_in_call(call, 0, &more, sizeof more);
    if (error)
        return anon_copy_failed(error);
    if (more > MOST)
        return -EINVAL;
    if (more > MOST - e->count)
        return -EAGAIN;
    e->count += more;
    return sizeof more;
}

static const struct anon_ops ops = {
    .events = events, .read = read, .write = write, .after_read = POLLOUT, .after_write = POLLIN
};

static int64_t make(struct thread *t, struct message *m, uint32_t count, uint64_t flags)
{
    int64_t descriptor;
    if (flags & ~(uint64_t)(EFD_SEMAPHORE | O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    struct eventfd *e = anon_make(m, ANON_EVENT, &ops, sizeof *e, t->process->i.uid,
                                  O_RDWR | (flags & (O_NONBLOCK | O_CLOEXEC)), &descriptor);
    if (e)
        e->count = count, e->semaphore = flags & EFD_SEMAPHORE;
    return descriptor;
}

int64_t linux_eventfd(struct thread *t, struct message *m) { return make(t, m, m->w[0], 0); }
int64_t linux_eventfd2(struct thread *t, struct message *m)
{
    return make(t, m, m->w[0], (uint32_t)m->w[1]);
}
