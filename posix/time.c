/* Clocks, sleeping, processor time, and the interval timer of alarm(). Reading a clock goes to the
 * kernel by route. */
#include "handlers.h"

#include "signal.h"
#include "syscalls.h"
#include "user.h"
#include <minnow/clock.h>
#include <minnow/file.h>

enum { TIMER_ABSTIME = 1, TICKS = 100 };
enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };
enum { RUSAGE_SELF = 0, RUSAGE_CHILDREN = -1, RUSAGE_THREAD = 1 };

struct timeval {
    int64_t sec, usec;
};

static int64_t wall_offset(void)
{
    int64_t sec, nsec;
    time_wall(&sec, &nsec);
    return sec * SECOND + nsec - (int64_t)time_now();
}

static uint64_t to_ns(const struct timespec64 *time)
{
    return time->sec > 8000000000 ? INT64_MAX : (uint64_t)time->sec * SECOND + time->nsec;
}

/* ---- sleeping ---- */

static void woke(struct timer *timer)
{
    struct thread *t = CONTAINER(timer, struct thread, timer);
    t->restart.set = false;
    thread_finish(t, 0);
}

/* The sleep ends, perhaps too early: tells how much was left. */
static void sleep_left(struct thread *t)
{
    uint64_t now = time_now();
    if (!t->restart.remaining || t->restart.until <= now || t->process->exiting)
        return;
    uint64_t left = t->restart.until - now;
    struct timespec64 time = { left / SECOND, left % SECOND };
    user_poke(t, t->restart.remaining, &time, sizeof time);
}

static int64_t sleep_until(struct thread *t, uint64_t until, caller_t remaining,
                           int64_t interrupted)
{
    t->restart.set = true;
    t->restart.until = until;
    t->restart.remaining = remaining;
    t->restart.clock.pid = 0;
    timer_set(&t->timer, until, woke);
    return thread_wait(t, sleep_left, interrupted);
}

/* The arguments of a sleep: *ns. 0 or an error. */
static int64_t sleep_time(struct thread *t, caller_t at, caller_t remaining, uint64_t *ns)
{
    struct timespec64 time;
    int64_t error = user_read(t, at, &time, sizeof time);
    if (error)
        return error;
    if (time.sec < 0 || (uint64_t)time.nsec >= SECOND)
        return -EINVAL;
    *ns = to_ns(&time);
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
    int64_t until = (int64_t)ns - (clock == CLOCK_REALTIME ? wall_offset() : 0);
    if (until <= (int64_t)now)
        return 0;
    return sleep_until(t, until, 0, -ERESTARTNOHAND);
}

/* By a clock of processor time; not one's own, which would stand still. */
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
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
        return clock < 10 ? -EOPNOTSUPP : -EINVAL;
    return do_sleep(t, clock, absolute, m->w[2], m->w[3]);
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

/* ---- clocks ---- */

int64_t linux_clock_getres(struct thread *t, struct message *m)
{
    int clock = m->w[0];
    struct cpu_clock other;
    if (clock > 11 || clock == 10 || (clock < 0 && !cpu_clock_find(t, clock, &other)))
        return -EINVAL;
    bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
    struct timespec64 time = { 0, coarse ? 4000000 : 1 };
    return m->w[1] ? user_write(t, m->w[1], &time, sizeof time) : 0;
}

static int64_t set_wall(struct thread *t, int64_t sec, int64_t nsec)
{
    if (sec < 0 || (uint64_t)nsec >= SECOND)
        return -EINVAL;
    if (t->process->i.euid)
        return -EPERM;
    return kernel_ask(SYS_CLOCK_SET, sec * SECOND + nsec - time_now(), 0, 0, 0, 0, 0);
}

int64_t linux_clock_settime(struct thread *t, struct message *m)
{
    struct timespec64 time;
    if ((int)m->w[0] != CLOCK_REALTIME)
        return -EINVAL;
    int64_t error = user_read(t, m->w[1], &time, sizeof time);
    return error ? error : set_wall(t, time.sec, time.nsec);
}

int64_t linux_settimeofday(struct thread *t, struct message *m)
{
    struct timeval time;
    if (!m->w[0])
        return t->process->i.euid ? -EPERM : 0;
    int64_t error = user_read(t, m->w[0], &time, sizeof time);
    return error ? error : set_wall(t, time.sec, time.usec * 1000);
}

int64_t linux_gettimeofday(struct thread *t, struct message *m)
{
    struct timeval time;
    int32_t zone[2] = { 0, 0 };
    time_wall(&time.sec, &time.usec);
    time.usec /= 1000;
    int64_t error = m->w[0] ? user_write(t, m->w[0], &time, sizeof time) : 0;
    return error || !m->w[1] ? error : user_write(t, m->w[1], zone, sizeof zone);
}

int64_t linux_time(struct thread *t, struct message *m)
{
    int64_t sec, nsec;
    time_wall(&sec, &nsec);
    int64_t error = m->w[0] ? user_write(t, m->w[0], &sec, sizeof sec) : 0;
    return error ? error : sec;
}

/* ---- processor time ---- */

