/* The system calls about signals, but for those that handlers.h declares. */
#ifndef SIGNAL_CALLS_H
#define SIGNAL_CALLS_H

#include "process.h"

/* rt_sigreturn as far as the kernel does not do it: REGISTERS or LATER. */
int64_t sigreturn_up(struct thread *t, struct message *m);

#endif
