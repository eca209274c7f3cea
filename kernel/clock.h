/* Alarms of services and the time slice. */
#ifndef KERNEL_CLOCK_H
#define KERNEL_CLOCK_H

#include "arch.h"
#include "thread.h"
#include <minnow/clock.h>
#include <minnow/file.h>

void clock_alarm(struct task *t, uint64_t when); /* 0 cancels */
/* When sched_tick() is due; -1: no program waits. */
extern int64_t clock_slice_end;
void clock_slice_slow(const struct thread *t);
void clock_runs_slow(const struct thread *t, uint64_t now);
/* Programs wait while t (or NULL) runs: a tick must come no later than the end of its quantum. */
static inline void clock_slice(const struct thread *t)
{
    if (__builtin_expect(clock_slice_end < 0, 0))
        clock_slice_slow(t);
}
/* When it is looked at next what the processor does for a program; ~0: not, for no program's time
 * runs. */
extern uint64_t clock_sample_at;
void clock_sample_begin(uint64_t now);
void clock_sample(uint64_t now); /* looks, if it is time to */
/* The next service whose alarm is due, which has none then; NULL: none is. */
struct task *clock_alarm_due(uint64_t now);
/* Whether the time slice is over; if so it ends. */
bool clock_slice_over(uint64_t now);
/* The next interrupt comes no later than this. */
void clock_set(uint64_t when);
/* Ends the current accounting interval and begins charging a program's thread, or none (NULL):
 * from now on it is its time that runs, in servers as well. */
void clock_charge(struct thread *program);
/* t is the program whose time runs from now on: the tick, if one is due, must not come too late for
 * it. */
static inline void clock_runs(const struct thread *t, uint64_t now)
{
    if (__builtin_expect(clock_sample_at == ~0ul, 0))
        clock_sample_begin(now);
    if (__builtin_expect((int64_t)(now - t->cpu_ns) + t->quantum_end < clock_slice_end, 0))
        clock_runs_slow(t, now);
}
/* Processor time of a thread, the current stretch included. */
uint64_t clock_used(const struct thread *t);
/* How much of used_ns, the processor time of a thread or task so far, was spent by the kernel and
 * services; the rest is the program's own. */
uint64_t clock_system_part(const struct cpu_samples *s, uint64_t used_ns);
int64_t clock_read(struct thread *t, uint64_t id, struct timespec64 *out);
/* in the kernel's image */
static inline paddr_t clock_page_frame(void) { return arch_image_phys(arch_clock_page); }
extern int64_t clock_wall_base; /* nanoseconds since 1970 at boot */

#endif
