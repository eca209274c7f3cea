/* What the processor forbids: see exception.c. */
#ifndef EXCEPTION_H
#define EXCEPTION_H

#include "process.h"

/* KERNEL_EXCEPTION: sends t the signal for what it has done against the processor or PM. As a
 * system call's handler: REGISTERS, or LATER when the process has ended. May wait. */
int64_t exception_arrived(struct thread *t, struct message *m);

#endif
