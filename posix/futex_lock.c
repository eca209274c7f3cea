/* Futexes that are locks (the PI operations of futex(2)). The word is 0, or names the thread that
 * owns the lock, so a program enters here only if somebody has to wait. A lock is handed over:
 * who gives it back, or ends, writes the first sleeper's number into the word. No priority is
 * inherited.
 *
 * Each sleeper knows the lock's owner, since that may end without a word to anybody. */
#include "futex_lock.h"

#include "delivery.h"
#include "futex_queue.h"
#include "user_memory.h"

/* All that sleep for the lock learn who owns it. */
static void set_owner(const struct futex_key *k, int32_t owner)
{
    for (struct sleeper *s = sleeper_first(k); s; s = sleeper_next(s))
        s->owner = owner;
}

/* Makes *word what it is when t has asked for the lock. 1: t owns it now; 0: t has to wait;
 * -EDEADLK, -ESRCH. */
static int64_t take(const struct thread *t, uint32_t *word)
{
    unsigned owner = *word & FUTEX_TID;
    if (owner == (unsigned)t->tid)
        return -EDEADLK;
    bool exists = owner && thread_find(owner);
    if (owner && !exists && !(*word & FUTEX_OWNER_DIED))
        return -ESRCH;
    *word = exists ? *word | FUTEX_WAITERS : (*word & (FUTEX_OWNER_DIED | FUTEX_WAITERS)) | t->tid;
    return !exists;
}

static int64_t lock(struct thread *t, const uint64_t *w, bool shared, bool try,
                    const struct deadline *until)
{
    struct futex_key k;
    uint32_t word;
    int64_t error = futex_read(t, w[0], shared, &k, &word);
    if (error)
        return error;
    int64_t taken = take(t, &word);
    if (taken < 0 || (!taken && try))
        return taken < 0 ? taken : -EAGAIN;
    if ((error = user_write(t, w[0], &word, sizeof word)) || taken)
        return error;
    t->wait.futex.sleeper.owner = word & FUTEX_TID;
    t->wait.futex.sleeper.address = w[0];
    return futex_sleep(t, &k, SLEEPS_FOR_LOCK, ~0u, until, -ERESTARTNOINTR);
}

int64_t futex_lock(struct thread *t, const uint64_t *w, bool shared, bool wall)
{
    struct deadline until;
    int64_t error = futex_deadline(t, w[3], true, wall, &until);
    return error ? error : lock(t, w, shared, false, &until);
}

int64_t futex_trylock(struct thread *t, const uint64_t *w, bool shared)
{
    return lock(t, w, shared, true, NULL);
}

int64_t futex_unlock(struct thread *t, const uint64_t *w, bool shared)
{
    struct futex_key k;
    uint32_t word;
    int64_t error = futex_read(t, w[0], shared, &k, &word);
    if (error)
        return error;
    if ((word & FUTEX_TID) != (unsigned)t->tid)
        return -EPERM;
    struct sleeper *next = sleeper_first(&k);
    if (next && next->kind != SLEEPS_FOR_LOCK)
        return -EINVAL;
    word = !next ? 0 : next->thread->tid | (sleeper_next(next) ? FUTEX_WAITERS : 0);
    if ((error = user_write(t, w[0], &word, sizeof word)))
        return error;
    if (next) {
        set_owner(&k, next->thread->tid);
        sleeper_wake(next);
    }
    return 0;
}

void futex_owner_ends(struct thread *t)
{
    enum { AT_ONCE = 64 };
    unsigned n = 0;
    for (struct sleeper *s; (s = sleeper_behind(t)); n++) {
        struct thread *next = s->thread;
        uint32_t word = next->tid | FUTEX_OWNER_DIED | (sleeper_next(s) ? FUTEX_WAITERS : 0);
        int error = user_poke(next, s->address, &word, sizeof word);
        set_owner(&s->key, next->tid);
        thread_finish(next, error);
        if (n % AT_ONCE == AT_ONCE - 1)
            give_way((THREADS_MAX - MIN(n, THREADS_MAX - 1u)) / AT_ONCE);
    }
}

/* ---- from the queue of a condition to that of its lock ---- */

int64_t futex_wait_to_lock(struct thread *t, const uint64_t *w, bool shared, bool wall)
{
    struct deadline until;
    struct futex_key k, target;
    uint32_t word;
    if (w[0] == w[4])
        return -EINVAL;
    int64_t error = futex_deadline(t, w[3], true, wall, &until);
    if (error || (error = futex_key(t, w[4], shared, &target)))
        return error;
    if (t->dead)
        return LATER;
    if ((error = futex_read(t, w[0], shared, &k, &word)))
        return error;
    if (word != (uint32_t)w[2])
        return -EAGAIN;
    if (futex_same(&k, &target))
        return -EINVAL;
    t->wait.futex.lock = target;
    t->wait.futex.lock_at = w[4];
    return futex_sleep(t, &k, SLEEPS_TO_MOVE, ~0u, &until, -ERESTARTNOINTR);
}

/* Whether the sleeper may be moved to the queue of this lock. */
static bool may_move(const struct sleeper *s, const struct futex_key *to)
{
    return s->kind == SLEEPS_TO_MOVE && futex_same(&s->thread->wait.futex.lock, to);
}

/* Moves sleepers, from s on, to the queue of a lock, `count` at most. How many, or -EINVAL. */
static int64_t move(struct sleeper *s, const struct futex_key *to, int32_t owner, int64_t count)
{
    int64_t n = 0;
    for (struct sleeper *next; s && n < count; s = next, n++) {
        if (!may_move(s, to))
            return -EINVAL;
        next = sleeper_next(s);
        sleeper_remove(s);
        s->kind = SLEEPS_FOR_LOCK;
        s->owner = owner;
        s->address = s->thread->wait.futex.lock_at;
        s->thread->interrupt_result = -EAGAIN; /* it cannot begin anew */
        sleeper_put(s, to);
    }
    return n;
}

/* The keys of both words, of which the first holds what the caller takes for granted, and the
 * lock's word. 0, LATER or an error. May wait. */
static int64_t read_both(struct thread *t, const uint64_t *w, bool shared, struct futex_key *from,
                         struct futex_key *to, uint32_t *lock)
{
    uint32_t word;
    int64_t error = futex_key(t, w[4], shared, to);
    if (error)
        return error;
    if (t->dead)
        return LATER;
    if ((error = futex_read(t, w[0], shared, from, &word)))
        return error;
    if (futex_same(from, to))
        return -EINVAL;
    return word != (uint32_t)w[5] ? -EAGAIN : user_read(t, w[4], lock, sizeof *lock);
}

int64_t futex_move_to_lock(struct thread *t, const uint64_t *w, bool shared)
{
    struct futex_key from, to;
    uint32_t word;
    if ((int)w[2] != 1 || (int)w[3] < 0 || w[0] == w[4])
        return -EINVAL;
    int64_t error = read_both(t, w, shared, &from, &to, &word);
    if (error)
        return error;
    struct sleeper *first = sleeper_first(&from);
    if (!first)
        return 0;
    if (!may_move(first, &to))
        return -EINVAL;
    int64_t taken = take(first->thread, &word);
    if (taken < 0)
        return taken;
    if (w[3])
        word |= FUTEX_WAITERS;
    if ((error = user_write(t, w[4], &word, sizeof word)))
        return error;
    int32_t owner = word & FUTEX_TID;
    set_owner(&to, owner);
    int64_t moved = move(taken ? sleeper_next(first) : first, &to, owner, (int)w[3] + !taken);
    if (taken)
        sleeper_wake(first);
    return moved < 0 ? moved : moved + taken;
}
