/* The run queues, the quanta of programs, and the monitors of services: see sched.c. */
#ifndef SCHED_H
#define SCHED_H

#include "thread.h"

/* Priorities that have a ready thread in a queue; bit p: queue p is not empty. */
extern uint32_t sched_mask;
/* A thread that becomes ready while the processor is free runs at once unless its priority is
 * greater than this: the best of the queues' priorities; PRIORITIES when all are empty; one better
 * than PRIORITY_PROGRAM while a realtime thread is in that queue; SLICE_OVER: the tick came while a
 * server ran, and the quantum of the next program is looked at. */
enum { SLICE_OVER = -1 };
extern int sched_limit;
/* the slot of the service that is the policy for programs; 0: none */
extern endpoint_t sched_policy;

void sched_ready_slow(struct thread *t);
void sched_block_slow(struct thread *t);

/* t, a thread of `task`, can run, and its monitor, if it has one, is free. Inline, as what follows,
 * for the case of every message: the processor is free, no better thread is ready. */
static inline void sched_enter(struct thread *t, struct task *task)
{
    struct cpu *cpu = this_cpu();
    if (__builtin_expect(cpu->current || t->priority > sched_limit, 0)) {
        sched_ready_slow(t);
        return;
    }
    t->state = THREAD_READY;
    task->active = t; /* only meaningful for services */
    cpu->current = t;
}

/* t can run; if the monitor of its service is taken, t waits for that. */
static inline void sched_ready(struct thread *t)
{
    struct task *task = t->task;
    if (__builtin_expect(task->service && task->active, 0))
        sched_ready_slow(t);
    else
        sched_enter(t, task);
}

/* The running thread, of `task`, waits from now on, and nothing waits for its monitor. The caller
 * sets the thread's state. (A thread makes its calls while it runs: nothing that may take the
 * processor from it comes before.) */
static inline void sched_leave(struct task *task)
{
    this_cpu()->current = NULL;
    task->active = NULL;
}

/* The same for a thread t that runs or is ready: leaves its run queue and its monitor. */
static inline void sched_block(struct thread *t)
{
    if (__builtin_expect(this_cpu()->current != t || t->task->wanted, 0))
        sched_block_slow(t);
    else
        sched_leave(t->task);
}

/* t, which runs in a service, is at a long piece of work (SYS_ADVANCE). Callers of the service and
 * other services that are ready go first, and programs when the one that t works for has used up
 * its quantum. Then t enters its monitor again. */
void sched_aside(struct thread *t);
/* Whether anything waits for the monitor of the service: a thread, a message, a notification. */
bool sched_wanted(const struct task *task);
/* t, a thread of a program, has a thrown call to make again when its turn comes. */
void sched_again(struct thread *t);
void sched_remove(struct thread *t); /* takes t out of its run queue or the queue of its monitor */
/* Keeps the monitor of a service shut, and the thread that is in it from running. sched_active()
 * names that thread, or NULL; sched_thaw() opens the monitor again. */
void sched_freeze(struct task *task);
struct thread *sched_active(const struct task *task);
/* The first thread in the queues; NULL: none. It runs next if the current one stops. */
struct thread *sched_first(void);
void sched_thaw(struct task *task);
/* t goes to the end of its queue, if a thread of its priority or a better one is ready. */
void sched_yield(struct thread *t);
/* Takes that thread out of its queue; NULL: no thread is ready. */
struct thread *sched_take(void);
void sched_tick(void); /* the time slice is over: looks at the running program's quantum */

/* A program's thread gets this priority and, if it is not 0, this quantum (ns), unless it is a
 * realtime one that has the priority already. */
void sched_set(struct thread *t, unsigned priority, uint64_t quantum);
/* A program's thread becomes a realtime one of this rank, 1 to REALTIME_RANKS, which takes turns
 * with its equals if `rounds`; 0: it is none any more. If it has to wait it goes before its equals
 * when its rank is less than before, else behind them, as on Linux. */
void sched_realtime(struct thread *t, unsigned rank, bool rounds);
/* The priority of a program's thread that has not sunk. */
static inline unsigned sched_base(const struct thread *t)
{
    return t->rank ? PRIORITY_PROGRAM : t->task->priority;
}
/* Takes the policy's answer to SCHED_EXPIRED, quantum << 8 | priority. After an error, or an answer
 * out of range, t gets the defaults. */
void sched_decide(struct thread *t, int64_t answer);
/* A program's new thread n gets the priority and the rank of its creator and as much as is left of
 * its quantum. The creator loses a part (CREATION), so that a program which lives by creating
 * others does not stay above one that works itself. */
void sched_inherit(struct thread *n, struct thread *creator);
#endif
