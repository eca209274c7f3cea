/* process_vm_readv and process_vm_writev: of processes, by a thread's number, of zombies. */
#define _GNU_SOURCE
#include "oracle.h"
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static char text[20000], got[20000];

static pid_t child(void)
{
    int ready[2];
    pipe(ready);
    pid_t pid = fork();
    if (!pid) {
        for (unsigned k = 0; k < sizeof text; k++)
            text[k] = 'a' + k % 26;
        write(ready[1], "", 1);
        pause();
        _exit(0);
    }
    read(ready[0], got, 1);
    return pid;
}

static long get(pid_t pid, void *to, size_t n, void *from, size_t m)
{
    struct iovec l = { to, n }, r = { from, m };
    return process_vm_readv(pid, &l, 1, &r, 1, 0);
}

static int number; /* of a thread that waits */
static sem_t has_number, may_end;

static void *waits(void *unused)
{
    (void)unused;
    number = syscall(SYS_gettid);
    sem_post(&has_number);
    sem_wait(&may_end);
    return NULL;
}

/* A thread that is not the first stands for its process. */
static void by_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, waits, NULL);
    sem_wait(&has_number);
    SHOW(get(number, got, 6, "thread", 6));
    SAY("%.6s", got);
    sem_post(&may_end);
    pthread_join(thread, NULL);
}

/* A zombie has no memory; whoever wants none does not hear of that. */
static void of_none(pid_t pid)
{
    siginfo_t i;
    kill(pid, SIGKILL);
    waitid(P_PID, pid, &i, WEXITED | WNOWAIT);
    SHOW(get(pid, got, 10, text, 10));
    SHOW(get(pid, got, 10, text, 0));
    SHOW(get(pid, got, 0, text, 10));
    waitpid(pid, NULL, 0);
    SHOW(get(pid, got, 10, text, 10));
    SHOW(get(pid, got, 10, text, 0));
    SHOW(process_vm_writev(pid, NULL, 0, NULL, 0, 0));
    SHOW(process_vm_readv(pid, &(struct iovec){ got, 1 }, 1, NULL, 0, 0));
}

int main(void)
{
    pid_t pid = child();
    int status;
    SHOW(get(pid, got, 10, text + 3, 10));
    SAY("%.10s", got);
    SHOW(get(pid, got, sizeof got, text, sizeof text));
    int good = 1;
    for (unsigned k = 0; k < sizeof got; k++)
        good &= got[k] == (char)('a' + k % 26);
    SAY("good %d", good);
    SHOW(get(pid, got, 5, text, 10));
    SHOW(get(pid, got, 10, text, 5));
    SHOW(get(pid, got, 0, text, 5));
    SHOW(get(pid, got, 10, (void *)8, 10));
    SHOW(get(pid, got, 10, (void *)-4096, 10));
    SHOW(get(pid, (void *)8, 10, text, 10));
    SHOW(get(pid, got, -1, text, 10));
    SHOW(get(99999, got, 10, text, 10));
    struct iovec l[3] = { { got, 3 }, { got + 5, 0 }, { got + 10, 4 } },
                 r[2] = { { text, 1 }, { text + 26, 100 } };
    memset(got, '.', 20);
    SHOW(process_vm_readv(pid, l, 3, r, 2, 0));
    SAY("%.20s", got);
    SHOW(process_vm_readv(pid, l, 3, r, 2, 1));
    SHOW(process_vm_readv(pid, l, 1025, r, 2, 0));
    SHOW(process_vm_readv(pid, l, 3, r, 1025, 0));
    SHOW(process_vm_readv(pid, l, 0, r, 2, 0));
    SHOW(process_vm_readv(pid, (void *)8, 1, r, 2, 0));
    SHOW(process_vm_readv(pid, l, 1, (void *)8, 2, 0));
    l[0] = (struct iovec){ "written", 7 };
    r[0] = (struct iovec){ text + 100, 7 };
    SHOW(process_vm_writev(pid, l, 1, r, 1, 0));
    SHOW(get(pid, got, 9, text + 99, 9));
    SAY("%.9s", got);
    SHOW(process_vm_writev(pid, l, 1, &(struct iovec){ (void *)8, 7 }, 1, 0));
    if (!fork()) {
        setgid(1000);
        setuid(1000);
        SHOW(get(pid, got, 10, text, 10));
        SHOW(get(getpid(), got, 10, text, 10));
        _exit(0);
    }
    wait(&status);
    SHOW(get(getpid(), got, 3, "own", 3));
    SAY("%.3s", got);
    by_thread();
    of_none(pid);
    return 0;
}
