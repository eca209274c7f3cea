/* Futexes that are locks, and sleepers that come to have them: see futex_lock.c. All may wait. */
#ifndef FUTEX_LOCK_H
#define FUTEX_LOCK_H

#include "process.h"

/* A lock's word: 0, or its owner's number and these. */
#define FUTEX_WAITERS    0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID        0x3fffffffu

/* w: the words of futex(2). Results are those of the call, or LATER. */
int64_t futex_lock(struct thread *t, const uint64_t *w, bool shared, bool wall);
int64_t futex_trylock(struct thread *t, const uint64_t *w, bool shared);
int64_t futex_unlock(struct thread *t, const uint64_t *w, bool shared);
/* FUTEX_WAIT_REQUEUE_PI, FUTEX_CMP_REQUEUE_PI */
int64_t futex_wait_to_lock(struct thread *t, const uint64_t *w, bool shared, bool wall);
int64_t futex_move_to_lock(struct thread *t, const uint64_t *w, bool shared);

/* t ends, or gets other memory: the locks that it owns and that others sleep for are given to
 * those, with FUTEX_OWNER_DIED. */
void futex_owner_ends(struct thread *t);

#endif
