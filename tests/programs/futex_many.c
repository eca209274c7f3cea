/* futex_waitv; locks that are handed over, whose owner ends or becomes another program; sleepers
 * that are moved to the queue of a lock (WAIT_REQUEUE_PI, CMP_REQUEUE_PI). */
#define _GNU_SOURCE
#include "oracle.h"
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum {
    FUTEX_WAIT,
    FUTEX_WAKE,
    FUTEX_REQUEUE = 3,
    FUTEX_LOCK_PI = 6,
    FUTEX_UNLOCK_PI,
    FUTEX_WAIT_REQUEUE_PI = 11,
    FUTEX_CMP_REQUEUE_PI,
    FUTEX_PRIVATE = 128,
    FUTEX_CLOCK_REALTIME = 256
};
#define FUTEX_WAITERS    0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID        0x3fffffffu
enum { FUTEX_32 = 2 }; /* of futex_waitv */

enum { WAIT_V = 449, WORDS = 130 };
struct many {
    uint64_t value, address;
    uint32_t flags, reserved;
};
static struct shared {
    uint32_t word[WORDS], condition, other, lock;
    volatile int32_t about_to, handled;
    struct robust {
        struct robust *next;
        long offset;
        struct robust *pending;
    } head, list;
    uint32_t robust;
} * s;
static struct many many[WORDS];

static long futex(uint32_t *at, int op, uint32_t value, const void *time, uint32_t *second,
                  uint32_t third)
{
    return syscall(SYS_futex, at, op, value, time, second, third);
}

static long wait_many(unsigned count, unsigned flags, const void *time, int clock)
{
    return syscall(WAIT_V, many, count, flags, time, clock);
}

static void prepare(unsigned count, uint32_t flags)
{
    for (unsigned i = 0; i < count; i++)
        many[i] = (struct many){ s->word[i] = i + 1, (uintptr_t)&s->word[i], flags, 0 };
}

static struct timespec in_ms(int clock, long ms)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

/* Until the process sleeps. */
static void until_it_sleeps(pid_t child)
{
    char directory[32];
    sprintf(directory, "/proc/%d", child);
    while (s->about_to != child)
        pause_ms(1);
    until_asleep(directory);
}

struct child {
    pid_t pid;
    int output;
};

/* A child that does something in which it sleeps, and has begun to. What it says comes out when it
 * has ended. */
static struct child sleeper(void (*work)(void))
{
    int ends[2];
    if (pipe(ends))
        _exit(1);
    s->about_to = 0;
    pid_t pid = fork();
    if (!pid) {
        dup2(ends[1], 1);
        s->about_to = getpid();
        work();
        _exit(0);
    }
    close(ends[1]);
    until_it_sleeps(pid);
    return (struct child){ pid, ends[0] };
}

static void end(struct child c)
{
    char text[1000];
    ssize_t n;
    int status;
    waitpid(c.pid, &status, 0);
    while ((n = read(c.output, text, sizeof text)) > 0)
        (void)!write(1, text, n);
    close(c.output);
    SAY("child: %x", status);
}

/* ---- many words ---- */

static void refused(void)
{
    struct timespec t = in_ms(CLOCK_MONOTONIC, 20), odd = { 0, -1 };
    prepare(WORDS, FUTEX_32);
    SHOW(wait_many(0, 0, NULL, 0));
    SHOW(wait_many(129, 0, NULL, 0));
    SHOW(wait_many(1, 1, NULL, 0));
    SHOW(wait_many(1, 0, &t, CLOCK_BOOTTIME));
    SHOW(wait_many(1, 0, &odd, CLOCK_MONOTONIC));
    SHOW(wait_many(1, 0, (void *)8, CLOCK_MONOTONIC));
    SHOW(syscall(WAIT_V, NULL, 1, 0, NULL, 0));
    SHOW(syscall(WAIT_V, (void *)8, 1, 0, NULL, 0));
    many[0].flags = 0;
    SHOW(wait_many(1, 0, NULL, 0));
    many[0].flags = FUTEX_32 | 1;
    SHOW(wait_many(1, 0, NULL, 0));
    many[0].flags = FUTEX_32;
    many[0].reserved = 1;
    SHOW(wait_many(1, 0, NULL, 0));
    many[0].reserved = 0;
    many[0].address++;
    SHOW(wait_many(1, 0, NULL, 0));
    many[0].address = 8;
    SHOW(wait_many(1, 0, NULL, 0));
    prepare(128, FUTEX_32);
    s->word[127] = 0;
    SHOW(wait_many(128, 0, NULL, 0));
}

