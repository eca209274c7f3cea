/* How waits on futexes end: by handlers, with and without a limit; by the death of a thread that
 * was about to wake. And which words there cannot be. */
#define _GNU_SOURCE
#include "oracle.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { WAIT, WAKE, WAIT_BITSET = 9, PRIVATE = 128 };

static volatile int word;
static int *shared; /* a futex, and whether the handler has run */
static void handler(int sig) { (void)sig, shared[1] = 1; }

static long futex(int *at, int op, int value, const struct timespec *limit)
{
    return syscall(SYS_futex, at, op, value, limit, NULL, -1);
}

static int *page(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* SIGALRM comes while it waits. What goes on then is woken by a child. */
static void interrupted(const char *what, int op, const struct timespec *limit, int flags)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
    shared = page();
    sigaction(SIGALRM, &action, NULL);
    pid_t waker = !limit && flags ? fork() : -1;
    if (!waker) {
        while (!__atomic_load_n(&shared[1], __ATOMIC_SEQ_CST) || futex(shared, WAKE, 1, NULL) < 1)
            pause_ms(10);
        _exit(0);
    }
    errno = 0;
    alarms(1);
    long result = futex(shared, op, 0, limit);
    int error = errno;
    alarms(0);
    SAY("%s: %ld %s, handled %d", what, result, error_name(error), shared[1]);
    if (waker > 0)
        waitpid(waker, NULL, 0);
    munmap(shared, 4096);
}

static void handlers(void)
{
    struct timespec relative = { 100, 0 }, absolute;
    clock_gettime(CLOCK_MONOTONIC, &absolute);
    absolute.tv_sec += 100;
    interrupted("no limit, restarted", WAIT, NULL, SA_RESTART);
    interrupted("no limit", WAIT, NULL, 0);
    interrupted("a limit, restarted", WAIT, &relative, SA_RESTART);
    interrupted("a limit", WAIT, &relative, 0);
    interrupted("a time, restarted", WAIT_BITSET, &absolute, SA_RESTART);
    interrupted("a time", WAIT_BITSET, &absolute, 0);
    interrupted("bits, restarted", WAIT_BITSET, NULL, SA_RESTART);
}

/* A list of robust locks, as the kernel reads it; bit 0 of a pointer: a lock that names its owner.
 */
struct list {
    void *next;
    long offset;
    void *pending;
};

static void __attribute__((noreturn)) die_at(int bit)
{
    static struct list head;
    static char node[8] __attribute__((aligned(8)));
    head.next = &head;
    head.offset = (char *)shared - node;
    head.pending = node + bit;
    syscall(SYS_set_robust_list, &head, sizeof head);
    _exit(0);
}

/* Processes end, one after the other, each saying that it is about to do something with the lock.
 */
static void dies(const char *what, int value, int bit)
{
    shared = page();
    *shared = value;
    pid_t mother = fork();
    while (!mother) {
        if (!fork())
            die_at(bit);
        wait(NULL);
        pause_ms(20);
    }
    struct timespec limit = { bit || value ? 1 : 100, 0 };
    errno = 0;
    long result = futex(shared, WAIT, value, &limit);
    SAY("%s: %ld %s, word %x", what, result, error_name(errno), *shared);
    kill(mother, SIGKILL);
    waitpid(mother, NULL, 0);
    munmap(shared, 4096);
}

/* The owner of a robust mutex is killed wherever it is. */
static void killed(const char *what, int place)
{
    pthread_mutexattr_t kind;
    pthread_mutex_t *lock = (pthread_mutex_t *)page();
    char byte;
    int ready[2], never[2];
    (void)!pipe(ready), (void)!pipe(never);
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(lock, &kind);
    pid_t child = fork();
    if (!child) {
        pthread_mutex_lock(lock);
        (void)!write(ready[1], "r", 1);
        while (place == 0)
            word++;
        if (place == 1)
            (void)!read(never[0], &byte, 1);
        pause();
    }
    (void)!read(ready[0], &byte, 1);
    pause_ms(20);
    kill(child, SIGKILL);
    SAY("%s: %s", what, error_name(pthread_mutex_lock(lock)));
    waitpid(child, NULL, 0);
    for (int i = 0; i < 2; i++)
        close(ready[i]), close(never[i]);
}

static void words(void)
{
    int *beyond = (int *)(1ul << 47), *kernels = (int *)(-1ul << 47);
    SHOW(futex(beyond, WAKE | PRIVATE, 1, NULL));
    SHOW(futex(kernels, WAKE | PRIVATE, 1, NULL));
    SHOW(futex(kernels, WAKE, 1, NULL));
    SHOW(futex(kernels, WAIT | PRIVATE, 0, NULL));
    SHOW(futex((int *)((char *)&word + 1), WAKE | PRIVATE, 1, NULL));
    SHOW(futex((int *)0x10000, WAKE | PRIVATE, 1, NULL));
    SHOW(futex((int *)0x10000, WAKE, 1, NULL));
}

static void lists(void)
{
    void *at;
    size_t size = 0;
    SHOW(syscall(SYS_get_robust_list, 0, &at, &size));
    SAY("%d bytes", (int)size);
    pid_t child = fork();
    if (!child) {
        pause();
        _exit(0);
    }
    SHOW(syscall(SYS_get_robust_list, child, &at, &size));
    if (!fork()) {
        if (setresuid(4242, 4242, 4242))
            SAY("root is needed");
        SHOW(syscall(SYS_get_robust_list, child, &at, &size));
        SHOW(syscall(SYS_get_robust_list, getpid(), &at, &size));
        _exit(0);
    }
    waitpid(-1, NULL, 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    SHOW(syscall(SYS_get_robust_list, child, &at, &size));
}

int main(void)
{
    handlers();
    dies("a lock that is free", 0, 0);
    dies("another's lock", 1, 0);
    dies("a lock that names its owner", 0, 1);
    killed("while it runs", 0);
    killed("in a read", 1);
    killed("in a pause", 2);
    words();
    lists();
    return 0;
}
