/* Scheduling as Linux programs know it: one processor, SCHED_OTHER, and nice values, which become
 * eight priorities of the kernel. */
#include "handlers.h"
#include "capability.h"

#include "syscalls.h"
#include "user_memory.h"
#include <minnow/file.h>

enum { SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE = 5, RT_PRIORITY_MAX = 99 };
enum { PRIO_PROCESS, PRIO_PGRP, PRIO_USER };

/* The process that thread `tid` belongs to; 0 names the caller. NULL: there is no such thread. */
static struct process *process_of_tid(struct thread *t, int tid)
{
    if (!tid)
        return t->process;
    struct thread *x = thread_find(tid);
    return x ? x->process : NULL;
}

int64_t linux_sched_getaffinity(struct thread *t, struct message *m)
{
    uint64_t mask = 1;
    if (m->w[1] < sizeof mask || m->w[1] & 7)
        return -EINVAL;
    if (!process_of_tid(t, m->w[0]))
        return -ESRCH;
    int64_t error = user_write(t, m->w[2], &mask, sizeof mask);
    return error ? error : (int64_t)sizeof mask;
}

int64_t linux_sched_setaffinity(struct thread *t, struct message *m)
{
    uint64_t mask = 0;
    int64_t error = m->w[1] ? user_read(t, m->w[2], &mask, MIN(m->w[1], sizeof mask)) : 0;
    if (error)
        return error;
    return !process_of_tid(t, m->w[0]) ? -ESRCH : mask & 1 ? 0 : -EINVAL;
}

int64_t linux_getcpu(struct thread *t, struct message *m)
{
    uint32_t zero = 0;
    int64_t error = m->w[0] ? user_write(t, m->w[0], &zero, sizeof zero) : 0;
    return error || !m->w[1] ? error : user_write(t, m->w[1], &zero, sizeof zero);
}

/* ---- nice ---- */

/* Whether getpriority and setpriority mean p, when `self` calls. */
static bool chosen(const struct process *p, const struct process *self, int which, unsigned who)
{
    switch (which) {
    case PRIO_PROCESS: return who ? p->i.pid == who : p == self;
    case PRIO_PGRP: return p->i.pgid == (who ? who : self->i.pgid);
    default: return p->i.uid == (who ? who : self->i.uid);
    }
}

int64_t linux_getpriority(struct thread *t, struct message *m)
{
    int64_t best = -ESRCH;
    if (m->w[0] > PRIO_USER)
        return -EINVAL;
    FOR_EACH_PROCESS(p)
    if (chosen(p, t->process, m->w[0], m->w[1]))
        best = MAX(best, 20 - p->i.nice);
    return best;
}

int64_t linux_setpriority(struct thread *t, struct message *m)
{
    int nice = (int)m->w[2], result = -ESRCH;
    struct process *self = t->process;
    if (m->w[0] > PRIO_USER)
        return -EINVAL;
    nice = nice < -20 ? -20 : nice > 19 ? 19 : nice;
    FOR_EACH_PROCESS(p)
    {
        if (!chosen(p, self, m->w[0], m->w[1]))
            continue;
        if (!capable(self, CAP_SYS_NICE) && self->i.euid != p->i.uid && self->i.euid != p->i.euid) {
            result = -EPERM;
        } else if (nice < p->i.nice && !capable(self, CAP_SYS_NICE)) {
            result = -EACCES;
        } else {
            p->i.nice = nice;
            ask_task_set(p->i.task, TASK_PRIORITY, process_priority(p));
            if (result == -ESRCH)
                result = 0;
        }
    }
    return result;
}

/* ---- policies: kept and reported, no more ---- */

static bool valid(int policy, int priority)
{
    if (policy == SCHED_FIFO || policy == SCHED_RR)
        return priority >= 1 && priority <= RT_PRIORITY_MAX;
    return (policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE) &&
           priority == 0;
}

int64_t linux_sched_getparam(struct thread *t, struct message *m)
{
    struct process *p = process_of_tid(t, m->w[0]);
    if ((int)m->w[0] < 0 || !m->w[1])
        return -EINVAL;
    if (!p)
        return -ESRCH;
    int32_t priority = p->i.sched_priority;
    return user_write(t, m->w[1], &priority, sizeof priority);
}

/* Sets policy (-1: it stays as it is) and priority of the process of thread `tid`. */
static int64_t set_policy(struct thread *t, int tid, int policy, caller_t at)
{
    int32_t priority;
    if (tid < 0 || !at)
        return -EINVAL;
    int64_t error = user_read(t, at, &priority, sizeof priority);
    if (error)
        return error;
    struct process *p = process_of_tid(t, tid);
    if (!p)
        return -ESRCH;
    if (policy < 0)
        policy = p->i.sched_policy;
    if (!valid(policy, priority))
        return -EINVAL;
    if (!capable(t->process, CAP_SYS_NICE) &&
        (policy == SCHED_FIFO || policy == SCHED_RR || t->process->i.euid != p->i.uid))
        return -EPERM;
    p->i.sched_policy = policy;
    p->i.sched_priority = priority;
    return 0;
}

int64_t linux_sched_setparam(struct thread *t, struct message *m)
{
    return set_policy(t, m->w[0], -1, m->w[1]);
}

int64_t linux_sched_setscheduler(struct thread *t, struct message *m)
{
    return (int)m->w[1] < 0 ? -EINVAL : set_policy(t, m->w[0], m->w[1], m->w[2]);
}

int64_t linux_sched_getscheduler(struct thread *t, struct message *m)
{
    struct process *p = process_of_tid(t, m->w[0]);
    return (int)m->w[0] < 0 ? -EINVAL : p ? (int64_t)p->i.sched_policy : -ESRCH;
}

/* The first or last priority of a policy. */
static int64_t priority_bound(int policy, int realtime)
{
    return policy == SCHED_FIFO || policy == SCHED_RR                               ? realtime
           : policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ? 0
                                                                                    : -EINVAL;
}

int64_t linux_sched_get_priority_max(struct thread *t, struct message *m)
{
    (void)t;
    return priority_bound(m->w[0], RT_PRIORITY_MAX);
}
int64_t linux_sched_get_priority_min(struct thread *t, struct message *m)
{
    (void)t;
    return priority_bound(m->w[0], 1);
}

int64_t linux_sched_rr_get_interval(struct thread *t, struct message *m)
{
    if ((int)m->w[0] < 0)
        return -EINVAL;
    struct process *p = process_of_tid(t, m->w[0]);
    struct timespec64 time = { 0,
                               p && p->i.sched_policy == SCHED_FIFO ? 0 : PROC_ROUND_MS * 1000000 };
    return p ? user_write(t, m->w[1], &time, sizeof time) : -ESRCH;
}

/* ---- barriers ---- */

/* There is one processor, and a switch of threads is a barrier, so nothing is to be done. */
int64_t linux_membarrier(struct thread *t, struct message *m)
{
    enum { QUERY = 0, ALL = 1 | 2 | 4 | 8 | 16 };
    (void)t;
    int command = (int)m->w[0];
    if (m->w[1])
        return -EINVAL;
    if (command == QUERY)
        return ALL;
    return command > 0 && !(command & ~ALL) && !(command & (command - 1)) ? 0 : -EINVAL;
}
