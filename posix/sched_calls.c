/* Scheduling as Linux programs know it: one processor; nice values, which become eight priorities
 * of the kernel; SCHED_FIFO and SCHED_RR, which are ranks there; other policies are kept and
 * reported, no more. */
#include "handlers.h"
#include "capability.h"

#include "syscalls.h"
#include "user_memory.h"
#include <minnow/file.h>

enum { RT_PRIORITY_MAX = 99, SCHED_RESET_ON_FORK = 0x40000000 };
enum { NICE_LEAST = -20, NICE_MOST = 19 };
enum { PRIO_PROCESS, PRIO_PGRP, PRIO_USER };

/* The thread `tid`; 0 names the caller. NULL: there is no such thread. */
static struct thread *named(struct thread *t, int tid) { return tid ? thread_find(tid) : t; }

int64_t linux_sched_getaffinity(struct thread *t, struct message *m)
{
    uint64_t mask = 1;
    if (m->w[1] < sizeof mask || m->w[1] & 7)
        return -EINVAL;
    if (!named(t, m->w[0]))
        return -ESRCH;
    int64_t error = user_write(t, m->w[2], &mask, sizeof mask);
    return error ? error : (int64_t)sizeof mask;
}

/* Whether t may change how p is scheduled without CAP_SYS_NICE. */
static bool is_own(const struct thread *t, const struct process *p)
{
    uint32_t euid = t->process->i.euid;
    return euid == p->i.euid || euid == p->i.uid;
}

int64_t linux_sched_setaffinity(struct thread *t, struct message *m)
{
    uint64_t mask = 0;
    int64_t error = m->w[1] ? user_read(t, m->w[2], &mask, MIN(m->w[1], sizeof mask)) : 0;
    if (error)
        return error;
    const struct thread *x = named(t, m->w[0]);
    if (!x)
        return -ESRCH;
    if (!is_own(t, x->process) && !capable(t->process, CAP_SYS_NICE))
        return -EPERM;
    return mask & 1 ? 0 : -EINVAL;
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

/* Whether RLIMIT_NICE of p allows this nice value. */
static bool nice_allowed(const struct process *p, int nice)
{
    enum { LIMIT_OF_0 = 20 };
    return (uint64_t)(LIMIT_OF_0 - nice) <= p->i.limits[RLIMIT_NICE].soft;
}

/* Whether p may get this nice value without CAP_SYS_NICE. */
static bool may_nice(const struct process *p, int nice)
{
    return nice >= p->i.nice || nice_allowed(p, nice);
}

static int nice_clamp(int nice)
{
    return nice < NICE_LEAST ? NICE_LEAST : nice > NICE_MOST ? NICE_MOST : nice;
}

static void nice_set(struct process *p, int nice)
{
    p->i.nice = nice;
    ask_task_set(p->i.task, TASK_PRIORITY, process_priority(p));
}

int64_t linux_setpriority(struct thread *t, struct message *m)
{
    int nice = nice_clamp((int)m->w[2]), result = -ESRCH;
    struct process *self = t->process;
    if (m->w[0] > PRIO_USER)
        return -EINVAL;
    FOR_EACH_PROCESS(p)
    {
        if (!chosen(p, self, m->w[0], m->w[1]))
            continue;
        if (!is_own(t, p) && !capable(self, CAP_SYS_NICE)) {
            result = -EPERM;
        } else if (!may_nice(p, nice) && !capable(self, CAP_SYS_NICE)) {
            result = -EACCES;
        } else {
            nice_set(p, nice);
            if (result == -ESRCH)
                result = 0;
        }
    }
    return result;
}

/* ---- policies ---- */

/* struct sched_attr, of which the first version ended with `period`. */
struct sched_attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period; /* nanoseconds */
    uint32_t clamp_least, clamp_most;
};
enum { ATTR_SIZE_FIRST = 48, POLICY_AS_IT_IS = -1 };
enum {
    FLAG_RESET_ON_FORK = 1,
    FLAG_RECLAIM = 2,
    FLAG_OVERRUN = 4,
    FLAG_KEEP_POLICY = 8,
    FLAG_KEEP_PARAMETERS = 16,
    FLAG_CLAMP = 32 | 64,
    FLAG_ALL = 127,
    FLAGS_OF_DEADLINE = FLAG_RECLAIM | FLAG_OVERRUN,
};

