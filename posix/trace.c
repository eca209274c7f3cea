/* Threads that are traced: the records of that, and how they stop. ptrace.c is the system call;
 * delivery.c has a thread stop where its way back to its program leads it by. */
#include "trace.h"

#include "capability.h"
#include "signal_frame.h"
#include "syscalls.h"
#include <minnow/errno.h>

enum { TRACES = 512, TRAP_FLAG = 0x100, SYSCALL_SIZE = 2, SYSGOOD = 0x80, STOPPED = 0x7f };

static struct share trace_share = SHARE(TRACES, TRACES / 8, TRACES / 2);
/* Sets of breakpoints of the processor. */
static struct share breakpoint_share = SHARE(BREAKPOINT_SETS, BREAKPOINT_SETS / 8,
                                             BREAKPOINT_SETS / 2);
static const struct trace_effects *effects;

void trace_start(const struct trace_effects *e) { effects = e; }

bool trace_allowed(const struct process *by, const struct process *p)
{
    const struct posix_proc *a = &by->i, *b = &p->i;
    if (by == p || capable(by, CAP_SYS_PTRACE))
        return true;
    return b->dumpable && !(b->caps.permitted & ~a->caps.permitted) && a->uid == b->uid &&
           a->uid == b->euid && a->uid == b->suid && a->gid == b->gid && a->gid == b->egid &&
           a->gid == b->sgid;
}

int64_t trace_memory(endpoint_t task, caller_t at, void *buffer, size_t length, uint32_t flags)
{
    return call_window(service_find("pm"),
                       &(struct call_args){ .op = PM_MEMORY, .w0 = task, .w3 = at, .w4 = flags },
                       flags & MEMORY_WRITE ? WINDOW_IN : WINDOW_OUT, buffer, length, NULL);
}

/* ---- records ---- */

/* Has procfs show who traces t, and whether t stands still for that. */
static void publish(const struct thread *t)
{
    const struct trace *x = t->trace;
    struct posix_tracing now = { x ? x->by->tid : 0, x && x->stop != TRACE_RUNS };
    table->threads[t->index].tracing = now;
    if (t->tid == (int)t->process->i.pid)
        t->process->i.tracing = now;
}

/* As trace_begin(), for a user who had, or had not, the right to see all. */
static int64_t record_make(struct thread *by, struct thread *t, uint32_t user, bool privileged)
{
    struct process *tracer = by->process;
    if (t->trace)
        return -EPERM;
    int error = share_take(&trace_share, user, 1, -ENOMEM);
    if (error)
        return error;
    struct trace *x = memory_zalloc(sizeof *x);
    if (!x) {
        share_give(&trace_share, user, 1);
        return -ENOMEM;
    }
    x->tracer = tracer;
    x->by = by;
    x->thread = t;
    x->tid = t->tid;
    x->user = user;
    x->privileged = privileged;
    x->number = NO_SYSCALL;
    x->next = tracer->tracees;
    tracer->tracees = x;
    t->trace = x;
    publish(t);
    return 0;
}

int64_t trace_begin(struct thread *by, struct thread *t, const struct process *asker)
{
    return record_make(by, t, asker->i.uid, capable(asker, CAP_SYS_PTRACE));
}

int64_t trace_begin_born(const struct trace *x, struct thread *born)
{
    return record_make(x->by, born, x->user, x->privileged);
}

/* The kernel's set of x's breakpoints is not needed any more. */
static void breakpoints_give(struct trace *x)
{
    if (!x->breakpoints.set)
        return;
    if (x->thread)
        ask_thread_set(x->thread->index, THREAD_BREAKPOINT + BREAKPOINTS, 0);
    share_give(&breakpoint_share, x->user, 1);
    x->breakpoints.set = false;
}

int64_t trace_breakpoints_set(struct trace *x)
{
    if (!x->breakpoints.control) {
        breakpoints_give(x);
        return 0;
    }
    int64_t error = x->breakpoints.set ? 0 : share_take(&breakpoint_share, x->user, 1, -ENOSPC);
    if (error)
        return error;
    x->breakpoints.set = true;
    for (unsigned i = 0; !error && i <= BREAKPOINTS; i++)
        error = ask_thread_set(x->thread->index, THREAD_BREAKPOINT + i,
                               i < BREAKPOINTS ? x->breakpoints.address[i]
                                               : x->breakpoints.control);
    if (error)
        breakpoints_give(x);
    return error;
}

void trace_breakpoints_drop(struct trace *x)
{
    breakpoints_give(x);
    memset(&x->breakpoints, 0, sizeof x->breakpoints);
}

static void record_free(struct trace *x)
{
    breakpoints_give(x);
    struct trace **at = &x->tracer->tracees;
    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    share_give(&trace_share, x->user, 1);
    memory_free(x);
}

