/* SCHED_FIFO and SCHED_RR on one processor: who runs when, wakes whom, inherits what. */
#define _GNU_SOURCE
#include "oracle.h"
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { FUTEX_WAIT, FUTEX_WAKE, MINE = 50 };

static struct shared {
    char log[256];
    volatile unsigned length, ended;
    uint32_t word;
} * s;

static void note(char what) { s->log[s->length++] = what; }

static void say(const char *what)
{
    SAY("%s: %.*s", what, (int)s->length, s->log);
    s->length = s->ended = 0;
}

static int policy(pid_t pid, int policy, int priority)
{
    return syscall(SYS_sched_setscheduler, pid, policy, &priority); /* musl refuses to */
}

/* A child that works when its parent waits, which this process does in all_end(). */
static pid_t child(int kind, int priority, void (*work)(char), char name)
{
    pid_t pid = fork();
    if (!pid) {
        work(name);
        _exit(0);
    }
    if (policy(pid, kind, priority))
        SAY("no policy: %s", error_name(errno));
    return pid;
}

static void all_end(void)
{
    while (wait(NULL) > 0)
        ;
}

static void once(char name) { note(name); }

static void three(char name)
{
    for (unsigned i = 0; i < 3; i++)
        note(name);
}

static void three_calls(char name)
{
    char c = name;
    for (unsigned i = 0; i < 3; i++) {
        note(name);
        int fd = open("/proc/self/comm", O_RDONLY);
        (void)!read(fd, &c, 1);
        close(fd);
    }
}

static void three_yields(char name)
{
    for (unsigned i = 0; i < 3; i++) {
        note(name);
        sched_yield();
    }
}

static long cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Whether the other has begun before this one has ended. */
static void computes(char name)
{
    if (s->ended == 0)
        note(name);
    while (cpu_ms() < 250)
        ;
    s->ended++;
}

/* Two that do the same: one of this priority, and one of 20. */
static void pair(int kind, int first, void (*work)(char), const char *what)
{
    child(kind, first, work, 'a');
    child(kind, 20, work, 'b');
    all_end();
    say(what);
}

static void order(void)
{
    child(SCHED_FIFO, 10, once, 'c');
    child(SCHED_FIFO, 30, once, 'a');
    child(SCHED_FIFO, 20, once, 'b');
    child(SCHED_OTHER, 0, once, 'e');
    child(SCHED_RR, 5, once, 'd');
    all_end();
    say("by priority");
    pair(SCHED_FIFO, 20, three, "equals");
    pair(SCHED_FIFO, 20, three_calls, "equals that make calls");
    pair(SCHED_FIFO, 20, three_yields, "equals that yield");
    pair(SCHED_FIFO, 21, three_yields, "a better one that yields");
    pair(SCHED_FIFO, 20, computes, "FIFO");
    pair(SCHED_RR, 20, computes, "RR");
}

/* ---- waking ---- */

static void sleeps(char name)
{
    s->ended = getpid();
    syscall(SYS_futex, &s->word, FUTEX_WAIT, 0, NULL, NULL, 0);
    note(name);
}

static void wakes(char name)
{
    note(name);
    syscall(SYS_futex, &s->word, FUTEX_WAKE, 9, NULL, NULL, 0);
    note(name);
}

static void wakes_one_by_one(char name)
{
    for (unsigned i = 0; i < 3; i++) {
        note(name);
        syscall(SYS_futex, &s->word, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
}

/* A child that sleeps already. */
static void sleeper(int priority, char name)
{
    char directory[32];
    pid_t pid = child(SCHED_FIFO, priority, sleeps, name);
    sprintf(directory, "/proc/%d", pid);
    while (s->ended != (unsigned)pid)
        pause_ms(1);
    until_asleep(directory);
}

static void waking(void)
{
    sleeper(20, 'a');
    child(SCHED_FIFO, 10, wakes, 'W');
    all_end();
    say("wakes a better one");
    sleeper(20, 'a');
    child(SCHED_FIFO, 20, wakes, 'W');
    all_end();
    say("wakes an equal");
    sleeper(20, 'a'), sleeper(20, 'b'), sleeper(20, 'c');
    child(SCHED_FIFO, 19, wakes, 'W');
    all_end();
    say("wakes three");
    sleeper(30, 'a'), sleeper(20, 'b'), sleeper(40, 'c');
    child(SCHED_FIFO, 10, wakes_one_by_one, 'W');
    all_end();
    say("one by one");
}

/* Who changes its own priority lets the better ones run. */
static void sinks(char name)
{
    note(name);
    policy(0, SCHED_FIFO, 5);
    note(name);
    policy(0, SCHED_OTHER, 0);
    note(name);
}

static void changing(void)
{
    child(SCHED_FIFO, 20, sinks, 'S'), child(SCHED_FIFO, 10, once, 'a');
    child(SCHED_RR, 2, once, 'b');
    all_end();
    say("sinks");
}

/* ---- threads ---- */

static void say_policy(const char *who)
{
    int tid = gettid(), kind = syscall(SYS_sched_getscheduler, tid), priority = -1;
    syscall(SYS_sched_getparam, tid, &priority);
    SAY("%s: %x %d", who, kind, priority);
}

static void *in_a_thread(void *name)
{
    say_policy(name);
    char path[64], text[600] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", gettid());
    int fd = open(path, O_RDONLY);
    (void)!read(fd, text, sizeof text - 1);
    close(fd);
    char *at = strrchr(text, ')');
    for (unsigned field = 2; at && field < 40; field++)
        at = strchr(at + 1, ' ');
    SAY("in /proc: %.4s", at ? at : "nothing");
    return NULL;
}

static void run_thread(const char *name, int kind, int priority)
{
    pthread_t t;
    pthread_attr_t a;
    pthread_attr_init(&a);
    if (kind >= 0) {
        pthread_attr_setinheritsched(&a, PTHREAD_EXPLICIT_SCHED);
        pthread_attr_setschedpolicy(&a, kind);
        pthread_attr_setschedparam(&a, &(struct sched_param){ .sched_priority = priority });
    }
    int error = pthread_create(&t, &a, in_a_thread, (void *)name);
    if (error)
        SAY("%s: %s", name, error_name(error));
    else
        pthread_join(t, NULL);
    say_policy("the first");
}

static void threads(void)
{
    enum { RESET = 0x40000000 };
    SHOW(policy(0, SCHED_OTHER, 0));
    run_thread("inherits", -1, 0);
    run_thread("of its own", SCHED_RR, 7);
    run_thread("of its own", SCHED_FIFO, 100);
    SHOW(policy(0, SCHED_FIFO, 3));
    run_thread("inherits", -1, 0);
    SHOW(policy(0, SCHED_RR | RESET, 4));
    run_thread("reset", -1, 0);
    if (!fork()) {
        say_policy("child");
        _exit(0);
    }
    wait(NULL);
    SHOW(policy(0, SCHED_OTHER, 0));
}

int main(void)
{
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    sched_setaffinity(0, sizeof first, &first);
    s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    SHOW(policy(0, SCHED_FIFO, MINE));
    order();
    waking();
    changing();
    threads();
    return 0;
}
