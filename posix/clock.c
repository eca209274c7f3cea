/* Clocks: what time it is, how exactly, and setting it. Reading a clock goes to the kernel by
 * route, or is done by the vDSO. */
#include "clock.h"
#include "capability.h"

#include "cputime.h"
#include "handlers.h"
#include "syscalls.h"
#include "user_memory.h"
#include <minnow/clock.h>
#include <minnow/file.h>

uint32_t wall_settings;

static void base_set(uint64_t base)
{
    ask_clock_set(base);
    timers_wall_set(base);
}

void wall_set(uint64_t ns)
{
    wall_settings++;
    base_set(ns - time_now());
    timerfds_wall_set();
}

void wall_step(int64_t ns)
{
    if (ns)
        base_set(wall_base + ns);
}

int clock_base(int clock)
{
    switch (clock) {
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI: return CLOCK_REALTIME;
    case CLOCK_BOOTTIME_ALARM: return CLOCK_BOOTTIME;
    default: return clock;
    }
}

int64_t clock_permitted(const struct thread *t, int clock)
{
    bool wakes = clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
    return wakes && !capable(t->process, CAP_WAKE_ALARM) ? -EPERM : 0;
}

struct itimerspec timer_shown(uint64_t due, uint64_t interval, uint64_t now)
{
    if (due && interval && now >= due)
        due += ((now - due) / interval + 1) * interval;
    uint64_t ns = due > now ? due - now : 0;
    return (struct itimerspec){ { interval / SECOND, interval % SECOND },
                                { ns / SECOND, ns % SECOND } };
}

int64_t timespec_read(struct thread *t, caller_t at, struct timespec64 *time)
{
    int64_t error = user_read(t, at, time, sizeof *time);
    return error ? error : timespec_valid(time) ? 0 : -EINVAL;
}

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

/* As on Linux a time is refused that lies so far ahead that times would soon not be reckoned in
 * nanoseconds (TIME_SETTOD_SEC_MAX). */
static bool wall_valid(int64_t sec, int64_t nsec)
{
    enum { THIRTY_YEARS = 30 * 365 * 24 * 3600 };
    return sec >= 0 && sec < INT64_MAX / SECOND - THIRTY_YEARS && (uint64_t)nsec < SECOND;
}

int64_t wall_change(int64_t sec, int64_t nsec)
{
    if (!wall_valid(sec, nsec) || sec * SECOND + nsec < (int64_t)time_now())
        return -EINVAL;
    wall_set(sec * SECOND + nsec);
    return 0;
}

static int64_t set_wall(struct thread *t, int64_t sec, int64_t nsec)
{
    if (!wall_valid(sec, nsec))
        return -EINVAL;
    return capable(t->process, CAP_SYS_TIME) ? wall_change(sec, nsec) : -EPERM;
}

int64_t linux_clock_settime(struct thread *t, struct message *m)
{
    struct timespec64 time;
    struct cpu_clock other;
    int clock = m->w[0];
    if (clock > CLOCK_REALTIME)
        return -EINVAL;
    int64_t error = user_read(t, m->w[1], &time, sizeof time);
    if (error)
        return error;
    if (clock < 0) /* a process's or thread's, which nobody sets */
        return cpu_clock_find(t, clock, &other) ? -EPERM : -EINVAL;
    return set_wall(t, time.sec, time.nsec);
}

int64_t linux_settimeofday(struct thread *t, struct message *m)
{
    struct timeval time;
    if (!m->w[0])
        return capable(t->process, CAP_SYS_TIME) ? 0 : -EPERM;
    int64_t error = user_read(t, m->w[0], &time, sizeof time);
    if (!error && (uint64_t)time.usec >= SECOND / 1000)
        error = -EINVAL;
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
