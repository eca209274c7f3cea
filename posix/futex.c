/* Futexes: sleeping on a word of memory (Drepper, "Futexes are tricky"; the operations are those of
 * Linux).
 *
 * A program looks at a word, and if that says so, asks to sleep until another thread wakes the
 * sleepers on that word. The server looks again, and no wake-up may fall between its look and the
 * moment when the sleeper stands in the queue. None does: a service is a monitor, so no other
 * handler runs in between, and programs have lower priorities, so none of them changes the word.
 * What may wait (key_of, and a page that is not there, which throws the call back) comes before the
 * look.
 *
 * The queue of a word is found by a key of two numbers. With FUTEX_PRIVATE it is the process and
 * the address. Else other processes may have the same memory at other addresses, and PM names what
 * lies behind the address: the file or shared object, and the place in it (PM_KEY). The two kinds
 * of keys never meet; a wake-up that may be meant for either (a thread's clear_tid, a robust lock)
 * tries both, but asks PM only while some thread sleeps on a shared word.
 *
 * Locks that name their owner (LOCK_PI) are handed over: unlock writes the next sleeper's number
 * into the word itself. No priority is inherited. */
#include "futex.h"

#include "clock.h"
#include "delivery.h"
#include "handlers.h"
#include "signal_abi.h"
#include "syscalls.h"
#include "trace.h"
#include "user_memory.h"

enum {
    FUTEX_WAIT,
    FUTEX_WAKE,
    FUTEX_FD,
    FUTEX_REQUEUE,
    FUTEX_CMP_REQUEUE,
    FUTEX_WAKE_OP,
    FUTEX_LOCK_PI,
    FUTEX_UNLOCK_PI,
    FUTEX_TRYLOCK_PI,
    FUTEX_WAIT_BITSET,
    FUTEX_WAKE_BITSET,
    FUTEX_LOCK_PI2 = 13,
    FUTEX_PRIVATE = 128,
    FUTEX_CLOCK_REALTIME = 256,
};
#define FUTEX_WAITERS    0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID        0x3fffffffu

enum { BUCKETS = 64 };
static struct thread *buckets[BUCKETS]; /* by wait_next, first come first */
static unsigned shared_waiters;

struct key {
    uint64_t key1, key2;
    bool shared;
};

static struct thread **bucket(const struct key *k)
{
    return &buckets[(k->key1 ^ (k->key1 >> 12) ^ (k->key2 >> 2) ^ (k->key2 >> 12)) & (BUCKETS - 1)];
}

static bool same(const struct thread *t, const struct key *k)
{
    return t->wait.futex.key1 == k->key1 && t->wait.futex.key2 == k->key2;
}

/* The key of a word of t's memory. 0, -EINVAL, -EFAULT, or what PM says. May wait when shared; t
 * may be dead afterwards. */
static int64_t key_of(struct thread *t, caller_t address, bool shared, struct key *k)
{
    *k = (struct key){ (uint64_t)t->process, address, shared };
    if (address & 3)
        return -EINVAL;
    if (address >= USER_TOP)
        return -EFAULT;
    if (!shared)
        return 0;
    struct call_result r;
    int64_t error = call_window(service_find("pm"),
                                &(struct call_args){ .op = PM_KEY, .w0 = t->process->i.task },
                                WINDOW_NONE, (void *)address, 0, &r);
    if (error < 0)
        return error;
    k->key1 = r.r1;
    k->key2 = r.r2;
    return 0;
}

static void queue_put(struct thread *t, const struct key *k)
{
    t->wait.futex.key1 = k->key1;
    t->wait.futex.key2 = k->key2;
    t->wait.futex.shared = k->shared;
    shared_waiters += k->shared;
    struct thread **at = bucket(k);
    while (*at)
        at = &(*at)->wait_next;
    t->wait_next = NULL;
    *at = t;
}

static void queue_remove(struct thread *t)
{
    struct key k = { t->wait.futex.key1, t->wait.futex.key2, t->wait.futex.shared };
    shared_waiters -= k.shared;
    for (struct thread **at = bucket(&k); *at; at = &(*at)->wait_next)
        if (*at == t) {
            *at = t->wait_next;
            return;
        }
}

/* The first thread that sleeps on the word with one of these bits; NULL: none does. */
static struct thread *sleeper_find(const struct key *k, uint32_t bitset)
{
    struct thread *t = *bucket(k);
    while (t && !(same(t, k) && (t->wait.futex.bitset & bitset)))
        t = t->wait_next;
    return t;
}

