/* What the processor forbids: see exception.c. */
#ifndef EXCEPTION_H
#define EXCEPTION_H

#include "process.h"

/* KERNEL_EXCEPTION: t has done what the processor or PM does not allow. As a system call's handler:
 * REGISTERS, or LATER when the process has ended. */
int64_t exception_arrived(struct thread *t, struct message *m);

#endif
