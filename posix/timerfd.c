/* timerfd: a timer whose expiries are counted in a file, and read from it.
 *
 *   due       the next expiry, nanoseconds since boot; 0: the timer does not run
 *   expired   those that nobody has read yet
 *
 * An expiry that is not the last one sets the timer again, but not oftener than a user may have
 * timers ring (timer_repeat): what has passed meanwhile is counted when it rings, and by each
 * read. */
#include "anon.h"

#include "clock.h"
#include "handlers.h"
#include "user_memory.h"
#include <minnow/clock.h>

enum { TFD_TIMER_ABSTIME = 1, TFD_TIMER_CANCEL_ON_SET = 2 };

struct timerfd {
    struct anon a;
    struct timer timer;
    uint64_t due, interval, expired;
    int32_t clock;
};

/* Counts the expiries that have passed. */
static void count(struct timerfd *x)
{
    uint64_t now = time_now();
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
    anon_changed(&x->a, POLLIN | POLLRDNORM);
}

static uint64_t events(struct anon *a, struct thread *asker)
{
    (void)asker;
    const struct timerfd *x = (const struct timerfd *)a;
    return x->expired || (x->due && time_now() >= x->due) ? POLLIN | POLLRDNORM : 0;
}

static int64_t read(struct anon *a, call_t call, uint64_t length)
{
    struct timerfd *x = (struct timerfd *)a;
    if (length < sizeof x->expired)
        return -EINVAL;
    count(x);
    if (!x->expired)
        return -EAGAIN;
    int error = copy_out_call(call, 0, &x->expired, sizeof x->expired);
    if (error)
        return anon_copy_failed(error);
    x->expired = 0;
    return sizeof x->expired;
}

static void end(struct anon *a) { timer_cancel(&((struct timerfd *)a)->timer); }

static const struct anon_ops ops = { .events = events, .read = read, .end = end };

int64_t linux_timerfd_create(struct thread *t, struct message *m)
{
    int32_t clock = m->w[0];
    uint32_t flags = m->w[1];
    int64_t descriptor;
    if (flags & ~(uint32_t)(O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
        return -EINVAL;
    struct timerfd *x = anon_make(m, ANON_TIMER, &ops, sizeof *x, t->process->i.uid, O_RDWR | flags,
                                  &descriptor);
    if (x)
        x->clock = clock;
    return descriptor;
}

/* The interval of x, and the time until its next expiry; 0: x does not run. */
static struct itimerspec time_left(const struct timerfd *x)
{
    uint64_t now = time_now(), due = x->due;
    if (due && x->interval && now >= due)
        due += ((now - due) / x->interval + 1) * x->interval;
    uint64_t ns = due > now ? due - now : 0;
    return (struct itimerspec){ { x->interval / SECOND, x->interval % SECOND },
                                { ns / SECOND, ns % SECOND } };
}

/* When a timer that is set to `value` first expires, nanoseconds since boot; 0: it is not to
 * run. */
static uint64_t first_expiry(const struct timerfd *x, const struct timespec64 *value, bool absolute)
{
    uint64_t ns = MIN(value->sec, 8000000000) * SECOND + value->nsec;
    if (!ns)
        return 0;
    if (!absolute)
        return time_now() + ns;
    int64_t offset = x->clock == CLOCK_REALTIME ? wall_offset() : 0;
    return (int64_t)ns > offset ? ns - offset : 1;
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
    old = time_left(x);
    if (m->w[3] && (error = user_write(t, m->w[3], &old, sizeof old)))
        return error;
    timer_cancel(&x->timer);
    x->interval = MIN(new.interval.sec, 4000000000) * SECOND + new.interval.nsec;
    x->expired = 0;
    x->due = first_expiry(x, &new.value, flags & TFD_TIMER_ABSTIME);
    if (x->due)
        timer_set(&x->timer, x->due, rings);
    return 0;
}

int64_t linux_timerfd_gettime(struct thread *t, struct message *m)
{
    int64_t error;
    struct timerfd *x = anon_behind(t, m->w[0], ANON_TIMER, &error);
    if (!x)
        return error;
    struct itimerspec now = time_left(x);
    return user_write(t, m->w[1], &now, sizeof now);
}