/* Wakes `count` sleepers at most, and returns how many. May wait. */
static int64_t wake(const struct key *k, int count, uint32_t bitset)
{
    int64_t n = 0;
    for (struct thread *t; n < count && (t = sleeper_find(k, bitset)); n++)
        thread_finish(t, 0);
    return n;
}

void futex_wake_address(struct thread *t, caller_t address, int count)
{
    struct key k;
    if (key_of(t, address, false, &k) == 0)
        count -= wake(&k, count, ~0u);
    if (count > 0 && shared_waiters && key_of(t, address, true, &k) == 0)
        wake(&k, count, ~0u);
}

/* ---- waiting ---- */

static void timed_out(struct timer *timer)
{
    thread_finish(CONTAINER(timer, struct thread, timer), -ETIMEDOUT);
}

/* When a wait is over. */
struct deadline {
    uint64_t when; /* nanoseconds since boot, or since 1970; 0: never */
    bool wall;     /* a time of day */
};

/* A time limit at `at` in t's memory; 0: none. 0 and *until, -EINVAL, or as user_read. */
static int64_t deadline(struct thread *t, caller_t at, bool absolute, bool wall,
                        struct deadline *until)
{
    struct timespec64 time;
    *until = (struct deadline){ 0, false };
    if (!at)
        return 0;
    int64_t error = timespec_read(t, at, &time);
    if (error)
        return error;
    until->when = MAX(timespec_ns(&time) + (absolute ? 0 : time_now()), 1ul);
    until->wall = absolute && wall;
    return 0;
}

/* Finds the key of a word and then reads the word: finding the key may wait, and the word must not
 * be old. 0, LATER, or an error. */
static int64_t word_read(struct thread *t, caller_t at, unsigned op, struct key *k, uint32_t *word)
{
    int64_t error = key_of(t, at, !(op & FUTEX_PRIVATE), k);
    if (error)
        return error;
    return t->dead ? LATER : user_read(t, at, word, sizeof *word);
}

static int64_t sleep_on(struct thread *t, const struct key *k, uint32_t bitset,
                        const struct deadline *until, int64_t interrupted)
{
    t->wait.futex.bitset = bitset;
    queue_put(t, k);
    if (until->when)
        timer_set_by(&t->timer, until->when, until->wall, timed_out);
    return thread_wait(t, queue_remove, interrupted);
}

static int64_t wait(struct thread *t, const uint64_t *w, unsigned op, bool absolute,
                    uint32_t bitset)
{
    struct deadline until;
    struct key k;
    uint32_t word;
    if (!bitset)
        return -EINVAL;
    int64_t error = deadline(t, w[3], absolute, op & FUTEX_CLOCK_REALTIME, &until);
    if (error || (error = word_read(t, w[0], op, &k, &word)))
        return error;
    if (word != (uint32_t)w[2])
        return -EAGAIN;
    /* A handler ends a wait with a limit even if it has SA_RESTART (Linux: the call's restart
     * block); and if the call were made again, a relative limit would begin anew. */
    return sleep_on(t, &k, bitset, &until,
                    !until.when ? -ERESTARTSYS
                    : absolute  ? -ERESTARTNOHAND
                                : -EINTR);
}

static int64_t requeue(struct thread *t, const uint64_t *w, unsigned op, bool compare)
{
    struct key from, to;
    uint32_t word;
    bool shared = !(op & FUTEX_PRIVATE);
    int64_t error;
    if ((int)w[2] < 0 || (int)w[3] < 0)
        return -EINVAL;
    if ((error = key_of(t, w[0], shared, &from)) || (error = key_of(t, w[4], shared, &to)))
        return error;
    if (t->dead)
        return LATER;
    if (compare) {
        if ((error = user_read(t, w[0], &word, sizeof word)))
            return error;
        if (word != (uint32_t)w[5])
            return -EAGAIN;
    }
    int64_t n = wake(&from, (int)w[2], ~0u);
    struct thread *x;
    for (int moved = 0; moved < (int)w[3] && (from.key1 != to.key1 || from.key2 != to.key2) &&
                        (x = sleeper_find(&from, ~0u));
         moved++, n++) {
        queue_remove(x);
        queue_put(x, &to);
    }
    return n;
}

/* ---- a word that is changed, and two that are woken on ---- */

/* The number of 12 bits at bit `at`, with a sign. */
static int32_t number_at(uint32_t encoded, unsigned at)
{
    return (int32_t)(encoded << (20 - at)) >> 20;
}

