/* Policies, priorities and processors: sched_setattr and its like, what children get, and who may
 * change what. It needs root on the host. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { FIFO = 1, ROUND = 2, BATCH = 3, IDLE = 5, DEADLINE = 6 };
enum { RESET_ON_FORK = 1, KEEP_POLICY = 8, KEEP_PARAMETERS = 16, USER = 1000, FIRST_SIZE = 48 };

struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t least, most, more[4];
};

static int set(int pid, struct attr a, unsigned flags)
{
    return syscall(SYS_sched_setattr, pid, &a, flags);
}
static void show(const char *what, int pid)
{
    struct attr a;
    memset(&a, 0, sizeof a);
    if (syscall(SYS_sched_getattr, pid, &a, FIRST_SIZE, 0))
        SAY("%s: %s", what, error_name(errno));
    else
        SAY("%s: size %u policy %u flags %llu nice %d priority %u", what, a.size, a.policy,
            (unsigned long long)a.flags, a.nice, a.priority);
    if (a.policy == DEADLINE)
        SAY("%s: times %llu %llu %llu", what, (unsigned long long)a.runtime,
            (unsigned long long)a.deadline, (unsigned long long)a.period);
}
static int unused_pid(void)
{
    int pid = fork();
    if (!pid)
        _exit(0);
    waitpid(pid, NULL, 0);
    return pid;
}
/* What a child that is made now says. */
static void child(const char *what)
{
    int pid = fork();
    if (!pid) {
        show(what, 0);
        SAY("%s: scheduler %ld", what, syscall(SYS_sched_getscheduler, 0));
        _exit(0);
    }
    if (pid < 0)
        SAY("%s: %s", what, error_name(errno));
    waitpid(pid, NULL, 0);
}

static void attributes(void)
{
    struct attr ordinary = { .size = FIRST_SIZE, .nice = 3 };
    show("at first", 0);
    SHOW(set(0, ordinary, 0));
    show("nice", 0);
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .nice = 100 }, 0));
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(set(0, (struct attr){ .nice = -5 }, 0));
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .policy = FIFO, .priority = 10 }, 0));
    show("fifo", 0);
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .policy = BATCH, .nice = 2 }, 0));
    show("batch", 0);
    SHOW(set(0,
             (struct attr){ .size = FIRST_SIZE, .policy = FIFO, .flags = KEEP_POLICY, .nice = 4 },
             0));
    show("keep policy", 0);
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .flags = KEEP_PARAMETERS, .nice = 9 }, 0));
    show("keep parameters", 0);
    SHOW(set(0, (struct attr){ .size = sizeof(struct attr), .nice = 0 }, 0));
    show("longer", 0);
}

static void refused(void)
{
    struct attr a = { .size = FIRST_SIZE };
    int none = unused_pid();
    char *end = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    end += 4096;
    munmap(end, 4096);
    SHOW(syscall(SYS_sched_setattr, 0, NULL, 0));
    SHOW(syscall(SYS_sched_setattr, 0, 1, 0));
    SHOW(syscall(SYS_sched_setattr, 0, end, 0));
    SHOW(set(-1, a, 0));
    SHOW(set(none, a, 0));
    SHOW(set(0, a, 1000));
    SHOW(set(0, (struct attr){ .size = 47 }, 0));
    SHOW(set(0, (struct attr){ .size = 5000 }, 0));
    struct attr longer = { .size = sizeof longer, .more[2] = 1 };
    SHOW(syscall(SYS_sched_setattr, 0, &longer, 0));
    SAY("size told: %d", longer.size >= FIRST_SIZE && longer.size < sizeof longer);
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .policy = 4 }, 0));
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .policy = 7 }, 0));
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .policy = -1 }, 0));
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .flags = 1024 }, 0));
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .priority = 1 }, 0));
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .policy = ROUND }, 0));
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .policy = ROUND, .priority = 100 }, 0));
    SHOW(syscall(SYS_sched_getattr, 0, NULL, FIRST_SIZE, 0));
    SHOW(syscall(SYS_sched_getattr, 0, end, FIRST_SIZE, 0));
    SHOW(syscall(SYS_sched_getattr, 0, &a, FIRST_SIZE - 1, 0));
    SHOW(syscall(SYS_sched_getattr, 0, &a, 4097, 0));
    SHOW(syscall(SYS_sched_getattr, 0, &a, FIRST_SIZE, 1));
    SHOW(syscall(SYS_sched_getattr, -1, &a, FIRST_SIZE, 0));
    SHOW(syscall(SYS_sched_getattr, none, &a, FIRST_SIZE, 0));
}

static int deadline(uint64_t runtime, uint64_t end, uint64_t period)
{
    return set(0,
               (struct attr){ .size = FIRST_SIZE,
                              .policy = DEADLINE,
                              .runtime = runtime,
                              .deadline = end,
                              .period = period },
               0);
}

