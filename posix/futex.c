/* Futexes: sleeping on a word of memory (Drepper, "Futexes are tricky"; the operations are those of
 * Linux, futex(2)).
 *
 * A program looks at a word, and if that says so, asks to sleep until another thread wakes the
 * sleepers on that word. The server looks again, and no wake-up may fall between its look and the
 * moment when the sleeper stands in the queue. None does: a service is a monitor, so no other
 * handler runs in between, and programs have lower priorities, so none of them changes the word.
 * What may wait (futex_key, and a page that is not there, which throws the call back) comes before
 * the look. */
#include "delivery.h"
#include "futex_lock.h"
#include "futex_queue.h"
#include "handlers.h"
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
    FUTEX_WAIT_REQUEUE_PI,
    FUTEX_CMP_REQUEUE_PI,
    FUTEX_LOCK_PI2,
    FUTEX_PRIVATE = 128,
    FUTEX_CLOCK_REALTIME = 256,
};

static int64_t wait(struct thread *t, const uint64_t *w, bool shared, bool absolute, bool wall,
                    uint32_t bitset)
{
    struct deadline until;
    struct futex_key k;
    uint32_t word;
    if (!bitset)
        return -EINVAL;
    int64_t error = futex_deadline(t, w[3], absolute, wall, &until);
    if (error || (error = futex_read(t, w[0], shared, &k, &word)))
        return error;
    if (word != (uint32_t)w[2])
        return -EAGAIN;
    /* A handler ends a wait with a limit even if it has SA_RESTART (Linux: the call's restart
     * block); and if the call were made again, a relative limit would begin anew. */
    return futex_sleep(t, &k, SLEEPS, bitset, &until,
                       !until.when ? -ERESTARTSYS
                       : absolute  ? -ERESTARTNOHAND
                                   : -EINTR);
}

static int64_t wake(struct thread *t, const uint64_t *w, bool shared, uint32_t bitset)
{
    struct futex_key k;
    if (!bitset)
        return -EINVAL;
    int64_t error = futex_key(t, w[0], shared, &k);
    return error ? error : futex_wake(&k, MAX((int)w[2], 1), bitset);
}

/* Moves sleepers of one word to another, `count` at most. How many, or -EINVAL. */
static int64_t move(const struct futex_key *from, const struct futex_key *to, int count)
{
    int64_t n = 0;
    for (struct sleeper *s = sleeper_first(from), *next; s && n < count; s = next, n++) {
        if (s->kind != SLEEPS)
            return -EINVAL;
        next = sleeper_next(s);
        sleeper_remove(s);
        sleeper_put(s, to);
    }
    return n;
}