/* Changes a word as FUTEX_WAKE_OP's last argument says: 0, or -ENOSYS. (futex(2)) */
static int64_t word_change(uint32_t encoded, uint32_t *word)
{
    enum { SET, ADD, OR, AND_NOT, XOR };
    uint32_t by = number_at(encoded, 12);
    if (encoded >> 31) /* a shift */
        by = 1u << (by & 31);
    switch (encoded >> 28 & 7) {
    case SET: *word = by; return 0;
    case ADD: *word += by; return 0;
    case OR: *word |= by; return 0;
    case AND_NOT: *word &= ~by; return 0;
    case XOR: *word ^= by; return 0;
    default: return -ENOSYS;
    }
}

/* What the last argument says of the word as it was: whether the second word's sleepers are woken,
 * or -ENOSYS. */
static int64_t word_judge(uint32_t encoded, int32_t word)
{
    enum { EQUAL, UNEQUAL, LESS, AT_MOST, MORE, AT_LEAST };
    int32_t with = number_at(encoded, 0);
    switch (encoded >> 24 & 15) {
    case EQUAL: return word == with;
    case UNEQUAL: return word != with;
    case LESS: return word < with;
    case AT_MOST: return word <= with;
    case MORE: return word > with;
    case AT_LEAST: return word >= with;
    default: return -ENOSYS;
    }
}

static int64_t wake_op(struct thread *t, const uint64_t *w, unsigned op)
{
    struct key first, second;
    uint32_t word;
    bool shared = !(op & FUTEX_PRIVATE);
    int64_t error = key_of(t, w[0], shared, &first);
    if (error || (error = key_of(t, w[4], shared, &second)))
        return error;
    if (t->dead)
        return LATER;
    if ((error = user_read(t, w[4], &word, sizeof word)))
        return error;
    int32_t before = word;
    if ((error = word_change(w[5], &word)) || (error = user_write(t, w[4], &word, sizeof word)))
        return error;
    int64_t also = word_judge(w[5], before);
    if (also < 0)
        return also;
    int64_t n = wake(&first, MAX((int)w[2], 1), ~0u);
    return n + (also ? wake(&second, MAX((int)w[3], 1), ~0u) : 0);
}

/* ---- locks whose word names the owner; 0: they are free ---- */

static int64_t lock_pi(struct thread *t, const uint64_t *w, unsigned op, bool wall, bool try)
{
    struct key k;
    struct deadline until = { 0, false };
    uint32_t word;
    int64_t error = try ? 0 : deadline(t, w[3], true, wall, &until);
    if (error || (error = word_read(t, w[0], op, &k, &word)))
        return error;
    if ((word & FUTEX_TID) == (unsigned)t->tid)
        return -EDEADLK;
    bool free = !(word & FUTEX_TID);
    if (!free && !thread_find(word & FUTEX_TID)) {
        if (!(word & FUTEX_OWNER_DIED))
            return -ESRCH;
        free = true;
    }
    if (!free && try)
        return -EAGAIN;
    uint32_t now = free ? (word & (FUTEX_OWNER_DIED | FUTEX_WAITERS)) | t->tid
                        : word | FUTEX_WAITERS;
    if ((error = user_write(t, w[0], &now, sizeof now)))
        return error;
    if (free)
        return 0;
    return sleep_on(t, &k, ~0u, &until, -ERESTARTNOINTR);
}

static int64_t unlock_pi(struct thread *t, const uint64_t *w, unsigned op)
{
    struct key k;
    uint32_t word;
    int64_t error = word_read(t, w[0], op, &k, &word);
    if (error)
        return error;
    if ((word & FUTEX_TID) != (unsigned)t->tid)
        return -EPERM;
    struct thread *next = sleeper_find(&k, ~0u);
    word = next ? (unsigned)next->tid : 0;
    if (next) {
        next->wait.futex.bitset = 0; /* not to be found again */
        if (sleeper_find(&k, ~0u))
            word |= FUTEX_WAITERS;
        next->wait.futex.bitset = ~0u;
    }
    if ((error = user_write(t, w[0], &word, sizeof word)))
        return error;
    if (next)
        thread_finish(next, 0);
    return 0;
}

