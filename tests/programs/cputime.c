/* Clocks and timers of processor time, RLIMIT_CPU, and overruns. Amounts are only compared. */
#define _GNU_SOURCE
#include "oracle.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>

static volatile int rang;
static void ring(int sig) { rang = sig; }

static int64_t at(clockid_t clock)
{
    struct timespec t = { -1, 0 };
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000l + t.tv_nsec;
}

/* Mostly by itself: the clock is looked at now and then. */
static void work(int64_t ns)
{
    for (int64_t end = at(CLOCK_PROCESS_CPUTIME_ID) + ns; at(CLOCK_PROCESS_CPUTIME_ID) < end;)
        for (volatile int i = 0; i < 10000; i++)
            ;
}

/* Only by calls: of services, */
static void call(int64_t ns)
{
    struct stat s;
    for (int64_t end = at(CLOCK_PROCESS_CPUTIME_ID) + ns; at(CLOCK_PROCESS_CPUTIME_ID) < end;)
        for (int i = 0; i < 100; i++)
            stat("/tmp", &s);
}

/* and of the kernel alone. */
static void call_kernel(int64_t ns)
{
    for (int64_t end = at(CLOCK_PROCESS_CPUTIME_ID) + ns; at(CLOCK_PROCESS_CPUTIME_ID) < end;)
        for (int i = 0; i < 100; i++)
            syscall(SYS_getpid);
}

static void *works(void *unused)
{
    work(30000000);
    return unused;
}

static void clocks(void)
{
    clockid_t process, child, thread;
    struct timespec t;
    SHOW(clock_getcpuclockid(0, &process));
    SHOW(at(process) >= 0 && at(process) <= at(CLOCK_PROCESS_CPUTIME_ID));
    pid_t pid = fork();
    if (!pid)
        for (;;)
            ;
    SHOW(clock_getcpuclockid(pid, &child));
    int64_t before = at(child);
    for (int i = 0; i < 100 && at(child) == before; i++)
        pause_ms(20);
    SAY("a child's goes on: %d", at(child) > before);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    SHOW(clock_gettime(child, &t));
    SHOW(clock_getres(child, &t));
    SHOW(clock_getres(process, &t));
    SHOW(clock_gettime((clockid_t)-1, &t));
    SHOW(clock_gettime(~(1 << 28), &t));
    pthread_t other;
    pthread_create(&other, NULL, works, NULL);
    SHOW(pthread_getcpuclockid(other, &thread));
    pause_ms(100);
    SAY("a thread's: %d", clock_gettime(thread, &t) == 0 || errno == EINVAL);
    pthread_join(other, NULL);
    SAY("what it used is the process's: %d",
        at(CLOCK_PROCESS_CPUTIME_ID) - at(CLOCK_THREAD_CPUTIME_ID) >= 20000000);
}

/* Sleeping by clocks of processor time, and timers of other processes' clocks. */
#define RAW_SLEEP(clock, flags, time, left) \
    (syscall(SYS_clock_nanosleep, clock, flags, time, left) < 0 ? error_name(errno) : "0")

static volatile int enough;
static void *works_until_told(void *unused)
{
    while (!enough)
        ;
    return unused;
}

