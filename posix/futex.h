/* Futexes: see futex.c. */
#ifndef FUTEX_H
#define FUTEX_H

#include "process.h"

/* Wakes waiters on a word of t's memory, whether they wait private or shared. */
void futex_wake_address(struct thread *t, caller_t address, int count);
/* as Linux: whoever has more locks on his list has made a circle of it */
enum { ROBUST_MAX = 2048 };
/* t ends: locks that it holds on its robust list are marked, no more than *places, which it counts
 * down. Its call must still be held. May wait. */
void futex_robust(struct thread *t, unsigned *places);

#endif
