/* The ends of calls, and the calls that a program makes without a system call: faults, exceptions,
 * signals, and the question to the policy of scheduling.
 *
 * Because the caller's registers keep the request, a call can be made again at any time: one that
 * was thrown back, when its pages have been brought; one that a dead service held, by its
 * successor. What the end of a program's call does depends on what kind of call it was, on its
 * result, and on whether a signal waits for that end (t->interrupted):
 *
 *   kind       result             no signal waits             a signal waits
 *   SYSCALL    any                rax is the result           the same, then KERNEL_SIGNAL
 *              -EPIPE, -EFBIG(*)  KERNEL_SIGNAL, which says   the same
 *                                 which error it was
 *   FAULT      0                  on at the instruction       KERNEL_SIGNAL
 *              error              KERNEL_EXCEPTION            the same; the signal waits on
 *   THROWN     0, or bytes of it  made again at its next      rax is what is done, or back to the
 *              can be reached     turn                        call if nothing is; KERNEL_SIGNAL
 *              error              rax is what is done, or     the same, then KERNEL_SIGNAL
 *                                 the error
 *   THROWN,    0                  the event is sent again     the same; the signal waits on
 *   an event   error              KERNEL_EXCEPTION            the same; the signal waits on
 *   EVENT      any                on with the registers as    the same: the personality, which
 *                                 they are                    sends signals, has just been there
 *   EXPIRED    the answer         back into its queue         cannot be: see ipc_interrupt
 *
 * (*) -EFBIG of a call that a limit of file sizes went with. After -EPIPE, rax is what had been
 * written. */
#include "ipc.h"

#include "arch.h"
#include "conn.h"
#include <minnow/protocol.h>

/* ---- calls without a system call ---- */

static void ask(struct thread *t, enum call_kind kind, uint64_t op, uint64_t *words,
                struct task *to)
{
    t->kind = kind;
    t->op = op;
    t->words = words;
    t->object = t->position = t->flags = 0;
    t->window.kind = WINDOW_NONE;
    ipc_send(t, to);
}

/* t makes an event call on its task's personality. */
static void event(struct thread *t, uint64_t op, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3,
                  uint64_t w4)
{
    t->event[0] = op;
    t->event[1] = w0, t->event[2] = w1, t->event[3] = w2, t->event[4] = w3, t->event[5] = w4;
    ask(t, CALL_EVENT, op, &t->event[1], t->task->personality->server);
}

void ipc_exception(struct thread *t, uint64_t vector, uint64_t error, vaddr_t address,
                   int64_t result)
{
    event(t, KERNEL_EXCEPTION, vector, error, address, result, t->index);
}

/* `call`: the number of the system call in whose place the signal comes; -1: none. */
static void signal(struct thread *t, uint64_t call, uint64_t error)
{
    t->interrupted = 0;
    event(t, KERNEL_SIGNAL, call, t->index, error, 0, 0);
}

void ipc_signal(struct thread *t) { signal(t, -1, 0); }

void ipc_fault(struct thread *t, enum call_kind kind, vaddr_t address, uint64_t access,
               uint64_t length)
{
    if (t->task->service) { /* its memory is always there: it has shown a window that is not */
        ipc_finish(t, -EFAULT);
        return;
    }
    if (t->kind == CALL_EXPIRED) { /* the policy throws its call back: that decides nothing */
        ipc_finish(t, -EINVAL);
        return;
    }
    if (t->conn)
        ipc_position_give(t);
    t->event_due = kind == CALL_THROWN && t->kind == CALL_EVENT;
    t->reach = t->progress = 0;
    t->moved[0] = address;
    t->moved[1] = access;
    t->moved[2] = length;
    t->moved[3] = t->regs.rip;
    ask(t, kind, PM_FAULT, t->moved, process_manager);
}

void ipc_expired(struct thread *t, struct task *policy, uint64_t used)
{
    t->moved[0] = t->index;
    t->moved[1] = t->priority;
    t->moved[2] = t->task->priority;
    t->moved[3] = used;
    t->moved[4] = t->quantum;
    t->moved[5] = arch_time();
    ask(t, CALL_EXPIRED, SCHED_EXPIRED, t->moved, policy);
}

/* ---- the position of an open file ---- */

/* Refused waiters are finished in this loop; ipc_send() would recurse once for each of them. */
void ipc_position_give(struct thread *t)
{
    struct task *to = tasks[t->conn->service];
    struct thread *next = conn_position_give(t);
    while (next && to->refuses) {
        struct thread *refused = next;
        next = conn_position_give(refused);
        refused->state = THREAD_PARKED;
        ipc_finish(refused, -ENXIO);
    }
    if (next)
        ipc_send(next, to);
}

/* ---- the end of a call ---- */

/* A call that is not made again, because a signal comes or its pages will never be there, has done
 * what it has done. */
static void finish_partly(struct thread *t, uint64_t done)
{
    t->regs.rax = done;
    ipc_signal(t);
}

