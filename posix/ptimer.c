/* POSIX timers: timer_create and its family.
 *
 * A timer that repeats could ring thousands of times before its signal is taken. As on Linux
 * (posix-timers) it is not set again while its signal waits; what it has missed is reckoned when
 * the signal is taken (ptimer_taken), and told as the overrun:
 *
 *   state                      due           waits   goes on by
 *   not set                    0             false   timer_settime
 *   runs                       next expiry   false   expired(): its signal is queued
 *   its signal waits           that expiry   true    ptimer_taken(): runs again
 *
 * A signal that waits may vanish without being taken: it is ignored, or was dropped by sigaction.
 * So the timer looks every 10 ms, or interval if that is longer, whether its signal is still in the
 * queue (look_later); if not it rings once more. */
#include "ptimer.h"

#include "clock.h"
#include "cputime.h"
#include "handlers.h"
#include "signal.h"
#include "user_memory.h"
#include <minnow/clock.h>

enum { SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD, SIGEV_THREAD_ID = 4 };
enum { TIMER_ABSTIME = 1, TIMERS_MAX = 64 }; /* of a process */

struct ptimer {
    struct ptimer *next;
    struct process *process;
    struct timer timer;       /* of clocks that always run */
    struct cpu_timer cpu;     /* of the others */
    uint64_t due;             /* the next expiry, on its clock; 0: it does not run */
    uint64_t interval, value; /* nanoseconds; what the signal carries */
    uint32_t user;            /* it is accounted to this user */
    int32_t id, clock, notify, signo, tid;
    int32_t overrun; /* of the signal that was taken last */
    bool waits;      /* its signal is queued */
};

struct sigevent {
    uint64_t value;
    int32_t signo, notify, tid, pad[11];
};

enum { PTIMERS_MAX = 4096 };
static struct share ptimer_share = SHARE(PTIMERS_MAX, PTIMERS_MAX / 8, PTIMERS_MAX / 2);

/* Whether x runs by processor time. */
static bool of_cpu(const struct ptimer *x)
{
    return x->clock < 0 || x->clock == CLOCK_PROCESS_CPUTIME_ID ||
           x->clock == CLOCK_THREAD_CPUTIME_ID;
}

static uint64_t clock_now(const struct ptimer *x)
{
    return of_cpu(x) ? cpu_clock_read(&x->cpu.clock) : timer_now(&x->timer);
}

static void ptimer_stop(struct ptimer *x)
{
    timer_cancel(&x->timer);
    cpu_timer_cancel(&x->cpu);
}

static void ptimer_free(struct ptimer *x)
{
    ptimer_stop(x);
    share_give(&ptimer_share, x->user, 1);
    memory_free(x);
}

static struct ptimer *ptimer_find(struct process *p, int id)
{
    struct ptimer *x = p->timers;
    while (x && x->id != id)
        x = x->next;
    return x;
}

void ptimers_delete(struct process *p)
{
    while (p->timers) {
        struct ptimer *x = p->timers;
        p->timers = x->next;
        ptimer_free(x);
    }
}

static void expired(struct ptimer *x);
static void rings(struct timer *timer) { expired(CONTAINER(timer, struct ptimer, timer)); }
static void cpu_rings(struct cpu_timer *ct) { expired(CONTAINER(ct, struct ptimer, cpu)); }

/* Sets x to ring at x->due, which is a time of day if `wall`. */
static void run_until_due(struct ptimer *x, bool wall)
{
    if (of_cpu(x))
        cpu_timer_set(&x->cpu, x->due, cpu_rings);
    else
        timer_set_by(&x->timer, x->due, wall, rings);
}

/* Sets x for its next expiry after the first. On a clock that always runs it may ring later than it
 * is due (timer_repeat), and then several expiries have passed. */
static void run_again(struct ptimer *x)
{
    if (of_cpu(x)) {
        run_until_due(x, false);
        return;
    }
    x->timer.when = x->due - x->interval;
    timer_repeat(&x->timer, x->user, x->interval, rings);
}

