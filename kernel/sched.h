/* The run queues, the quanta of programs, and the monitors of services: see sched.c. */
#ifndef SCHED_H
#define SCHED_H

#include "thread.h"

/* Priorities that have a ready thread in a queue; bit p: queue p is not empty. */
extern uint32_t sched_mask;
/* the tick came while a server ran: the next program has its quantum looked at */
extern bool sched_slice_over;
/* the slot of the service that decides about programs; 0: none */
extern endpoint_t sched_policy;

void sched_ready_slow(struct thread *t);
void sched_block_slow(struct thread *t);

/* t can run; if its service's monitor is taken it waits for that. Inline for the case of every
 * message: the processor is free, no better thread is ready. */
static inline void sched_ready(struct thread *t)
{
    struct cpu *cpu = this_cpu();
    struct task *task = t->task;
    bool better = sched_mask & ((1u << t->priority) - 1);
    if (__builtin_expect(
            cpu->current || better || sched_slice_over || (task->service && task->active), 0)) {
        sched_ready_slow(t);
        return;
    }
    t->state = THREAD_READY;
    task->active = t; /* only meaningful for services */
    cpu->current = t;
}

/* t, which runs or is ready, waits now: gives its monitor up. */
static inline void sched_block(struct thread *t)
{
    struct cpu *cpu = this_cpu();
    struct task *task = t->task;
    if (__builtin_expect(
            cpu->current != t ||
                (task->service && (task->entry.first || task->pending || task->mail_first)),
            0)) {
        sched_block_slow(t);
        return;
    }
    cpu->current = NULL;
    task->active = NULL;
}

/* t, which runs in a service, is at a long piece of work. Callers that wait for the service go
 * first, and other services that are ready, and programs when the one that t works for has used its
 * quantum up. Then t enters its monitor again. */
void sched_aside(struct thread *t);
/* t, a program's, has a thrown call to make again when its turn comes. */
void sched_again(struct thread *t);
void sched_remove(struct thread *t); /* t, in whatever queue of the scheduler, is taken out */
/* Keeps the monitor of a service shut, and the thread that is in it from running. sched_active
 * tells which one that is, or NULL. sched_thaw opens the monitor again. */
void sched_freeze(struct task *task);
struct thread *sched_active(const struct task *task);
/* The thread that would run if the current one did not; NULL: there is none. */
struct thread *sched_first(void);
void sched_thaw(struct task *task);
void sched_yield(struct thread *t);
/* Takes the thread whose turn it is out of its queue; NULL: no thread is ready. */
struct thread *sched_take(void);
void sched_tick(void); /* the running thread's quantum may be used up */

/* A program's thread gets this priority and, if it is not 0, this quantum. */
void sched_set(struct thread *t, unsigned priority, uint64_t quantum);
/* The policy's answer to SCHED_EXPIRED, quantum << 8 | priority. An answer that makes no sense, or
 * an error: as without a policy. */
void sched_decide(struct thread *t, int64_t answer);
/* A program's new thread n begins where its creator is: with the creator's priority, and as much as
 * is left of its quantum. That costs the creator some of it, so that a program which lives by
 * creating others does not stay above one that works itself. */
void sched_inherit(struct thread *n, struct thread *creator);
#endif
