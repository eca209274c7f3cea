/* Threads: creation, join, mutexes, conditions, semaphores, cancellation, robust mutexes,
 * thread-local data. */
#define _GNU_SOURCE
#include "oracle.h"
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static long sum;
static int ready, turns;
static __thread int own = 5;
static sem_t semaphore;

static void *adds(void *n)
{
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&mutex);
        sum += (long)n;
        pthread_mutex_unlock(&mutex);
    }
    own += (long)n;
    return (void *)(long)own;
}
static void *waits(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    while (!ready)
        pthread_cond_wait(&condition, &mutex);
    turns++;
    pthread_mutex_unlock(&mutex);
    return NULL;
}
static void cleanup(void *what) { SAY("cleanup %s", (char *)what); }
static void *sleeps(void *how)
{
    pthread_cleanup_push(cleanup, how);
    for (;;)
        sleep(100);
    pthread_cleanup_pop(0);
    return NULL;
}
static void *blocks(void *unused)
{
    char c;
    (void)unused;
    int fds[2];
    if (pipe(fds) < 0)
        return NULL;
    pthread_cleanup_push(cleanup, "read");
    SHOW(read(fds[0], &c, 1));
    pthread_cleanup_pop(0);
    return NULL;
}
static void *posts(void *n)
{
    for (long i = 0; i < (long)n; i++)
        sem_post(&semaphore);
    return NULL;
}
static pthread_t hit;
static volatile int who = -1;
static void handler(int sig)
{
    (void)sig;
    who = pthread_equal(pthread_self(), hit);
}
static void *spins(void *unused)
{
    (void)unused;
    while (who < 0)
        sched_yield();
    return NULL;
}
static void *exits(void *unused)
{
    (void)unused;
    pthread_exit((void *)77);
}
static pthread_mutex_t *robust;
static void *dies_with_lock(void *unused)
{
    (void)unused;
    pthread_mutex_lock(robust);
    return NULL;
}

int main(void)
{
    pthread_t t[8];
    void *result;
    for (long i = 0; i < 8; i++)
        if (pthread_create(&t[i], NULL, adds, (void *)(i + 1)))
            SAY("create failed");
    long owns = 0;
    for (int i = 0; i < 8; i++) {
        pthread_join(t[i], &result);
        owns += (long)result;
    }
    SAY("sum %ld, thread-local %ld, own %d", sum, owns, own);
    for (int i = 0; i < 5; i++)
        pthread_create(&t[i], NULL, waits, NULL);
    pause_ms(20);
    pthread_mutex_lock(&mutex);
    ready = 1;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < 5; i++)
        pthread_join(t[i], NULL);
    SAY("woken %d", turns);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 20000000;
    if (until.tv_nsec >= 1000000000)
        until.tv_sec++, until.tv_nsec -= 1000000000;
    pthread_mutex_lock(&mutex);
    SAY("timed wait: %s", error_name(pthread_cond_timedwait(&condition, &mutex, &until)));
    pthread_mutex_unlock(&mutex);
    sem_init(&semaphore, 0, 0);
    pthread_create(&t[0], NULL, posts, (void *)3);
    for (int i = 0; i < 3; i++)
        SHOW(sem_wait(&semaphore));
    pthread_join(t[0], NULL);
    SHOW(sem_trywait(&semaphore));
    pthread_create(&t[0], NULL, sleeps, "sleep");
    pause_ms(20);
    int cancel = pthread_cancel(t[0]);
    pthread_join(t[0], &result);
    SAY("cancel %d", cancel);
    SAY("cancelled %d", result == PTHREAD_CANCELED);
    pthread_create(&t[0], NULL, blocks, NULL);
    pause_ms(20);
    cancel = pthread_cancel(t[0]);
    pthread_join(t[0], &result);
    SAY("cancel %d", cancel);
    SAY("cancelled %d", result == PTHREAD_CANCELED);
    pthread_create(&t[0], NULL, exits, NULL);
    pthread_join(t[0], &result);
    SAY("exit value %ld", (long)result);
    signal(SIGUSR1, handler);
    pthread_create(&hit, NULL, spins, NULL);
    int killed = pthread_kill(hit, SIGUSR1);
    pthread_join(hit, NULL);
    SAY("pthread_kill %d", killed);
    SAY("the right thread: %d", who);
    robust = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(robust, &attr);
    pthread_create(&t[0], NULL, dies_with_lock, NULL);
    pthread_join(t[0], NULL);
    SAY("lock of a dead thread: %s", error_name(pthread_mutex_lock(robust)));
    pthread_mutex_consistent(robust);
    pthread_mutex_unlock(robust);
    pid_t pid = fork();
    if (!pid) {
        pthread_mutex_lock(robust);
        _exit(0);
    }
    wait(NULL);
    SAY("lock of a dead process: %s", error_name(pthread_mutex_lock(robust)));
    sem_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sem_init(shared, 1, 0);
    pid = fork();
    if (!pid) {
        pause_ms(30);
        sem_post(shared);
        _exit(0);
    }
    SHOW(sem_wait(shared));
    wait(NULL);
    pid = fork();
    if (!pid) {
        pthread_create(&t[0], NULL, sleeps, "never");
        pause_ms(10);
        exit(6);
    }
    int status;
    waitpid(pid, &status, 0);
    show_status("exit with threads", status);
    pid = fork();
    if (!pid) {
        pthread_create(&t[0], NULL, sleeps, "never");
        pause_ms(10);
        execl("/bin/sh", "sh", "-c", "exit 8", (char *)NULL);
    }
    waitpid(pid, &status, 0);
    show_status("exec with threads", status);
    return 0;
}
