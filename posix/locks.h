/* Advisory locks: see locks.c. */
#ifndef LOCKS_H
#define LOCKS_H

#include "process.h"

void locks_drop_process(struct process *p);
/* Descriptors first to last of p, as far as they have all these flags, are about to be closed: p's
 * record locks on their files go, in one pass over all locks. last < DESCRIPTORS_MAX. */
void locks_drop_range(struct process *p, unsigned first, unsigned last, uint32_t flags);
/* KERNEL_RELEASE of a watched open file: what it owns goes. */
void locks_release(const struct message *m);
/* fcntl's F_GETLK ... */
int64_t lock_control(struct thread *t, unsigned fd, unsigned command, caller_t argument);
/* close, dup2 or dup3 by a process that holds record locks: the kernel hands the call up. */
int64_t close_watched(struct thread *t, struct message *m);

#endif
