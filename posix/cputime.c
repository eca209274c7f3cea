/* Processor time: its clocks, ITIMER_VIRTUAL and ITIMER_PROF, RLIMIT_CPU. The kernel says of each
 * process and thread how much of its time the program has spent itself: ITIMER_VIRTUAL runs by
 * that.
 *
 * Nobody tells when a program has used so much processor time. But a program cannot use more than
 * passes: a timer looks again when the rest may have been used up at the earliest, less often while
 * the program does not run, and so finds out soon after. */
#include "cputime.h"

#include "handlers.h"
#include "signal.h"
#include "syscalls.h"
#include "user.h"
#include <minnow/clock.h>
#include <minnow/file.h>

enum { LOOK_SOONEST = 1000000, LOOK_LATEST = 64000000 };
enum {
    CLOCK_KIND = 3,
    CLOCK_USER = 1,
    CLOCK_KIND_LAST = 2,
    CLOCK_OF_THREAD = 4,
    CLOCK_ID_SHIFT = 3
}; /* of a clock that names a process (clock_getcpuclockid) */

/* ---- clocks ---- */

bool cpu_clock_find(const struct thread *t, int number, struct cpu_clock *c)
{
    int own = t->process->i.pid;
    if (number == CLOCK_PROCESS_CPUTIME_ID || number == CLOCK_THREAD_CPUTIME_ID) {
        *c = (struct cpu_clock){ own, number == CLOCK_THREAD_CPUTIME_ID ? t->tid : 0, false };
        return true;
    }
    if (number >= 0 || (number & CLOCK_KIND) > CLOCK_KIND_LAST)
        return false;
    int id = ~(number >> CLOCK_ID_SHIFT);
    bool user = (number & CLOCK_KIND) == CLOCK_USER;
    if (number & CLOCK_OF_THREAD) {
        const struct thread *x = id ? thread_find(id) : t;
        *c = (struct cpu_clock){ own, x ? x->tid : 0, user };
        return x && x->process == t->process;
    }
    *c = (struct cpu_clock){ id ? id : own, 0, user };
    return process_find(c->pid) != NULL;
}

struct cpu_time thread_cpu(struct thread *t)
{
    struct thread_info info;
    if (kernel_ask(SYS_INFO, INFO_THREAD, t->index, (uint64_t)&info, sizeof info, 0, 0) <= 0)
        return t->cpu_told;
    return t->cpu_told = cpu_time_onward(&t->cpu_told, info.cpu);
}

uint64_t cpu_clock_read(const struct cpu_clock *c)
{
    struct cpu_time time = { 0 };
    const struct process *p = c->tid ? NULL : process_find(c->pid);
    struct thread *t = c->tid ? thread_find(c->tid) : NULL;
    if (p)
        time = process_cpu(p);
    else if (t && (int)t->process->i.pid == c->pid)
        time = thread_cpu(t);
    return c->user ? time.ns - time.system_ns : time.ns;
}

/* The kernel answers for the caller's own clocks itself; what comes here are those that name a
 * process or thread. */
int64_t clock_gettime_other(struct thread *t, struct message *m)
{
    struct cpu_clock c;
    if (!cpu_clock_find(t, (int)m->w[0], &c))
        return -EINVAL;
    uint64_t ns = cpu_clock_read(&c);
    struct timespec64 time = { ns / SECOND, ns % SECOND };
    return user_write(t, m->w[1], &time, sizeof time);
}

/* ---- timers ---- */

static void look(struct timer *timer)
{
    struct cpu_timer *ct = CONTAINER(timer, struct cpu_timer, timer);
    uint64_t used = cpu_clock_read(&ct->clock);
    if (used >= ct->due) {
        ct->due = 0;
        ct->run(ct);
        return;
    }
    ct->step = used == ct->seen ? MIN(ct->step * 2, (uint64_t)LOOK_LATEST) : LOOK_SOONEST;
    ct->seen = used;
    timer->when = time_now();
    timer_repeat(timer, ct->user, MAX(ct->due - used, ct->step), look);
}

void cpu_timer_set(struct cpu_timer *ct, uint64_t due, void (*run)(struct cpu_timer *))
{
    uint64_t used = cpu_clock_read(&ct->clock);
    ct->due = MAX(due, 1ul);
    ct->seen = used;
    ct->step = LOOK_SOONEST;
    ct->run = run;
    timer_set(&ct->timer, time_now() + (due > used ? MAX(due - used, ct->step) : 1), look);
}

void cpu_timer_cancel(struct cpu_timer *ct)
{
    timer_cancel(&ct->timer);
    ct->due = 0;
}

/* ---- sleeping ---- */

