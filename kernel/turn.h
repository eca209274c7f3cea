/* Whose turn it is: see turn.c. */
#ifndef TURN_H
#define TURN_H

#include "thread.h"

/* The thread to run now; never NULL: it idles inside while there is none. */
struct thread *turn_next(void);
/* The timer has interrupted. */
void turn_clock(void);
/* the option `poll`: an idle processor goes on executing instructions */
extern bool turn_polls;

#endif
