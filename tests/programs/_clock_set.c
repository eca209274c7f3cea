/* The time of day is set while others wait for times of day; what they then do is printed. Not on a
 * machine whose clock others need: what Linux prints is recorded (test_oracle.py). */
#define _GNU_SOURCE
#include "oracle.h"
#include <mqueue.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

static struct timespec real(long more)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += more;
    return t;
}

/* Sets the clock so many seconds ahead. */
static void step(long seconds)
{
    struct timespec t = real(seconds);
    if (clock_settime(CLOCK_REALTIME, &t))
        SAY("the clock cannot be set: %s", error_name(errno));
}

/* Runs `wait` in a process, steps the clock over what it waits for, and shows how it ended. */
static void waits(const char *what, int (*wait)(const struct timespec *until))
{
    struct timespec until = real(1000);
    int status;
    pid_t child = fork();
    if (!child)
        _exit(wait(&until));
    pause_ms(50);
    step(2000);
    waitpid(child, &status, 0);
    SAY("%s: %s", what, error_name(WEXITSTATUS(status)));
}

static int sleeps(const struct timespec *until)
{
    return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, until, NULL);
}
static int sleeps_by_tai(const struct timespec *until)
{
    return clock_nanosleep(CLOCK_TAI, TIMER_ABSTIME, until, NULL);
}
static int locks(const struct timespec *until)
{
    enum { FUTEX_WAIT_BITSET = 9, FUTEX_CLOCK_REALTIME = 256 };
    int word = 0;
    return syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, until, NULL, ~0u)
               ? errno
               : 0;
}
static int receives(const struct timespec *until)
{
    char text[64];
    struct mq_attr a = { .mq_maxmsg = 1, .mq_msgsize = sizeof text };
    mqd_t q = mq_open("/clock-set", O_CREAT | O_RDWR, 0600, &a);
    mq_unlink("/clock-set");
    return mq_timedreceive(q, text, sizeof text, NULL, until) < 0 ? errno : 0;
}

static struct itimerspec first_at(struct timespec t, long interval)
{
    return (struct itimerspec){ { interval, 0 }, t };
}

static void timers(void)
{
    struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    struct timespec second = { 1, 0 }, none = { 0, 0 };
    struct itimerspec s;
    sigset_t set;
    siginfo_t info;
    timer_t absolute, relative;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    SHOW(timer_create(CLOCK_REALTIME, &e, &absolute));
    SHOW(timer_create(CLOCK_REALTIME, &e, &relative));
    s = first_at(real(1000), 0);
    SHOW(timer_settime(absolute, TIMER_ABSTIME, &s, NULL));
    s = first_at((struct timespec){ 1000, 0 }, 0);
    SHOW(timer_settime(relative, 0, &s, NULL));
    step(500);
    SHOW(sigtimedwait(&set, &info, &none));
    timer_gettime(absolute, &s);
    SAY("left: %ld", (s.it_value.tv_sec + 1) / 10);
    step(-300);
    timer_gettime(absolute, &s);
    SAY("left: %ld", (s.it_value.tv_sec + 1) / 10);
    step(1000);
    SHOW(sigtimedwait(&set, &info, &second));
    SHOW(sigtimedwait(&set, &info, &none));
    timer_gettime(relative, &s);
    SAY("left: %ld", (s.it_value.tv_sec + 1) / 10);
    s = first_at(real(1000), 100);
    SHOW(timer_settime(absolute, TIMER_ABSTIME, &s, NULL));
    step(1550);
    SHOW(sigtimedwait(&set, &info, &second));
    SAY("overrun %d", info.si_overrun);
    timer_gettime(absolute, &s);
    SAY("left: %ld", (s.it_value.tv_sec + 1) / 10);
}

static int readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    return poll(&p, 1, 0);
}
static long expiries(int fd)
{
    uint64_t n;
    return read(fd, &n, sizeof n) == sizeof n ? (long)n : -errno;
}

static void timer_files(void)
{
    int t = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    enum { CANCEL = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET };
    struct itimerspec s = first_at(real(1000), 100);
    SHOW(timerfd_settime(t, TFD_TIMER_ABSTIME, &s, NULL));
    step(1550);
    SHOW(poll(&(struct pollfd){ .fd = t, .events = POLLIN }, 1, 1000));
    SAY("%ld expiries", expiries(t));
    s = first_at(real(1000), 0);
    SHOW(timerfd_settime(t, CANCEL, &s, NULL));
    SHOW(readable(t));
    step(10);
    SHOW(readable(t));
    SAY("%ld", expiries(t));
    SAY("%ld", expiries(t));
    step(10);
    SHOW(timerfd_settime(t, CANCEL, &s, NULL));
    SHOW(readable(t));
    SHOW(timerfd_settime(t, CANCEL, &s, NULL));
    step(2000);
    SHOW(readable(t));
    SAY("%ld", expiries(t));
    s = first_at((struct timespec){ 1000, 0 }, 0);
    SHOW(timerfd_settime(t, TFD_TIMER_CANCEL_ON_SET, &s, NULL));
    step(2000);
    SHOW(readable(t));
    fcntl(t, F_SETFL, 0);
    s = first_at(real(1000), 0);
    SHOW(timerfd_settime(t, CANCEL, &s, NULL));
    pid_t child = fork();
    if (!child)
        _exit(-expiries(t));
    pause_ms(50);
    step(10);
    int status;
    waitpid(child, &status, 0);
    SAY("a read that waited: %s", error_name(WEXITSTATUS(status)));
}

static void refused(void)
{
    struct timespec before = real(0);
    SHOW(clock_settime(CLOCK_REALTIME, &(struct timespec){ 0, 0 }));
    SHOW(clock_settime(CLOCK_REALTIME, &(struct timespec){ -1, 0 }));
    SHOW(clock_settime(CLOCK_REALTIME, &(struct timespec){ 1000, 1000000000 }));
    SHOW(clock_settime(CLOCK_REALTIME, &(struct timespec){ INT64_MAX, 0 }));
    SHOW(clock_settime(CLOCK_REALTIME, &(struct timespec){ 9000000000, 0 }));
    SHOW(clock_settime(CLOCK_MONOTONIC, &before));
    SHOW(clock_settime(CLOCK_TAI, &before));
    struct timespec after = real(0);
    SAY("moved: %d", labs(after.tv_sec - before.tv_sec) > 60);
}

int main(void)
{
    waits("clock_nanosleep", sleeps);
    waits("clock_nanosleep by TAI", sleeps_by_tai);
    waits("futex", locks);
    waits("mq_timedreceive", receives);
    timers();
    timer_files();
    refused();
    return 0;
}
