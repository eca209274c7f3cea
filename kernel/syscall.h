/* System calls and kernel calls: see syscall.c. */
#ifndef SYSCALL_H
#define SYSCALL_H

#include "thread.h"

/* Makes t's system call, or kernel call, as its registers say. */
void syscall_dispatch(struct thread *t);

#endif