static int64_t requeue(struct thread *t, const uint64_t *w, bool shared, bool compare)
{
    struct futex_key from, to;
    uint32_t word;
    int64_t error;
    if ((int)w[2] < 0 || (int)w[3] < 0)
        return -EINVAL;
    if ((error = futex_key(t, w[0], shared, &from)) || (error = futex_key(t, w[4], shared, &to)))
        return error;
    if (t->dead)
        return LATER;
    if (compare) {
        if ((error = user_read(t, w[0], &word, sizeof word)))
            return error;
        if (word != (uint32_t)w[5])
            return -EAGAIN;
    }
    int64_t woken = futex_wake(&from, (int)w[2], ~0u);
    if (woken < 0 || futex_same(&from, &to))
        return woken;
    int64_t moved = move(&from, &to, (int)w[3]);
    return moved < 0 ? moved : woken + moved;
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

static int64_t wake_op(struct thread *t, const uint64_t *w, bool shared)
{
    struct futex_key first, second;
    uint32_t word;
    int64_t error = futex_key(t, w[0], shared, &first);
    if (error || (error = futex_key(t, w[4], shared, &second)))
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
    int64_t n = futex_wake(&first, MAX((int)w[2], 1), ~0u);
    if (n < 0 || !also)
        return n;
    int64_t more = futex_wake(&second, MAX((int)w[3], 1), ~0u);
    return more < 0 ? more : n + more;
}

/* ---- the call ---- */

int64_t linux_futex(struct thread *t, struct message *m)
{
    const uint64_t *w = m->w;
    unsigned op = w[1], which = op & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
    bool shared = !(op & FUTEX_PRIVATE), wall = op & FUTEX_CLOCK_REALTIME;
    if (wall && which != FUTEX_WAIT_BITSET && which != FUTEX_LOCK_PI2 &&
        which != FUTEX_WAIT_REQUEUE_PI)
        return -ENOSYS;
    switch (which) {
    case FUTEX_WAIT: return wait(t, w, shared, false, false, ~0u);
    case FUTEX_WAIT_BITSET: return wait(t, w, shared, true, wall, w[5]);
    case FUTEX_WAKE: return wake(t, w, shared, ~0u);
    case FUTEX_WAKE_BITSET: return wake(t, w, shared, w[5]);
    case FUTEX_REQUEUE: return requeue(t, w, shared, false);
    case FUTEX_CMP_REQUEUE: return requeue(t, w, shared, true);
    case FUTEX_WAKE_OP: return wake_op(t, w, shared);
    case FUTEX_LOCK_PI: return futex_lock(t, w, shared, true);
    case FUTEX_LOCK_PI2: return futex_lock(t, w, shared, wall);
    case FUTEX_TRYLOCK_PI: return futex_trylock(t, w, shared);
    case FUTEX_UNLOCK_PI: return futex_unlock(t, w, shared);
    case FUTEX_WAIT_REQUEUE_PI: return futex_wait_to_lock(t, w, shared, wall);
    case FUTEX_CMP_REQUEUE_PI: return futex_move_to_lock(t, w, shared);
    default: return -ENOSYS;
    }
}

/* ---- many words at once ---- */

enum { WAITERS_MAX = 128, SLEEPERS = 8192 };

static struct share sleeper_share = SHARE(SLEEPERS, SLEEPERS / 8, SLEEPERS / 2);

/* What one call of futex_waitv sleeps on. */
struct sleepers {
    unsigned count, queued;
    uint32_t user; /* who is charged for them */
    struct {
        struct sleeper sleeper;
        uint32_t value; /* what the word is to hold */
    } word[];
};

static void sleepers_free(struct sleepers *all)
{
    while (all->queued)
        sleeper_remove(&all->word[--all->queued].sleeper);
    share_give(&sleeper_share, all->user, all->count);
    memory_free(all);
}

static void all_get_up(struct thread *t) { sleepers_free(t->wait.sleepers); }

static struct sleepers *sleepers_new(const struct thread *t, unsigned count)
{
    struct sleepers *all = NULL;
    uint32_t user = t->process->i.uid;
    if (share_take(&sleeper_share, user, count, -ENOMEM))
        return NULL;
    all = memory_zalloc(sizeof *all + count * sizeof all->word[0]);
    if (!all) {
        share_give(&sleeper_share, user, count);
        return NULL;
    }
    all->count = count;
    all->user = user;
    return all;
}

/* Reads what futex_waitv is given, and finds the keys. 0, or an error. May wait. */
static int64_t sleepers_read(struct thread *t, caller_t at, struct sleepers *all)
{
    enum { FUTEX_32 = 2 };
    struct {
        uint64_t value, address;
        uint32_t flags, reserved;
    } a;
    int64_t error = 0;
    for (unsigned i = 0; i < all->count && !error; i++) {
        if ((error = user_read(t, at + i * sizeof a, &a, sizeof a)))
            break;
        if (a.reserved || (a.flags & ~FUTEX_PRIVATE) != FUTEX_32)
            return -EINVAL;
        struct sleeper *s = &all->word[i].sleeper;
        *s = (struct sleeper){ .thread = t, .bitset = ~0u, .number = i, .address = a.address };
        all->word[i].value = a.value;
        error = futex_key(t, a.address, !(a.flags & FUTEX_PRIVATE), &s->key);
        if (t->dead)
            return LATER;
    }
    return error;
}

/* Has all stand in the queues, if all words hold their values. 0, -EAGAIN, or as user_read(). */
static int64_t sleepers_put(struct thread *t, struct sleepers *all)
{
    for (; all->queued < all->count; all->queued++) {
        struct sleeper *s = &all->word[all->queued].sleeper;
        uint32_t word;
        int64_t error = user_read(t, s->address, &word, sizeof word);
        if (error || word != all->word[all->queued].value)
            return error ? error : -EAGAIN;
        struct futex_key k = s->key;
        sleeper_put(s, &k);
    }
    return 0;
}

int64_t linux_futex_waitv(struct thread *t, struct message *m)
{
    enum { CLOCK_REALTIME, CLOCK_MONOTONIC };
    const uint64_t *w = m->w;
    struct deadline until;
    if ((uint32_t)w[2] || !(uint32_t)w[1] || (uint32_t)w[1] > WAITERS_MAX || !w[0])
        return -EINVAL;
    if (w[3] && (uint32_t)w[4] != CLOCK_REALTIME && (uint32_t)w[4] != CLOCK_MONOTONIC)
        return -EINVAL;
    int64_t error = futex_deadline(t, w[3], true, (uint32_t)w[4] == CLOCK_REALTIME, &until);
    if (error)
        return error;
    struct sleepers *all = sleepers_new(t, w[1]);
    if (!all)
        return -ENOMEM;
    if ((error = sleepers_read(t, w[0], all)) || (error = sleepers_put(t, all))) {
        sleepers_free(all);
        return error;
    }
    t->wait.sleepers = all;
    futex_limit(t, &until);
    return thread_wait(t, all_get_up, -ERESTARTSYS);
}

int64_t linux_set_tid_address(struct thread *t, struct message *m)
{
    t->clear_tid = m->w[0];
    return t->tid;
}
