/* Clocks that run while a process or thread has the processor, and timers that run by them. */
#ifndef CPUTIME_H
#define CPUTIME_H

#include "timer.h"

struct message;
struct process;
struct thread;

/* The clock of a thread or, with tid 0, of a process: all its time, or only what the program has
 * spent itself (user). It is named by numbers, since process and thread may go before it does. */
struct cpu_clock {
    int32_t pid, tid;
    bool user;
};
struct cpu_timer {
    struct timer timer; /* the next look at the clock */
    struct cpu_clock clock;
    uint32_t user; /* the timer's owner; the clock may be another user's */
    uint64_t due;  /* on the clock; 0: it is not set */
    uint64_t seen; /* the clock at the last look */
    uint64_t step; /* nanoseconds until the next look, at least */
    void (*run)(struct cpu_timer *);
};

/* The clock that a number means for t: CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, or what
 * clock_getcpuclockid makes. false: none. */
bool cpu_clock_find(const struct thread *t, int number, struct cpu_clock *c);
/* What the clock shows, in nanoseconds; 0 when its process or thread has gone. */
uint64_t cpu_clock_read(const struct cpu_clock *c);

/* Calls `run` once, when ct->clock shows `due` or soon after; ct->user is set. The timer must be
 * cancelled before its memory goes. */
void cpu_timer_set(struct cpu_timer *ct, uint64_t due, void (*run)(struct cpu_timer *));
void cpu_timer_cancel(struct cpu_timer *ct); /* harmless when it is not set */

/* clock_gettime of a clock that the kernel does not know, which is one that names a process or
 * thread; as a system call's handler. */
int64_t clock_gettime_other(struct thread *t, struct message *m);

#endif