bool ipc_again(struct thread *t)
{
    t->again = 0;
    if (t->event_due) {
        event(t, t->event[0], t->event[1], t->event[2], t->event[3], t->event[4], t->event[5]);
        return false;
    }
    if (!t->interrupted)
        return true;
    if (t->progress) {
        finish_partly(t, t->progress);
    } else { /* nothing has happened yet: the call is made after the signal */
        t->regs.rip -= ARCH_SYSCALL_SIZE;
        ipc_signal(t);
    }
    return false;
}

/* The pages of a thrown call are there now, or will never be. Then what lies before them is read or
 * written all the same. The call is made again when it is t's turn: a program that is thrown back
 * again and again runs in no other way. */
static void finish_thrown(struct thread *t, int64_t result)
{
    if (t->event_due && result) {
        ipc_exception(t, 14, 0, t->moved[0], result);
        return;
    }
    t->kind = CALL_SYSCALL;
    if (result && t->reach <= t->progress) {
        t->regs.rax = t->progress ? (int64_t)t->progress : result == -ENOMEM ? -ENOMEM : -EFAULT;
        if (t->interrupted)
            ipc_signal(t);
        else
            sched_ready(t);
        return;
    }
    t->resumed = (result ? CALL_CUT : 0) | (t->progress ? CALL_MOVED : 0);
    if (!t->interrupted || t->event_due) {
        sched_again(t);
        return;
    }
    ipc_again(t);
    t->resumed = 0;
}

/* Whether a program's call that ends so is an error of which a signal tells as well. */
static bool tells(const struct thread *t, int64_t result)
{
    return t->user && (result == -EPIPE || (result == -EFBIG && t->flags & CALL_LIMITED));
}

static void finish_syscall(struct thread *t, int64_t result)
{
    bool told = tells(t, result);
    t->regs.rax = result;
    if (!t->interrupted && !told) {
        sched_ready(t);
        return;
    }
    if (result == -EPIPE && t->flags & CALL_MOVED)
        t->regs.rax = t->words[MOVED_WORD];
    signal(t, -1, told ? -result : 0);
}

void ipc_finish_slow(struct thread *t, int64_t result)
{
    if (t->conn)
        ipc_position_give(t);
    if (t->kind == CALL_SYSCALL) {
        finish_syscall(t, result);
    } else if (t->kind == CALL_THROWN) {
        finish_thrown(t, result);
    } else if (t->kind == CALL_EXPIRED) {
        t->kind = CALL_SYSCALL;
        sched_decide(t, result);
    } else if (t->kind == CALL_FAULT && result) {
        ipc_exception(t, 14, t->moved[1], t->moved[0], result);
    } else if (t->kind == CALL_FAULT && t->interrupted) {
        ipc_signal(t);
    } else {
        t->interrupted = 0;
        t->kind = CALL_SYSCALL;
        sched_ready(t);
    }
}

/* ---- before its end ---- */

void ipc_withdraw(struct thread *t)
{
    if (t->conn && t->state == THREAD_POSITION)
        conn_position_leave(t);
    else if (t->conn)
        ipc_position_give(t);
    if (t->state == THREAD_READY || t->state == THREAD_MONITOR)
        sched_remove(t);
    else
        mail_withdraw(t);
    t->state = THREAD_PARKED;
}

void ipc_interrupt(struct thread *t)
{
    bool waits = t->state == THREAD_QUEUED || t->state == THREAD_POSITION ||
                 t->state == THREAD_HELD;
    if (t->state == THREAD_READY) { /* in a run queue: when it comes out of there */
        t->interrupted = 1;
    } else if (!waits || t->kind == CALL_EVENT) {
        return;                           /* it is with its personality already */
    } else if (t->kind == CALL_EXPIRED) { /* asks again afterwards */
        ipc_withdraw(t);
        t->kind = CALL_SYSCALL;
        t->interrupted = 1;
        if (t->again)
            ipc_again(t);
        else
            ipc_signal(t);
        t->resumed = 0;
    } else if (t->kind != CALL_SYSCALL || (t->state == THREAD_HELD && !t->slow)) {
        t->interrupted = 1; /* its end is waited for */
    } else {
        ipc_withdraw(t);
        if (t->flags & CALL_MOVED)
            finish_partly(t, t->words[MOVED_WORD]);
        else
            signal(t, t->regs.rax, 0);
    }
}

/* Whether a call of t waits for `gone`, in its mailbox or held. */
static bool waits_for(const struct thread *t, const struct task *gone)
{
    return t && t->holder == gone && (t->state == THREAD_QUEUED || t->state == THREAD_HELD);
}

/* Without the policy the threads that have asked it go on, and programs are all equal: nobody would
 * ever lift the ones that it had let sink. */
void ipc_orphan(struct task *gone)
{
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        struct thread *t = threads[i];
        if (t && t->user && gone == tasks[sched_policy])
            sched_set(t, PRIORITY_NORMAL, 0);
        if (!waits_for(t, gone))
            continue;
        if (t->kind == CALL_EXPIRED) {
            ipc_withdraw(t);
            ipc_finish(t, -ESRCH);
        } else if (t->state == THREAD_HELD) {
            if (t->connected == t->call)
                conn_close(t->task->conns, t->descriptor); /* the next one gives it another */
            t->call += CALL_NEXT;
            mail_queue(t, gone);
        }
    }
}
