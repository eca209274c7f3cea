/* What calls tell of time that is left: select, pselect6 and ppoll where they have their time limit
 * from (musl passes copies), and alarm. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>

enum { LONG_LIMIT = 100, PAGE = 4096 };

static struct timeval tv;
static struct timespec ts;
static fd_set set;
static int pipe_ends[2];

/* Whether so much is left of LONG_LIMIT seconds as is after less than half of it. */
static const char *part(long seconds, long fraction)
{
    if (seconds == LONG_LIMIT)
        return "all";
    if (!seconds && !fraction)
        return "nothing";
    return seconds < LONG_LIMIT && seconds > LONG_LIMIT / 2 ? "most" : "another time";
}

static void limits_set(long seconds, long fraction)
{
    tv = (struct timeval){ seconds, fraction };
    ts = (struct timespec){ seconds, fraction };
}

static void left(const char *when)
{
    SAY("%s: timeval %s, timespec %s", when, part(tv.tv_sec, tv.tv_usec),
        part(ts.tv_sec, ts.tv_nsec));
}

static fd_set *only(int fd)
{
    FD_ZERO(&set);
    FD_SET(fd, &set);
    return &set;
}

static void ready(void)
{
    struct pollfd f = { .fd = pipe_ends[1], .events = POLLOUT };
    int n = pipe_ends[1] + 1;
    limits_set(LONG_LIMIT, 0);
    SHOW(syscall(SYS_select, n, NULL, only(pipe_ends[1]), NULL, &tv));
    SHOW(syscall(SYS_pselect6, n, NULL, only(pipe_ends[1]), NULL, &ts, NULL));
    left("ready at once");
    limits_set(LONG_LIMIT, 0);
    SHOW(syscall(SYS_ppoll, &f, 1, &ts, NULL, 8));
    left("ppoll");
    limits_set(0, 0);
    SHOW(syscall(SYS_select, n, NULL, only(pipe_ends[1]), NULL, &tv));
    SHOW(syscall(SYS_ppoll, &f, 1, &ts, NULL, 8));
    left("no limit at all");
    tv = (struct timeval){ 0, LONG_LIMIT * 1000000l };
    SHOW(syscall(SYS_select, n, NULL, only(pipe_ends[1]), NULL, &tv));
    SAY("many microseconds: %s", part(tv.tv_sec, tv.tv_usec));
}

static void over(void)
{
    limits_set(0, 20000);
    SHOW(syscall(SYS_select, 0, NULL, NULL, NULL, &tv));
    left("select over");
    SHOW(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &ts, NULL));
    left("pselect over");
    ts.tv_nsec = 20000000;
    SHOW(syscall(SYS_ppoll, NULL, 0, &ts, NULL, 8));
    left("ppoll over");
}

static void comes_later(void)
{
    limits_set(LONG_LIMIT, 0);
    if (!fork()) {
        pause_ms(50);
        _exit(write(pipe_ends[1], "x", 1) != 1);
    }
    SHOW(syscall(SYS_select, pipe_ends[0] + 1, only(pipe_ends[0]), NULL, NULL, &tv));
    left("a byte came");
    wait(NULL);
}

static void handler(int sig) { (void)sig; }

static void interrupted(void)
{
    signal(SIGALRM, handler);
    limits_set(LONG_LIMIT, 0);
    SHOW_INTERRUPTED(syscall(SYS_select, 0, NULL, NULL, NULL, &tv));
    left("select interrupted");
    SHOW_INTERRUPTED(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &ts, NULL));
    left("pselect interrupted");
    limits_set(LONG_LIMIT, 0);
    SHOW_INTERRUPTED(syscall(SYS_ppoll, NULL, 0, &ts, NULL, 8));
    left("ppoll interrupted");
}

/* What cannot be written is left as it is. */
static void constant(void)
{
    struct timespec *fixed = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                                  -1, 0);
    fixed->tv_nsec = 20000000;
    mprotect(fixed, PAGE, PROT_READ);
    SHOW(syscall(SYS_pselect6, 0, NULL, NULL, NULL, fixed, NULL));
    SHOW(syscall(SYS_ppoll, NULL, 0, fixed, NULL, 8));
    SAY("%ld ns", fixed->tv_nsec);
}

static void sticky(void)
{
    enum { STICKY_TIMEOUTS = 0x4000000 };
    SHOW(syscall(SYS_personality, STICKY_TIMEOUTS));
    limits_set(LONG_LIMIT, 0);
    SHOW(syscall(SYS_select, pipe_ends[1] + 1, NULL, only(pipe_ends[1]), NULL, &tv));
    SHOW(syscall(SYS_ppoll, &(struct pollfd){ pipe_ends[1], POLLOUT, 0 }, 1, &ts, NULL, 8));
    left("by a personality");
    SHOW(syscall(SYS_personality, 0));
}

/* alarm() rounds, but never to 0. */
static void alarm_seconds(void)
{
    static const struct timeval times[] = {
        { 0, 0 }, { 0, 300000 }, { 10, 400000 }, { 10, 900000 }, { 20, 0 }
    };
    signal(SIGALRM, SIG_IGN);
    for (unsigned i = 0; i < sizeof times / sizeof times[0]; i++) {
        setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, times[i] }, NULL);
        SHOW(syscall(SYS_alarm, 0));
    }
}

/* A signal that comes about when a sleep ends: either the sleep has been long enough, or something
 * is left of it, and it is told. */
static void caught(int signal) { (void)signal; }

static void sleeps_end(void)
{
    enum { TIMES = 400, MS = 1000000, STEP = 2000, UNTOLD = -7 };
    timer_t timer;
    int wrong = 0;
    signal(SIGALRM, caught);
    SHOW(timer_create(CLOCK_MONOTONIC, NULL, &timer));
    for (long i = 0; i < TIMES; i++) {
        struct itimerspec rings = { .it_value = { 0, MS + (i - TIMES / 2) * STEP } };
        struct timespec sleep = { 0, MS }, rest = { UNTOLD, UNTOLD };
        timer_settime(timer, 0, &rings, NULL);
        if (nanosleep(&sleep, &rest) < 0)
            wrong += errno != EINTR || rest.tv_sec || rest.tv_nsec <= 0 || rest.tv_nsec > MS;
        else
            wrong += rest.tv_sec != UNTOLD;
        timer_settime(timer, 0, &(struct itimerspec){ 0 }, NULL);
    }
    SAY("sleeps that told wrongly what was left: %d", wrong);
    timer_delete(timer);
}

int main(void)
{
    if (pipe(pipe_ends))
        return 1;
    ready();
    over();
    comes_later();
    interrupted();
    constant();
    sticky();
    alarm_seconds();
    sleeps_end();
    return 0;
}
