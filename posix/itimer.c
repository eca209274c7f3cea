/* Interval timers of a process: setitimer and alarm. ITIMER_REAL runs by the time, ITIMER_VIRTUAL
 * and ITIMER_PROF by processor time. */
#include "itimer.h"

#include "clock.h"
#include "cputime.h"
#include "handlers.h"
#include "signal.h"
#include "user_memory.h"

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };
enum { MICROSECOND = 1000, SECOND_US = 1000000 }; /* in nanoseconds, in microseconds */

struct itimerval {
    struct timeval interval, value;
};

/* ---- by the time ---- */

static void alarm_rings(struct timer *timer)
{
    struct process *p = CONTAINER(timer, struct process, alarm);
    if (p->alarm_interval)
        timer_repeat(timer, p->i.uid, p->alarm_interval, alarm_rings);
    signal_kernel(p, SIGALRM);
}

/* Nanoseconds until ITIMER_REAL rings; 0: it does not run. A timer that is about to ring has a
 * microsecond left. */
static uint64_t alarm_left(const struct process *p)
{
    uint64_t now = time_now();
    return !p->alarm.set ? 0 : p->alarm.when > now ? p->alarm.when - now : MICROSECOND;
}

static void alarm_set(struct process *p, uint64_t ns, uint64_t interval)
{
    p->alarm_interval = interval;
    if (ns)
        timer_set(&p->alarm, time_now() + ns, alarm_rings);
    else
        timer_cancel(&p->alarm);
}

/* ---- by processor time: 0 ITIMER_VIRTUAL, 1 ITIMER_PROF ---- */

static void interval_over(struct cpu_timer *ct)
{
    struct process *p = process_find(ct->clock.pid);
    unsigned which = ct - p->cpu_interval;
    uint64_t interval = p->cpu_interval_ns[which];
    if (interval)
        cpu_timer_set(ct, cpu_clock_read(&ct->clock) + interval, interval_over);
    signal_kernel(p, which ? SIGPROF : SIGVTALRM);
}

static void cpu_interval_get(const struct process *p, unsigned which, uint64_t *left,
                             uint64_t *interval)
{
    uint64_t due = p->cpu_interval[which].due,
             used = due ? cpu_clock_read(&p->cpu_interval[which].clock) : 0;
    *left = !due ? 0 : due > used ? due - used : MICROSECOND;
    *interval = p->cpu_interval_ns[which];
}

static void cpu_interval_set(struct process *p, unsigned which, uint64_t ns, uint64_t interval)
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

void itimers_end(struct process *p)
{
    timer_cancel(&p->alarm);
    cpu_timer_cancel(&p->cpu_interval[0]);
    cpu_timer_cancel(&p->cpu_interval[1]);
}

/* ---- the calls ---- */

int64_t linux_alarm(struct thread *t, struct message *m)
{
    uint64_t left = alarm_left(t->process), seconds = left / SECOND, rest = left % SECOND;
    alarm_set(t->process, (uint64_t)(uint32_t)m->w[0] * SECOND, 0);
    /* rounded, but 0 only if it does not run */
    return seconds + (rest >= SECOND / 2 || (!seconds && rest));
}

static bool timeval_valid(const struct timeval *v)
{
    return v->sec >= 0 && v->usec >= 0 && v->usec < SECOND_US;
}

static uint64_t timeval_ns(const struct timeval *v)
{
    return MIN(v->sec, 4000000000) * SECOND + v->usec * MICROSECOND;
}

static struct itimerval itimer_now(const struct process *p, int which)
{
    uint64_t left = alarm_left(p), interval = p->alarm_interval;
    if (which != ITIMER_REAL)
        cpu_interval_get(p, which - ITIMER_VIRTUAL, &left, &interval);
    return (struct itimerval){ { interval / SECOND, interval % SECOND / MICROSECOND },
                               { left / SECOND, left % SECOND / MICROSECOND } };
}

int64_t linux_getitimer(struct thread *t, struct message *m)
{
    uint32_t which = m->w[0];
    if (which > ITIMER_PROF)
        return -EINVAL;
    struct itimerval now = itimer_now(t->process, which);
    return user_write(t, m->w[1], &now, sizeof now);
}

int64_t linux_setitimer(struct thread *t, struct message *m)
{
    struct itimerval new = { 0 }, old;
    uint32_t which = m->w[0];
    int64_t error = m->w[1] ? user_read(t, m->w[1], &new, sizeof new) : 0;
    if (error)
        return error;
    if (which > ITIMER_PROF || !timeval_valid(&new.value) || !timeval_valid(&new.interval))
        return -EINVAL;
    old = itimer_now(t->process, which);
    if (m->w[2] && (error = user_write(t, m->w[2], &old, sizeof old)))
        return error;
    uint64_t ns = timeval_ns(&new.value), interval = timeval_ns(&new.interval);
    if (which == ITIMER_REAL)
        alarm_set(t->process, ns, interval);
    else
        cpu_interval_set(t->process, which - ITIMER_VIRTUAL, ns, interval);
    return 0;
}
