/* timerfd: a timer whose expiries are counted in a file, and read from it.
 *
 *   due       the next expiry, by the timer's time (timer_now); 0: the timer does not run
 *   expired   those that nobody has read yet
 *
 * An expiry that is not the last one sets the timer again, but not oftener than a user may have
 * timers ring (timer_repeat): what has passed meanwhile is counted when it rings, and by each
 * read.
 *
 * A timer that was set with TFD_TIMER_CANCEL_ON_SET stands in a list. When the clock is set, all of
 * these become readable, and the next read tells (ECANCELED). */
#include "anon.h"

#include "clock.h"
#include "handlers.h"
#include "list.h"
#include "user_memory.h"
#include <minnow/clock.h>

enum { TFD_TIMER_ABSTIME = 1, TFD_TIMER_CANCEL_ON_SET = 2 };

struct timerfd {
    struct anon a;
    struct timer timer;
    uint64_t due, interval, expired;
    int32_t clock;
    bool cancelled;      /* the clock has been set, and nobody has been told */
    struct link setting; /* in `cancellable` */
};

static struct list cancellable;

void timerfds_wall_set(void)
{
    for (struct link *l = cancellable.first; l; l = l->next) {
        struct timerfd *x = CONTAINER(l, struct timerfd, setting);
        x->cancelled = true;
        anon_changed(&x->a, POLLIN);
    }
}

/* Whether the clock has been set since x was made or this was asked. */
static bool was_cancelled(struct timerfd *x)
{
    bool was = x->cancelled;
    x->cancelled = false;
    return was;
}

/* Counts the expiries that have passed. */
static void count(struct timerfd *x)
{
    uint64_t now = timer_now(&x->timer);
    if (!x->due || now < x->due)
        return;
    uint64_t n = x->interval ? 1 + (now - x->due) / x->interval : 1;
    x->expired += n;
    x->due = x->interval ? x->due + n * x->interval : 0;
}

static void rings(struct timer *timer)
{
    struct timerfd *x = CONTAINER(timer, struct timerfd, timer);
    count(x);
    if (x->due) {
        x->timer.when = x->due - x->interval;
        timer_repeat(&x->timer, x->a.user, x->interval, rings);
    }
    anon_changed(&x->a, POLLIN);
}

static uint64_t events(struct anon *a, struct thread *asker)
{
    (void)asker;
    const struct timerfd *x = (const struct timerfd *)a;
    return x->expired || x->cancelled || (x->due && timer_now(&x->timer) >= x->due) ? POLLIN : 0;
}

static int64_t read(struct anon *a, call_t call, uint64_t length)
{
    struct timerfd *x = (struct timerfd *)a;
    if (length < sizeof x->expired)
        return -EINVAL;
    count(x);
    if (was_cancelled(x)) {
        x->expired = 0;
        return -ECANCELED;
    }
    if (!x->expired)
        return -EAGAIN;
    int error = copy_out_call(call, 0, &x->expired, sizeof x->expired);
    if (error)
        return anon_copy_failed(error);
    x->expired = 0;
    return sizeof x->expired;
}

static void end(struct anon *a)
{
    struct timerfd *x = (struct timerfd *)a;
    timer_cancel(&x->timer);
    list_remove(&cancellable, &x->setting);
}

static const struct anon_ops ops = { .events = events, .read = read, .end = end };

int64_t linux_timerfd_create(struct thread *t, struct message *m)
{
    int32_t clock = m->w[0], base = clock_base(clock);
    uint32_t flags = m->w[1];
    int64_t descriptor;
    if (flags & ~(uint32_t)(O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    if ((base != CLOCK_REALTIME && base != CLOCK_MONOTONIC && base != CLOCK_BOOTTIME) ||
        clock == CLOCK_TAI)
        return -EINVAL;
    if (clock_permitted(t, clock))
        return -EPERM;
    struct timerfd *x = anon_make(m, ANON_TIMER, &ops, sizeof *x, t->process->i.uid, O_RDWR | flags,
                                  &descriptor);
    if (x)
        x->clock = clock;
    return descriptor;
}

static struct itimerspec shown(const struct timerfd *x)
{
    return timer_shown(x->due, x->interval, timer_now(&x->timer));
}

/* Sets x for its first expiry, if it is to run. */
static void run_from(struct timerfd *x, const struct timespec64 *first, bool absolute)
{
    x->due = MIN(first->sec, 8000000000) * SECOND + first->nsec;
    if (!x->due)
        return;
    if (!absolute)
        x->due += time_now();
    timer_set_by(&x->timer, x->due, absolute && clock_base(x->clock) == CLOCK_REALTIME, rings);
}

/* As on Linux a timer that tells when the clock is set does so at its next setting as well. */
static bool watch_clock(struct timerfd *x, uint32_t flags)
{
    enum { BOTH = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET };
    if (clock_base(x->clock) == CLOCK_REALTIME && (flags & BOTH) == BOTH) {
        list_append(&cancellable, &x->setting);
        return x->due && was_cancelled(x);
    }
    list_remove(&cancellable, &x->setting);
    x->cancelled = false;
    return false;
}

int64_t linux_timerfd_settime(struct thread *t, struct message *m)
{
    struct itimerspec new, old;
    uint32_t flags = m->w[1];
    int64_t error = user_read(t, m->w[2], &new, sizeof new);
    if (error)
        return error;
    if (flags & ~(uint32_t)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) ||
        !timespec_valid(&new.value) || !timespec_valid(&new.interval))
        return -EINVAL;
    struct timerfd *x = anon_behind(t, m->w[0], ANON_TIMER, &error);
    if (!x)
        return error;
    if (clock_permitted(t, x->clock))
        return -EPERM;
    old = shown(x);
    if (m->w[3] && (error = user_write(t, m->w[3], &old, sizeof old)))
        return error;
    timer_cancel(&x->timer);
    x->interval = MIN(new.interval.sec, 4000000000) * SECOND + new.interval.nsec;
    x->expired = 0;
    run_from(x, &new.value, flags & TFD_TIMER_ABSTIME);
    return watch_clock(x, flags) ? -ECANCELED : 0;
}

int64_t linux_timerfd_gettime(struct thread *t, struct message *m)
{
    int64_t error;
    struct timerfd *x = anon_behind(t, m->w[0], ANON_TIMER, &error);
    if (!x)
        return error;
    struct itimerspec now = shown(x);
    return user_write(t, m->w[1], &now, sizeof now);
}
