/* Delivery of signals: what becomes of a thread on its way back to its program. */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "process.h"

/* What signals make happen in files that themselves send signals. */
struct signal_effects {
    /* ends p with a status as wait reports it: process_exit; may wait */
    void (*end)(struct process *p, int status);
    /* has p, which is to end by a signal that its thread t takes, leave a core file first; false:
     * it leaves none: core_begin; may wait */
    bool (*dump)(struct process *p, struct thread *t, const struct siginfo *info);
    /* t, whose process does that, would go back to its program: core_attend; may wait */
    int64_t (*dumping)(struct thread *t, int64_t result);
    /* p has stopped or goes on: wait_notify */
    void (*report)(struct process *p);
    /* a signal of one of p's timers is being taken: ptimer_taken */
    void (*timer_taken)(struct process *p, struct siginfo *info);
    /* signal sig waits for somebody now: signalfd_told */
    void (*told)(int sig);
};
void delivery_start(const struct signal_effects *e);
/* A signal has been queued and not been taken yet. */
void signal_waits(int sig);

/* Ends p with a status as wait reports it (a signal, or a code << 8): now, or as soon as p is not
 * `busy`. Harmless when p is ending already or is a zombie. May wait. */
void process_end(struct process *p, int status);
/* Ends p by the signal, which its thread t takes (NULL: none does), after it has left a core file
 * if it is to. May wait. */
void process_dies(struct process *p, struct thread *t, const struct siginfo *info);
/* Ends t's process with a status as wait reports it; before that t, whose event is held, stops if
 * its tracer wants to know (PTRACE_O_TRACEEXIT). May wait. */
void thread_dies(struct thread *t, int status);
/* Stops p by signal sig; makes a stopped p go on. Both tell its parent. May wait. */
void process_stop(struct process *p, int sig);
void process_continue(struct process *p);

/* Delivers what signals t has before t goes back to its program; its call is held and ends with
 * `result`. Returns what the caller is to answer; REGISTERS: that t goes on with its registers as
 * they stand; LATER: the call has been answered already, was thrown back, is kept until SIGCONT
 * (STOPPED), or the process has ended. May wait. */
int64_t thread_attend(struct thread *t, int64_t result);
/* Ends t's wait, or any call of t that is held, and answers it with `result`, after
 * thread_attend(). May wait, and t may be dead afterwards. */
void thread_finish(struct thread *t, int64_t result);
/* What a handler's work for t, which has ended with `result`, comes to: answers the call with
 * thread_finish(), unless that is LATER; or frees t, if it is dead and no handler is at work for it
 * any more. May wait. */
void thread_result(struct thread *t, int64_t result);
/* Work for a thread that waits, by a handler that has not received its call: begin ends the wait,
 * without an answer; end is as thread_result(). */
void thread_work_begin(struct thread *t);
void thread_work_end(struct thread *t, int64_t result);
/* The number of t's system call, which another service has handed up; or NO_SYSCALL. */
uint64_t handed_up_number(struct thread *t);
/* Sets t->attention: whether a signal, a stop, an end or a mask to put back is waiting for t. */
void thread_recheck(struct thread *t);
/* Has t attended to on its next way back to its program. If t is AWAY, the kernel makes it call
 * POSIX (KERNEL_SIGNAL) at once. */
void thread_interrupt(struct thread *t);

/* The same for a thread that is to come whatever it does: a wait that signals may end is ended. */
void thread_call_in(struct thread *t);
/* A signal ends the wait of t: with interrupt_result, as its end (`cancel`) leaves it. */
void thread_interrupt_wait(struct thread *t);
/* Ends t's call, which is held, with a result. Before t runs again it comes in an event of the
 * kernel. */
void thread_come_back(struct thread *t, int64_t result);
/* Answers KERNEL_ENTRY, or another event of t if t reports its calls: t makes the call in its
 * registers. */
void thread_make_call(struct thread *t);
/* t, which is TRAPPED in an event of the kernel, goes on to its next stop or to its program. May
 * wait. */
void trace_go_on(struct thread *t);

/* Whether p ignores sig, by choice or by default. */
bool signal_ignored(const struct process *p, int sig);
/* Whether p is init and sig does not reach it: init gets only signals that it has chosen an action
 * for, and neither SIGKILL nor SIGSTOP. */
bool signal_protected(const struct process *p, int sig);
/* Masks. A program changes its threads' masks (the signals that they block) in the kernel
 * (SYS_MASK, SYS_CONTEXT_RETURN), and each call that a thread makes here brings its mask along. So
 * t->blocked is t's mask while t's call is held here, and while t->tell is true, though t may be
 * AWAY: the mask was changed here, and the next reply tells the kernel. t->waits is true when the
 * kernel knows, or the next reply is to tell it, that signals wait which t's mask may keep away: a
 * thread that lets one through then comes here (KERNEL_SIGNAL). */

/* t's mask, when a signal comes that may have to wait for t. */
uint64_t thread_mask(struct thread *t);
/* Makes `mask` the mask of t, which is held or new; no thread looks at its signals anew. */
void thread_mask_set(struct thread *t, uint64_t mask);
/* Makes `mask` the signals that t blocks. If signals wait for the process that t blocks now,
 * threads that do not block them are told. */
void signal_mask(struct thread *t, uint64_t mask);
/* Likewise until t's call ends (sigsuspend, pselect, ppoll). */
void signal_mask_for_call(struct thread *t, uint64_t mask);
/* Puts back what signal_mask_for_call() has replaced, if it has. */
void signal_mask_restore(struct thread *t);
/* t's call is being answered: adds to *r what the kernel must know of t's mask and alternate stack
 * (REPLY_MASK and r1). */
void thread_tell(struct thread *t, struct reply *r);
/* Takes a signal of the set that waits for t or its process, and tells of it in *info. Returns its
 * number, 0: none waits. The lowest number goes first, but t's own exceptions before all others. */
int signal_take(struct thread *t, uint64_t set, struct siginfo *info);

#endif