static void limits(void)
{
    struct timespec t = in_ms(CLOCK_MONOTONIC, 20);
    prepare(3, FUTEX_32 | FUTEX_PRIVATE);
    SHOW(wait_many(3, 0, &t, CLOCK_MONOTONIC));
    t = in_ms(CLOCK_REALTIME, 20);
    SHOW(wait_many(3, 0, &t, CLOCK_REALTIME));
    SHOW(futex(&s->word[1], FUTEX_WAKE | FUTEX_PRIVATE, 1, NULL, NULL, 0));
}

static void waits(void) { SHOW(wait_many(128, 0, NULL, 0)); }

static void woken(void)
{
    prepare(128, FUTEX_32);
    for (unsigned i = 0; i < 128; i += 42) {
        struct child child = sleeper(waits);
        SHOW(futex(&s->word[i], FUTEX_WAKE, 9, NULL, NULL, 0));
        end(child);
        SHOW(futex(&s->word[i], FUTEX_WAKE, 9, NULL, NULL, 0));
    }
    struct child child = sleeper(waits);
    SHOW(futex(&s->word[5], FUTEX_REQUEUE, 0, (void *)1, &s->other, 0));
    SHOW(futex(&s->word[5], FUTEX_WAKE, 9, NULL, NULL, 0));
    SHOW(futex(&s->other, FUTEX_WAKE, 9, NULL, NULL, 0));
    end(child);
    child = sleeper(waits);
    kill(child.pid, SIGKILL);
    end(child);
    SHOW(futex(&s->word[5], FUTEX_WAKE, 9, NULL, NULL, 0));
}

static void handle(int sig) { s->handled = sig; }

static void interrupted(void)
{
    struct sigaction a = { .sa_handler = handle };
    sigaction(SIGUSR1, &a, NULL);
    a.sa_flags = SA_RESTART;
    sigaction(SIGUSR2, &a, NULL);
    prepare(128, FUTEX_32);
    struct child child = sleeper(waits);
    kill(child.pid, SIGUSR2);
    while (s->handled != SIGUSR2) /* before it sleeps again */
        pause_ms(1);
    until_it_sleeps(child.pid);
    SHOW(futex(&s->word[100], FUTEX_WAKE, 9, NULL, NULL, 0));
    end(child);
    child = sleeper(waits);
    kill(child.pid, SIGUSR1);
    end(child);
}

/* ---- locks ---- */

static void word(const char *what, uint32_t value)
{
    uint32_t owner = value & FUTEX_TID;
    SAY("%s: %s%s", what,
        !owner                        ? "free"
        : owner == (uint32_t)gettid() ? "mine"
                                      : "another's",
        value & FUTEX_OWNER_DIED ? ", its owner died" : "");
}

