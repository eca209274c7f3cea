/* The ends of calls, and the calls that a program makes without a system call: faults, exceptions,
 * signals, and the question to the policy of scheduling.
 *
 * The caller's registers keep the request until the call ends. So a call can be made again at any
 * time: a thrown call when its pages have been brought, a call that a dead service held by the
 * service's successor.
 *
 * How a program's call ends depends on three things: its kind (enum call_kind), its result, and
 * whether a signal waits for that end (t->interrupted). "Done" stands for the bytes that are moved
 * already (t->progress, from SYS_MOVED). KERNEL_SIGNAL and KERNEL_EXCEPTION are event calls that
 * the thread then makes on its personality; ipc_finish_slow() decides:
 *
 *     kind       result             no signal waits             a signal waits
 *     SYSCALL    any                rax is the result           the same, then KERNEL_SIGNAL
 *                -EPIPE, -EFBIG(1)  KERNEL_SIGNAL, which names  the same
 *                                   the error; rax (2)
 *     FAULT      0                  the instruction runs again  KERNEL_SIGNAL first
 *                error              KERNEL_EXCEPTION            the same (3)
 *     THROWN     0, or an error     the call is made again at   done: rax is done; nothing done:
 *                behind bytes that  the thread's next turn      rip goes back to the call; then
 *                can be reached                                 KERNEL_SIGNAL in both cases
 *                error otherwise    rax is done, or -ENOMEM,    the same, then KERNEL_SIGNAL
 *                                   or -EFAULT
 *     THROWN,    0                  the event is made again     the same (3)
 *     an event   error              KERNEL_EXCEPTION            the same (3)
 *     EVENT,     other than 1       the registers as they are   the same (3)
 *     ENTRY      1 (4)              the system call in them     the same (3)
 *                                   is made at its turn
 *     EXPIRED    the answer         back to its run queue       cannot be: see ipc_interrupt()
 *
 * (1) -EFBIG only if the call carried a limit of file sizes (CALL_LIMITED).
 *
 * (2) -EPIPE: the bytes done, if there are any; otherwise the error.
 *
 * A call of which KERNEL_ENTRY has told (CALL_TOLD) ends as if a signal waited for that end, but
 * that a thrown one is made again all the same.
 *
 * (3) The personality sends the signals. It looks at them while it holds the event, so an event
 * needs no KERNEL_SIGNAL after it, and its end clears t->interrupted.
 *
 * (4) Of an event other than ENTRY: if the thread reports its calls (THREAD_REPORTS). It has not
 * come to a call then; the personality has made one up. KERNEL_SIGNAL tells of the end of both. */
#include "ipc.h"

#include "arch.h"
#include "conn.h"
#include "trace.h"
#include <minnow/protocol.h>

/* ---- calls without a system call ---- */

static void ask(struct thread *t, enum call_kind kind, uint64_t op, uint64_t *words,
                uint64_t object, struct task *to)
{
    t->kind = kind;
    t->op = op;
    t->words = words;
    t->object = object;
    t->position = t->flags = 0;
    t->window.kind = WINDOW_NONE;
    trace_asked(t, to);
    ipc_send(t, to);
}

/* t makes an event call: operation op, on the server of its personality. */
static void event(struct thread *t, uint64_t op, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3,
                  uint64_t w4)
{
    t->event[0] = op;
    t->event[1] = w0, t->event[2] = w1, t->event[3] = w2, t->event[4] = w3, t->event[5] = w4;
    enum call_kind kind = op == KERNEL_ENTRY ? CALL_ENTRY : CALL_EVENT;
    ask(t, kind, op, &t->event[1], t->mask, t->task->personality->server);
}

void ipc_exception(struct thread *t, uint64_t vector, uint64_t error, vaddr_t address,
                   int64_t result)
{
    event(t, KERNEL_EXCEPTION, vector, error, address, result, t->index);
}