int64_t linux_futex(struct thread *t, struct message *m)
{
    const uint64_t *w = m->w;
    unsigned op = w[1];
    struct key k;
    int64_t error;
    unsigned which = op & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
    bool wall = op & FUTEX_CLOCK_REALTIME;
    if (wall && which != FUTEX_WAIT_BITSET && which != FUTEX_LOCK_PI2)
        return -ENOSYS;
    switch (which) {
    case FUTEX_WAIT: return wait(t, w, op, false, ~0u);
    case FUTEX_WAIT_BITSET: return wait(t, w, op, true, w[5]);
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET: {
        uint32_t bits = (op & 127) == FUTEX_WAKE ? ~0u : (uint32_t)w[5];
        if (!bits)
            return -EINVAL;
        if ((error = key_of(t, w[0], !(op & FUTEX_PRIVATE), &k)))
            return error;
        return wake(&k, MAX((int)w[2], 1), bits);
    }
    case FUTEX_REQUEUE: return requeue(t, w, op, false);
    case FUTEX_CMP_REQUEUE: return requeue(t, w, op, true);
    case FUTEX_WAKE_OP: return wake_op(t, w, op);
    case FUTEX_LOCK_PI: return lock_pi(t, w, op, true, false);
    case FUTEX_LOCK_PI2: return lock_pi(t, w, op, wall, false);
    case FUTEX_TRYLOCK_PI: return lock_pi(t, w, op, true, true);
    case FUTEX_UNLOCK_PI: return unlock_pi(t, w, op);
    default: return -ENOSYS;
    }
}

/* ---- robust lists ---- */

/* Reads from the memory of t's process, wherever t is. If a page has to be brought for that, the
 * buffer is filled after the wait. 0, -EFAULT. May wait. */
static int peek(const struct thread *t, caller_t at, void *to, size_t length)
{
    char byte;
    endpoint_t task = t->process->i.task;
    if (ask_peek(task, at, to, length) >= 0)
        return 0;
    bool there = trace_memory(task, at, &byte, 1, 0) == 1;
    return there && ask_peek(task, at, to, length) >= 0 ? 0 : -EFAULT;
}

static int poke_word(const struct thread *t, caller_t at, uint32_t word)
{
    endpoint_t task = t->process->i.task;
    return ask_poke(task, at, &word, sizeof word) >= 0 ||
                   trace_memory(task, at, &word, sizeof word, MEMORY_WRITE) == sizeof word
               ? 0
               : -EFAULT;
}

/* Marks the word of a lock that t holds (FUTEX_OWNER_DIED), and wakes one sleeper on it. let_go: t
 * was about to lock or unlock it; if it is free, t may have died before waking one itself. May
 * wait. */
static void mark_dead(struct thread *t, caller_t at, bool let_go)
{
    uint32_t word;
    if ((at & 3) || peek(t, at, &word, sizeof word))
        return;
    if (let_go && !(word & FUTEX_TID))
        futex_wake_address(t, at, 1);
    if ((word & FUTEX_TID) != (unsigned)t->tid)
        return;
    bool waiters = word & FUTEX_WAITERS;
    word = (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
    if (!poke_word(t, at, word) && waiters)
        futex_wake_address(t, at, 1);
}

void futex_robust(struct thread *t, unsigned *places)
{
    enum { AT_ONCE = 256 };
    struct {
        caller_t next;
        int64_t offset;
        caller_t pending;
    } head;
    caller_t list = t->robust_list, at;
    t->robust_list = 0;
    if (!list || peek(t, list, &head, sizeof head))
        return;
    at = head.next & ~1ul;
    for (unsigned n = 0; at != list && n < ROBUST_MAX && *places && !t->dead; n++) {
        caller_t next;
        if (--*places % AT_ONCE == 0)
            give_way(*places / AT_ONCE);
        if (peek(t, at, &next, sizeof next))
            break;
        if (at != (head.pending & ~1ul))
            mark_dead(t, at + head.offset, false);
        at = next & ~1ul;
    }
    if (head.pending && !t->dead) /* bit 0: a lock that names its owner is handed over */
        mark_dead(t, (head.pending & ~1ul) + head.offset, !(head.pending & 1));
}

enum { ROBUST_HEAD_SIZE = 24 };

int64_t linux_set_robust_list(struct thread *t, struct message *m)
{
    if (m->w[1] != ROBUST_HEAD_SIZE)
        return -EINVAL;
    t->robust_list = m->w[0];
    return 0;
}

int64_t linux_get_robust_list(struct thread *t, struct message *m)
{
    struct thread *of = m->w[0] ? thread_find(m->w[0]) : t;
    if (!of)
        return -ESRCH;
    if (!trace_allowed(t->process, of->process))
        return -EPERM;
    uint64_t size = ROBUST_HEAD_SIZE;
    int64_t error = user_write(t, m->w[2], &size, sizeof size);
    return error ? error : user_write(t, m->w[1], &of->robust_list, sizeof of->robust_list);
}

int64_t linux_set_tid_address(struct thread *t, struct message *m)
{
    t->clear_tid = m->w[0];
    return t->tid;
}
