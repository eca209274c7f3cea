/* load MILLISECONDS JOB...: children that want the processor, all at the same time for so long. At
 * the end each prints how much it got, in order:
 *
 *   hog NICE      computes -> hog NICE, processor time in ms
 *   wake MS       sleeps so long, again and again -> wake MS, times, mean and worst delay in us
 *   signals NICE  computes while a timer interrupts it every 2 ms
 *                 -> signals NICE, processor time in ms, interruptions, wrong results
 *   fork NICE     makes children that compute for 2 ms and end
 *                 -> fork NICE, processor time in ms, of all of them together
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MS = 1000000, CHILD_MS = 2, START_MS = 20 /* until all children are there */ };

static int64_t at(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000l + t.tv_nsec;
}

static int64_t now(void) { return at(CLOCK_MONOTONIC); }

static void sleep_until(int64_t when)
{
    struct timespec t = { when / 1000000000, when % 1000000000 };
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
        ;
}

static int hog(char *said, int64_t end, int value)
{
    while (now() < end)
        ;
    return sprintf(said, "hog %d %ld", value, at(CLOCK_PROCESS_CPUTIME_ID) / MS);
}

static volatile int interruptions;
static volatile double spoilt;

static void interrupt(int number)
{
    spoilt = number * 1e9; /* other programs use the floating point registers here */
    interruptions++;
}

/* The same sums in integers and in floating point. */
static int signals(char *said, int64_t end, int value)
{
    struct itimerval every = { { 0, 2000 }, { 0, 2000 } };
    int wrong = 0;
    signal(SIGALRM, interrupt);
    setitimer(ITIMER_REAL, &every, NULL);
    while (now() < end) {
        double x = 0;
        int64_t n = 0;
        for (int i = 0; i < 20000; i++)
            x += i, n += i;
        wrong += x != (double)n || n != 199990000;
    }
    setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
    return sprintf(said, "signals %d %ld %d %d", value, at(CLOCK_PROCESS_CPUTIME_ID) / MS,
                   interruptions, wrong);
}

static int wake(char *said, int64_t end, int value)
{
    int64_t times = 0, sum = 0, worst = 0;
    for (int64_t t = now(); t < end; t = now()) {
        sleep_until(t + (int64_t)value * MS);
        int64_t late = now() - t - (int64_t)value * MS;
        worst = late > worst ? late : worst;
        sum += late;
        times++;
    }
    return sprintf(said, "wake %d %ld %ld %ld", value, times, sum / times / 1000, worst / 1000);
}

static int forks(char *said, int64_t end, int value)
{
    struct rusage used;
    while (now() < end) {
        if (fork() == 0) {
            while (at(CLOCK_PROCESS_CPUTIME_ID) < CHILD_MS * MS && now() < end)
                ;
            _exit(0);
        }
        wait(NULL);
    }
    getrusage(RUSAGE_CHILDREN, &used);
    return sprintf(said, "fork %d %ld", value,
                   at(CLOCK_PROCESS_CPUTIME_ID) / MS + used.ru_utime.tv_sec * 1000 +
                       used.ru_utime.tv_usec / 1000 + used.ru_stime.tv_sec * 1000 +
                       used.ru_stime.tv_usec / 1000);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(char *said, int64_t end, int value);
        int nices;
    } jobs[] = {
        { "hog", hog, 1 }, { "signals", signals, 1 }, { "wake", wake, 0 }, { "fork", forks, 1 }
    };
    enum { JOBS = sizeof jobs / sizeof jobs[0] };
    if (argc < 4)
        return 2;
    char(*said)[128] = mmap(NULL, argc * sizeof *said, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int64_t start = now() + START_MS * MS, end = start + atol(argv[1]) * MS;
    for (int i = 2; i + 1 < argc; i += 2) {
        unsigned j = 0;
        while (j < JOBS && strcmp(argv[i], jobs[j].name))
            j++;
        if (j == JOBS || fork())
            continue;
        int value = atoi(argv[i + 1]);
        if (jobs[j].nices)
            setpriority(PRIO_PROCESS, 0, value);
        sleep_until(start);
        jobs[j].run(said[i], end, value);
        _exit(0);
    }
    while (wait(NULL) > 0)
        ;
    for (int i = 2; i + 1 < argc; i += 2)
        puts(said[i]);
    return 0;
}