/* Makes x->due the first expiry that is still to come. Returns how many have passed. */
static uint64_t pass(struct ptimer *x)
{
    uint64_t now = clock_now(x), n = now < x->due ? 0 : 1 + (now - x->due) / x->interval;
    x->due += n * x->interval;
    return n;
}

/* Has expired() look again after 10 ms, or the interval if that is longer. */
static void look_later(struct ptimer *x)
{
    enum { WHILE_NS = 10000000 };
    x->timer.when = timer_now(&x->timer);
    timer_repeat(&x->timer, x->user, MAX(x->interval, (uint64_t)WHILE_NS), rings);
}

/* Whether a signal of x waits in q. */
static bool queued(const struct sigqueue *q, const struct ptimer *x)
{
    const struct queued *n = q->set & BIT(x->signo) ? q->first : NULL;
    while (n &&
           !(n->info.code == SI_TIMER && n->info.signo == x->signo && n->info.timer.id == x->id))
        n = n->next;
    return n != NULL;
}

/* x rings: an expiry is due, or it is time to look whether the signal of the last one still waits.
 * May wait. */
static void expired(struct ptimer *x)
{
    struct process *p = x->process;
    struct thread *t = x->notify == SIGEV_THREAD_ID ? thread_find(x->tid) : NULL;
    bool no_receiver = x->notify == SIGEV_NONE ||
                       (x->notify == SIGEV_THREAD_ID && (!t || t->process != p));
    struct sigqueue *q = t ? &t->pending : &p->pending;
    if (x->waits && queued(q, x)) {
        look_later(x);
        return;
    }
    x->waits = false;
    if (!x->interval)
        x->due = 0;
    if (no_receiver) {
        if (x->interval) {
            pass(x);
            look_later(x);
        }
        return;
    }
    int id = x->id, signo = x->signo;
    x->waits = x->interval != 0;
    signal_post(
        p, t, &(struct siginfo){ .signo = signo, .code = SI_TIMER, .timer = { id, 0, x->value } });
    if (!p->exiting && !p->zombie && ptimer_find(p, id) == x && x->waits)
        look_later(x);
}

void ptimer_taken(struct process *p, struct siginfo *info)
{
    struct ptimer *x = ptimer_find(p, info->timer.id);
    if (!x)
        return;
    x->overrun = 0;
    if (x->waits && x->interval) {
        uint64_t passed = pass(x);
        x->overrun = passed ? MIN(passed - 1, (uint64_t)INT32_MAX) : 0;
        timer_cancel(&x->timer);
        run_again(x);
    }
    x->waits = false;
    info->timer.overrun = x->overrun;
}

static int64_t ptimer_make(struct process *p, int id, int clock, const struct cpu_clock *cpu,
                           const struct sigevent *event)
{
    if (share_take(&ptimer_share, p->i.uid, 1, -EAGAIN))
        return -EAGAIN;
    struct ptimer *x = memory_zalloc(sizeof *x);
    if (!x) {
        share_give(&ptimer_share, p->i.uid, 1);
        return -EAGAIN;
    }
    *x = (struct ptimer){ .next = p->timers,
                          .user = p->i.uid,
                          .process = p,
                          .value = event->value,
                          .id = id,
                          .clock = clock,
                          .notify = event->notify,
                          .signo = event->signo,
                          .tid = event->tid,
                          .cpu = { .clock = *cpu, .user = p->i.uid } };
    p->timers = x;
    return 0;
}

/* Whether a timer of t can ring so. (Linux: good_sigevent) */
static bool event_valid(const struct thread *t, const struct sigevent *e)
{
    const struct thread *to = e->notify == SIGEV_THREAD_ID ? thread_find(e->tid) : t;
    switch (e->notify) {
    case SIGEV_NONE: return true;
    case SIGEV_SIGNAL:
    case SIGEV_THREAD:
    case SIGEV_THREAD_ID:
        return to && to->process == t->process && e->signo >= 1 && e->signo <= SIGNALS;
    default: return false;
    }
}

