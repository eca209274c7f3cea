/* Windows: the one piece of a caller's memory that the holder of its call may touch. */
#ifndef WINDOW_H
#define WINDOW_H

#include "thread.h"

/* Bytes that one call moves at most; its result tells, as Linux's does at 2 GiB. While a server
 * copies no other thread runs, and an iovec may name the same memory a thousand times. */
enum { TRANSFER_MAX = 16 << 20 };

/* Adds up the lengths of t's iovec window into *total. 0; -EINVAL; -EFAULT: *missing is the first
 * byte of the array that is not there. */
int window_total(struct thread *t, uint64_t *total, vaddr_t *missing);

#endif
