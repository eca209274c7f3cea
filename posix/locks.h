/* Advisory locks: see locks.c. */
#ifndef LOCKS_H
#define LOCKS_H

#include "process.h"

void locks_drop_process(struct process *p);
int64_t lock_control(struct thread *t, unsigned fd, unsigned command, caller_t argument);   /* fcntl's F_GETLK ... */

#endif
