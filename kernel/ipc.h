/* The ends of calls, and the calls that a program makes without a system call: see ipc.c. Which
 * thread runs next may change in any of these; the entry code asks turn_next() afterwards. */
#ifndef IPC_H
#define IPC_H

#include "mailbox.h"
#include "sched.h"
#include "thread.h"

#include <minnow/errno.h>
#include <minnow/protocol.h>

/* The CALL_ flags of t's call. In KERNEL_SYSCALL the flags are a stack pointer, or, when the
 * personality has said how much is done (SYS_MOVED), what no stack pointer is. */
#define SYSCALL_MOVED (CALL_MOVED | CALL_FOR_ROOT)
static inline uint64_t call_flags(const struct thread *t)
{
    if (t->op != KERNEL_SYSCALL)
        return t->flags;
    return t->flags == SYSCALL_MOVED ? CALL_MOVED : 0;
}

/* Counts the call that t has made, if it is one on a file. */
static inline void ipc_count(const struct thread *t, int64_t result)
{
    _Static_assert(FS_WRITE == FS_READ + IO_WRITE, "a kind is the distance from FS_READ");
    uint64_t kind = t->op - FS_READ;
    if (kind < IO_KINDS && t->user) {
        struct io_count *io = &t->task->io[kind];
        io->calls++;
        io->bytes += result > 0 ? result : 0;
    }
}

/* Ends t's call with a result. t was waiting for it and stands in no list any more. */
void ipc_finish_slow(struct thread *t, int64_t result);
static inline void ipc_finish(struct thread *t, int64_t result)
{
    /* may_signal: a result of -EPIPE or -EFBIG, or one between */
    bool may_signal = (uint64_t)(result + EPIPE) <= EPIPE - EFBIG;
    if (__builtin_expect(t->kind != CALL_SYSCALL || t->interrupted || t->conn || may_signal, 0)) {
        ipc_finish_slow(t, result);
        return;
    }
    t->regs.rax = result;
    ipc_count(t, result);
    sched_ready(t);
}

/* Sends the request that stands in t, as mail_send(). When no service will ever be there, the call
 * ends with -ENXIO. */
static inline void ipc_send(struct thread *t, struct task *to)
{
    if (__builtin_expect(!mail_send(t, to), 0))
        ipc_finish(t, -ENXIO);
}

/* t, a thread of a program, lacks a page at `address`, accessed as PM_FAULT_... says, and asks PM
 * for `length` bytes from there. kind: CALL_FAULT, or CALL_THROWN for a call to be made again. The
 * call of a service's t ends with -EFAULT instead. */
void ipc_fault(struct thread *t, enum call_kind kind, vaddr_t address, uint64_t access,
               uint64_t length);
/* t, a thread of a program, has done what the processor forbids: its personality decides what
 * follows. result: PM's error for a page fault, else 0. */
void ipc_exception(struct thread *t, uint64_t vector, uint64_t error, vaddr_t address,
                   int64_t result);
/* t, a thread of a program that waits for nothing, asks its personality for the signal that t
 * has. */
void ipc_signal(struct thread *t);
/* t, a thread of a program that reports its system calls, is about to make the one in its
 * registers. */
void ipc_entry(struct thread *t);
/* t has made a call. If it is one of which KERNEL_ENTRY has told, and has ended at once, tells of
 * that end. */
void ipc_told_over(struct thread *t);
/* t's quantum is used up: t asks the policy of scheduling what follows. used: t's processor time in
 * ns. */
void ipc_expired(struct thread *t, struct task *policy, uint64_t used);
/* It is the turn of t, whose call or event was thrown back. true: the system call in t's registers
 * is to be made again. false: the event was sent again, or a signal comes in place of the call. */
bool ipc_again(struct thread *t);
/* t's call gives up its position; the next call in the queue is sent. */
void ipc_position_give(struct thread *t);
/* Takes t out of whatever list or queue it waits in, without a result. t is PARKED afterwards. */
void ipc_withdraw(struct thread *t);
/* t, a thread of a program, has a signal: see SYS_INTERRUPT in minnow/kcalls.def. */
void ipc_interrupt(struct thread *t);
/* The service `gone` has no threads any more: the calls that it held stand in its mailbox again,
 * for its successor. */
void ipc_orphan(struct task *gone);

#endif
