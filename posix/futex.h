/* Futexes: see futex.c. */
#ifndef FUTEX_H
#define FUTEX_H

#include "process.h"

/* Wakes waiters on a word of t's memory, whether they wait private or shared. */
void futex_wake_address(struct thread *t, caller_t address, int count);
/* t ends: locks that it holds on its robust list are marked. Its call must still be held. */
void futex_robust(struct thread *t);

#endif
