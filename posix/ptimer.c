/* POSIX timers: timer_create and its family. */
#include "ptimer.h"

#include "handlers.h"
#include "signal.h"
#include "user.h"
#include <minnow/clock.h>
#include <minnow/file.h>

enum { SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD, SIGEV_THREAD_ID = 4 };
enum { TIMER_ABSTIME = 1, SECOND = 1000000000, TIMERS_MAX = 64 };

struct ptimer {
    struct ptimer  *next;
    struct process *process;
    struct timer    timer;
    uint64_t        interval, value;    /* nanoseconds; what the signal carries */
    uint32_t        user;               /* to whom it is accounted */
    int32_t         id, clock, notify, signo, tid, overrun;
};

struct sigevent { uint64_t value; int32_t signo, notify, tid, pad[11]; };
struct itimerspec { struct timespec64 interval, value; };

enum { PTIMERS_MAX = 4096 };
static struct share ptimer_share = SHARE(PTIMERS_MAX, PTIMERS_MAX / 8, PTIMERS_MAX / 2);

static void ptimer_free(struct ptimer *x)
{
    timer_cancel(&x->timer);
    share_give(&ptimer_share, x->user, 1);
    memory_free(x);
}

static struct ptimer *find(struct process *p, int id)
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

static void rings(struct timer *timer)
{
    struct ptimer *x = CONTAINER(timer, struct ptimer, timer);
    struct process *p = x->process;
    if (x->interval)
        timer_repeat(timer, x->interval, rings);
    if (x->notify == SIGEV_NONE)
        return;
    struct thread *t = x->notify == SIGEV_THREAD_ID ? thread_find(x->tid) : NULL;
    if (x->notify == SIGEV_THREAD_ID && (!t || t->process != p))
        return;
    if ((t ? t->pending.set : p->pending.set) & BIT(x->signo)) {
        x->overrun++;
        return;
    }
    x->overrun = 0;
    signal_post(p, t, &(struct siginfo){ .signo = x->signo, .code = SI_TIMER, .timer = { x->id, x->overrun, x->value } });
}

int64_t linux_timer_create(struct thread *t, struct message *m)
{
    struct process *p = t->process;
    int clock = m->w[0];
    struct sigevent event = { .signo = SIGALRM, .notify = SIGEV_SIGNAL };
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
        return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID ? -EOPNOTSUPP : -EINVAL;
    int64_t error = m->w[1] ? user_read(t, m->w[1], &event, sizeof event) : 0;
    if (error)
        return error;
    if (event.notify != SIGEV_NONE && (event.signo < 1 || event.signo > SIGNALS))
        return -EINVAL;
    int id = 0;
    while (find(p, id))
        id++;
    if (id >= TIMERS_MAX)
        return -EAGAIN;
    if (!m->w[1])
        event.value = id;
    if ((error = user_write(t, m->w[2], &id, sizeof id)))
        return error;
    if (share_take(&ptimer_share, p->i.uid, 1, -EAGAIN))
        return -EAGAIN;
    struct ptimer *x = memory_zalloc(sizeof *x);
    if (!x) {
        share_give(&ptimer_share, p->i.uid, 1);
        return -EAGAIN;
    }
    *x = (struct ptimer){ .next = p->timers, .user = p->i.uid, .process = p, .value = event.value, .id = id, .clock = clock, .notify = event.notify,
                          .signo = event.signo, .tid = event.tid };
    p->timers = x;
    return 0;
}

static struct itimerspec left(const struct ptimer *x)
{
    uint64_t now = time_now(), ns = !x->timer.set ? 0 : x->timer.when > now ? x->timer.when - now : 1;
    return (struct itimerspec){ { x->interval / SECOND, x->interval % SECOND }, { ns / SECOND, ns % SECOND } };
}

int64_t linux_timer_settime(struct thread *t, struct message *m)
{
    struct ptimer *x = find(t->process, m->w[0]);
    struct itimerspec new, old;
    if (!x || !m->w[2])
        return -EINVAL;
    int64_t error = user_read(t, m->w[2], &new, sizeof new);
    if (error)
        return error;
    if (new.value.sec < 0 || (uint64_t)new.value.nsec >= SECOND || new.interval.sec < 0 || (uint64_t)new.interval.nsec >= SECOND)
        return -EINVAL;
    old = left(x);
    if (m->w[3] && (error = user_write(t, m->w[3], &old, sizeof old)))
        return error;
    x->interval = MIN(new.interval.sec, 4000000000) * SECOND + new.interval.nsec;
    x->overrun = 0;
    uint64_t ns = MIN(new.value.sec, 8000000000) * SECOND + new.value.nsec;
    if (!ns) {
        timer_cancel(&x->timer);
        return 0;
    }
    uint64_t when = time_now() + ns;
    if (m->w[1] & TIMER_ABSTIME) {
        int64_t sec, nsec;
        time_wall(&sec, &nsec);
        int64_t offset = x->clock == CLOCK_REALTIME ? sec * SECOND + nsec - (int64_t)time_now() : 0;
        when = (int64_t)ns > offset ? ns - offset : 1;
    }
    timer_set(&x->timer, when, rings);
    return 0;
}

int64_t linux_timer_gettime(struct thread *t, struct message *m)
{
    struct ptimer *x = find(t->process, m->w[0]);
    if (!x)
        return -EINVAL;
    struct itimerspec now = left(x);
    return user_write(t, m->w[1], &now, sizeof now);
}

int64_t linux_timer_getoverrun(struct thread *t, struct message *m)
{
    struct ptimer *x = find(t->process, m->w[0]);
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
