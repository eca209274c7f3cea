/* Windows: the one piece of a caller's memory that the holder of its call may touch. */
#ifndef WINDOW_H
#define WINDOW_H

#include "thread.h"

/* A call moves no more, and its result says so, as Linux' does at 2 GiB: a server that is at it
 * lets no other run, and an iovec may name the same memory a thousand times. */
enum { TRANSFER_MAX = 16 << 20 };

/* Adds up an iovec window into *total. 0; -EINVAL; -EFAULT with *missing set: the array's page is
 * not there. */
int window_total(struct thread *t, uint64_t *total, vaddr_t *missing);

#endif