static bool is_realtime(int policy) { return policy == SCHED_FIFO || policy == SCHED_RR; }
static bool is_fair(int policy) { return policy == SCHED_OTHER || policy == SCHED_BATCH; }

/* Whether SCHED_DEADLINE can have such times (Linux: __checkparam_dl()). */
static bool deadline_valid(const struct sched_attr *a)
{
    const uint64_t shortest = 1024, period_least = 100000, period_most = 1ull << 22;
    uint64_t period = a->period ? a->period : a->deadline;
    return a->deadline && a->runtime >= shortest && !((a->deadline | a->period) >> 63) &&
           period >= a->deadline && a->deadline >= a->runtime && period >= period_least &&
           period <= period_most * 1000;
}

static bool valid(int policy, const struct sched_attr *a)
{
    if (policy == SCHED_DEADLINE)
        return !a->priority && deadline_valid(a);
    return is_realtime(policy) ? a->priority >= 1 && a->priority <= RT_PRIORITY_MAX
                               : (is_fair(policy) || policy == SCHED_IDLE) && !a->priority;
}

/* What part of the processor these times are, of 2^20. */
static uint64_t deadline_part(uint64_t runtime, uint64_t period)
{
    enum { SHIFT = 20 };
    return period ? (runtime << SHIFT) / period : 0;
}

/* Whether x can have its part of the processor, of which all others have theirs: together at most
 * 95 %. */
static bool deadline_fits(const struct thread *x, const struct sched_attr *a)
{
    const uint64_t most = deadline_part(95, 100);
    uint64_t sum = deadline_part(a->runtime, a->period ? a->period : a->deadline);
    FOR_EACH_PROCESS(p)
    for (const struct thread *other = p->threads; other; other = other->next)
        if (other != x && other->policy == SCHED_DEADLINE)
            sum += deadline_part(other->deadline.runtime, other->deadline.period);
    return sum <= most;
}

/* Whether t may give x this policy without CAP_SYS_NICE (Linux: user_check_sched_setscheduler()).
 */
static bool may_set(const struct thread *t, const struct thread *x, int policy,
                    const struct sched_attr *a)
{
    const struct process *p = x->process;
    uint32_t most = MIN(p->i.limits[RLIMIT_RTPRIO].soft, UINT32_MAX);
    if (is_fair(policy) && !may_nice(p, a->nice))
        return false;
    if (is_realtime(policy) &&
        ((x->policy != policy && !most) || (a->priority > x->rt_priority && a->priority > most)))
        return false;
    if (policy == SCHED_DEADLINE)
        return false;
    if (x->policy == SCHED_IDLE && policy != SCHED_IDLE && !nice_allowed(p, p->i.nice))
        return false;
    return is_own(t, p) && (!x->reset_on_fork || a->flags & FLAG_RESET_ON_FORK);
}

/* What a sched_setattr() that changes nothing would say of x. */
static struct sched_attr attributes_of(const struct thread *x)
{
    struct sched_attr a = { .size = sizeof a,
                            .policy = x->policy,
                            .flags = x->reset_on_fork ? FLAG_RESET_ON_FORK : 0 };
    if (x->policy == SCHED_DEADLINE) {
        a.runtime = x->deadline.runtime;
        a.deadline = x->deadline.deadline;
        a.period = x->deadline.period;
        a.flags |= x->deadline.flags;
    } else if (is_realtime(x->policy)) {
        a.priority = x->rt_priority;
    } else {
        a.nice = x->process->i.nice;
    }
    return a;
}

/* x has this policy and priority from now on, and the kernel knows. */
static void policy_apply(struct thread *x, int policy, unsigned priority)
{
    bool same = x->rt_priority == priority && (!priority || x->policy == policy);
    x->policy = policy;
    x->rt_priority = priority;
    thread_policy(x);
    if (!same)
        ask_thread_set(x->index, THREAD_REALTIME,
                       priority | (policy == SCHED_RR ? REALTIME_ROUNDS : 0));
}

