/* Windows: the one piece of a caller's memory that the holder of its call may touch. */
#ifndef WINDOW_H
#define WINDOW_H

#include "thread.h"

/* Adds up the lengths of t's iovec window into *total. 0; -EINVAL; -EFAULT: *missing is the first
 * byte of the array that is not there. */
int window_total(struct thread *t, uint64_t *total, vaddr_t *missing);

/* Copies between the window of the call that c has made, from `offset` on, and a service's memory.
 * out: to the window. length; -EFAULT, -EACCES. */
int64_t window_copy(struct thread *c, uint64_t offset, struct space *own, vaddr_t at,
                    uint64_t length, bool out);
/* A page is missing in [offset, offset + length) of the window of c: see SYS_THROW. */
void window_throw(struct thread *c, uint64_t offset, uint64_t length);

#endif