/* A thread that waits for such a clock. Its memory goes with the wait. */
struct cpu_sleep {
    struct cpu_timer timer;
    struct thread *thread;
};

static void woke(struct cpu_timer *ct)
{
    struct thread *t = CONTAINER(ct, struct cpu_sleep, timer)->thread;
    t->restart.set = false;
    thread_finish(t, 0);
}

/* The sleep ends, perhaps too early: tells how much was left. */
static void sleep_left(struct thread *t)
{
    struct cpu_sleep *s = t->cpu_sleep;
    uint64_t used = cpu_clock_read(&s->timer.clock);
    t->cpu_sleep = NULL;
    cpu_timer_cancel(&s->timer);
    memory_free(s);
    if (!t->restart.remaining || t->restart.until <= used || t->process->exiting)
        return;
    uint64_t left = t->restart.until - used;
    struct timespec64 time = { left / SECOND, left % SECOND };
    user_poke(t, t->restart.remaining, &time, sizeof time);
}

int64_t cpu_sleep_until(struct thread *t, const struct cpu_clock *c, uint64_t until,
                        caller_t remaining, int64_t interrupted)
{
    struct cpu_sleep *s = memory_zalloc(sizeof *s);
    if (!s)
        return -ENOMEM;
    s->timer.clock = *c;
    s->timer.user = t->process->i.uid;
    s->thread = t;
    t->cpu_sleep = s;
    t->restart.set = true;
    t->restart.until = until;
    t->restart.remaining = remaining;
    t->restart.clock = *c;
    cpu_timer_set(&s->timer, until, woke);
    return thread_wait(t, sleep_left, interrupted);
}

/* ---- interval timers: 0 ITIMER_VIRTUAL, 1 ITIMER_PROF ---- */

static void interval_over(struct cpu_timer *ct)
{
    struct process *p = process_find(ct->clock.pid);
    unsigned which = ct - p->cpu_interval;
    uint64_t interval = p->cpu_interval_ns[which];
    if (interval)
        cpu_timer_set(ct, cpu_clock_read(&ct->clock) + interval, interval_over);
    signal_kernel(p, which ? SIGPROF : SIGVTALRM);
}

void cpu_interval_get(const struct process *p, unsigned which, uint64_t *left, uint64_t *interval)
{
    uint64_t due = p->cpu_interval[which].due,
             used = due ? cpu_clock_read(&p->cpu_interval[which].clock) : 0;
    *left = !due ? 0 : due > used ? due - used : 1000;
    *interval = p->cpu_interval_ns[which];
}

void cpu_interval_set(struct process *p, unsigned which, uint64_t ns, uint64_t interval)
{
    struct cpu_timer *ct = &p->cpu_interval[which];
    ct->clock = (struct cpu_clock){ p->i.pid, 0, which == 0 };
    ct->user = p->i.uid;
    p->cpu_interval_ns[which] = interval;
    if (ns)
        cpu_timer_set(ct, cpu_clock_read(&ct->clock) + ns, interval_over);
    else
        cpu_timer_cancel(ct);
}

/* ---- RLIMIT_CPU ---- */

static uint64_t seconds(uint64_t s) { return MIN(MAX(s, 1ul), 8000000000ul) * SECOND; }

/* At the soft limit and each second from then on SIGXCPU, at the hard one SIGKILL. */
static void limit_reached(struct cpu_timer *ct)
{
    struct process *p = process_find(ct->clock.pid);
    const struct limit *l = &p->limits[RLIMIT_CPU];
    uint64_t used = process_cpu(p).ns;
    if (used >= seconds(l->hard)) {
        process_exit(p, SIGKILL);
        return;
    }
    cpu_timer_set(ct, MIN((used / SECOND + 1) * SECOND, seconds(l->hard)), limit_reached);
    if (used >= seconds(l->soft))
        signal_kernel(p, SIGXCPU);
}

void cpu_limit_set(struct process *p)
{
    const struct limit *l = &p->limits[RLIMIT_CPU];
    p->cpu_limit.clock = (struct cpu_clock){ p->i.pid, 0, false };
    p->cpu_limit.user = p->i.uid;
    if (l->soft == ~0ul && l->hard == ~0ul)
        cpu_timer_cancel(&p->cpu_limit);
    else
        cpu_timer_set(&p->cpu_limit, MIN(seconds(l->soft), seconds(l->hard)), limit_reached);
}

void cpu_timers_end(struct process *p)
{
    cpu_timer_cancel(&p->cpu_interval[0]);
    cpu_timer_cancel(&p->cpu_interval[1]);
    cpu_timer_cancel(&p->cpu_limit);
}
