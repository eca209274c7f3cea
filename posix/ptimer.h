/* POSIX timers: see ptimer.c. */
#ifndef PTIMER_H
#define PTIMER_H

#include "process.h"

void ptimers_delete(struct process *p);

#endif
