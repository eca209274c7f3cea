/* Resource limits: see rlimit.c. */
#ifndef RLIMIT_H
#define RLIMIT_H

#include "process.h"

/* Enforces RLIMIT_CPU of p from now on, as p->limits says; and no longer, because p ends. */
void rlimit_cpu_start(struct process *p);
void rlimit_cpu_end(struct process *p);

#endif
