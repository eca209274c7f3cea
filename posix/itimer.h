/* Interval timers: see itimer.c. */
#ifndef ITIMER_H
#define ITIMER_H

#include "process.h"

void itimers_end(struct process *p); /* p ends: none of them runs any more */

#endif
