/* POSIX timers: see ptimer.c. */
#ifndef PTIMER_H
#define PTIMER_H

#include "process.h"

void ptimers_delete(struct process *p); /* all of p's */

/* A signal of one of p's timers is being taken: writes into *info how often the timer has rung
 * since, and lets the timer run again. */
void ptimer_taken(struct process *p, struct siginfo *info);

#endif
