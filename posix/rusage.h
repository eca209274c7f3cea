/* What a process has used of the machine: see rusage.c. */
#ifndef RUSAGE_H
#define RUSAGE_H

#include "process.h"

/* Processor time so far: of a process, of a thread. Of one that the kernel no longer knows, what it
 * told last. */
struct cpu_time process_cpu(const struct process *p);
struct cpu_time thread_cpu(struct thread *t);
void cpu_time_add(struct cpu_time *to, const struct cpu_time *more);
/* What PM counts of p's memory; of a zombie, what it counted last. */
void process_usage(const struct process *p, struct pm_usage *usage);

/* A struct rusage of p, or of the children that it has waited for, with so much processor time. */
enum { USAGE_WORDS = 18 };
void usage_fill(const struct process *p, bool children, const struct cpu_time *cpu,
                int64_t usage[USAGE_WORDS]);

#endif
