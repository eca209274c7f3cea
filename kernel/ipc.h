/* Messages: see ipc.c. Functions that may change which thread runs next return nothing; the entry
 * code asks sched_next() afterwards. */
#ifndef IPC_H
#define IPC_H

#include "sched.h"
#include "thread.h"

#include <minnow/errno.h>

/* Sends the request that stands in t (op, words, object, position, flags, window, kind) to a
 * service. t waits. */
void ipc_send(struct thread *t, struct task *to);
/* The thread that made this call if `holder` holds it (NULL holder: whoever does); NULL otherwise.
 */
static inline struct thread *ipc_held(call_t c, const struct task *holder)
{
    struct thread *t = threads[c & (THREADS_MAX - 1)];
    return t && t->call == c && t->state == THREAD_HELD && (!holder || t->holder == holder) ? t
                                                                                            : NULL;
}
/* Ends a held call. */
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
/* Delivers the next thing in the mailbox to t, or makes it wait. */
void ipc_receive(struct thread *t);
/* What t received last, once more, if that is still to be answered; else the next. */
void ipc_receive_again(struct thread *t);
/* The next thing in the mailbox is delivered to a thread of the service that waits in receive and
 * is to run now; NULL: there is no such thread, or nothing that it may take. */
struct thread *ipc_enter(struct task *service);
/* A service says how many of its threads receive messages. */
void ipc_serves(struct task *service, unsigned servers);
void ipc_notify(struct task *to, uint64_t bits);
/* t's thrown call, or event, is made again now, unless a signal takes its place. */
void ipc_call_again(struct thread *t);
/* t makes an event call on its task's personality (or, for a service, dies: the manager is told).
 */
void ipc_event(struct thread *t, uint64_t op, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3,
               uint64_t w4);
/* A page is missing: t faults at `address`. kind: CALL_FAULT or CALL_THROWN. */
void ipc_fault(struct thread *t, enum call_kind kind, vaddr_t address, uint64_t access,
               uint64_t length);
/* t's quantum is used up: it asks the policy of scheduling what next. */
void ipc_expired(struct thread *t, struct task *policy, uint64_t used);
/* Takes t out of whatever it waits in, without a result. */
void ipc_withdraw(struct thread *t);
void ipc_interrupt(struct thread *t);
void ipc_post(struct task *to, struct mail *m);
/* All who wait for a service that is gone; their calls stay queued for the next one. */
void ipc_orphan(struct task *gone);

/* Makes t's system call, as its registers say. */
void syscall_dispatch(struct thread *t);

#endif