static void deadlines(void)
{
    enum { MS = 1000000 };
    SHOW(deadline(0, 0, 0));
    SHOW(deadline(1023, 30 * MS, 0));
    SHOW(deadline(20 * MS, 10 * MS, 30 * MS));
    SHOW(deadline(10 * MS, 30 * MS, 20 * MS));
    SHOW(deadline(10 * MS, 1ul << 63, 0));
    SHOW(deadline(10000, 50000, 50000));
    SHOW(deadline(10 * MS, 5000ul * MS, 5000ul * MS));
    SHOW(syscall(SYS_sched_get_priority_max, DEADLINE));
    SHOW(syscall(SYS_sched_get_priority_min, DEADLINE));
    SHOW(syscall(SYS_sched_get_priority_max, 4));
    SHOW(syscall(SYS_sched_setscheduler, 0, DEADLINE, &(struct sched_param){ 0 }));
    SHOW(deadline(10 * MS, 30 * MS, 0));
    show("deadline", 0);
    child("of a deadline");
    struct timespec slice = { 1, 1 };
    SHOW(syscall(SYS_sched_rr_get_interval, 0, &slice));
    SAY("slice %ld %ld", (long)slice.tv_sec, slice.tv_nsec);
    SHOW(syscall(SYS_sched_setparam, 0, &(struct sched_param){ 0 }));
    SHOW(deadline(11 * MS, 30 * MS, 40 * MS));
    show("deadline", 0);
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE }, 0));
    show("no deadline", 0);
}

/* SCHED_RESET_ON_FORK, by each of the two calls. */
static void reset(void)
{
    enum { OF_POLICY = 0x40000000 };
    struct sched_param ten = { .sched_priority = 10 }, zero = { 0 };
    SHOW(syscall(SYS_sched_setscheduler, 0, ROUND | OF_POLICY, &ten));
    SHOW(syscall(SYS_sched_getscheduler, 0));
    show("round", 0);
    child("of a round");
    SHOW(syscall(SYS_sched_setparam, 0, &(struct sched_param){ .sched_priority = 12 }));
    show("round", 0);
    SHOW(syscall(SYS_sched_setscheduler, 0, FIFO, &ten));
    child("without a reset");
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .flags = RESET_ON_FORK, .nice = -7 }, 0));
    child("of a better nice value");
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .flags = RESET_ON_FORK, .nice = 7 }, 0));
    child("of a worse nice value");
    SHOW(syscall(SYS_sched_setscheduler, 0, BATCH | OF_POLICY, &zero));
    child("of a batch");
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE }, 0));
}

static void limit_none(int which) { setrlimit(which, &(struct rlimit){ 0, 0 }); }

/* What a user may do who is not root. */
static void as_user(void)
{
    unsigned long one = 1, none = 0;
    struct sched_param zero = { 0 }, ten = { .sched_priority = 10 };
    int root = getppid();
    limit_none(RLIMIT_NICE);
    limit_none(RLIMIT_RTPRIO);
    setresuid(USER, USER, USER);
    SHOW(syscall(SYS_sched_setaffinity, 0, sizeof one, &one));
    SHOW(syscall(SYS_sched_setaffinity, 0, sizeof none, &none));
    SHOW(syscall(SYS_sched_setaffinity, root, sizeof one, &one));
    SHOW(syscall(SYS_sched_setaffinity, root, sizeof none, &none));
    SHOW(syscall(SYS_sched_setaffinity, root, sizeof one, 1));
    SHOW(syscall(SYS_sched_setscheduler, root, BATCH, &zero));
    SHOW(syscall(SYS_sched_setscheduler, 0, BATCH, &zero));
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .nice = 10 }, 0));
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .nice = 2 }, 0));
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .nice = 1 }, 0));
    SHOW(setpriority(PRIO_PROCESS, 0, 10));
    SHOW(setpriority(PRIO_PROCESS, 0, 2));
    SHOW(setpriority(PRIO_PROCESS, 0, 1));
    SHOW(setpriority(PRIO_PROCESS, root, 10));
    SHOW(syscall(SYS_sched_setscheduler, 0, FIFO, &ten));
    SHOW(syscall(SYS_sched_setscheduler, 0, IDLE, &zero));
    SHOW(syscall(SYS_sched_setscheduler, 0, 0, &zero));
    SHOW(setpriority(PRIO_PROCESS, 0, 0));
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .nice = 5, .flags = RESET_ON_FORK }, 0));
    SHOW(set(0, (struct attr){ .size = FIRST_SIZE, .nice = 5 }, 0));
    SHOW(deadline(10000000, 30000000, 0));
}

int main(void)
{
    int status;
    limit_none(RLIMIT_CORE);
    setpriority(PRIO_PROCESS, 0, 0);
    attributes();
    refused();
    deadlines();
    reset();
    if (!fork()) {
        as_user();
        _exit(0);
    }
    wait(&status);
    show_status("user", status);
    return 0;
}