void trace_release(struct trace *x)
{
    struct thread *t = x->thread;
    record_free(x);
    if (!t)
        return;
    t->trace = NULL;
    ask_thread_set(t->index, THREAD_REPORTS, 0);
    publish(t);
}

struct trace *trace_ended(struct thread *t, uint32_t status, bool keep)
{
    struct trace *x = t->trace;
    if (!x)
        return NULL;
    const struct posix_proc *i = &t->process->i;
    t->trace = NULL;
    if (!keep) {
        record_free(x);
        return NULL;
    }
    breakpoints_give(x);
    x->thread = NULL;
    x->tid = t->tid;
    x->pid = i->pid, x->pgid = i->pgid, x->uid = i->uid;
    x->stop = TRACE_RUNS;
    x->status = status;
    x->report = true;
    return x;
}

/* ---- stops ---- */

void trace_step(struct thread *t, bool on)
{
    struct regs r;
    if (ask_regs_get(t->index, &r, NULL) < 0)
        return;
    r.rflags = on ? r.rflags | TRAP_FLAG : r.rflags & ~(uint64_t)TRAP_FLAG;
    sys_regs_set(t->index, &r, 0);
}

/* Stops t with a code: a signal, | PTRACE_EVENT_... << 8. info NULL: what ptrace_notify has. */
static int64_t stop(struct thread *t, enum trace_stop stop, uint32_t code,
                    const struct siginfo *info)
{
    struct trace *x = t->trace;
    const struct posix_proc *i = &t->process->i;
    if (x->steps)
        trace_step(t, false);
    x->info = (struct siginfo){ .signo = code & 0x7f, .code = code, .sent = { t->tid, i->uid, 0 } };
    if (info)
        x->info = *info;
    x->steps = x->listens = false;
    x->stop = stop;
    x->status = code << 8 | STOPPED;
    t->place = THREAD_TRAPPED;
    x->report = true;
    publish(t);
    effects->report(x);
    return LATER;
}

int64_t trace_stop_event(struct thread *t, int64_t result)
{
    struct trace *x = t->trace;
    x->event = x->event_due;
    x->event_due = 0;
    t->result = result;
    return stop(t, t->in_event ? TRACE_EVENT : TRACE_INSIDE, SIGTRAP | x->event << 8, NULL);
}

int64_t trace_stop_call(struct thread *t, enum trace_stop what)
{
    struct trace *x = t->trace;
    x->event = 0;
    x->exit_due = false;
    return stop(t, what, SIGTRAP | (x->options & PTRACE_O_TRACESYSGOOD ? SYSGOOD : 0), NULL);
}

int64_t trace_stop_signal(struct thread *t, const struct siginfo *info)
{
    t->trace->event = 0;
    return stop(t, TRACE_SIGNAL, info->signo, info);
}

int64_t trace_stop_rest(struct thread *t)
{
    struct trace *x = t->trace;
    unsigned sig = stands_still(t) ? t->process->stopped : SIGTRAP;
    x->trap_due = false;
    x->event = x->seized ? PTRACE_EVENT_STOP : 0;
    return stop(t, stands_still(t) ? TRACE_GROUP : TRACE_EVENT, sig | x->event << 8, NULL);
}

void trace_runs(struct thread *t)
{
    struct trace *x = t->trace;
    x->stop = TRACE_RUNS;
    x->listens = x->report = false;
    publish(t);
}

/* ---- the way back ---- */

static bool is_restart(uint64_t rax)
{
    return (int64_t)rax <= -ERESTARTSYS && (int64_t)rax >= -ERESTART_RESTARTBLOCK;
}

int64_t trace_result(const struct thread *t)
{
    struct regs r;
    if ((int64_t)t->number < 0 || ask_regs_get(t->index, &r, NULL) < 0 || !is_restart(r.rax))
        return REGISTERS;
    return r.rax;
}

int64_t trace_arrived(struct thread *t, int64_t call)
{
    struct trace *x = t->trace;
    struct regs r;
    t->number = call >= 0 ? (uint64_t)call : x->number;
    x->number = NO_SYSCALL;
    if (ask_regs_get(t->index, &r, NULL) < 0)
        return REGISTERS;
    if (call >= 0) {
        r.rax = -ERESTARTSYS;
    } else if (x->in_call && r.rip == x->ip - SYSCALL_SIZE) { /* the kernel has it made again */
        r.rip = x->ip;
        r.rax = -ERESTARTNOINTR;
    }
    sys_regs_set(t->index, &r, 0);
    x->exit_due = x->in_call && x->reports;
    x->in_call = false;
    t->attention = true;
    return trace_result(t);
}

bool trace_event(struct thread *t, unsigned event, uint64_t message)
{
    struct trace *x = t->trace;
    if (!x || !(x->options & 1u << event))
        return false;
    x->event_due = event;
    x->message = message;
    t->attention = true;
    return true;
}
