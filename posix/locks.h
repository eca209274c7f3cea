/* Advisory locks: see locks.c. */
#ifndef LOCKS_H
#define LOCKS_H

#include "process.h"

/* p ends: its record locks go. May wait. */
void locks_drop_process(struct process *p);
/* Descriptors first to last of p, as far as they have all these flags, are about to be closed: p's
 * record locks on their files go, in one pass over all locks. last < DESCRIPTORS_MAX. May wait. */
void locks_drop_range(struct process *p, unsigned first, unsigned last, uint32_t flags);
/* KERNEL_RELEASE of a watched open file: its locks go. May wait. */
void locks_release(const struct message *m);
/* fcntl's F_GETLK, F_SETLK, F_SETLKW and their F_OFD_ kin, for t's descriptor fd; `argument` is the
 * address of the struct flock. Returns what the handler is to return. May wait. */
int64_t lock_control(struct thread *t, unsigned fd, unsigned command, caller_t argument);
/* close, dup2 or dup3 by a process that holds record locks, which the kernel hands up; as a system
 * call's handler. May wait. */
int64_t close_watched(struct thread *t, struct message *m);

#endif
