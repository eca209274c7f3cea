/* What happens while a process begins or ends: a child that is undone, since there is no descriptor
 * for it, is killed meanwhile; a process that ends gets another limit of processor time; of two
 * threads the last but one ends while the last one does. All have much to do for that, so that it
 * takes its time. */
#define _GNU_SOURCE
#include "oracle.h"

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { ROUNDS = 10, LARGE = 24 << 20 };

/* the process that the helper is to do something to; 0: none */
static volatile pid_t *victim;

static void grow(void)
{
    memset(mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, LARGE);
}

/* Does it to processes of its session, which is the test's, for ever. */
static pid_t helper(void (*act)(pid_t))
{
    pid_t pid = fork();
    while (!pid) {
        pid_t one = *victim; /* read once: 0 is the helper's whole group */
        if (one && getsid(one) == getsid(0))
            act(one);
    }
    return pid;
}

static void shot(pid_t pid) { kill(pid, SIGKILL); }

static void limited(pid_t pid)
{
    struct rlimit limit = { 1000, RLIM_INFINITY };
    prlimit(pid, RLIMIT_CPU, &limit, NULL);
}

/* A child of which there is to be a descriptor, when there is room for none. */
static void undone(void)
{
    unsigned refused = 0;
    struct rlimit limit;
    signal(SIGCHLD, SIG_IGN);
    pid_t other = helper(shot);
    grow();
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < ROUNDS; i++) {
        int descriptor;
        pid_t before = fork();
        if (!before)
            _exit(0);
        *victim = before + 1;
        long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &descriptor, 0, 0);
        if (!pid)
            _exit(0);
        *victim = 0;
        refused += pid < 0 && errno == EMFILE;
    }
    SAY("refused: %u", refused);
    kill(other, SIGKILL);
}

/* A process that ends, and others in its place. */
static void ending(void)
{
    unsigned ended = 0;
    int status;
    pid_t other = helper(limited);
    for (int i = 0; i < ROUNDS; i++) {
        pid_t pid = fork();
        if (!pid) {
            grow();
            *victim = getpid();
            _exit(0);
        }
        ended += waitpid(pid, &status, 0) == pid && !status;
        *victim = 0;
    }
    SAY("ended: %u", ended);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
}

/* Locks that a thread may hold, in a ring, none of which it holds. */
struct lock {
    struct lock *next;
    long word;
};

static void *ends(void *going)
{
    while (!*(volatile int *)going)
        ;
    syscall(SYS_exit, 0);
    return NULL;
}

static void two_threads(void)
{
    enum { LOCKS = 2000 };
    static struct lock locks[LOCKS];
    static struct {
        struct lock *first;
        long offset;
        void *pending;
    } list = { locks, offsetof(struct lock, word), NULL };
    static volatile int going;
    pthread_t thread;
    for (int i = 0; i < LOCKS; i++)
        locks[i].next = &locks[(i + 1) % LOCKS];
    pthread_create(&thread, NULL, ends, (void *)&going);
    syscall(SYS_set_robust_list, &list, sizeof list);
    going = 1;
    syscall(SYS_exit, 0);
}

static void last(void)
{
    enum { PATIENCE = 200, PATIENCE_US = 10000 };
    unsigned ended = 0;
    for (int i = 0; i < ROUNDS; i++) {
        pid_t pid = fork(), found = 0;
        if (!pid)
            two_threads();
        for (int k = 0; k < PATIENCE && !found; k++) {
            found = waitpid(pid, NULL, WNOHANG);
            if (!found)
                usleep(PATIENCE_US);
        }
        ended += found == pid;
        if (!found)
            kill(pid, SIGKILL), waitpid(pid, NULL, 0);
    }
    SAY("of two threads: %u", ended);
}

int main(void)
{
    victim = mmap(NULL, sizeof *victim, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fflush(stdout);
    pid_t test = fork();
    if (!test) {
        setsid();
        last();
        ending();
        undone();
        fflush(stdout);
        _exit(0);
    }
    waitpid(test, NULL, 0);
    enum { ROUND_OF_THE_TABLE = 600 };
    for (int i = 0; i < ROUND_OF_THE_TABLE; i++) { /* others take the places of those */
        pid_t pid = fork();
        if (!pid)
            _exit(0);
        waitpid(pid, NULL, 0);
    }
    SAY("over");
    return 0;
}