/* Gives x policy and attributes. 0, -EINVAL, -EPERM, -EBUSY: no such part of the processor is
 * left. */
static int64_t policy_set(const struct thread *t, struct thread *x, const struct sched_attr *asked)
{
    struct sched_attr a = *asked;
    int policy = (int)a.policy;
    if (policy == POLICY_AS_IT_IS) {
        policy = x->policy;
        a.flags = (a.flags & ~(uint64_t)FLAG_RESET_ON_FORK) |
                  (x->reset_on_fork ? FLAG_RESET_ON_FORK : 0);
    }
    if (a.flags & ~(uint64_t)FLAG_ALL || !valid(policy, &a))
        return -EINVAL;
    if (!may_set(t, x, policy, &a) && !capable(t->process, CAP_SYS_NICE))
        return -EPERM;
    if (a.flags & FLAG_CLAMP)
        return -EOPNOTSUPP;
    if (policy == SCHED_DEADLINE && !deadline_fits(x, &a))
        return -EBUSY;
    x->reset_on_fork = a.flags & FLAG_RESET_ON_FORK;
    if (a.flags & FLAG_KEEP_PARAMETERS)
        return 0; /* the policy stays as well */
    policy_apply(x, policy, a.priority);
    if (policy == SCHED_DEADLINE)
        x->deadline = (struct sched_deadline){ a.runtime, a.deadline,
                                               a.period ? a.period : a.deadline,
                                               a.flags & FLAGS_OF_DEADLINE };
    if (is_fair(policy) && a.nice != x->process->i.nice)
        nice_set(x->process, a.nice);
    return 0;
}

int64_t linux_sched_getparam(struct thread *t, struct message *m)
{
    const struct thread *x = named(t, m->w[0]);
    if ((int)m->w[0] < 0 || !m->w[1])
        return -EINVAL;
    if (!x)
        return -ESRCH;
    int32_t priority = x->rt_priority;
    return user_write(t, m->w[1], &priority, sizeof priority);
}

/* Sets policy and priority of thread `tid`. */
static int64_t set_priority(struct thread *t, int tid, int policy, caller_t at)
{
    int32_t priority;
    if (tid < 0 || !at)
        return -EINVAL;
    int64_t error = user_read(t, at, &priority, sizeof priority);
    if (error)
        return error;
    struct thread *x = named(t, tid);
    if (!x)
        return -ESRCH;
    bool reset = policy != POLICY_AS_IT_IS && policy & SCHED_RESET_ON_FORK;
    return policy_set(
        t, x,
        &(struct sched_attr){ .policy = reset ? policy & ~SCHED_RESET_ON_FORK : policy,
                              .flags = reset ? FLAG_RESET_ON_FORK : 0,
                              .nice = x->process->i.nice,
                              .priority = priority });
}

int64_t linux_sched_setparam(struct thread *t, struct message *m)
{
    return set_priority(t, m->w[0], POLICY_AS_IT_IS, m->w[1]);
}

int64_t linux_sched_setscheduler(struct thread *t, struct message *m)
{
    return (int)m->w[1] < 0 ? -EINVAL : set_priority(t, m->w[0], m->w[1], m->w[2]);
}

int64_t linux_sched_getscheduler(struct thread *t, struct message *m)
{
    const struct thread *x = named(t, m->w[0]);
    if ((int)m->w[0] < 0 || !x)
        return (int)m->w[0] < 0 ? -EINVAL : -ESRCH;
    return x->policy | (x->reset_on_fork ? SCHED_RESET_ON_FORK : 0);
}

/* Reads attributes; what a program's structure is shorter than this one is 0, and what it is longer
 * must be 0. 0, -EINVAL, -E2BIG, or as user_read(). */
