/* Clocks of processor time, and timers that run by them.
 *
 * The kernel counts the time of each process and thread, and says how much of it the program has
 * spent itself: ITIMER_VIRTUAL runs by that. But the kernel sends nothing when a program has used
 * so much. This server knows only that a program uses no more time than passes. So a timer is set
 * for the earliest moment at which the rest may be used up, and then looks at the clock. If the
 * clock
 *
 *   has got there      the timer rings
 *   has gone on        the next look is when the rest may be used up, 1 ms from now at least
 *   stands still       likewise, but the least time doubles with each look, up to 64 ms
 *
 * A program that runs without pause is looked at a few times, one that sleeps 16 times a second,
 * and a timer rings no later than one such step after its time. The looks are timers that repeat,
 * of which each user has but so many in a second (timer.c). */
#include "cputime.h"

#include "process.h"
#include "rusage.h"
#include "user_memory.h"
#include <minnow/clock.h>
#include <minnow/file.h>

enum { LOOK_SOONEST = 1000000, LOOK_LATEST = 64000000 }; /* nanoseconds */

/* The number of a clock that names a process or thread (clock_getcpuclockid): ~id << 3 | flags. */
enum {
    CLOCK_KIND = 3, /* of time: all (0 and 2), or what the program has spent itself */
    CLOCK_USER = 1,
    CLOCK_KIND_LAST = 2,
    CLOCK_OF_THREAD = 4,
    CLOCK_ID_SHIFT = 3
};

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

static void cpu_timer_look(struct timer *timer)
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
    timer_repeat(timer, ct->user, MAX(ct->due - used, ct->step), cpu_timer_look);
}

void cpu_timer_set(struct cpu_timer *ct, uint64_t due, void (*run)(struct cpu_timer *))
{
    uint64_t used = cpu_clock_read(&ct->clock);
    ct->due = MAX(due, 1ul);
    ct->seen = used;
    ct->step = LOOK_SOONEST;
    ct->run = run;
    timer_set(&ct->timer, time_now() + (due > used ? MAX(due - used, ct->step) : 1),
              cpu_timer_look);
}

void cpu_timer_cancel(struct cpu_timer *ct)
{
    timer_cancel(&ct->timer);
    ct->due = 0;
}