int64_t linux_timer_create(struct thread *t, struct message *m)
{
    struct process *p = t->process;
    int clock = clock_base(m->w[0]);
    struct sigevent event = { .signo = SIGALRM, .notify = SIGEV_SIGNAL };
    struct cpu_clock cpu = { 0 };
    int64_t error = m->w[1] ? user_read(t, m->w[1], &event, sizeof event) : 0;
    if (error)
        return error;
    if (clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE ||
        clock == CLOCK_MONOTONIC_COARSE)
        return -EOPNOTSUPP;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
        !cpu_clock_find(t, clock, &cpu))
        return -EINVAL;
    if (clock_permitted(t, m->w[0]))
        return -EPERM;
    if (!event_valid(t, &event))
        return -EINVAL;
    int id = 0;
    while (ptimer_find(p, id))
        id++;
    if (id >= TIMERS_MAX)
        return -EAGAIN;
    if (!m->w[1])
        event.value = id;
    error = user_write(t, m->w[2], &id, sizeof id);
    return error ? error : ptimer_make(p, id, clock, &cpu, &event);
}

/* As timer_shown(); one that has run out and not rung yet has a nanosecond left. */
static struct itimerspec shown(const struct ptimer *x)
{
    struct itimerspec s = timer_shown(x->due, x->interval, x->due ? clock_now(x) : 0);
    if (x->due && !s.value.sec && !s.value.nsec)
        s.value.nsec = 1;
    return s;
}

/* Sets x, which does not run, for its first expiry, unless that is 0. */
static void run_from(struct ptimer *x, uint64_t ns, bool absolute)
{
    x->due = 0;
    if (!ns)
        return;
    if (absolute)
        x->due = ns;
    else
        x->due = ns + (of_cpu(x) ? cpu_clock_read(&x->cpu.clock) : time_now());
    run_until_due(x, absolute && x->clock == CLOCK_REALTIME);
}

int64_t linux_timer_settime(struct thread *t, struct message *m)
{
    struct itimerspec new, old;
    int64_t error = m->w[2] ? user_read(t, m->w[2], &new, sizeof new) : -EINVAL;
    if (error)
        return error;
    struct ptimer *x = ptimer_find(t->process, m->w[0]);
    if (!x || !timespec_valid(&new.value) || !timespec_valid(&new.interval))
        return -EINVAL;
    old = shown(x);
    if (m->w[3] && (error = user_write(t, m->w[3], &old, sizeof old)))
        return error;
    ptimer_stop(x);
    x->interval = MIN(new.interval.sec, 4000000000) * SECOND + new.interval.nsec;
    x->overrun = 0;
    x->waits = false;
    run_from(x, MIN(new.value.sec, 8000000000) * SECOND + new.value.nsec, m->w[1] & TIMER_ABSTIME);
    return 0;
}

int64_t linux_timer_gettime(struct thread *t, struct message *m)
{
    struct ptimer *x = ptimer_find(t->process, m->w[0]);
    if (!x)
        return -EINVAL;
    struct itimerspec now = shown(x);
    return user_write(t, m->w[1], &now, sizeof now);
}

int64_t linux_timer_getoverrun(struct thread *t, struct message *m)
{
    struct ptimer *x = ptimer_find(t->process, m->w[0]);
    return x ? x->overrun : -EINVAL;
}

int64_t linux_timer_delete(struct thread *t, struct message *m)
{
    for (struct ptimer **at = &t->process->timers; *at; at = &(*at)->next)
        if ((*at)->id == (int)m->w[0]) {
            struct ptimer *x = *at;
            *at = x->next;
            ptimer_free(x);
            return 0;
        }
    return -EINVAL;
}
