/* timerfd: expiries counted, waited for by read, poll and select, absolute and relative. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/select.h>
#include <sys/timerfd.h>

static uint64_t value;
enum { MS = 1000000 };

static long take(int fd)
{
    value = 0;
    return read(fd, &value, 8);
}
static int set(int fd, int flags, long first_ms, long interval_ms)
{
    struct itimerspec s = { { interval_ms / 1000, interval_ms % 1000 * MS },
                            { first_ms / 1000, first_ms % 1000 * MS } };
    return timerfd_settime(fd, flags, &s, NULL);
}
static long now_ms(int clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000 + t.tv_nsec / MS;
}
static int events(int fd, int timeout)
{
    struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
    int n = poll(&p, 1, timeout);
    return n < 0 ? -errno : p.revents;
}
static void nothing(int sig) { (void)sig; }

/* Who sets a timer that would wake the machine needs the right again. */
static void alarm_clock(void)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        int t = timerfd_create(CLOCK_BOOTTIME_ALARM, 0), other = timerfd_create(CLOCK_BOOTTIME, 0);
        SHOW(set(t, 0, 1, 0));
        SHOW(take(t));
        setuid(1000);
        SHOW(set(t, 0, 1, 0));
        SHOW(set(other, 0, 1, 0));
        SHOW(timerfd_create(CLOCK_REALTIME_ALARM, 0));
        exit(0);
    }
    waitpid(pid, &status, 0);
    show_status("alarm clock", status);
}

int main(void)
{
    struct itimerspec s, bad = { { 0, 0 }, { 0, 1000 * MS } };
    SHOW(timerfd_create(99, 0));
    SHOW(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
    SHOW(timerfd_create(CLOCK_MONOTONIC, 1));
    int t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    SAY("flags %x %d", fcntl(t, F_GETFL), fcntl(t, F_GETFD));
    SHOW(take(t));
    SHOW(write(t, &value, 8));
    SHOW(read(t, &value, 4));
    SAY("none: %x", events(t, 0));
    SHOW(timerfd_gettime(t, &s));
    SAY("%ld %ld %ld %ld", s.it_value.tv_sec, s.it_value.tv_nsec, s.it_interval.tv_sec,
        s.it_interval.tv_nsec);
    SHOW(set(t, 0, 10, 0));
    SAY("waited: %x", events(t, 5000));
    SHOW(take(t));
    SAY("value %lu", value);
    SHOW(take(t));
    SHOW(set(t, 0, 3600000, 20));
    SHOW(timerfd_gettime(t, &s));
    SAY("%d %ld %ld", s.it_value.tv_sec == 3599, s.it_interval.tv_sec, s.it_interval.tv_nsec);
    SHOW(set(t, 0, 10, 20));
    pause_ms(100);
    SHOW(take(t));
    SAY("several: %d", value >= 4 && value < 40);
    SHOW(set(t, 0, 0, 20));
    pause_ms(40);
    SHOW(take(t));
    SHOW(timerfd_settime(t, 0, &bad, NULL));
    SHOW(timerfd_settime(t, 8, &s, NULL));
    SHOW(timerfd_settime(t, 0, (void *)8, NULL));
    SHOW(timerfd_settime(0, 0, &s, NULL));
    SHOW(timerfd_settime(99, 0, &s, NULL));
    SHOW(timerfd_gettime(0, &s));
    SHOW(timerfd_gettime(t, (void *)8));
    SHOW(set(t, TFD_TIMER_ABSTIME, now_ms(CLOCK_MONOTONIC) + 20, 0));
    SAY("waited: %x", events(t, 5000));
    SHOW(take(t));
    SHOW(set(t, TFD_TIMER_ABSTIME, 1, 0)); /* long ago */
    SAY("at once: %x", events(t, 1000));
    SHOW(take(t));
    SAY("value %lu", value);
    close(t);

    t = timerfd_create(CLOCK_REALTIME, 0);
    SHOW(set(t, TFD_TIMER_ABSTIME, now_ms(CLOCK_REALTIME) + 20, 0));
    SHOW(take(t));
    SAY("value %lu", value);
    SHOW(set(t, 0, 10, 10));
    for (int i = 0; i < 5; i++) {
        fd_set in;
        FD_ZERO(&in);
        FD_SET(t, &in);
        int n = select(t + 1, &in, NULL, NULL, NULL);
        long got = take(t);
        if (n != 1 || got != 8 || !value)
            SAY("round %d: %d %ld %lu", i, n, got, value);
    }
    SHOW(set(t, 0, 3600000, 0));
    struct sigaction a = { .sa_handler = nothing };
    sigaction(SIGALRM, &a, NULL);
    SHOW_INTERRUPTED(take(t));
    a.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &a, NULL);
    SHOW(set(t, 0, 60, 0));
    ualarm(20000, 0);
    SHOW(take(t));
    SAY("value %lu", value);
    /* set while another waits */
    int status;
    SHOW(set(t, 0, 0, 0));
    pid_t pid = fork();
    if (!pid)
        _exit(take(t) == 8 && value == 1);
    pause_ms(20);
    SHOW(set(t, 0, 10, 0));
    waitpid(pid, &status, 0);
    show_status("woken", status);
    int d = dup(t);
    close(t);
    SHOW(set(d, 0, 5, 0));
    SHOW(take(d));
    close(d);
    alarm_clock();
    return 0;
}
