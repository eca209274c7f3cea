/* Who sleeps on words of memory: see futex_queue.c. */
#ifndef FUTEX_QUEUE_H
#define FUTEX_QUEUE_H

#include "service.h"

struct thread;

/* Names a word: two are the same if both numbers are. */
struct futex_key {
    uint64_t first, second;
    bool shared; /* other processes may have the word, too */
};

/* A thread, in the queue of a word. */
struct sleeper {
    struct sleeper *next;
    struct thread *thread;
    struct futex_key key;
    uint32_t bitset; /* of a wake-up, one of these must be set */
    enum sleeper_kind {
        SLEEPS,         /* and a wake-up ends that; */
        SLEEPS_TO_MOVE, /* until its call is moved to the queue of a lock; */
        SLEEPS_FOR_LOCK /* until it is given the lock (futex_lock.c) */
    } kind;
    uint32_t number;  /* what the call is answered when the thread is woken */
    int32_t owner;    /* of the lock, and */
    caller_t address; /* where the thread has it */
};

/* The key of a word of t's memory. 0, -EINVAL, -EFAULT, or what PM says. May wait when shared; t
 * may be dead afterwards. */
int64_t futex_key(struct thread *t, caller_t address, bool shared, struct futex_key *k);
bool futex_same(const struct futex_key *a, const struct futex_key *b);
/* Finds the key of a word and then reads the word: finding the key may wait, and the word must not
 * be old. 0, LATER, or an error. */
int64_t futex_read(struct thread *t, caller_t at, bool shared, struct futex_key *k, uint32_t *word);

/* The sleeper, whose other fields are set, comes into the queue of the word k, behind those of its
 * priority; it leaves that. */
void sleeper_put(struct sleeper *s, const struct futex_key *k);
void sleeper_remove(struct sleeper *s);
/* The first sleeper on the word, and the next one. NULL: there is none. */
struct sleeper *sleeper_first(const struct futex_key *k);
struct sleeper *sleeper_next(const struct sleeper *s);
/* Another thread that sleeps for a lock of t's, and is not about to end with t. NULL: none does. */
struct sleeper *sleeper_behind(const struct thread *t);
/* Its thread's call ends with its number. May wait. */
void sleeper_wake(struct sleeper *s);
/* Wakes `count` of the word's sleepers at most that have one of these bits. Returns how many; or
 * -EINVAL: there is one that waits for a lock. May wait. */
int64_t futex_wake(const struct futex_key *k, int count, uint32_t bitset);
/* Wakes `count` threads at most that sleep on a word of t's memory, by a private or a shared key.
 * May wait. */
void futex_wake_address(struct thread *t, caller_t address, int count);

/* When a wait is over. */
struct deadline {
    uint64_t when; /* nanoseconds since boot, or since 1970; 0: never */
    bool wall;     /* a time of day */
};
/* A time limit at `at` in t's memory; 0: none. 0 and *until, -EINVAL, or as user_read. */
int64_t futex_deadline(struct thread *t, caller_t at, bool absolute, bool wall,
                       struct deadline *until);
/* t sleeps on the word k until it is woken, or a deadline, or a signal, which ends the call with
 * `interrupted`. Owner and address of its sleeper are the caller's. Returns what the handler
 * returns. */
int64_t futex_sleep(struct thread *t, const struct futex_key *k, enum sleeper_kind kind,
                    uint32_t bitset, const struct deadline *until, int64_t interrupted);
/* The time limit of t's wait, which is about to begin. */
void futex_limit(struct thread *t, const struct deadline *until);

#endif
