/* The number of a thread where that of its process is asked for. */
#define _GNU_SOURCE
#include "oracle.h"
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static volatile int tid;
static void *thread(void *unused)
{
    tid = syscall(SYS_gettid);
    for (;;)
        pause();
    return unused;
}

static volatile int caught;
static void handler(int sig) { (void)sig, caught++; }

static void of_a_thread(void)
{
    struct {
        uint64_t soft, hard;
    } limit, own;
    pthread_t t;
    pthread_create(&t, NULL, thread, NULL);
    while (!tid)
        pause_ms(1);
    SHOW(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &own));
    SHOW(syscall(SYS_prlimit64, tid, RLIMIT_NOFILE, NULL, &limit));
    SAY("the same: %d", limit.soft == own.soft && limit.hard == own.hard);
    SHOW(getpgid(tid) == getpgrp());
    SHOW(getsid(tid) == getsid(0));
    SHOW(setpgid(tid, 0));
    SHOW(setpgid(tid, tid));
    SHOW(kill(tid, 0));
    signal(SIGUSR1, handler);
    SHOW(kill(tid, SIGUSR1));
    while (!caught)
        pause_ms(1);
    SHOW(waitpid(tid, NULL, WNOHANG));
}

/* Which error goes before which. */
static void of_a_child(void)
{
    enum { NOBODY = 1 << 22 };
    char byte;
    int ready[2];
    (void)!pipe(ready);
    pid_t child = fork();
    if (!child) {
        setsid();
        fcntl(ready[1], F_SETFD, 0);
        execl("/proc/self/exe", "child", "sleeps", NULL);
    }
    pid_t plain = fork();
    if (!plain)
        execl("/proc/self/exe", "child", "sleeps", NULL);
    (void)!read(ready[0], &byte, 1);
    (void)!read(ready[0], &byte, 1);
    SHOW(setpgid(child, 0));
    SHOW(setpgid(plain, 0));
    SHOW(setpgid(plain, NOBODY));
    SHOW(setpgid(NOBODY, 0));
    SHOW(setpgid(NOBODY, -1));
    SHOW(getpgid(NOBODY));
    SHOW(getsid(child) == child);
    kill(child, SIGKILL), kill(plain, SIGKILL);
    wait(NULL), wait(NULL);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        for (int fd = 3; fd < 8; fd++)
            (void)!write(fd, "r", 1);
        pause();
        return 0;
    }
    signal(SIGPIPE, SIG_IGN);
    of_a_child();
    of_a_thread();
    return 0;
}
