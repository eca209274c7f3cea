/* Priorities of threads' input and output (ioprio_set(2)): kept and reported, no more, since a
 * disk's driver takes requests as they come. */
#include "capability.h"
#include "handlers.h"
#include <minnow/proc.h>

enum { IOPRIO_WHO_PROCESS = 1, IOPRIO_WHO_PGRP, IOPRIO_WHO_USER };
enum { CLASS_NONE, CLASS_REALTIME, CLASS_BEST_EFFORT, CLASS_IDLE, CLASS_SHIFT = 13, LEVELS = 8 };

/* What no value was chosen for: the nice value says it. (Linux: __get_task_ioprio()) */
static unsigned effective(const struct thread *t)
{
    enum { NICE_LEAST = -20, NICE_STEPS = 5 };
    const struct posix_proc *i = &t->process->i;
    unsigned class = t->policy == SCHED_IDLE                                ? CLASS_IDLE
                     : t->policy == SCHED_OTHER || t->policy == SCHED_BATCH ? CLASS_BEST_EFFORT
                                                                            : CLASS_REALTIME;
    return t->ioprio >> CLASS_SHIFT
               ? t->ioprio
               : class << CLASS_SHIFT | (unsigned)(i->nice - NICE_LEAST) / NICE_STEPS;
}

/* Whether a call of t's is for process p as a whole: for its group or its user. */
static bool chosen(const struct process *p, const struct thread *t, int which, unsigned who)
{
    const struct posix_proc *self = &t->process->i;
    return which == IOPRIO_WHO_PGRP ? p->i.pgid == (who ? who : self->pgid)
                                    : p->i.uid == (who ? who : self->uid);
}

static int64_t set(const struct thread *t, struct thread *of, unsigned value)
{
    const struct posix_proc *self = &t->process->i;
    uint32_t uid = of->process->i.uid;
    if (uid != self->euid && uid != self->uid && !capable(t->process, CAP_SYS_NICE))
        return -EPERM;
    of->ioprio = value;
    return 0;
}

static int64_t value_check(const struct process *p, unsigned value)
{
    unsigned level = value & ((1u << CLASS_SHIFT) - 1);
    switch (value >> CLASS_SHIFT) {
    case CLASS_NONE: return level ? -EINVAL : 0;
    case CLASS_REALTIME:
        if (!capable(p, CAP_SYS_ADMIN) && !capable(p, CAP_SYS_NICE))
            return -EPERM;
        return level < LEVELS ? 0 : -EINVAL;
    case CLASS_BEST_EFFORT: return level < LEVELS ? 0 : -EINVAL;
    case CLASS_IDLE: return 0;
    default: return -EINVAL;
    }
}

int64_t linux_ioprio_set(struct thread *t, struct message *m)
{
    int which = m->w[0], who = m->w[1];
    int64_t result = value_check(t->process, (uint32_t)m->w[2]);
    if (result)
        return result;
    if (which == IOPRIO_WHO_PROCESS) {
        struct thread *of = who ? thread_find(who) : t;
        return of ? set(t, of, m->w[2]) : -ESRCH;
    }
    if (which != IOPRIO_WHO_PGRP && which != IOPRIO_WHO_USER)
        return -EINVAL;
    result = -ESRCH;
    FOR_EACH_PROCESS(p)
    {
        if (p->zombie || !chosen(p, t, which, who))
            continue;
        for (struct thread *of = p->threads; of; of = of->next)
            if ((result = set(t, of, m->w[2])))
                return result;
    }
    return result;
}

/* Of several the most urgent, which is the least number. */
int64_t linux_ioprio_get(struct thread *t, struct message *m)
{
    int which = m->w[0], who = m->w[1];
    int64_t result = -ESRCH;
    if (which == IOPRIO_WHO_PROCESS) {
        const struct thread *of = who ? thread_find(who) : t;
        return of ? of->ioprio : -ESRCH;
    }
    if (which != IOPRIO_WHO_PGRP && which != IOPRIO_WHO_USER)
        return -EINVAL;
    FOR_EACH_PROCESS(p)
    {
        if (p->zombie || !chosen(p, t, which, who))
            continue;
        for (const struct thread *of = p->threads; of; of = of->next)
            result = result < 0 ? effective(of) : MIN((unsigned)result, effective(of));
    }
    return result;
}
