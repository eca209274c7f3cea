/* _crowd [THINGS...]: what an operation costs among n things of a kind, and among ten times as
 * many, by the time-stamp counter of a machine that counts instructions. Its lines are rows of
 * bench.c. Arguments: the things wanted, all without. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EACH = 1000, ROUNDS = 20, TIMERS_EACH = 60, HELPERS = 1100 };

static pid_t helpers[HELPERS];
static int helper_count, ready[2], count_now;
static char name[256];

static unsigned long ticks(void)
{
    unsigned low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
    return low | (unsigned long)high << 32;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Starts a process that does `work` for `n` things, and waits until the process has done it. The
 * process then sleeps until helpers_end(). */
static void helper(void (*work)(int n), int n)
{
    char c;
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (!pid) {
        setpgid(0, 0); /* with what `work` starts */
        work(n);
        if (write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    if (read(ready[0], &c, 1) != 1)
        fail("helper");
    helpers[helper_count++] = pid;
}

static void helpers_end(void)
{
    while (helper_count) {
        kill(-helpers[--helper_count], SIGKILL);
        waitpid(helpers[helper_count], NULL, 0);
    }
    count_now = 0;
}

/* ---- the crowds: each grows to n ---- */

static void nothing(int n) { (void)n; }
static void processes(int n)
{
    while (count_now < n)
        helper(nothing, count_now++);
}

static void timers_work(int n)
{
    struct itimerspec far = { { 0, 0 }, { 100000, 0 } };
    struct sigevent none = { .sigev_notify = SIGEV_NONE };
    timer_t id;
    for (int i = 0; i < n; i++, far.it_value.tv_nsec += 1000)
        if (timer_create(CLOCK_MONOTONIC, &none, &id) || timer_settime(id, 0, &far, NULL))
            _exit(1);
}
static void timers(int n)
{
    for (int some; count_now < n; count_now += some) {
        some = n - count_now < TIMERS_EACH ? n - count_now : TIMERS_EACH;
        helper(timers_work, some);
    }
}

static void files_work(int n)
{
    for (int i = 0; i < n; i++)
        if (open("/tmp/crowd.file", O_RDONLY) < 0)
            _exit(1);
}
static void files(int n)
{
    for (; count_now < n; count_now += EACH)
        helper(files_work, EACH);
}

/* A thread of its own waits in poll for each descriptor, all of which are of one idle pipe. */
static void poll_work(int n)
{
    static struct pollfd fds[EACH];
    int ends[2];
    if (pipe(ends))
        _exit(1);
    fds[0] = (struct pollfd){ ends[0], POLLIN, 0 };
    for (int i = 1; i < n; i++)
        fds[i] = (struct pollfd){ dup(ends[0]), POLLIN, 0 };
    if (fork() == 0) {
        poll(fds, n, -1);
        _exit(0);
    }
    usleep(20000);
}
static void polled(int n)
{
    for (; count_now < n; count_now += EACH / 2)
        helper(poll_work, EACH / 2);
}

static void mounts(int n)
{
    for (; count_now < n; count_now++) {
        sprintf(name, "/tmp/mount%d", count_now);
        mkdir(name, 0755);
        if (mount("none", name, "tmpfs", 0, ""))
            fail("mount");
    }
}
static void mounts_end(void)
{
    while (count_now) {
        sprintf(name, "/tmp/mount%d", --count_now);
        umount(name);
        rmdir(name);
    }
}

static void names(int n)
{
    mkdir("/tmp/crowd.d", 0755);
    for (; count_now < n; count_now++) {
        sprintf(name, "/tmp/crowd.d/name%d", count_now);
        if (link("/tmp/crowd.file", name))
            fail("link");
    }
}
static void names_end(void)
{
    while (count_now) {
        sprintf(name, "/tmp/crowd.d/name%d", --count_now);
        unlink(name);
    }
    rmdir("/tmp/crowd.d");
}

/* ---- the operations ---- */

static void op_fork(void)
{
    pid_t pid = fork();
    if (!pid)
        _exit(0);
    waitpid(pid, NULL, 0);
}
static void op_kill(void) { kill(helpers[0], 0); }
static void op_sleep(void)
{
    struct timespec short_time = { 0, 1 };
    nanosleep(&short_time, NULL);
}
static void op_open(void) { close(open("/tmp/crowd.file", O_RDONLY)); }

static int there[2], back[2];
static void answer_polls(int n)
{
    if (fork())
        return;
    for (char c;;) {
        struct pollfd f = { there[0], POLLIN, 0 };
        if (poll(&f, 1, -1) != 1 || read(there[0], &c, 1) != 1 || write(back[1], &c, 1) != 1)
            _exit(n);
    }
}
static void op_wake(void)
{
    static int begun;
    char c = 0;
    if (!begun++)
        helper(answer_polls, 0);
    struct pollfd f = { back[0], POLLIN, 0 };
    if (write(there[1], &c, 1) != 1 || poll(&f, 1, -1) != 1 || read(back[0], &c, 1) != 1)
        fail("poll");
}

static void op_stat_mounted(void)
{
    struct stat s;
    sprintf(name, "/tmp/mount%d/.", count_now - 1);
    if (stat(name, &s))
        fail(name);
}

static unsigned at;
static void op_lookup(void)
{
    struct stat s;
    at = (at + 7919) % count_now;
    sprintf(name, "/tmp/crowd.d/name%u", at);
    if (stat(name, &s))
        fail(name);
}
static void op_create(void)
{
    sprintf(name, "/tmp/crowd.d/new%u", at++);
    if (link("/tmp/crowd.file", name) || unlink(name))
        fail(name);
}
static void op_readdir(void)
{
    static DIR *listing;
    if (!listing)
        listing = opendir("/tmp/crowd.d");
    for (int i = 0; i < 100; i++)
        if (!readdir(listing))
            rewinddir(listing);
}

/* Some things, how many at first and then, and what is done among them. */
static const struct crowd {
    const char *things;
    int n;
    const char *numbers[2];
    void (*grow)(int n), (*end)(void);
    struct {
        const char *what;
        void (*op)(void);
    } ops[4];
} crowds[] = {
    { "sleeping processes",
      100,
      { "100", "1,000" },
      processes,
      helpers_end,
      { { "fork + exit + wait", op_fork }, { "kill", op_kill } } },
    { "timers", 100, { "100", "1,000" }, timers, helpers_end, { { "nanosleep", op_sleep } } },
    { "open files",
      1000,
      { "1,000", "10,000" },
      files,
      helpers_end,
      { { "open + close", op_open } } },
    { "descriptors in poll",
      500,
      { "500", "5,000" },
      polled,
      helpers_end,
      { { "wake out of poll and back", op_wake } } },
    { "mounts",
      10,
      { "10", "100" },
      mounts,
      mounts_end,
      { { "stat across a mount", op_stat_mounted } } },
    { "names in tmpfs",
      10000,
      { "10,000", "100,000" },
      names,
      names_end,
      { { "stat", op_lookup }, { "link + unlink", op_create }, { "readdir of 100", op_readdir } } },
};

static unsigned long measure(void (*op)(void))
{
    for (int i = 0; i < 3; i++)
        op();
    unsigned long before = ticks();
    for (int i = 0; i < ROUNDS; i++)
        op();
    return (ticks() - before) / ROUNDS;
}

static void run(const struct crowd *c)
{
    unsigned long cost[2][4];
    for (int k = 0; k < 2; k++) {
        c->grow(k ? 10 * c->n : c->n);
        for (int i = 0; c->ops[i].op; i++)
            cost[k][i] = measure(c->ops[i].op);
    }
    c->end();
    for (int i = 0; c->ops[i].op; i++)
        for (int k = 0; k < 2; k++)
            printf("%s among %s %s\t%lu\t-\n", c->ops[i].what, c->numbers[k], c->things,
                   cost[k][i]);
}

static int wanted(char **argv, const char *things)
{
    for (char **a = argv + 1; *a; a++)
        if (!strcmp(*a, things))
            return 1;
    return !argv[1];
}

int main(int argc, char **argv)
{
    (void)argc;
    setvbuf(stdout, NULL, _IOLBF, 0);
    close(open("/tmp/crowd.file", O_CREAT | O_WRONLY, 0644));
    if (pipe(ready) || pipe(there) || pipe(back))
        fail("pipe");
    for (unsigned i = 0; i < sizeof crowds / sizeof crowds[0]; i++)
        if (wanted(argv, crowds[i].things))
            run(&crowds[i]);
    return 0;
}