static void wants(void)
{
    SHOW(futex(&s->lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    word("in the child", s->lock);
}

static void holds(void)
{
    SHOW(futex(&s->lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    futex(&s->other, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void becomes_another(void)
{
    holds();
    execl("/proc/self/exe", "futex_many", "sleeps", NULL);
}

/* The owner ends without a word while others wait. */
static void owner_ends(void)
{
    s->lock = 0;
    struct child owner = sleeper(holds), first = sleeper(wants), second = sleeper(wants);
    SHOW(futex(&s->lock, FUTEX_WAKE, 1, NULL, NULL, 0));
    kill(owner.pid, SIGKILL);
    end(owner);
    end(first);
    end(second);
    word("at last", s->lock);
    s->lock = 0;
    owner = sleeper(becomes_another), first = sleeper(wants);
    futex(&s->other, FUTEX_WAKE, 1, NULL, NULL, 0);
    end(first);
    kill(owner.pid, SIGKILL);
    end(owner);
}

static void holds_robust(void)
{
    s->head.next = &s->list;
    s->head.offset = offsetof(struct shared, robust) - offsetof(struct shared, list);
    s->list.next = &s->head;
    s->robust = gettid() | FUTEX_WAITERS;
    SHOW(syscall(SYS_set_robust_list, &s->head, sizeof s->head));
    futex(&s->other, FUTEX_WAIT, 0, NULL, NULL, 0);
    execl("/nowhere", "nowhere", NULL);
    SAY("%s", s->robust == (gettid() | FUTEX_WAITERS) ? "still mine" : "lost");
    execl("/proc/self/exe", "futex_many", "sleeps", NULL);
}

static void waits_for_robust(void)
{
    uint32_t value = s->robust;
    SHOW(futex(&s->robust, FUTEX_WAIT, value, NULL, NULL, 0));
    word("robust", s->robust);
}

/* A program that others wait for becomes another one. */
static void robust_exec(void)
{
    struct child owner = sleeper(holds_robust), other = sleeper(waits_for_robust);
    futex(&s->other, FUTEX_WAKE, 1, NULL, NULL, 0);
    end(other);
    kill(owner.pid, SIGKILL);
    end(owner);
}

/* ---- from a condition to a lock ---- */

static void waits_to_lock(void)
{
    SHOW(futex(&s->condition, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &s->lock, 0));
    word("moved", s->lock);
    SHOW(futex(&s->lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
}

static void waits_to_lock_shortly(void)
{
    struct timespec t = in_ms(CLOCK_MONOTONIC, 1000);
    SHOW(futex(&s->condition, FUTEX_WAIT_REQUEUE_PI, 0, &t, &s->lock, 0));
}

static void waits_on_condition(void) { SHOW(futex(&s->condition, FUTEX_WAIT, 0, NULL, NULL, 0)); }

static void move_refused(void)
{
    struct timespec t = in_ms(CLOCK_REALTIME, 20);
    s->condition = s->lock = 0;
    SHOW(futex(&s->condition, FUTEX_WAIT_REQUEUE_PI, 1, NULL, &s->lock, 0));
    SHOW(futex(&s->condition, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &s->condition, 0));
    SHOW(futex(&s->condition, FUTEX_WAIT_REQUEUE_PI | FUTEX_CLOCK_REALTIME, 0, &t, &s->lock, 0));
    SHOW(futex(&s->condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &s->lock, 0));
    SHOW(futex(&s->condition, FUTEX_CMP_REQUEUE_PI, 2, (void *)1, &s->lock, 0));
    SHOW(futex(&s->condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)-1, &s->lock, 0));
    SHOW(futex(&s->condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &s->lock, 1));
    SHOW(futex(&s->condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &s->condition, 0));
    struct child child = sleeper(waits_on_condition);
    SHOW(futex(&s->condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &s->lock, 0));
    SHOW(futex(&s->condition, FUTEX_WAKE, 1, NULL, NULL, 0));
    end(child);
    child = sleeper(waits_to_lock);
    SHOW(futex(&s->condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &s->other, 0));
    SHOW(futex(&s->condition, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(&s->condition, FUTEX_REQUEUE, 1, (void *)1, &s->other, 0));
    kill(child.pid, SIGKILL);
    end(child);
}

static void moved(void)
{
    s->condition = s->lock = 0;
    struct child child[3];
    for (unsigned i = 0; i < 3; i++)
        child[i] = sleeper(waits_to_lock);
    SHOW(futex(&s->condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)0, &s->lock, 0));
    end(child[0]);
    word("afterwards", s->lock);
    SHOW(futex(&s->lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(&s->condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &s->lock, 0));
    word("before", s->lock);
    SHOW(futex(&s->lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    end(child[1]);
    end(child[2]);
    word("afterwards", s->lock);
    SHOW(futex(&s->lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    child[0] = sleeper(waits_to_lock_shortly);
    SHOW(futex(&s->condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &s->lock, 0));
    end(child[0]);
    child[0] = sleeper(waits_to_lock);
    SHOW(futex(&s->condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &s->lock, 0));
    kill(child[0].pid, SIGUSR1);
    end(child[0]);
    SHOW(futex(&s->lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        for (;;)
            pause();
    setvbuf(stdout, NULL, _IONBF, 0);
    s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    refused();
    limits();
    woken();
    interrupted();
    owner_ends();
    robust_exec();
    move_refused();
    moved();
    return 0;
}
