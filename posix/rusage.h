/* What a process has used of the machine: see rusage.c. */
#ifndef RUSAGE_H
#define RUSAGE_H

#include "process.h"

/* The processor time of a process, of a thread, so far. If the kernel no longer knows it: what the
 * kernel told last. */
struct cpu_time process_cpu(const struct process *p);
/* What the kernel counts for p; all 0 if it knows it no longer. */
void process_counts(const struct process *p, struct task_info *info);
struct cpu_time thread_cpu(struct thread *t);
void cpu_time_add(struct cpu_time *to, const struct cpu_time *more);
void io_add(struct io_count to[IO_KINDS], const struct io_count more[IO_KINDS]);
/* What PM counts of p's memory; of a zombie, what it counted last. */
void process_usage(const struct process *p, struct pm_usage *usage);

/* Fills a struct rusage for p, or for the children that p has waited for; `cpu` is the processor
 * time to put into it. */
enum { USAGE_WORDS = 18 };
void usage_fill(const struct process *p, bool children, const struct cpu_time *cpu,
                int64_t usage[USAGE_WORDS]);

#endif
