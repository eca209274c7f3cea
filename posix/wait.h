/* Waiting for children: see wait.c. */
#ifndef WAIT_H
#define WAIT_H

#include "process.h"

/* p has ended, stopped or gone on: sends its parent the signal, and answers those of the parent's
 * threads that wait for it. p may be gone afterwards. May wait. */
void wait_notify(struct process *p);
/* The same for a tracee that has stopped or ended, and its tracer. */
struct trace;
void wait_notify_tracer(struct trace *x);
/* x, which has ended, has been reported: x is freed, and if it was a process, its parent is told
 * now. May wait. */
void wait_tracee_reaped(struct trace *x);

#endif