static int64_t attributes_read(struct thread *t, caller_t at, struct sched_attr *a)
{
    uint32_t size, known = sizeof *a;
    uint8_t more[64];
    *a = (struct sched_attr){ 0 };
    int64_t error = user_read(t, at, &size, sizeof size);
    if (error)
        return error;
    size = size ? size : ATTR_SIZE_FIRST;
    error = size < ATTR_SIZE_FIRST || size > PAGE_SIZE ? -E2BIG : 0;
    for (uint32_t done = known, n; !error && done < size; done += n) {
        n = MIN(size - done, (uint32_t)sizeof more);
        memset(more, 0, sizeof more);
        error = user_read(t, at + done, more, n);
        for (unsigned i = 0; !error && i < sizeof more; i++)
            error = more[i] ? -E2BIG : 0;
    }
    if (!error)
        error = user_read(t, at, a, MIN(size, known));
    if (error == -E2BIG) {
        int64_t fault = user_write(t, at, &known, sizeof known);
        return fault == LATER ? LATER : error;
    }
    if (!error && a->flags & FLAG_CLAMP && size < known)
        return -EINVAL;
    a->nice = nice_clamp(a->nice);
    return error;
}

int64_t linux_sched_setattr(struct thread *t, struct message *m)
{
    struct sched_attr a;
    int tid = m->w[0];
    if (!m->w[1] || tid < 0 || (uint32_t)m->w[2])
        return -EINVAL;
    int64_t error = attributes_read(t, m->w[1], &a);
    if (error)
        return error;
    if ((int)a.policy < 0)
        return -EINVAL;
    if (a.flags & FLAG_KEEP_POLICY)
        a.policy = POLICY_AS_IT_IS;
    struct thread *x = named(t, tid);
    if (!x)
        return -ESRCH;
    if (a.flags & FLAG_KEEP_PARAMETERS) {
        struct sched_attr now = attributes_of(x);
        a.nice = now.nice, a.priority = now.priority;
        a.runtime = now.runtime, a.deadline = now.deadline, a.period = now.period;
    }
    return policy_set(t, x, &a);
}

int64_t linux_sched_getattr(struct thread *t, struct message *m)
{
    int tid = m->w[0];
    uint32_t size = m->w[2];
    if (!m->w[1] || tid < 0 || size > PAGE_SIZE || size < ATTR_SIZE_FIRST || (uint32_t)m->w[3])
        return -EINVAL;
    const struct thread *x = named(t, tid);
    if (!x)
        return -ESRCH;
    struct sched_attr a = attributes_of(x);
    a.size = MIN(size, a.size);
    return user_write(t, m->w[1], &a, a.size);
}

/* The first or last priority of a policy. */
static int64_t priority_bound(int policy, int realtime)
{
    if (is_realtime(policy))
        return realtime;
    return is_fair(policy) || policy == SCHED_IDLE || policy == SCHED_DEADLINE ? 0 : -EINVAL;
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
    const struct thread *x = named(t, m->w[0]);
    bool rounds = x && x->policy != SCHED_FIFO && x->policy != SCHED_DEADLINE;
    struct timespec64 time = { 0, rounds ? PROC_ROUND_MS * 1000000 : 0 };
    return x ? user_write(t, m->w[1], &time, sizeof time) : -ESRCH;
}

/* ---- barriers ---- */

/* There is one processor, and a switch of threads is a barrier, so nothing is to be done. What
 * Linux does at once for the threads of one process, it does for those that have registered. */
int64_t linux_membarrier(struct thread *t, struct message *m)
{
    enum { QUERY, GLOBAL, GLOBAL_EXPEDITED, REGISTER_GLOBAL = 4, PRIVATE = 8, REGISTER = 16 };
    struct process *p = t->process;
    if ((uint32_t)m->w[1])
        return -EINVAL;
    switch ((int)m->w[0]) {
    case QUERY: return GLOBAL | GLOBAL_EXPEDITED | REGISTER_GLOBAL | PRIVATE | REGISTER;
    case GLOBAL:
    case GLOBAL_EXPEDITED:
    case REGISTER_GLOBAL: return 0;
    case PRIVATE: return p->barriers ? 0 : -EPERM;
    case REGISTER: p->barriers = true; return 0;
    default: return -EINVAL;
    }
}
