/* Resource limits. Those that others enforce are told to them. */
#include "handlers.h"

#include "syscalls.h"
#include "user.h"

enum { RLIMIT_DATA = 2, RLIMIT_STACK = 3, RLIMIT_AS = 9, NOFILE_MAX = DESCRIPTORS_MAX };

static void tell(struct process *p, unsigned which, uint64_t soft)
{
    static const struct {
        unsigned linux_number, pm;
    } of_pm[] = { { RLIMIT_AS, PM_LIMIT_AS },
                  { RLIMIT_DATA, PM_LIMIT_DATA },
                  { RLIMIT_STACK, PM_LIMIT_STACK } };
    if (which == RLIMIT_NOFILE)
        kernel_ask(SYS_TASK_SET, p->i.task, TASK_DESCRIPTORS, soft, 0, 0, 0);
    if (which == RLIMIT_FSIZE)
        kernel_ask(SYS_TASK_SET, p->i.task, TASK_FILE_SIZE, soft, 0, 0, 0);
    if (which == RLIMIT_CPU)
        cpu_limit_set(p);
    if (which == RLIMIT_STACK)
        p->i.limit_stack = soft;
    for (unsigned i = 0; i < ARRAY_SIZE(of_pm); i++)
        if (of_pm[i].linux_number == which)
            call(service_find("pm"), PM_LIMIT, p->i.task, of_pm[i].pm, soft, 0);
}

static int64_t set(struct thread *t, struct process *p, unsigned which, const struct limit *new)
{
    if (new->soft > new->hard)
        return -EINVAL;
    if (which == RLIMIT_NOFILE && new->hard > NOFILE_MAX)
        return -EPERM;
    if (new->hard > p->limits[which].hard && t->process->i.euid)
        return -EPERM;
    p->limits[which] = *new;
    tell(p, which, new->soft);
    return t->dead ? LATER : 0;
}

static int64_t limit(struct thread *t, struct process *p, unsigned which, caller_t new_at,
                     caller_t old_at)
{
    struct limit new;
    int64_t error;
    if (which >= LIMITS)
        return -EINVAL;
    if (new_at && (error = user_read(t, new_at, &new, sizeof new)))
        return error;
    struct limit old = p->limits[which];
    if (old_at && (error = user_write(t, old_at, &old, sizeof old)))
        return error;
    return new_at ? set(t, p, which, &new) : 0;
}

int64_t linux_prlimit64(struct thread *t, struct message *m)
{
    struct process *p = m->w[0] ? process_find(m->w[0]) : t->process;
    if (!p || p->zombie)
        return -ESRCH;
    const struct posix_proc *a = &t->process->i, *b = &p->i;
    if (p != t->process && a->euid &&
        (a->uid != b->euid || a->uid != b->suid || a->uid != b->uid || a->gid != b->egid ||
         a->gid != b->sgid || a->gid != b->gid))
        return -EPERM;
    return limit(t, p, m->w[1], m->w[2], m->w[3]);
}

int64_t linux_getrlimit(struct thread *t, struct message *m)
{
    return m->w[1] || m->w[0] >= LIMITS ? limit(t, t->process, m->w[0], 0, m->w[1]) : -EFAULT;
}

int64_t linux_setrlimit(struct thread *t, struct message *m)
{
    return m->w[1] ? limit(t, t->process, m->w[0], m->w[1], 0) : -EFAULT;
}
