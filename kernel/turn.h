/* Which thread runs next: see turn.c. */
#ifndef TURN_H
#define TURN_H

#include "thread.h"

/* The thread to run now, never NULL: idles in here while no thread is ready. */
struct thread *turn_next(void);
/* The timer has interrupted: rings alarms, watches the manager, ends the time slice. */
void turn_clock(void);
/* the option `poll`: an idle processor executes instructions instead of halting */
extern bool turn_polls;

#endif
