/* Kernel calls that belong to no other file: threads and calls of a service, connections, clocks,
 * scheduling. (The table of all kernel calls is in syscall.c.) */
#include "kcall.h"

#include "arch.h"
#include "clock.h"
#include "conn.h"
#include "ipc.h"
#include "sched.h"
#include "service.h"
#include "task.h"
#include "space.h"
#include "window.h"
#include <minnow/errno.h>
#include <minnow/file.h>
#include <minnow/protocol.h>

int64_t sys_park(struct thread *t, const uint64_t *a)
{
    if (t->unparked) {
        t->unparked = 0;
        return 0;
    }
    sched_block(t);
    t->state = THREAD_PARKED;
    return 0;
}

/* Whether steps_left is progress: less than t told before in the same stretch of work, which a
 * received message or a call ends. A service that spins cannot tell smaller and smaller numbers for
 * more than STEPS_MAX looks of the manager. */
static bool gets_further(struct thread *t, uint64_t steps_left)
{
    uint64_t stretch = (t->serving ? t->serving : t->task->messages) + t->call;
    bool first = t->stretch != stretch;
    if (steps_left > STEPS_MAX || (!first && steps_left >= t->steps_left))
        return false;
    t->stretch = stretch;
    t->steps_left = steps_left;
    return true;
}

int64_t sys_advance(struct thread *t, const uint64_t *a)
{
    t->task->advances += gets_further(t, a[0]);
    sched_aside(t);
    return 0;
}

int64_t sys_unpark(struct thread *t, const uint64_t *a)
{
    struct thread *x = a[0] < THREADS_MAX ? threads[a[0]] : NULL;
    if (!x || x->task != t->task)
        return -ESRCH;
    if (x->state == THREAD_PARKED)
        sched_ready(x);
    else
        x->unparked = 1;
    return 0;
}

int64_t sys_exit(struct thread *t, const uint64_t *a)
{
    if (a[0] == EXIT_THREAD)
        thread_kill(t);
    else
        service_exit(t, a[0]);
    return 0;
}

int64_t sys_notify(struct thread *t, const uint64_t *a)
{
    if (a[0] >= MAX_SERVICE || !tasks[a[0]])
        return -ENXIO;
    if (!(t->task->rights.may_notify >> a[0] & 1))
        return -EPERM;
    uint64_t bits = a[1] & ~(1ul << NOTIFY_ALARM | 1ul << NOTIFY_TASK_DIED | 1ul << NOTIFY_TRACE);
    if (bits)
        mail_notify(tasks[a[0]], bits);
    return 0;
}

int64_t sys_retry(struct thread *t, const uint64_t *a)
{
    struct thread *c = mail_held(a[0], t->task);
    if (!c)
        return -ESRCH;
    /* a fault of no bytes: PM answers 0 at once */
    ipc_fault(c, CALL_THROWN, 0, PM_FAULT_CALL, 0);
    return 0;
}

int64_t sys_call_alive(struct thread *t, const uint64_t *a)
{
    return mail_held(a[0], t->task) != NULL;
}

int64_t sys_moved(struct thread *t, const uint64_t *a)
{
    struct thread *c = mail_held(a[0], t->task);
    if (!c || c->kind != CALL_SYSCALL)
        return -ESRCH;
    if (c->words != c->moved)
        copy_words(c->moved, c->words);
    c->words = c->moved;
    c->moved[MOVED_WORD] = a[1];
    c->flags = c->op == KERNEL_SYSCALL ? SYSCALL_MOVED : c->flags | CALL_MOVED;
    return 0;
}

int64_t sys_slow(struct thread *t, const uint64_t *a)
{
    struct thread *c = mail_held(a[0], t->task);
    if (!c)
        return -ESRCH;
    if (!c->slow || a[1])
        c->slow = a[1] ? SLOW_LIMITED : SLOW;
    /* a fault or an event goes on to its end in any case */
    if (!c->interrupted || c->kind != CALL_SYSCALL)
        return 0;
    c->interrupted = 0;
    ipc_interrupt(c);
    return -ESRCH;
}

int64_t sys_self(struct thread *t, const uint64_t *a)
{
    return (int64_t)t->index << 32 | t->task->endpoint;
}

