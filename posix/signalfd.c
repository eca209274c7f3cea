/* signalfd: signals that wait for whoever reads, taken out of their queues. Which signals that are
 * depends on the thread that asks, not on who has made the file. (Linux: fs/signalfd.c) */
#include "signalfd.h"

#include "anon.h"
#include "delivery.h"
#include "handlers.h"
#include "user_memory.h"
#include <minnow/file.h>

/* struct signalfd_siginfo */
struct ON_STACK told {
    uint32_t signo;
    int32_t error, code;
    uint32_t pid, uid;
    int32_t fd;
    uint32_t timer, band, overrun, trap;
    int32_t status, number;
    uint64_t pointer, user_time, system_time, address;
    uint8_t rest[48];
};
_Static_assert(sizeof(struct told) == 128, "as programs have it");

struct signalfd {
    struct anon a;
    struct signalfd *next, **before; /* of all */
    uint64_t set;
};

static struct signalfd *all;

static uint64_t waiting(const struct signalfd *f, const struct thread *t)
{
    return t ? (t->pending.set | t->process->pending.set) & f->set : 0;
}

static uint64_t events(struct anon *a, struct thread *asker)
{
    return waiting((const struct signalfd *)a, asker) ? POLLIN : 0;
}

static void tell(struct told *to, const struct siginfo *info)
{
    *to = (struct told){ .signo = info->signo, .error = info->error, .code = info->code };
    if (info->code == SI_TIMER) {
        to->timer = info->timer.id;
        to->overrun = info->timer.overrun;
        to->number = to->pointer = info->timer.value;
    } else if (info->signo == SIGCHLD && info->code > 0) {
        to->pid = info->child.pid;
        to->uid = info->child.uid;
        to->status = info->child.status;
        to->user_time = info->child.user;
        to->system_time = info->child.system;
    } else if ((info->signo == SIGIO || info->signo >= SIGRTMIN) && info->code > 0 &&
               info->code != SI_KERNEL) {
        to->band = info->event.band;
        to->fd = info->event.fd;
    } else if (info->code > 0 && info->code != SI_KERNEL) {
        to->address = info->fault.address;
    } else {
        to->pid = info->sent.pid;
        to->uid = info->sent.uid;
        to->number = to->pointer = info->sent.value;
    }
}

static int64_t read(struct anon *a, call_t call, uint64_t length)
{
    const struct signalfd *f = (const struct signalfd *)a;
    struct thread *t = threads[call & (THREADS_MAX - 1)];
    struct siginfo info;
    uint64_t done = 0;
    if (length < sizeof(struct told))
        return -EINVAL;
    while (length - done >= sizeof(struct told) && t && signal_take(t, f->set, &info)) {
        struct told told;
        tell(&told, &info);
        int error = copy_out_call(call, done, &told, sizeof told);
        if (error) {
            sigqueue_return(&t->pending, t->process->i.uid, pending_limit(t->process), &info);
            return done ? (int64_t)done : anon_copy_failed(error);
        }
        done += sizeof told;
    }
    return done ? (int64_t)done : -EAGAIN;
}

static void end(struct anon *a)
{
    struct signalfd *f = (struct signalfd *)a;
    *f->before = f->next;
    if (f->next)
        f->next->before = f->before;
}

static const struct anon_ops ops = { .events = events, .read = read, .end = end };

void signalfd_told(int sig)
{
    for (struct signalfd *f = all; f; f = f->next)
        if (f->set & BIT(sig))
            anon_changed(&f->a, POLLIN);
}

static int64_t make(struct thread *t, struct message *m, uint64_t set, uint64_t flags)
{
    int64_t descriptor;
    struct signalfd *f = anon_make(m, ANON_SIGNAL, &ops, sizeof *f, t->process->i.uid,
                                   O_RDWR | flags, &descriptor);
    if (!f)
        return descriptor;
    f->set = set;
    f->next = all;
    f->before = &all;
    if (all)
        all->before = &f->next;
    all = f;
    return descriptor;
}

/* signalfd4(descriptor or -1, set, its size, flags) */
static int64_t make_or_change(struct thread *t, struct message *m, uint64_t flags)
{
    uint64_t set;
    if (flags & ~(uint64_t)(O_NONBLOCK | O_CLOEXEC) || m->w[2] != sizeof set)
        return -EINVAL;
    int64_t error = user_read(t, m->w[1], &set, sizeof set);
    if (error)
        return error;
    set &= ~UNBLOCKABLE;
    if ((int32_t)m->w[0] == -1)
        return make(t, m, set, flags);
    struct signalfd *f = anon_behind(t, m->w[0], ANON_SIGNAL, &error);
    if (!f)
        return error;
    f->set = set;
    anon_changed(&f->a, POLLIN);
    return (int32_t)m->w[0];
}

int64_t linux_signalfd(struct thread *t, struct message *m) { return make_or_change(t, m, 0); }
int64_t linux_signalfd4(struct thread *t, struct message *m)
{
    return make_or_change(t, m, (uint32_t)m->w[3]);
}
