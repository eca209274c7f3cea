/* Sleeping: nanosleep, clock_nanosleep.
 *
 * A sleep ends at a time on a clock, and t->restart keeps that time, so that a relative sleep that
 * a stop or an ignored signal interrupts goes on from where it was: its code is
 * ERESTART_RESTARTBLOCK, which makes the thread call restart_syscall (delivery.c). When a handler
 * runs the sleep is over, and what was left is written to the program's memory, whose page was made
 * sure of before. An absolute sleep is just made again. */
#include "clock.h"
#include "cputime.h"
#include "delivery.h"
#include "handlers.h"
#include "signal_abi.h"
#include "user_memory.h"
#include <minnow/clock.h>

enum { TIMER_ABSTIME = 1 };

/* A signal ends t's sleep when its clock shows `now`: writes how much is left. If nothing is, the
 * sleep has been long enough, and has no error (Linux, nanosleep_copyout): what is left would not
 * be written, and a program that sleeps on for that would sleep for what was there before. */
static void end_early(struct thread *t, uint64_t now)
{
    if (t->restart.until <= now)
        t->interrupt_result = 0;
    if (!t->restart.remaining || t->restart.until <= now || t->process->exiting)
        return;
    uint64_t left = t->restart.until - now;
    struct timespec64 time = { left / SECOND, left % SECOND };
    user_poke_once(t, t->restart.remaining, &time, sizeof time); /* later there may be none left */
}

/* ---- by the time ---- */

static void timer_rings(struct timer *timer)
{
    struct thread *t = CONTAINER(timer, struct thread, timer);
    t->restart.set = false;
    thread_finish(t, 0);
}

static void sleep_ends(struct thread *t) { end_early(t, time_now()); }
static void absolute_ends(struct thread *t) { (void)t; }

static int64_t sleep_until(struct thread *t, uint64_t until, caller_t remaining,
                           int64_t interrupted)
{
    t->restart.set = true;
    t->restart.until = until;
    t->restart.remaining = remaining;
    t->restart.clock.pid = 0;
    timer_set(&t->timer, until, timer_rings);
    return thread_wait(t, sleep_ends, interrupted);
}

/* To a time of day, or since boot. */
static int64_t sleep_absolute(struct thread *t, uint64_t until, bool wall)
{
    if (until <= (wall ? wall_now() : time_now()))
        return 0;
    timer_set_by(&t->timer, until, wall, timer_rings);
    return thread_wait(t, absolute_ends, -ERESTARTNOHAND);
}

/* ---- by a clock of processor time ---- */

/* A thread that sleeps by such a clock. The structure goes with the wait. */
struct cpu_sleep {
    struct cpu_timer timer;
    struct thread *thread;
};

static void cpu_timer_rings(struct cpu_timer *ct)
{
    struct thread *t = CONTAINER(ct, struct cpu_sleep, timer)->thread;
    t->restart.set = false;
    thread_finish(t, 0);
}

static void cpu_sleep_ends(struct thread *t)
{
    struct cpu_sleep *s = t->cpu_sleep;
    uint64_t used = cpu_clock_read(&s->timer.clock);
    t->cpu_sleep = NULL;
    cpu_timer_cancel(&s->timer);
    memory_free(s);
    end_early(t, used);
}

/* t waits until the clock shows `until`, or a signal comes; then what was left is written to
 * `remaining`, unless that is 0. A clock whose process or thread has gone stands still. */
static int64_t cpu_sleep_until(struct thread *t, const struct cpu_clock *c, uint64_t until,
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
    cpu_timer_set(&s->timer, until, cpu_timer_rings);
    return thread_wait(t, cpu_sleep_ends, interrupted);
}

/* ---- the calls ---- */

/* Reads the time of a sleep, and makes sure that `remaining` (0: none) can be written later. 0 and
 * *ns, or as user_read. */
static int64_t sleep_time(struct thread *t, caller_t at, caller_t remaining, uint64_t *ns)
{
    struct timespec64 time;
    int64_t error = timespec_read(t, at, &time);
    if (error)
        return error;
    *ns = timespec_ns(&time);
    return remaining ? user_probe(t, remaining, sizeof time) : 0;
}

static int64_t do_sleep(struct thread *t, unsigned clock, bool absolute, caller_t at,
                        caller_t remaining)
{
    uint64_t ns, now = time_now();
    int64_t error = sleep_time(t, at, absolute ? 0 : remaining, &ns);
    if (error)
        return error;
    if (!absolute) {
        if (!ns)
            return 0;
        return sleep_until(t, now + MIN(ns, (uint64_t)INT64_MAX - now), remaining,
                           -ERESTART_RESTARTBLOCK);
    }
    return sleep_absolute(t, ns, clock == CLOCK_REALTIME);
}

/* A sleep by a clock of processor time; not by the thread's own, which would stand still. */
static int64_t do_cpu_sleep(struct thread *t, int number, bool absolute, caller_t at,
                            caller_t remaining)
{
    struct cpu_clock c;
    uint64_t ns;
    if (!cpu_clock_find(t, number, &c) || c.tid == t->tid)
        return -EINVAL;
    int64_t error = sleep_time(t, at, absolute ? 0 : remaining, &ns);
    if (error)
        return error;
    uint64_t now = cpu_clock_read(&c),
             until = absolute ? ns : now + MIN(ns, (uint64_t)INT64_MAX - now);
    if (until <= now)
        return 0;
    return cpu_sleep_until(t, &c, until, absolute ? 0 : remaining,
                           absolute ? -ERESTARTNOHAND : -ERESTART_RESTARTBLOCK);
}

int64_t linux_nanosleep(struct thread *t, struct message *m)
{
    return do_sleep(t, CLOCK_MONOTONIC, false, m->w[0], m->w[1]);
}

int64_t linux_clock_nanosleep(struct thread *t, struct message *m)
{
    int clock = m->w[0];
    bool absolute = m->w[1] & TIMER_ABSTIME;
    if (clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID)
        return do_cpu_sleep(t, clock, absolute, m->w[2], m->w[3]);
    int base = clock_base(clock);
    if (base != CLOCK_REALTIME && base != CLOCK_MONOTONIC && base != CLOCK_BOOTTIME)
        return clock < 10 ? -EOPNOTSUPP : -EINVAL;
    int64_t error = clock_permitted(t, clock);
    return error ? error : do_sleep(t, base, absolute, m->w[2], m->w[3]);
}

int64_t linux_restart_syscall(struct thread *t, struct message *m)
{
    (void)m;
    if (!t->restart.set)
        return -EINTR;
    struct cpu_clock clock = t->restart.clock;
    if (clock.pid)
        return cpu_sleep_until(t, &clock, t->restart.until, t->restart.remaining,
                               -ERESTART_RESTARTBLOCK);
    if (t->restart.until <= time_now())
        return 0;
    return sleep_until(t, t->restart.until, t->restart.remaining, -ERESTART_RESTARTBLOCK);
}