static void sleeps_of_others(void)
{
    clockid_t child, thread;
    struct timespec some = { 0, 20000000 }, none = { 0, 0 }, bad = { 0, 1000000000 },
                    left = { 7, 7 }, end;
    pid_t pid = fork();
    if (!pid)
        for (;;)
            ;
    clock_getcpuclockid(pid, &child);
    SAY("a child's: %s", RAW_SLEEP(child, 0, &some, NULL));
    int64_t reached = at(child);
    SAY("it has got there: %d", reached >= 20000000);
    end = (struct timespec){ reached / 1000000000, reached % 1000000000 };
    SAY("to where it is: %s", RAW_SLEEP(child, TIMER_ABSTIME, &end, NULL));
    SAY("not at all: %s", RAW_SLEEP(child, 0, &none, NULL));
    SAY("bad: %s %s", RAW_SLEEP(child, 0, &bad, NULL), RAW_SLEEP(child, 0, (void *)8, NULL));
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
    timer_t timer;
    signal(SIGUSR2, ring);
    rang = 0;
    SHOW(timer_create(child, &event, &timer));
    SHOW(timer_settime(timer, 0, &(struct itimerspec){ .it_value = some }, NULL));
    for (int i = 0; i < 100 && !rang; i++)
        pause_ms(20);
    SAY("its timer rang: %d", rang == SIGUSR2);
    kill(pid, SIGSTOP);
    signal(SIGALRM, ring);
    setitimer(ITIMER_REAL, &(struct itimerval){ .it_value = { 0, 50000 } }, NULL);
    SAY("of one that is stopped: %s", RAW_SLEEP(child, 0, &some, &left));
    SAY("left: %d", left.tv_sec == 0 && left.tv_nsec > 0 && left.tv_nsec <= some.tv_nsec);
    SHOW(timer_settime(timer, 0, &(struct itimerspec){ .it_value = some }, NULL));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    SAY("of one that has gone: %s", RAW_SLEEP(child, 0, &some, NULL));
    SHOW(timer_delete(timer));
    pthread_t other;
    pthread_create(&other, NULL, works_until_told, NULL);
    pthread_getcpuclockid(other, &thread);
    SAY("a thread's: %s", RAW_SLEEP(thread, 0, &some, NULL));
    SAY("the process's: %s", RAW_SLEEP(CLOCK_PROCESS_CPUTIME_ID, 0, &some, NULL));
    enough = 1;
    pthread_join(other, NULL);
    pthread_getcpuclockid(pthread_self(), &thread);
    SAY("one's own: %s %s %s", RAW_SLEEP(thread, 0, &some, NULL),
        RAW_SLEEP(CLOCK_THREAD_CPUTIME_ID, 0, &some, NULL), RAW_SLEEP(-1, 0, &some, NULL));
}

/* ---- whose time: the program's own, or the kernel's and that of services for it ---- */

struct parts {
    int64_t user, system;
};

static struct parts parts_of(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (struct parts){ u.ru_utime.tv_sec * 1000000l + u.ru_utime.tv_usec,
                           u.ru_stime.tv_sec * 1000000l + u.ru_stime.tv_usec };
}

static struct parts parts_in_proc(void)
{
    static char text[1024];
    struct parts p = { -1, -1 };
    int file = open("/proc/self/stat", O_RDONLY);
    ssize_t n = read(file, text, sizeof text - 1);
    close(file);
    text[n > 0 ? n : 0] = 0;
    const char *rest = strrchr(text, ')');
    if (rest)
        sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &p.user,
               &p.system);
    return p;
}

/* Which clocks grew, and by how much in so much time; and whether one of them went back on the way,
 * or showed more than had passed. */
static struct parts grown(void (*what)(int64_t), int who, int *wrong)
{
    enum { STEPS = 40, STEP = 10000000, ROUNDING = 2 };
    struct parts first = parts_of(who), before = first;
    for (int i = 0; i < STEPS; i++) {
        what(STEP);
        int64_t low = at(CLOCK_PROCESS_CPUTIME_ID) / 1000;
        struct parts now = parts_of(who);
        int64_t high = at(CLOCK_PROCESS_CPUTIME_ID) / 1000, sum = now.user + now.system;
        *wrong += now.user < before.user || now.system < before.system || sum > high ||
                  (who == RUSAGE_SELF && sum + ROUNDING < low);
        before = now;
    }
    return (struct parts){ before.user - first.user, before.system - first.system };
}

static void *grown_thread(void *result)
{
    int wrong = 0;
    struct parts p = grown(call, RUSAGE_THREAD, &wrong);
    *(int *)result = !wrong && p.system > (p.user + p.system) / 5;
    return NULL;
}

