/* Clocks that run while somebody has the processor, and things to do when one has got somewhere. */
#ifndef CPUTIME_H
#define CPUTIME_H

#include "service.h"
#include "timer.h"

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
struct cpu_time thread_cpu(struct thread *t);

/* Runs `run` once, when ct->clock has got to `due` or soon after. */
void cpu_timer_set(struct cpu_timer *ct, uint64_t due, void (*run)(struct cpu_timer *));
void cpu_timer_cancel(struct cpu_timer *ct);

/* t waits until the clock has got there, or a signal; then it is told at `remaining`, unless that
 * is 0, how much was left. What a handler returns. One whose process or thread has gone stands
 * still. */
int64_t cpu_sleep_until(struct thread *t, const struct cpu_clock *c, uint64_t until,
                        uint64_t remaining, int64_t interrupted);

/* ITIMER_VIRTUAL (0) and ITIMER_PROF (1), nanoseconds; 0: not set. */
void cpu_interval_get(const struct process *p, unsigned which, uint64_t *left, uint64_t *interval);
void cpu_interval_set(struct process *p, unsigned which, uint64_t ns, uint64_t interval);
/* RLIMIT_CPU of p is to act as it stands in p->limits. */
void cpu_limit_set(struct process *p);
/* p ends: none of its clocks runs any more. */
void cpu_timers_end(struct process *p);

#endif