/* `call`: the number of the system call in whose place the signal comes; -1: none. error: the errno
 * that the signal tells of; 0: none. done: how much the call has moved (SYS_MOVED) before the
 * signal has ended it. */
static void signal(struct thread *t, uint64_t call, uint64_t error, uint64_t done)
{
    t->interrupted = 0;
    event(t, KERNEL_SIGNAL, call, t->index, error, done, 0);
}

void ipc_signal(struct thread *t) { signal(t, -1, 0, 0); }

void ipc_told_over(struct thread *t)
{
    if (!(t->interrupted & CALL_TOLD))
        return;
    if (this_cpu()->current == t)
        ipc_signal(t);
    else if (t->state == THREAD_READY && !t->again) /* it has let others go first */
        t->interrupted |= CALL_SIGNAL;
}

void ipc_entry(struct thread *t) { event(t, KERNEL_ENTRY, t->regs.rax, 0, 0, 0, 0); }

void ipc_fault(struct thread *t, enum call_kind kind, vaddr_t address, uint64_t access,
               uint64_t length)
{
    /* a service's memory is always there: it has shown a window that is not its memory */
    if (t->task->service) {
        ipc_finish(t, -EFAULT);
        return;
    }
    if (t->kind == CALL_EXPIRED) { /* the policy throws the call back: that is no decision */
        ipc_finish(t, -EINVAL);
        return;
    }
    if (t->conn)
        ipc_position_give(t);
    t->event_due = kind == CALL_THROWN && (t->kind == CALL_EVENT || t->kind == CALL_ENTRY);
    t->reach = t->progress = 0;
    t->moved[0] = address;
    t->moved[1] = access;
    t->moved[2] = length;
    t->moved[3] = t->regs.rip;
    ask(t, kind, PM_FAULT, t->moved, 0, process_manager);
}