int64_t sys_connect(struct thread *t, const uint64_t *a)
{
    struct thread *c = mail_held(a[0], t->task);
    if (!c)
        return -ESRCH;
    if (c->task->service)
        return -EINVAL;
    if (c->connected != c->call)
        c->connected = c->call, c->given[0] = c->given[1] = 0;
    uint16_t *given = &c->given[c->given[0] != 0];
    int64_t descriptor = -EMFILE;
    if (!*given)
        descriptor = conn_install(c->task->conns, 0, t->task->endpoint, a[1], 0, a[2]);
    if (descriptor < 0) {
        conn_take_back(c);
        return descriptor;
    }
    *given = descriptor + 1;
    if (a[2] >> CALL_ERRORS_SHIFT)
        conn_get(c->task->conns, descriptor)->errors = a[2] >> CALL_ERRORS_SHIFT
                                                                   << CALL_ERRORS_SHIFT;
    return descriptor;
}

int64_t sys_conn_errors(struct thread *t, const uint64_t *a)
{
    struct thread *c = mail_held(a[0], t->task);
    struct conn *conn = c && c->task->conns ? conn_get(c->task->conns, c->words[0]) : NULL;
    if (!conn || conn->service != t->task->endpoint || conn->object != c->object)
        return -ESRCH;
    conn->errors = a[1] << CALL_ERRORS_SHIFT;
    return 0;
}

/* Closes by a task that its personality watches (it holds record locks) are for that to do. */
int64_t sys_close(struct thread *t, const uint64_t *a)
{
    return t->task->watch ? go_up(t) : conn_close(t->task->conns, a[0]);
}

int64_t sys_dup(struct thread *t, const uint64_t *a)
{
    return conn_dup(t->task->conns, a[0], 0, 0);
}

int64_t sys_dup2(struct thread *t, const uint64_t *a)
{
    uint32_t old = a[0], new = a[1];
    if (t->task->watch)
        return go_up(t);
    if (!conn_get(t->task->conns, old))
        return -EBADF;
    return old == new ? new : conn_dup(t->task->conns, old, new, DUP_EXACT);
}

int64_t sys_dup3(struct thread *t, const uint64_t *a)
{
    uint32_t old = a[0], new = a[1], flags = a[2];
    if (t->task->watch)
        return go_up(t);
    if (old == new || flags & ~(uint32_t)O_CLOEXEC)
        return -EINVAL;
    return conn_dup(t->task->conns, old, new, DUP_EXACT | (flags ? DUP_CLOEXEC : 0));
}

int64_t kcall_missing(struct thread *t, vaddr_t at, size_t length, bool write)
{
    vaddr_t missing = at;
    if (!t->user)
        return -EFAULT;
    space_missing(t->space, &missing, length, write);
    ipc_fault(t, CALL_THROWN, missing, PM_FAULT_CALL | (write ? PM_FAULT_WRITE : 0),
              length - (missing - at));
    return t->regs.rax; /* rax stays the call's number, for the call is made again */
}

int64_t sys_clock(struct thread *t, const uint64_t *a)
{
    struct timespec64 now;
    if (t->user && (int32_t)a[0] < 0)
        return go_up(t); /* the clock of another process, which the kernel does not know */
    int64_t error = clock_read(t, a[0], &now);
    if (!error && space_write(t->space, a[1], &now, sizeof now) < 0)
        error = kcall_missing(t, a[1], sizeof now, true);
    return error;
}

int64_t sys_time(struct thread *t, const uint64_t *a) { return arch_time(); }

int64_t sys_alarm(struct thread *t, const uint64_t *a)
{
    clock_alarm(t->task, a[0]);
    return 0;
}

int64_t sys_clock_set(struct thread *t, const uint64_t *a)
{
    clock_wall_base = a[0];
    arch_clock_page->sequence++;
    arch_clock_page->wall_base_ns = clock_wall_base;
    arch_clock_page->sequence++;
    return 0;
}

int64_t sys_yield(struct thread *t, const uint64_t *a)
{
    sched_yield(t);
    return 0;
}

int64_t sys_sched(struct thread *t, const uint64_t *a)
{
    if ((a[1] && (a[1] < PRIORITY_PROGRAM || a[1] > PRIORITY_LAST)) ||
        (a[2] && (a[2] < QUANTUM_MIN || a[2] > QUANTUM_MAX)))
        return -EINVAL;
    bool all = a[0] == SCHED_ALL;
    if (!all && (a[0] >= THREADS_MAX || !threads[a[0]] || !threads[a[0]]->user))
        return -ESRCH;
    for (unsigned i = all ? 0 : a[0]; i < (all ? THREADS_MAX : a[0] + 1); i++)
        if (threads[i] && threads[i]->user)
            sched_set(threads[i], a[1] ? a[1] : sched_base(threads[i]), a[2]);
    return 0;
}

int64_t sys_thread(struct thread *t, const uint64_t *a)
{
    return service_thread(t->task, a[0], a[1]);
}
