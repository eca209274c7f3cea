/* Interval timers: see itimer.c. */
#ifndef ITIMER_H
#define ITIMER_H

#include "process.h"

/* p ends: stops its three interval timers. */
void itimers_end(struct process *p);

#endif