void ipc_expired(struct thread *t, struct task *policy, uint64_t used)
{
    t->moved[0] = t->index;
    t->moved[1] = t->rank ? t->rank : t->priority;
    t->moved[2] = !t->rank ? t->task->priority : t->rounds ? REALTIME_ROUNDS : 0;
    t->moved[3] = used;
    t->moved[4] = t->quantum;
    t->moved[5] = arch_time();
    ask(t, CALL_EXPIRED, t->rank ? SCHED_REALTIME : SCHED_EXPIRED, t->moved, 0, policy);
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

/* Ends a call that is not made again, because a signal comes: its result is the bytes that it has
 * moved. */
static void finish_partly(struct thread *t, uint64_t done)
{
    t->regs.rax = done;
    ipc_count(t, done);
    signal(t, -1, 0, done);
}

bool ipc_again(struct thread *t)
{
    t->again = 0;
    if (t->event_due) {
        event(t, t->event[0], t->event[1], t->event[2], t->event[3], t->event[4], t->event[5]);
        return false;
    }
    if (!(t->interrupted & CALL_SIGNAL))
        return true;
    if (t->progress) {
        finish_partly(t, t->progress);
    } else { /* nothing was moved: the call is made again after the signal */
        t->regs.rip -= ARCH_SYSCALL_SIZE;
        ipc_signal(t);
    }
    return false;
}

/* Ends PM's work for a thrown call: its pages are there now, or (result) will never be; then the
 * bytes before the first missing one (t->reach) are moved all the same. The call is made again when
 * it is t's turn: a program that is thrown back again and again must take turns like any
 * other. */
static void finish_thrown(struct thread *t, int64_t result)
{
    if (t->event_due && result && t->event[0] != KERNEL_ENTRY) {
        ipc_exception(t, 14, 0, t->moved[0], result);
        return;
    }
    t->kind = CALL_SYSCALL;
    if (result && t->reach <= t->progress && !t->event_due) {
        t->regs.rax = t->progress ? (int64_t)t->progress : result == -ENOMEM ? -ENOMEM : -EFAULT;
        ipc_count(t, t->regs.rax);
        if (t->interrupted)
            ipc_signal(t);
        else
            sched_ready(t);
        return;
    }
    t->resumed = (result ? CALL_CUT : 0) | (t->progress ? CALL_MOVED : 0);
    if (!(t->interrupted & CALL_SIGNAL) || t->event_due) {
        sched_again(t);
        return;
    }
    ipc_again(t);
    t->resumed = 0;
}

/* Whether this result of a program's call is an error that comes with a signal (SIGPIPE,
 * SIGXFSZ). */
static bool tells(const struct thread *t, int64_t result)
{
    uint64_t flags = call_flags(t);
    return t->user && ((result == -EPIPE && !(flags & CALL_QUIET)) ||
                       (result == -EFBIG && flags & CALL_LIMITED));
}

static void finish_syscall(struct thread *t, int64_t result)
{
    bool told = tells(t, result);
    t->regs.rax = result;
    if (!t->interrupted && !told) {
        ipc_count(t, result);
        sched_ready(t);
        return;
    }
    if (result == -EPIPE && call_flags(t) & CALL_MOVED)
        t->regs.rax = t->words[MOVED_WORD];
    ipc_count(t, t->regs.rax);
    signal(t, -1, told ? -result : 0, 0);
}

/* Whether t, an event of which has ended so, is to make the call in its registers. */
static bool makes_call(const struct thread *t, int64_t result)
{
    return result == 1 && (t->kind == CALL_ENTRY ||
                           (t->kind == CALL_EVENT && t->personality != t->task->personality));
}

/* t makes the call in its registers, when its turn comes, and tells of its end. */
static void make_told(struct thread *t)
{
    t->kind = CALL_SYSCALL;
    t->interrupted = t->personality != t->task->personality ? CALL_TOLD : 0;
    t->personality = t->task->personality;
    t->event_due = 0;
    t->progress = 0;
    sched_again(t);
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
    } else if (makes_call(t, result)) {
        make_told(t);
    } else if ((t->kind == CALL_FAULT && t->interrupted) || t->interrupted & CALL_TOLD) {
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
    if (t->state == THREAD_READY) { /* in a run queue: the signal comes when t is taken out */
        t->interrupted |= CALL_SIGNAL;
    } else if (!waits || t->kind == CALL_EVENT || t->kind == CALL_ENTRY) {
        /* its personality has t in hand, and looks at signals itself */
        return;
    } else if (t->kind == CALL_EXPIRED) { /* t asks the policy again after the signal */
        ipc_withdraw(t);
        t->kind = CALL_SYSCALL;
        t->interrupted |= CALL_SIGNAL;
        if (t->again)
            ipc_again(t);
        else
            ipc_signal(t);
        t->resumed = 0;
    } else if (t->kind != CALL_SYSCALL || (t->state == THREAD_HELD && !t->slow)) {
        t->interrupted |= CALL_SIGNAL; /* the signal waits for the end of the call */
    } else {
        bool limited = t->state == THREAD_HELD && t->slow == SLOW_LIMITED;
        ipc_withdraw(t);
        if (call_flags(t) & CALL_MOVED)
            finish_partly(t, t->words[MOVED_WORD]);
        else
            signal(t, t->regs.rax, limited ? EINTR : 0, 0);
    }
}

/* Whether a call of t waits for `gone`, in its mailbox or held. */
static bool waits_for(const struct thread *t, const struct task *gone)
{
    return t && t->holder == gone && (t->state == THREAD_QUEUED || t->state == THREAD_HELD);
}

/* When the policy itself is gone, the threads that have asked it go on, and all programs become
 * equal: no one would ever raise those whose priority it had lowered. */
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
            conn_take_back(t); /* the successor gives the caller others */
            t->call += CALL_NEXT;
            mail_queue(t, gone);
        }
    }
}
