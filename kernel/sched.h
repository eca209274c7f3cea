/* Who runs: priority round-robin, pre-emptive; and the monitors of services. */
#ifndef SCHED_H
#define SCHED_H

#include "thread.h"

void sched_ready(struct thread *t);       /* t can run; if its service's monitor is taken it waits for that */
void sched_block(struct thread *t);       /* t, which runs or is ready, waits now: gives its monitor up */
void sched_remove(struct thread *t);      /* t, in whatever queue of the scheduler, is taken out */
void sched_yield(struct thread *t);
struct thread *sched_next(void);          /* the thread to run now; never NULL (idles inside) */
void sched_tick(void);                    /* the slice is over */

#endif
