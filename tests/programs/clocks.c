/* Clocks, sleeping, timers. Durations are only compared. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>

static volatile int count;
static volatile int value;
static void handler(int sig, siginfo_t *i, void *c)
{
    (void)sig, (void)c;
    count++;
    value = i->si_value.sival_int;
}

static int64_t now(int clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000l + t.tv_nsec;
}

/* Which clocks there are, and what each can do. The alarm clocks depend on the machine. */
static void each_clock(void)
{
    static const int clocks[] = { 0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12 };
    for (unsigned i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        struct timespec t, tick = { 0, 1 };
        struct sigevent event = { .sigev_notify = SIGEV_NONE };
        timer_t id;
        SAY("clock %d", clocks[i]);
        SHOW(syscall(SYS_clock_gettime, clocks[i], &t));
        SHOW(clock_getres(clocks[i], &t));
        if (!timer_create(clocks[i], &event, &id))
            SHOW(timer_delete(id));
        else
            SAY("no timer: %s", error_name(errno));
        if (clocks[i] != CLOCK_PROCESS_CPUTIME_ID)
            SHOW(clock_nanosleep(clocks[i], 0, &tick, NULL));
    }
}

/* What is told of calls that are wrong in two ways, and of the upper half of a register. */
static void wrong_twice(void)
{
    struct itimerval stopped = { { 0, 0 }, { 0, 0 } }, bad = { { 0, -1 }, { 0, 0 } };
    struct itimerspec at = { { 0, 0 }, { 0, -1 } };
    void *nowhere = (void *)8;
    timer_t id;
    SHOW(syscall(SYS_setitimer, 99, nowhere, 0));
    SHOW(syscall(SYS_setitimer, 99, &stopped, nowhere));
    SHOW(syscall(SYS_setitimer, ITIMER_REAL, &bad, nowhere));
    SHOW(syscall(SYS_setitimer, 1l << 32 | ITIMER_PROF, &stopped, 0));
    SHOW(syscall(SYS_getitimer, 1l << 32 | ITIMER_PROF, &stopped));
    SHOW(syscall(SYS_getitimer, 99, nowhere));
    SHOW(syscall(SYS_timer_create, 99, nowhere, &id));
    SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC_RAW, nowhere, &id));
    SHOW(syscall(SYS_timer_settime, 99, 0, nowhere, 0));
    SHOW(syscall(SYS_timer_settime, 99, 0, &at, nowhere));
    SHOW(syscall(SYS_timer_settime, 99, 0, 0, nowhere));
}

/* Clocks that cannot be set. */
static void fixed_clocks(void)
{
    struct timespec t = { 1, 0 };
    clockid_t own;
    clock_getcpuclockid(0, &own);
    SHOW(syscall(SYS_clock_settime, own, &t));
    SHOW(syscall(SYS_clock_settime, own, (void *)8));
    SHOW(syscall(SYS_clock_settime, (~999999u << 3) | 2, &t));
    SHOW(syscall(SYS_clock_settime, CLOCK_PROCESS_CPUTIME_ID, &t));
    SHOW(syscall(SYS_clock_settime, CLOCK_MONOTONIC, (void *)8));
    SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, (void *)8));
    SHOW(syscall(SYS_clock_settime, CLOCK_TAI, &t));
}

int main(void)
{
    struct timespec t = { 0, 20000000 }, bad = { 0, 1000000000 }, at;
    int64_t a = now(CLOCK_MONOTONIC), b = now(CLOCK_MONOTONIC);
    SAY("monotonic goes on: %d", b >= a && b - a < 60000000000);
    SAY("2026 or later: %d", now(CLOCK_REALTIME) > 1767000000000000000l);
    SAY("time agrees: %d", llabs(time(NULL) - now(CLOCK_REALTIME) / 1000000000) <= 60);
    struct timeval tv;
    SHOW(gettimeofday(&tv, NULL));
    SAY("gettimeofday agrees: %d", llabs(tv.tv_sec - time(NULL)) <= 60);
    SHOW(clock_getres(CLOCK_MONOTONIC, &at));
    SAY("%ld %ld", (long)at.tv_sec, at.tv_nsec);
    SHOW(clock_gettime(77, &at));
    SHOW(clock_getres(77, &at));
    a = now(CLOCK_MONOTONIC);
    SHOW(nanosleep(&t, NULL));
    b = now(CLOCK_MONOTONIC);
    SAY("slept long enough: %d, not too long: %d", b - a >= 20000000, b - a < 60000000000);
    SHOW(nanosleep(&bad, NULL));
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += 10000000;
    if (at.tv_nsec >= 1000000000)
        at.tv_sec++, at.tv_nsec -= 1000000000;
    SHOW(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL));
    SAY("until then: %d", now(CLOCK_MONOTONIC) >= at.tv_sec * 1000000000l + at.tv_nsec);
    struct sigaction act = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    sigaction(SIGALRM, &act, NULL);
    sigaction(SIGUSR1, &act, NULL);
    SHOW(alarm(100));
    SHOW(alarm(0));
    struct itimerval timer = { { 0, 10000 }, { 0, 10000 } }, old;
    SHOW(setitimer(ITIMER_REAL, &timer, NULL));
    while (count < 3)
        pause();
    SHOW(getitimer(ITIMER_REAL, &old));
    SAY("interval %ld", (long)old.it_interval.tv_usec);
    memset(&timer, 0, sizeof timer);
    SHOW(setitimer(ITIMER_REAL, &timer, NULL));
    SAY("rang: %d", count >= 3);
    count = 0;
    timer_t id;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
                              .sigev_signo = SIGUSR1,
                              .sigev_value.sival_int = 12 };
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &id));
    struct itimerspec spec = { .it_value = { 0, 10000000 } };
    SHOW(timer_settime(id, 0, &spec, NULL));
    while (!count)
        pause();
    SAY("timer: %d times, value %d", count, value);
    SHOW(timer_gettime(id, &spec));
    SAY("left %ld", spec.it_value.tv_nsec);
    SHOW(timer_getoverrun(id));
    SHOW(timer_delete(id));
    SHOW(timer_create(99, &event, &id));
    wrong_twice();
    fixed_clocks();
    each_clock();
    struct tms tms;
    SAY("times: %d", times(&tms) != (clock_t)-1);
    volatile long x = 0;
    for (long i = 0; i < 3000000; i++)
        x += i;
    SAY("processor time grows: %d", now(CLOCK_PROCESS_CPUTIME_ID) > 0);
    return 0;
}
