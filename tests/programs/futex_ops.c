/* futex() where musl does not call it itself: WAKE_OP with each operation and comparison, LOCK_PI2,
 * the clocks of time limits, operations that there are not; sleeping on memory that goes. */
#define _GNU_SOURCE
#include "oracle.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { WAIT, WAKE, WAKE_OP = 5, LOCK_PI, UNLOCK_PI, TRYLOCK_PI, WAIT_BITSET, LOCK_PI2 = 13 };
enum { PRIVATE = 128, REALTIME = 256 };

static struct words {
    uint32_t first, second, lock;
    volatile uint32_t about_to;
} * words; /* shared with children */

static long futex(uint32_t *at, int op, uint32_t value, const void *time, uint32_t *second,
                  uint32_t third)
{
    return syscall(SYS_futex, at, op, value, time, second, third);
}

static uint32_t encode(unsigned op, unsigned compare, int by, int with)
{
    return op << 28 | compare << 24 | (by & 0xfff) << 12 | (with & 0xfff);
}

static void operations(void)
{
    static const int32_t numbers[] = { 0, 5, -1, -2048, 2047 };
    for (unsigned op = 0; op < 16; op++)
        for (unsigned i = 0; i < 5; i++) {
            words->second = 12;
            errno = 0;
            long n = futex(&words->first, WAKE_OP, 1, (void *)1, &words->second,
                           encode(op, 0, numbers[i], 12));
            SAY("operation %u by %d: %ld %s, %d", op, numbers[i], n, error_name(errno),
                (int)words->second);
        }
}

/* Waits until the thread of this directory of /proc, which is about to sleep, does so. */
static void wait_until_asleep(const char *directory)
{
    while (!words->about_to)
        pause_ms(1);
    until_asleep(directory);
}

static int sleeper(uint32_t *at)
{
    words->about_to = 0;
    pid_t child = fork();
    if (!child) {
        words->about_to = 1;
        _exit(futex(at, WAIT, *at, NULL, NULL, 0) ? errno : 0);
    }
    char directory[32];
    sprintf(directory, "/proc/%d", child);
    wait_until_asleep(directory);
    return child;
}

/* Somebody sleeps on each word. The second's is woken if the comparison holds. */
static void comparisons(void)
{
    static const int32_t with[] = { 6, 7, 8, -8 };
    for (unsigned compare = 0; compare < 8; compare++)
        for (unsigned i = 0; i < 4; i++) {
            words->first = 1, words->second = 7;
            int a = sleeper(&words->first), b = sleeper(&words->second), status;
            errno = 0;
            long n = futex(&words->first, WAKE_OP, 1, (void *)1, &words->second,
                           encode(1, compare, 1, with[i]));
            SAY("comparison %u with %d: %ld %s, %u", compare, with[i], n, error_name(errno),
                words->second);
            futex(&words->first, WAKE, 9, NULL, NULL, 0);
            futex(&words->second, WAKE, 9, NULL, NULL, 0);
            waitpid(a, &status, 0), waitpid(b, &status, 0);
        }
}

static void refused(void)
{
    uint32_t *none = (void *)8, *odd = (void *)((char *)&words->second + 1);
    SHOW(futex(&words->first, WAKE_OP, 1, (void *)1, none, 0));
    SHOW(futex(none, WAKE_OP | PRIVATE, 1, (void *)1, &words->second, 0));
    SHOW(futex(&words->first, WAKE_OP, 1, (void *)1, odd, 0));
    SHOW(futex(&words->first, WAKE_OP | REALTIME, 1, (void *)1, &words->second, 0));
    SHOW(futex(&words->first, WAKE | REALTIME, 1, NULL, NULL, 0));
    SHOW(futex(&words->first, WAIT | REALTIME, words->first, NULL, NULL, 0));
    SHOW(futex(&words->first, LOCK_PI | REALTIME, 0, NULL, NULL, 0));
    SHOW(futex(&words->first, 14, 0, NULL, NULL, 0));
    SHOW(futex(&words->first, 77, 0, NULL, NULL, 0));
    SHOW(futex(&words->first, WAIT | 1024, words->first, NULL, NULL, 0));
}

static struct timespec in_20_ms(int clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += 20000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void locks(void)
{
    struct timespec t, past = { 1, 0 };
    words->lock = 0;
    SHOW(futex(&words->lock, LOCK_PI2, 0, NULL, NULL, 0));
    SAY("it names this thread: %d", words->lock == (uint32_t)gettid());
    SHOW(futex(&words->lock, LOCK_PI2, 0, NULL, NULL, 0));
    pid_t child = fork();
    if (!child) {
        t = in_20_ms(CLOCK_MONOTONIC);
        SHOW(futex(&words->lock, LOCK_PI2, 0, &t, NULL, 0));
        t = in_20_ms(CLOCK_REALTIME);
        SHOW(futex(&words->lock, LOCK_PI2 | REALTIME, 0, &t, NULL, 0));
        t = in_20_ms(CLOCK_REALTIME);
        SHOW(futex(&words->lock, LOCK_PI, 0, &t, NULL, 0));
        SHOW(futex(&words->lock, LOCK_PI2, 0, &past, NULL, 0));
        t = (struct timespec){ 0, 1000000000 };
        SHOW(futex(&words->lock, LOCK_PI2, 0, &t, NULL, 0));
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    SHOW(futex(&words->lock, UNLOCK_PI, 0, NULL, NULL, 0));
    SAY("free: %x", words->lock);
    t = in_20_ms(CLOCK_REALTIME);
    SHOW(futex(&words->first, WAIT_BITSET | REALTIME, words->first, &t, NULL, ~0u));
    t = in_20_ms(CLOCK_MONOTONIC);
    SHOW(futex(&words->first, WAIT_BITSET, words->first, &t, NULL, ~0u));
}

/* ---- memory that goes while somebody sleeps on it ---- */

static uint32_t *shared_word(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void *sleeps(void *at)
{
    words->about_to = gettid();
    futex(at, WAIT, 0, NULL, NULL, 0);
    return NULL;
}

/* Whether the child ends within two seconds. */
static int ends(pid_t child)
{
    for (int n = 0; n < 200; n++, pause_ms(10))
        if (waitpid(child, NULL, WNOHANG) == child)
            return 1;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}

/* Who sleeps on memory that is nobody's any more is not woken in place of one who sleeps on later
 * memory. */
static void gone(void)
{
    enum { MANY = 8 };
    uint32_t *word[MANY];
    char directory[32];
    int woken = 0;
    for (int i = 0; i < MANY; i++) {
        pthread_t thread;
        word[i] = shared_word();
        words->about_to = 0;
        pthread_create(&thread, NULL, sleeps, word[i]);
        while (!words->about_to)
            pause_ms(1);
        sprintf(directory, "/proc/self/task/%u", words->about_to);
        wait_until_asleep(directory);
    }
    for (int i = 0; i < MANY; i++)
        munmap(word[i], 4096);
    for (int i = 0; i < MANY; i++) {
        word[i] = shared_word();
        pid_t child = sleeper(word[i]);
        futex(word[i], WAKE, 1, NULL, NULL, 0);
        woken += ends(child);
    }
    SAY("woken: %d", woken);
}

int main(void)
{
    words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    operations();
    comparisons();
    refused();
    locks();
    gone();
    return 0;
}
