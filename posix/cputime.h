/* Clocks that run while somebody has the processor, and things to do when one has got somewhere. */
#ifndef CPUTIME_H
#define CPUTIME_H

#include "timer.h"

struct message;
struct process;
struct thread;

/* Of a process, or, if tid is not 0, of that thread: all its time, or only what it has spent itself
 * (user). Named by numbers: either may go before its clock does. */
struct cpu_clock {
    int32_t pid, tid;
    bool user;
};
struct cpu_timer {
    struct timer timer;
    struct cpu_clock clock;
    uint32_t user; /* whose the timer is, if not the clock */
    uint64_t due;  /* on the clock; 0: nothing is to be done */
    /* the clock when it was looked at last; how long until the next look, at least */
    uint64_t seen, step;
    void (*run)(struct cpu_timer *);
};

/* The clock that a number means for t: CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, or what
 * clock_getcpuclockid makes. false: none. */
bool cpu_clock_find(const struct thread *t, int number, struct cpu_clock *c);
uint64_t cpu_clock_read(const struct cpu_clock *c); /* nanoseconds; 0 when it has gone */

/* Runs `run` once, when ct->clock has got to `due` or soon after. */
void cpu_timer_set(struct cpu_timer *ct, uint64_t due, void (*run)(struct cpu_timer *));
void cpu_timer_cancel(struct cpu_timer *ct);

/* clock_gettime of a clock that the kernel does not know: one that names a process or thread. */
int64_t clock_gettime_other(struct thread *t, struct message *m);

#endif
