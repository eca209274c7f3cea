/* Advisory locks: see locks.c. */
#ifndef LOCKS_H
#define LOCKS_H

#include "process.h"

void locks_drop_process(struct process *p);
/* The descriptors of p, which holds record locks, that are marked close-on-exec are about to be closed. */
void locks_drop_at_exec(struct process *p);
/* KERNEL_RELEASE of a watched open file: what it owns goes. */
void locks_release(const struct message *m);
int64_t lock_control(struct thread *t, unsigned fd, unsigned command, caller_t argument);   /* fcntl's F_GETLK ... */

/* Closes a descriptor of the caller, and drops what locks its process has on the file. 0, -EBADF. */
int64_t lock_close(struct thread *t, unsigned fd);
/* fcntl.c. KERNEL_RELEASE of a watched open file: F_SETOWN is forgotten. */
void owner_release(const struct message *m);

#endif
