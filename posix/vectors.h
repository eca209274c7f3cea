/* Vectors of a program's buffers. */
#ifndef VECTORS_H
#define VECTORS_H

#include "process.h"

/* How many bytes the program's vector of `count` elements has together, TRANSFER_MAX at most. 0,
 * -EINVAL, or as user_read(). Does not wait. */
int64_t vector_bytes(struct thread *t, caller_t vector, uint64_t count, uint64_t *bytes);

#endif
