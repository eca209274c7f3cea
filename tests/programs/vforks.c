/* A thread waits in vfork, and ends with the program when another thread runs a new one: the end of
 * the child is nothing that the new program's threads have to do with. */
#define _GNU_SOURCE
#include "oracle.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/syscall.h>

enum { WAITERS = 6, SOON_US = 100000 };

static const char *self;
static int go[2], ready[2];
static volatile unsigned woken;

static void *has_child(void *unused)
{
    if (!syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0)) {
        char byte = 0;
        close(go[1]);
        write(ready[1], &byte, 1);
        read(go[0], &byte, 1);
        _exit(0);
    }
    return unused;
}

static void *waits(void *unused)
{
    sigset_t set;
    struct timespec two_seconds = { 2, 0 };
    sigemptyset(&set), sigaddset(&set, SIGUSR1);
    woken += sigtimedwait(&set, NULL, &two_seconds) != -1 || errno != EAGAIN;
    return unused;
}

/* The new program: the child goes on when its threads wait. */
static int later(int go_on)
{
    pthread_t thread[WAITERS];
    for (unsigned i = 0; i < WAITERS; i++)
        pthread_create(&thread[i], NULL, waits, NULL);
    usleep(SOON_US);
    close(go_on);
    int status = -1;
    bool ended = wait(&status) > 0 && !status;
    for (unsigned i = 0; i < WAITERS; i++)
        pthread_join(thread[i], NULL);
    SAY("the child has ended: %d", ended);
    SAY("woken: %u", woken);
    return 0;
}

int main(int count, char **argument)
{
    if (count > 1)
        return later(atoi(argument[1]));
    self = argument[0];
    char byte, number[16];
    pthread_t thread;
    pipe(go), pipe(ready);
    pthread_create(&thread, NULL, has_child, NULL);
    read(ready[0], &byte, 1);
    usleep(SOON_US);
    snprintf(number, sizeof number, "%d", go[1]);
    execl("/proc/self/exe", self, number, (char *)NULL);
    return 1;
}
