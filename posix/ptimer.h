/* POSIX timers: see ptimer.c. */
#ifndef PTIMER_H
#define PTIMER_H

#include "process.h"

/* Stops and frees all timers of p. */
void ptimers_delete(struct process *p);

/* A signal of one of p's timers is being taken: writes into *info how many further expiries have
 * passed since, and lets the timer run again. Does not wait. */
void ptimer_taken(struct process *p, struct siginfo *info);

#endif
