/* What only root may do, and a test must not do to the host: rates of the clock, ports, limits of
 * /proc. Says of each whether it came about. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/timex.h>

enum { NOBODY = 65534, MS = 1000000, SECOND = 1000 * MS };

static void check(const char *what, int right) { SAY("%s: %s", what, right ? "yes" : "NO"); }

static int64_t now(int clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * (int64_t)SECOND + t.tv_nsec;
}

/* By how much the time of day is ahead of the monotonic clock, within 50 us: the machine may stand
 * still between two readings, so one counts that the other clock encloses closely. */
static int64_t ahead(void)
{
    int64_t before, day, after;
    do {
        before = now(CLOCK_MONOTONIC);
        day = now(CLOCK_REALTIME);
        after = now(CLOCK_MONOTONIC);
    } while (after - before > 50000);
    return day - after;
}

/* adjtimex with this mode and value: its result, and what the fields are then. */
static int adjust(unsigned modes, long value, struct timex *x)
{
    *x = (struct timex){ .modes = modes,
                         .offset = value,
                         .freq = value,
                         .tick = value,
                         .maxerror = value,
                         .esterror = value,
                         .constant = value,
                         .status = value };
    return adjtimex(x);
}

/* How far the time of day gets away from the monotonic clock, in thousandths of two seconds or
 * more. */
static int64_t drift(void)
{
    int64_t before = ahead(), begin = now(CLOCK_MONOTONIC);
    usleep(2000000);
    return (ahead() - before) * 1000 / (now(CLOCK_MONOTONIC) - begin);
}

static void rates(void)
{
    struct timex x;
    check("unsynchronized", adjust(0, 0, &x) == TIME_ERROR && x.status == STA_UNSYNC);
    check("first values", x.tick == 10000 && !x.freq && x.constant == 2 && !x.offset &&
                              x.maxerror == 16000000 && x.esterror == 16000000);
    check("no drift", drift() == 0);
    SHOW(adjust(ADJ_TICK, 8999, &x));
    SHOW(adjust(ADJ_TICK, 11001, &x));
    SHOW(adjust(ADJ_TICK, 11000, &x));
    int64_t fast = drift();
    check("ten per cent faster", fast > 75 && fast < 150);
    SHOW(adjust(ADJ_TICK, 10000, &x));
    usleep(1200000); /* from the next second on */
    check("no drift", drift() == 0);
    SHOW(adjust(ADJ_FREQUENCY, 100 << 16, &x));
    check("frequency", x.freq == 100 << 16);
    SHOW(adjust(ADJ_FREQUENCY, 1l << 36, &x));
    check("at most 500 ppm", x.freq == 500 << 16);
    SHOW(adjust(ADJ_FREQUENCY, INT64_MAX, &x));
    SHOW(adjust(ADJ_FREQUENCY, 0, &x));
    check("none", x.freq == 0);
    int64_t before = ahead();
    SHOW(adjust(ADJ_OFFSET_SINGLESHOT, -1000, &x));
    usleep(3500000);
    int64_t moved = (ahead() - before) / 1000;
    check("adjtime is done", moved < -800 && moved > -1200);
    SHOW(adjust(ADJ_OFFSET_SS_READ, 0, &x));
    check("nothing is left", x.offset == 0);
}

static void clock_values(void)
{
    struct timex x;
    SHOW(adjust(ADJ_MAXERROR, 1000, &x));
    check("the error grows", x.maxerror >= 1000 && x.maxerror < 100000);
    SHOW(adjust(ADJ_ESTERROR, 77, &x));
    check("the other does not", x.esterror == 77);
    SHOW(adjust(ADJ_TIMECONST, 3, &x));
    check("constant of microseconds", x.constant == 7);
    SHOW(adjust(ADJ_OFFSET, 1000, &x));
    check("no loop, no offset", x.offset == 0);
    SHOW(adjust(ADJ_STATUS, STA_PLL, &x)); /* TIME_OK: synchronized */
    SHOW(adjust(ADJ_NANO, 0, &x));
    check("nanoseconds", x.status == (STA_PLL | STA_NANO));
    SHOW(adjust(ADJ_TIMECONST, 99, &x));
    check("constant of nanoseconds", x.constant == 10);
    SHOW(adjust(ADJ_OFFSET, 5000000, &x));
    check("an offset", x.offset > 0 && x.offset <= 5000000);
    SHOW(adjust(ADJ_OFFSET, 0, &x));
    SHOW(adjust(ADJ_MICRO, 0, &x));
    SHOW(adjust(ADJ_STATUS, 0, &x));
    check("no loop", x.status == 0);
    int64_t before = ahead();
    struct timex by = { .modes = ADJ_SETOFFSET, .time = { -1, 500000 } };
    SHOW(adjtimex(&by));
    int64_t moved = (ahead() - before) / MS;
    check("half a second back", moved >= -500 && moved <= -499);
    by.time.tv_usec = 1000000;
    SHOW(adjtimex(&by));
    by.time = (struct timeval){ -(1l << 40), 0 };
    by.modes = ADJ_SETOFFSET;
    SHOW(adjtimex(&by));
    struct timespec t = { 1l << 40, 0 };
    SHOW(clock_settime(CLOCK_REALTIME, &t));
    t.tv_sec = 0; /* before the system was started */
    SHOW(clock_settime(CLOCK_REALTIME, &t));
}

static void ports(void)
{
    SHOW(syscall(SYS_iopl, 0));
    SHOW(syscall(SYS_iopl, 3));
    SHOW(syscall(SYS_iopl, 4));
    SHOW(syscall(SYS_ioperm, 65533, 3, 0));
    SHOW(syscall(SYS_ioperm, 65533, 3, 1));
    SHOW(syscall(SYS_ioperm, 65533, 4, 1));
    SHOW(syscall(SYS_ioperm, 0, 0, 1));
    SHOW(syscall(SYS_ioperm, -1, 2, 0));
}

static int set(const char *file, const char *value)
{
    int fd = open(file, O_WRONLY), n = write(fd, value, strlen(value));
    close(fd);
    return n == (int)strlen(value);
}

/* The bytes of a new pipe, as this user makes it. */
static int pipe_bytes(uid_t user)
{
    int status;
    if (!fork()) {
        int p[2];
        if (setuid(user) || pipe(p))
            _exit(1);
        _exit(fcntl(p[0], F_GETPIPE_SZ) / 4096);
    }
    wait(&status);
    return WEXITSTATUS(status) * 4096;
}

static void limits(void)
{
    enum { INSTANCES = 200 };
    static const char pipe_max[] = "/proc/sys/fs/pipe-max-size",
                      instances[] = "/proc/sys/fs/inotify/max_user_instances";
    int fd[INSTANCES], n = 0;
    check("a smaller limit of pipes", set(pipe_max, "4096"));
    check("holds for new ones", pipe_bytes(NOBODY) == 4096);
    check("not for root's", pipe_bytes(0) == 65536);
    check("the old limit", set(pipe_max, "1048576"));
    check("holds", pipe_bytes(NOBODY) == 65536);
    check("no other number", !set(instances, "x") && !set(instances, "-1"));
    check("two inotifys", set(instances, "2"));
    while (n < INSTANCES && (fd[n] = inotify_init()) >= 0)
        n++;
    SAY("%d: %s", n, error_name(errno));
    check("more", set(instances, "528"));
    while (n < INSTANCES && (fd[n] = inotify_init()) >= 0)
        n++;
    SAY("%d", n);
    while (n)
        close(fd[--n]);
    check("the first number", set(instances, "128"));
}

int main(void)
{
    rates();
    clock_values();
    ports();
    limits();
    return 0;
}
