/* Resource limits: see rlimit.c. */
#ifndef RLIMIT_H
#define RLIMIT_H

#include "process.h"

/* RLIMIT_CPU of p acts from now on as p->limits says; p ends, and it acts no more. */
void rlimit_cpu_start(struct process *p);
void rlimit_cpu_end(struct process *p);

#endif
