/* POSIX timers: see ptimer.c. */
#ifndef PTIMER_H
#define PTIMER_H

#include "process.h"

void ptimers_delete(struct process *p);

/* A signal of one of p's timers is being taken: how often the timer has rung since goes into *info.
 */
void ptimer_taken(struct process *p, struct siginfo *info);

#endif
