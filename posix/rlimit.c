/* Resource limits. Those that others enforce are told to them; RLIMIT_CPU acts here. */
#include "rlimit.h"
#include "capability.h"

#include "cputime.h"
#include "cred.h"
#include "delivery.h"
#include "handlers.h"
#include "rusage.h"
#include "signal.h"

#include "syscalls.h"
#include "user_memory.h"

enum { NOFILE_MAX = DESCRIPTORS_MAX };

/* ---- RLIMIT_CPU ---- */

/* A limit in nanoseconds. One of 0 seconds acts like one of 1. */
static uint64_t limit_ns(uint64_t s) { return MIN(MAX(s, 1ul), 8000000000ul) * SECOND; }

/* Rings when p may have reached a limit. At the soft one p gets SIGXCPU, and again each second from
 * then on; at the hard one p ends. */
static void limit_reached(struct cpu_timer *ct)
{
    struct process *p = process_find(ct->clock.pid);
    const struct proc_limit *l = &p->i.limits[RLIMIT_CPU];
    uint64_t used = process_cpu(p).ns;
    if (used >= limit_ns(l->hard)) {
        process_end(p, SIGKILL);
        return;
    }
    cpu_timer_set(ct, MIN((used / SECOND + 1) * SECOND, limit_ns(l->hard)), limit_reached);
    if (used >= limit_ns(l->soft))
        signal_kernel(p, SIGXCPU);
}

void rlimit_cpu_start(struct process *p)
{
    const struct proc_limit *l = &p->i.limits[RLIMIT_CPU];
    p->cpu_limit.clock = (struct cpu_clock){ p->i.pid, 0, false };
    p->cpu_limit.user = p->i.uid;
    if (l->soft == ~0ul && l->hard == ~0ul)
        cpu_timer_cancel(&p->cpu_limit);
    else
        cpu_timer_set(&p->cpu_limit, MIN(limit_ns(l->soft), limit_ns(l->hard)), limit_reached);
}

void rlimit_cpu_end(struct process *p) { cpu_timer_cancel(&p->cpu_limit); }

/* ---- the calls ---- */

/* Tells the service that enforces a limit that it has changed. May wait. */
static void tell(struct process *p, unsigned which, uint64_t soft)
{
    static const struct {
        unsigned linux_number, pm;
    } of_pm[] = { { RLIMIT_AS, PM_LIMIT_AS },
                  { RLIMIT_DATA, PM_LIMIT_DATA },
                  { RLIMIT_STACK, PM_LIMIT_STACK } };
    if (which == RLIMIT_NOFILE)
        ask_task_set(p->i.task, TASK_DESCRIPTORS, soft);
    if (which == RLIMIT_FSIZE)
        ask_task_set(p->i.task, TASK_FILE_SIZE, soft);
    if (which == RLIMIT_CPU)
        rlimit_cpu_start(p);
    if (which == RLIMIT_MEMLOCK)
        cred_tell_memlock(p);
    for (unsigned i = 0; i < ARRAY_SIZE(of_pm); i++)
        if (of_pm[i].linux_number == which)
            call(service_find("pm"), PM_LIMIT, p->i.task, of_pm[i].pm, soft, 0);
}

static int64_t limit_set(struct thread *t, struct process *p, unsigned which,
                         const struct proc_limit *new)
{
    if (new->soft > new->hard)
        return -EINVAL;
    if (which == RLIMIT_NOFILE && new->hard > NOFILE_MAX)
        return -EPERM;
    if (new->hard > p->i.limits[which].hard && !capable(t->process, CAP_SYS_RESOURCE))
        return -EPERM;
    p->i.limits[which] = *new;
    tell(p, which, new->soft);
    return t->dead ? LATER : 0;
}

/* prlimit64 of limit `which` of p: reads the new one, writes the old one, each if its address is
 * not 0. */
static int64_t limit_change(struct thread *t, struct process *p, unsigned which, caller_t new_at,
                            caller_t old_at)
{
    struct proc_limit new;
    int64_t error;
    if (which >= LIMITS)
        return -EINVAL;
    if (new_at && (error = user_read(t, new_at, &new, sizeof new)))
        return error;
    struct proc_limit old = p->i.limits[which];
    if (old_at && (error = user_write(t, old_at, &old, sizeof old)))
        return error;
    return new_at ? limit_set(t, p, which, &new) : 0;
}

int64_t linux_prlimit64(struct thread *t, struct message *m)
{
    struct process *p = m->w[0] ? process_of_thread(m->w[0]) : t->process;
    if (!p || !p->i.task || p->exiting) /* only between its birth and its end has it timers */
        return -ESRCH;
    const struct posix_proc *a = &t->process->i, *b = &p->i;
    if (p != t->process && !capable(t->process, CAP_SYS_RESOURCE) &&
        (a->uid != b->euid || a->uid != b->suid || a->uid != b->uid || a->gid != b->egid ||
         a->gid != b->sgid || a->gid != b->gid))
        return -EPERM;
    return limit_change(t, p, m->w[1], m->w[2], m->w[3]);
}

int64_t linux_getrlimit(struct thread *t, struct message *m)
{
    return m->w[1] || m->w[0] >= LIMITS ? limit_change(t, t->process, m->w[0], 0, m->w[1])
                                        : -EFAULT;
}

int64_t linux_setrlimit(struct thread *t, struct message *m)
{
    return m->w[1] ? limit_change(t, t->process, m->w[0], m->w[1], 0) : -EFAULT;
}

/* truncate() has no descriptor whose route would add the limit of file sizes, so it comes here for
 * that and goes on to VFS. */
int64_t linux_truncate(struct thread *t, struct message *m)
{
    uint64_t limit = t->process->i.limits[RLIMIT_FSIZE].soft;
    caller_t path = m->w[0];
    m->op = VFS_TRUNCATE;
    m->object = m->position = 0;
    m->flags = limit == ~0ul ? 0 : CALL_LIMITED;
    m->w[2] = m->w[1];
    m->w[0] = (uint64_t)(int64_t)AT_FDCWD, m->w[1] = path, m->w[3] = limit;
    if (sys_aim(m->call, path, PATH_MAX, WINDOW_IN) < 0)
        return -EFAULT;
    return forward(m, service_find("vfs")) < 0 ? -ENOSYS : thread_gone(t);
}
