/* System calls and kernel calls: see syscall.c. */
#ifndef SYSCALL_H
#define SYSCALL_H

#include "thread.h"

/* Makes the system call of t, or the kernel call if t is a service's, that t's registers ask for. t
 * may wait, or be gone, afterwards. */
void syscall_dispatch(struct thread *t);

#endif
