/* The ends of calls, and the calls that a program makes without a system call: see ipc.c. Functions
 * that may change which thread runs next return nothing of it; the entry code asks turn_next()
 * afterwards. */
#ifndef IPC_H
#define IPC_H

#include "mailbox.h"
#include "sched.h"
#include "thread.h"

#include <minnow/errno.h>

/* Ends a call with a result; t waits for it, but stands in no list any more. */
void ipc_finish_slow(struct thread *t, int64_t result);
static inline void ipc_finish(struct thread *t, int64_t result)
{
    /* these two, and what lies between them */
    bool may_signal = (uint64_t)(result + EPIPE) <= EPIPE - EFBIG;
    if (__builtin_expect(t->kind != CALL_SYSCALL || t->conn || t->interrupted || may_signal, 0)) {
        ipc_finish_slow(t, result);
        return;
    }
    t->regs.rax = result;
    sched_ready(t);
}

/* Sends the request that stands in t, as mail_send(). The call ends if no service will be there. */
static inline void ipc_send(struct thread *t, struct task *to)
{
    if (__builtin_expect(!mail_send(t, to), 0))
        ipc_finish(t, -ENXIO);
}

/* A page is missing: t, a program's, faults at `address`, with PM_FAULT_... and `length` bytes from
 * there. kind: CALL_FAULT, or CALL_THROWN for a call that is then made again; a service's call
 * ends with -EFAULT instead. */
void ipc_fault(struct thread *t, enum call_kind kind, vaddr_t address, uint64_t access,
               uint64_t length);
/* t, a program's, has done what a processor forbids: its personality decides. result: of PM, for a
 * page fault. */
void ipc_exception(struct thread *t, uint64_t vector, uint64_t error, vaddr_t address,
                   int64_t result);
/* t, a program's that waits for nothing, asks its personality for the signal that it has. */
void ipc_signal(struct thread *t);
/* t's quantum is used up: it asks the policy of scheduling what next. used: its processor time. */
void ipc_expired(struct thread *t, struct task *policy, uint64_t used);
/* It is the turn of t, whose call or event was thrown back. true: its system call is to be made
 * again. false: the event was sent, or a signal comes in place of the call. */
bool ipc_again(struct thread *t);
/* The position that t's call holds goes to the next call that waits for it. */
void ipc_position_give(struct thread *t);
/* Takes t out of whatever it waits in, without a result. */
void ipc_withdraw(struct thread *t);
/* t, a program's, has a signal: SYS_INTERRUPT. */
void ipc_interrupt(struct thread *t);
/* The calls that a service held which is gone: they stand in its mailbox again, for the next one.
 */
void ipc_orphan(struct task *gone);

#endif