static void whose(void)
{
    int wrong = 0, thread = 0, status;
    struct parts own = grown(work, RUSAGE_SELF, &wrong), calls = grown(call, RUSAGE_SELF, &wrong),
                 short_ones = grown(call_kernel, RUSAGE_SELF, &wrong);
    struct parts proc = parts_in_proc(), all = parts_of(RUSAGE_SELF);
    struct tms tms;
    SAY("computing: less of it is the system's: %d", own.system < own.user);
    SAY("calling: %d %d", calls.system > (calls.user + calls.system) / 5,
        short_ones.system > (short_ones.user + short_ones.system) / 5);
    SAY("wrong: %d", wrong);
    times(&tms);
    SAY("elsewhere the same: %d %d",
        labs(proc.user * 10000 - all.user) < 100000 &&
            labs(proc.system * 10000 - all.system) < 100000,
        labs(tms.tms_utime * 10000 - all.user) < 100000 &&
            labs(tms.tms_stime * 10000 - all.system) < 100000);
    pthread_t other;
    pthread_create(&other, NULL, grown_thread, &thread);
    pthread_join(other, NULL);
    SAY("a thread: %d", thread);
    struct parts children = parts_of(RUSAGE_CHILDREN);
    struct rusage u;
    pid_t pid = fork();
    if (!pid) {
        call(300000000);
        _exit(0);
    }
    wait4(pid, &status, 0, &u);
    struct parts more = parts_of(RUSAGE_CHILDREN);
    int64_t system = u.ru_stime.tv_sec * 1000000l + u.ru_stime.tv_usec;
    SAY("a child: %d, added: %d", system > 60000, labs(more.system - children.system - system) < 3);
    times(&tms);
    SAY("its ticks: %d", labs(tms.tms_cstime * 10000 - more.system) < 20000 &&
                             labs(tms.tms_cutime * 10000 - more.user) < 20000);
}

static void intervals(void)
{
    static const struct {
        int which, signal;
    } kinds[] = { { ITIMER_VIRTUAL, SIGVTALRM }, { ITIMER_PROF, SIGPROF } };
    struct itimerval once = { { 0, 0 }, { 0, 20000 } }, long_one = { { 100, 5 }, { 50, 0 } }, now;
    for (unsigned i = 0; i < 2; i++) {
        signal(kinds[i].signal, ring);
        SHOW(setitimer(kinds[i].which, &long_one, NULL));
        SHOW(getitimer(kinds[i].which, &now));
        SAY("%ld %ld, %d", now.it_interval.tv_sec, (long)now.it_interval.tv_usec,
            now.it_value.tv_sec == 49 || now.it_value.tv_sec == 50);
        rang = 0;
        SHOW(setitimer(kinds[i].which, &once, NULL));
        pause_ms(100);
        SAY("asleep: %d", rang);
        work(200000000);
        SAY("at work: %d", rang == kinds[i].signal);
        SHOW(getitimer(kinds[i].which, &now));
        SAY("%ld %ld", now.it_value.tv_sec, (long)now.it_value.tv_usec);
        once.it_interval.tv_usec = 10000;
        setitimer(kinds[i].which, &once, NULL);
        int times = 0;
        for (int k = 0; k < 3; k++) {
            rang = 0;
            work(100000000);
            times += rang == kinds[i].signal;
        }
        SAY("again and again: %d", times);
        once.it_interval.tv_usec = 0;
        setitimer(kinds[i].which, &(struct itimerval){ 0 }, &now);
    }
}

