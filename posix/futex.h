/* Futexes: see futex.c. */
#ifndef FUTEX_H
#define FUTEX_H

#include "process.h"

/* Wakes `count` threads at most that sleep on a word of t's memory, by a private or a shared key.
 * May wait. */
void futex_wake_address(struct thread *t, caller_t address, int count);
/* The longest robust list that is believed, as on Linux: a longer one is taken for a ring. */
enum { ROBUST_MAX = 2048 };
/* t ends: marks the locks on its robust list as left by a dead owner, and wakes one sleeper on
 * each. At most *places locks are looked at, and *places is counted down. t's call must still be
 * held. May wait, and t may be dead afterwards. */
void futex_robust(struct thread *t, unsigned *places);

#endif
