/* Who sleeps on words of memory.
 *
 * The queue of a word is found by a key of two numbers. With FUTEX_PRIVATE it is the process and
 * the address. Else other processes may have the same memory at other addresses, and PM names what
 * lies behind the address: the file or shared object, and the place in it (PM_KEY). The two kinds
 * of keys never meet; a wake-up that may be meant for either (a thread's clear_tid, a robust lock)
 * tries both, but asks PM only while some thread sleeps on a shared word. */
#include "futex_queue.h"

#include "clock.h"
#include "delivery.h"
#include "user_memory.h"

enum { BUCKETS = 64 };
/* realtime threads before others, by priority; of equals first come first */
static struct sleeper *buckets[BUCKETS];
static unsigned shared_sleepers, lock_sleepers;

static struct sleeper **bucket(const struct futex_key *k)
{
    return &buckets[(k->first ^ (k->first >> 12) ^ (k->second >> 2) ^ (k->second >> 12)) &
                    (BUCKETS - 1)];
}

int64_t futex_key(struct thread *t, caller_t address, bool shared, struct futex_key *k)
{
    *k = (struct futex_key){ (uint64_t)t->process, address, shared };
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
    k->first = r.r1;
    k->second = r.r2;
    return 0;
}

bool futex_same(const struct futex_key *a, const struct futex_key *b)
{
    return a->first == b->first && a->second == b->second;
}

int64_t futex_read(struct thread *t, caller_t at, bool shared, struct futex_key *k, uint32_t *word)
{
    int64_t error = futex_key(t, at, shared, k);
    if (error)
        return error;
    return t->dead ? LATER : user_read(t, at, word, sizeof *word);
}

/* ---- queues ---- */

static void count(const struct sleeper *s, int more)
{
    if (s->key.shared)
        shared_sleepers += more;
    if (s->kind == SLEEPS_FOR_LOCK)
        lock_sleepers += more;
}

void sleeper_put(struct sleeper *s, const struct futex_key *k)
{
    s->key = *k;
    count(s, 1);
    struct sleeper **at = bucket(k);
    while (*at && (*at)->thread->rt_priority >= s->thread->rt_priority)
        at = &(*at)->next;
    s->next = *at;
    *at = s;
}

void sleeper_remove(struct sleeper *s)
{
    count(s, -1);
    struct sleeper **at = bucket(&s->key);
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
}

static struct sleeper *on_word(struct sleeper *s, const struct futex_key *k)
{
    while (s && !futex_same(&s->key, k))
        s = s->next;
    return s;
}

struct sleeper *sleeper_first(const struct futex_key *k) { return on_word(*bucket(k), k); }
struct sleeper *sleeper_next(const struct sleeper *s) { return on_word(s->next, &s->key); }

struct sleeper *sleeper_behind(const struct thread *t)
{
    for (unsigned i = 0; lock_sleepers && i < BUCKETS; i++)
        for (struct sleeper *s = buckets[i]; s; s = s->next)
            if (s->kind == SLEEPS_FOR_LOCK && s->owner == t->tid && s->thread != t &&
                !(s->thread->process == t->process && t->process->exiting))
                return s;
    return NULL;
}

void sleeper_wake(struct sleeper *s) { thread_finish(s->thread, s->number); }

int64_t futex_wake(const struct futex_key *k, int count, uint32_t bitset)
{
    int64_t n = 0;
    while (n < count) {
        struct sleeper *s = sleeper_first(k);
        while (s && s->kind == SLEEPS && !(s->bitset & bitset))
            s = sleeper_next(s);
        if (s && s->kind != SLEEPS)
            return -EINVAL;
        if (!s)
            break;
        sleeper_wake(s);
        n++;
    }
    return n;
}

void futex_wake_address(struct thread *t, caller_t address, int count)
{
    struct futex_key k;
    if (futex_key(t, address, false, &k) == 0)
        count -= MAX(futex_wake(&k, count, ~0u), 0l);
    if (count > 0 && shared_sleepers && futex_key(t, address, true, &k) == 0)
        futex_wake(&k, count, ~0u);
}

/* ---- sleeping ---- */

int64_t futex_deadline(struct thread *t, caller_t at, bool absolute, bool wall,
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

static void timed_out(struct timer *timer)
{
    thread_finish(CONTAINER(timer, struct thread, timer), -ETIMEDOUT);
}

void futex_limit(struct thread *t, const struct deadline *until)
{
    if (until->when)
        timer_set_by(&t->timer, until->when, until->wall, timed_out);
}

static void get_up(struct thread *t) { sleeper_remove(&t->wait.futex.sleeper); }

int64_t futex_sleep(struct thread *t, const struct futex_key *k, enum sleeper_kind kind,
                    uint32_t bitset, const struct deadline *until, int64_t interrupted)
{
    struct sleeper *s = &t->wait.futex.sleeper;
    s->thread = t;
    s->bitset = bitset;
    s->kind = kind;
    s->number = 0;
    sleeper_put(s, k);
    futex_limit(t, until);
    return thread_wait(t, get_up, interrupted);
}
