/* A process that has been stopped ends by what its first thread finds when it goes on: the others
 * have nothing to go on for, and nothing of theirs becomes another process's. */
#define _GNU_SOURCE
#include "oracle.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { ROUNDS = 8, LARGE = 24 << 20 };

static volatile struct {
    int round;       /* the number of the process that is about to go on */
    int tid;         /* of its second thread, which waits, or is about to */
    int interrupted; /* waits of the other process that nothing should end */
} * shared;

/* ---- the process that ends: it is large, so that this takes its time ---- */

static void caught(int sig) { (void)sig; }

/* Waits for a signal, with a stack on which there is no handler. */
static void *without_stack(void *unused)
{
    (void)unused;
    shared->tid = syscall(SYS_gettid);
    __asm__ volatile("movq $-65536, %%rsp; syscall; hlt" : : "a"(SYS_pause) : "memory");
    return NULL;
}

static void large(void)
{
    pthread_t thread;
    memset(mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, LARGE);
    signal(SIGUSR1, caught);
    pthread_create(&thread, NULL, without_stack, NULL);
    for (;;)
        pause();
}

/* ---- the other, which makes threads meanwhile ---- */

static void *pauses(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void *waits(void *unused)
{
    sigset_t set;
    struct timespec second = { 1, 0 };
    sigemptyset(&set), sigaddset(&set, SIGUSR2);
    for (;;)
        if (sigtimedwait(&set, NULL, &second) < 0 && errno == EINTR)
            shared->interrupted++;
    return unused;
}

static void other(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, waits, NULL);
    for (int round = 1;; round++) {
        while (shared->round < round)
            if (!shared->tid)
                usleep(1000);
        for (int i = 0; i < 3; i++)
            pthread_create(&thread, NULL, pauses, NULL);
    }
}

int main(void)
{
    unsigned stopped = 0, ended = 0;
    int status;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t helper = fork();
    if (!helper)
        other();
    for (int round = 1; round <= ROUNDS; round++) {
        shared->tid = 0;
        pid_t process = fork();
        if (!process)
            large();
        while (!shared->tid)
            usleep(1000);
        usleep(20000);
        kill(process, SIGSTOP);
        stopped += waitpid(process, &status, WUNTRACED) == process && WIFSTOPPED(status);
        syscall(SYS_tgkill, process, shared->tid, SIGUSR1);
        shared->round = round;
        kill(process, SIGCONT);
        ended += waitpid(process, &status, 0) == process && WIFSIGNALED(status) &&
                 WTERMSIG(status) == SIGSEGV;
    }
    SAY("stopped: %u", stopped);
    SAY("ended: %u", ended);
    SAY("others interrupted: %d", shared->interrupted);
    return kill(helper, SIGKILL);
}
