/* Futexes: see futex.c. */
#ifndef FUTEX_H
#define FUTEX_H

#include "process.h"

/* Wakes so many threads at most that sleep on a word of t's memory, whether private or shared. May
 * wait. */
void futex_wake_address(struct thread *t, caller_t address, int count);
/* As on Linux: a longer list of locks goes round. */
enum { ROBUST_MAX = 2048 };
/* t ends: marks the locks on its robust list as left by a dead owner, and wakes one sleeper of
 * each; no more than *places, which it counts down. t's call must still be held. May wait. */
void futex_robust(struct thread *t, unsigned *places);

#endif
