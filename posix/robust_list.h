/* Lists of locks that threads hold: see robust_list.c. */
#ifndef ROBUST_LIST_H
#define ROBUST_LIST_H

#include "process.h"

/* The longest robust list that is believed, as on Linux: a longer one is taken for a ring. */
enum { ROBUST_MAX = 2048 };
/* t ends, or gets other memory: marks the locks on its robust list as left by a dead owner, and
 * wakes one sleeper on each. At most *places locks are looked at, and *places is counted down. May
 * wait, and t may be dead afterwards. */
void robust_list_ends(struct thread *t, unsigned *places);

#endif
