/* Alarms of services, the time slice, the charging of processor time. All times are nanoseconds
 * since boot. */
#ifndef KERNEL_CLOCK_H
#define KERNEL_CLOCK_H

#include "arch.h"
#include "thread.h"
#include <minnow/clock.h>
#include <minnow/file.h>

void clock_alarm(struct task *t, uint64_t when); /* replaces the alarm that t has; 0: none */
/* When sched_tick() is due; -1: no program waits. */
extern int64_t clock_slice_end;
void clock_slice_slow(const struct thread *t);
void clock_runs_slow(const struct thread *t, uint64_t now);
/* Programs wait while t (NULL: no program) runs: a tick must come no later than the end of t's
 * quantum. */
static inline void clock_slice(const struct thread *t)
{
    if (__builtin_expect(clock_slice_end < 0, 0))
        clock_slice_slow(t);
}
/* When the clock looks next at what the processor does for a program (clock_sample); ~0: never,
 * since no program's time runs. */
extern uint64_t clock_sample_at;
void clock_sample_begin(uint64_t now);
void clock_sample(uint64_t now); /* counts one sample, if clock_sample_at has come */
/* Takes the earliest alarm that is due and returns its service; NULL: none is due. */
struct task *clock_alarm_due(uint64_t now);
/* Whether the time slice is over; if so, clears it. */
bool clock_slice_over(uint64_t now);
/* Beside alarms, slices and samples: the timer is to interrupt no later than `when`. */
void clock_set(uint64_t when);
/* Ends the current accounting interval and begins charging `program`, a program's thread; NULL:
 * none. Servers that run for the program are charged to it too. */
void clock_charge(struct thread *program);
/* t is the program charged from now on: moves the tick, if one is set, to no later than the end of
 * t's quantum. */
static inline void clock_runs(const struct thread *t, uint64_t now)
{
    if (__builtin_expect(clock_sample_at == ~0ul, 0))
        clock_sample_begin(now);
    if (__builtin_expect((int64_t)(now - t->cpu_ns) + t->quantum_end < clock_slice_end, 0))
        clock_runs_slow(t, now);
}
/* Processor time of a thread in ns, the current interval included. */
uint64_t clock_used(const struct thread *t);
/* The part of used_ns, the processor time of a thread or task so far, that the kernel and services
 * have spent; the rest is the program's own. */
uint64_t clock_system_part(const struct cpu_samples *s, uint64_t used_ns);
extern struct cpu_samples clock_samples; /* of all programs */
/* The clock `id` (CLOCK_...) as t sees it. 0, or -EINVAL. */
int64_t clock_read(struct thread *t, uint64_t id, struct timespec64 *out);
/* The physical page from which programs read the time; it lies in the kernel's image. */
static inline paddr_t clock_page_frame(void) { return arch_image_phys(arch_clock_page); }
extern int64_t clock_wall_base; /* nanoseconds since 1970 at boot */

#endif
