/* Delivery of signals: what becomes of a thread on its way back to its program. */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "process.h"

/* What signals make happen in files that themselves send signals. */
struct signal_effects {
    /* ends p with a status as wait reports it: process_exit; may wait */
    void (*end)(struct process *p, int status);
    /* p has stopped or goes on: wait_notify */
    void (*report)(struct process *p);
    /* a signal of one of p's timers is being taken: ptimer_taken */
    void (*timer_taken)(struct process *p, struct siginfo *info);
};
void delivery_start(const struct signal_effects *e);

/* Ends p with a status as wait reports it (a signal, or a code << 8): now, or as soon as it is not
 * `busy`. May wait. Once is enough: p may be ending or a zombie. */
void process_end(struct process *p, int status);
/* Stops p by signal sig; makes a stopped p go on. Both tell its parent. May wait. */
void process_stop(struct process *p, int sig);
void process_continue(struct process *p);

/* What is to be answered to the call of t, which is held, when its result is known: delivers
 * signals, stops. The result, or LATER when the call has been answered already, is kept until
 * SIGCONT, or was thrown back, or when the process has ended. May wait. */
int64_t thread_attend(struct thread *t, int64_t result);
/* Ends t's wait, or any call that is held, with a result. May wait: t may be dead afterwards. */
void thread_finish(struct thread *t, int64_t result);
/* Sets t->attention from what is pending. */
void thread_recheck(struct thread *t);
/* Has t look at its signals, wherever it runs: the kernel makes it call POSIX (KERNEL_SIGNAL). */
void thread_interrupt(struct thread *t);

/* Whether p ignores sig, by choice or by default. */
bool signal_ignored(const struct process *p, int sig);
/* Whether p is init, which a signal without a handler does not reach. */
bool signal_protected(const struct process *p, int sig);
/* t blocks these signals from now on. Another thread may be able to take what waits. */
void signal_mask(struct thread *t, uint64_t mask);
/* Takes the first signal of the set that waits for t or its process: its number; 0 when there is
 * none. Those of exceptions come before all others. */
int signal_take(struct thread *t, uint64_t set, struct siginfo *info);

#endif
