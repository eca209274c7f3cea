/* What another process meets while a process begins or ends: a child that is undone, since there is
 * no descriptor for it, is killed meanwhile; a process that ends gets another limit of processor
 * time. Both are large, so that it takes its time. */
#define _GNU_SOURCE
#include "oracle.h"

#include <sched.h>
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
    if (!pid)
        for (;;)
            if (*victim && getsid(*victim) == getsid(0))
                act(*victim);
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

int main(void)
{
    victim = mmap(NULL, sizeof *victim, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fflush(stdout);
    pid_t test = fork();
    if (!test) {
        setsid();
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