void cpu_time_add(struct cpu_time *to, const struct cpu_time *more)
{
    to->ns += more->ns;
    to->system_ns += more->system_ns;
}

int64_t linux_times(struct thread *t, struct message *m)
{
    const uint64_t tick = SECOND / TICKS;
    struct cpu_time own = process_cpu(t->process), children = t->process->i.children;
    uint64_t times[4] = { (own.ns - own.system_ns) / tick, own.system_ns / tick,
                          (children.ns - children.system_ns) / tick, children.system_ns / tick };
    int64_t error = m->w[0] ? user_write(t, m->w[0], times, sizeof times) : 0;
    return error ? error : (int64_t)(time_now() / tick);
}

void usage_fill(const struct process *p, bool children, const struct cpu_time *cpu,
                int64_t usage[USAGE_WORDS])
{
    enum { UTIME = 0, STIME = 2, MAXRSS = 4, MINFLT = 8, MAJFLT = 9, KIB = 1024 };
    struct pm_usage u = { .peak = p->children_peak,
                          .faults = p->children_faults,
                          .major = p->children_major };
    if (!children)
        process_usage(p, &u);
    memset(usage, 0, USAGE_WORDS * sizeof usage[0]);
    uint64_t user = cpu->ns - cpu->system_ns;
    usage[UTIME] = user / SECOND;
    usage[UTIME + 1] = user % SECOND / 1000;
    usage[STIME] = cpu->system_ns / SECOND;
    usage[STIME + 1] = cpu->system_ns % SECOND / 1000;
    usage[MAXRSS] = u.peak * (PAGE_SIZE / KIB);
    usage[MINFLT] = u.faults;
    usage[MAJFLT] = u.major;
}

int64_t linux_getrusage(struct thread *t, struct message *m)
{
    int who = (int)m->w[0];
    int64_t usage[USAGE_WORDS];
    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
        return -EINVAL;
    struct cpu_time cpu = who == RUSAGE_CHILDREN ? t->process->i.children
                          : who == RUSAGE_THREAD ? thread_cpu(t)
                                                 : process_cpu(t->process);
    usage_fill(t->process, who == RUSAGE_CHILDREN, &cpu, usage);
    return user_write(t, m->w[1], usage, sizeof usage);
}

/* ---- the interval timer ---- */

static void alarm_rings(struct timer *timer)
{
    struct process *p = CONTAINER(timer, struct process, alarm);
    if (p->alarm_interval)
        timer_repeat(timer, p->i.uid, p->alarm_interval, alarm_rings);
    signal_kernel(p, SIGALRM);
}

static uint64_t alarm_left(const struct process *p)
{
    uint64_t now = time_now();
    return !p->alarm.set ? 0 : p->alarm.when > now ? p->alarm.when - now : 1000;
}

static void alarm_set(struct process *p, uint64_t ns, uint64_t interval)
{
    p->alarm_interval = interval;
    if (ns)
        timer_set(&p->alarm, time_now() + ns, alarm_rings);
    else
        timer_cancel(&p->alarm);
}

int64_t linux_alarm(struct thread *t, struct message *m)
{
    uint64_t left = (alarm_left(t->process) + SECOND - 1) / SECOND;
    alarm_set(t->process, (uint64_t)(uint32_t)m->w[0] * SECOND, 0);
    return left;
}

struct itimerval {
    struct timeval interval, value;
};

static struct itimerval itimer_now(const struct process *p, int which)
{
    uint64_t left = alarm_left(p), interval = p->alarm_interval;
    if (which != ITIMER_REAL)
        cpu_interval_get(p, which - ITIMER_VIRTUAL, &left, &interval);
    left /= 1000, interval /= 1000;
    return (struct itimerval){ { interval / 1000000, interval % 1000000 },
                               { left / 1000000, left % 1000000 } };
}

int64_t linux_getitimer(struct thread *t, struct message *m)
{
    if (m->w[0] > ITIMER_PROF)
        return -EINVAL;
    struct itimerval now = itimer_now(t->process, m->w[0]);
    return user_write(t, m->w[1], &now, sizeof now);
}

int64_t linux_setitimer(struct thread *t, struct message *m)
{
    struct itimerval new = { 0 }, old;
    int64_t error;
    if (m->w[0] > ITIMER_PROF)
        return -EINVAL;
    if (m->w[1] && (error = user_read(t, m->w[1], &new, sizeof new)))
        return error;
    if ((uint64_t) new.value.usec >= 1000000 || (uint64_t) new.interval.usec >= 1000000 ||
        new.value.sec < 0 || new.interval.sec < 0)
        return -EINVAL;
    old = itimer_now(t->process, m->w[0]);
    if (m->w[2] && (error = user_write(t, m->w[2], &old, sizeof old)))
        return error;
    uint64_t ns = MIN(new.value.sec, 4000000000) * SECOND + new.value.usec * 1000;
    uint64_t interval = MIN(new.interval.sec, 4000000000) * SECOND + new.interval.usec * 1000;
    if (m->w[0] == ITIMER_REAL)
        alarm_set(t->process, ns, interval);
    else
        cpu_interval_set(t->process, m->w[0] - ITIMER_VIRTUAL, ns, interval);
    return 0;
}