static void limits(void)
{
    int status;
    static const struct rlimit all[] = { { 1, 3 }, { 1, 1 } }, none = { 0, 2 };
    pid_t pid;
    for (unsigned i = 0; i < 2; i++) {
        pid = fork();
        if (!pid) {
            setrlimit(RLIMIT_CPU, &all[i]);
            if (fork() == 0) /* has the limit as well, and its own clock */
                for (;;)
                    ;
            wait(&status);
            _exit(WTERMSIG(status));
        }
        waitpid(pid, &status, 0);
        show_status("limit", status);
    }
    pid = fork();
    if (!pid) { /* not its child: whether it waits in time hangs on Linux's tick */
        setrlimit(RLIMIT_CPU, &none);
        for (;;)
            ;
    }
    waitpid(pid, &status, 0);
    show_status("no time", status);
    pid = fork();
    if (!pid) {
        signal(SIGXCPU, ring);
        struct rlimit two = { 1, 2 };
        setrlimit(RLIMIT_CPU, &two);
        while (!rang)
            ;
        write(1, "told\n", 5);
        for (;;)
            ;
    }
    waitpid(pid, &status, 0);
    show_status("told first", status);
}

static void timers(void)
{
    static const clockid_t clocks_of[] = { CLOCK_MONOTONIC, CLOCK_REALTIME,
                                           CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };

    siginfo_t info;
    sigset_t set;
    for (unsigned i = 0; i < 8; i++) {
        struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
                                  .sigev_signo = i % 2 ? SIGRTMIN + 3 : SIGUSR1,
                                  .sigev_value.sival_int = 77 };
        struct itimerspec often = { { 0, 100000 }, { 0, 100000 } }, now;
        timer_t timer;
        sigemptyset(&set);
        sigaddset(&set, event.sigev_signo);
        sigprocmask(SIG_BLOCK, &set, NULL);
        SHOW(timer_create(clocks_of[i / 2], &event, &timer));
        SHOW(timer_settime(timer, 0, &often, NULL));
        work(100000000);
        SHOW(timer_gettime(timer, &now));
        SAY("%ld %d", now.it_interval.tv_nsec, now.it_value.tv_nsec > 0);
        SHOW(timer_getoverrun(timer));
        SHOW(sigwaitinfo(&set, &info) == event.sigev_signo);
        SAY("code %d value %d, overruns %d, the same %d", info.si_code, info.si_value.sival_int,
            info.si_overrun >= (i < 4 ? 500 : 5), timer_getoverrun(timer) == info.si_overrun);
        SHOW(timer_settime(timer, 0, &(struct itimerspec){ { 0, 0 }, { 0, 1000 } }, NULL));
        while (sigtimedwait(&set, &info, &(struct timespec){ 0, 0 }) > 0)
            ;
        SHOW(timer_settime(timer, 0, &(struct itimerspec){ { 0, 0 }, { 0, 5000000 } }, NULL));
        work(100000000);
        SHOW(sigwaitinfo(&set, &info) == event.sigev_signo);
        SHOW(timer_getoverrun(timer));
        SHOW(timer_gettime(timer, &now));
        SAY("%ld %ld", now.it_value.tv_sec, now.it_value.tv_nsec);
        SHOW(timer_settime(timer, 0, &often, NULL));
        pause_ms(20);
        signal(event.sigev_signo, SIG_IGN); /* what waits is dropped, and the timer goes on */
        signal(event.sigev_signo, ring);
        work(100000000);
        SHOW(sigwaitinfo(&set, &info) == event.sigev_signo);
        SHOW(timer_delete(timer));
    }
}

int main(void)
{
    clocks();
    sleeps_of_others();
    whose();
    intervals();
    limits();
    timers();
    struct rusage usage;
    SHOW(getrusage(RUSAGE_SELF, &usage));
    SAY("%d %d", usage.ru_maxrss > 0, usage.ru_minflt > 0);
    volatile char *much = malloc(20 << 20);
    for (int k = 0; k < 20 << 20; k += 4096)
        much[k] = 1;
    free((void *)much);
    getrusage(RUSAGE_SELF, &usage);
    SAY("%d", usage.ru_maxrss >= 19 << 10); /* Linux counts on each processor, then adds */
    getrusage(RUSAGE_CHILDREN, &usage);
    SAY("%d", (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
                      usage.ru_stime.tv_usec >=
                  3000000);
    return 0;
}
