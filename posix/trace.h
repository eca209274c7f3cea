/* Tracing: what is kept of a thread that another process traces by ptrace(2), and its stops. */
#ifndef TRACE_H
#define TRACE_H

#include "process.h"

/* Of ptrace(2). */
enum {
    PTRACE_EVENT_FORK = 1,
    PTRACE_EVENT_VFORK,
    PTRACE_EVENT_CLONE,
    PTRACE_EVENT_EXEC,
    PTRACE_EVENT_VFORK_DONE,
    PTRACE_EVENT_EXIT,
    PTRACE_EVENT_STOP = 128
};
enum {
    PTRACE_O_TRACESYSGOOD = 1, /* 1 << PTRACE_EVENT_... are the next ones */
    PTRACE_O_EVENTS = 0x7e,
    PTRACE_O_TRACESECCOMP = 0x80,
    PTRACE_O_EXITKILL = 1 << 20,
};

/* Where a traced thread stands still (THREAD_TRAPPED), and how it comes from one place to the next.
 * Its call is held meanwhile.
 *
 *   stop    held                          goes on by
 *   ENTRY   KERNEL_ENTRY                  making the call in its registers; or, if its number is
 *                                         negative now, by EXIT
 *   INSIDE  a system call that is done;   answering the call with t->result, or (vfork) by waiting
 *           an event of ptrace(2)
 *   EXIT, SIGNAL, EVENT, GROUP: an        thread_attend(), which finds the next stop that is due,
 *           event of the kernel           or none
 *
 * A stop other than the first two is made in an event of the kernel alone, where the registers
 * stand as the program is to have them, so that the tracer can read and change them. So the call of
 * a traced thread ends first, and an interruption brings the thread back (trace_come_back). */
enum trace_stop {
    TRACE_RUNS,
    TRACE_ENTRY,
    TRACE_INSIDE,
    TRACE_EXIT,
    TRACE_SIGNAL,
    TRACE_EVENT,
    TRACE_GROUP
};

struct trace {
    struct trace *next; /* of the same tracer */
    struct process *tracer;
    struct thread *by;     /* its thread that traces, and alone may ask */
    struct thread *thread; /* NULL: it has ended, and that is left to report */
    int32_t tid;
    uint32_t pid, pgid, uid; /* of the thread's process, when the thread has ended */
    uint32_t user;           /* who is charged for this record: who has asked for it */
    /* who has asked for it had CAP_SYS_PTRACE then: the thread may run programs that the tracer may
     * not read, and get rights from programs */
    bool privileged;
    uint32_t options; /* PTRACE_O_... */
    uint32_t status;  /* of the last stop or the end, as wait4 tells it */
    bool report;      /* which the tracer has not waited for yet */
    bool seized, listens;
    uint8_t stop;        /* enum trace_stop */
    bool reports, steps; /* how the thread was resumed: PTRACE_SYSCALL, PTRACE_SINGLESTEP */
    bool in_call;        /* KERNEL_ENTRY has come, and the end of that call not yet */
    bool exit_due;       /* the end has come: TRACE_EXIT is to follow */
    bool trap_due;       /* PTRACE_INTERRUPT and the like: PTRACE_EVENT_STOP is to follow */
    bool ran_on;         /* the tracer has let it go on in spite of its process' stop */
    uint8_t event_due;   /* PTRACE_EVENT_... that is to follow */
    uint8_t event;       /* of the stop */
    uint8_t injected;    /* a signal that the tracer has let through: `info` */
    uint8_t let_through; /* a signal that is not to stop the thread again */
    uint64_t message;    /* PTRACE_GETEVENTMSG */
    uint64_t number;     /* of the call that ended before the thread came back */
    uint64_t ip;         /* of the call that KERNEL_ENTRY told of: behind its instruction */
    struct siginfo info; /* of the stop */
    /* the processor's, as debug registers (PTRACE_POKEUSER); what the last debug exception said */
    struct {
        uint64_t address[4], status, control;
        bool set; /* the kernel knows of them, which x->user is charged for */
    } breakpoints;
};

struct trace_effects {
    /* x->report has become true; may wait */
    void (*report)(struct trace *x);
};
void trace_start(const struct trace_effects *e);

/* Whether `by` may look into p and change it (Linux: ptrace_may_access). */
bool trace_allowed(const struct process *by, const struct process *p);
/* Moves bytes between a task's memory and the buffer (PM_MEMORY with these flags, MEMORY_...): how
 * many, -EIO, -ESRCH. Waits. */
int64_t trace_memory(endpoint_t task, caller_t at, void *buffer, size_t length, uint32_t flags);
/* The thread `by` traces t from now on. asker: the process that has asked for it, the tracer's or
 * the tracee's own. 0; -EPERM: t is traced already; -ENOMEM: the user of `asker` is charged for as
 * many tracees as one may have. */
int64_t trace_begin(struct thread *by, struct thread *t, const struct process *asker);
/* The same for a thread that x's has made, on behalf of who has asked for x. */
int64_t trace_begin_born(const struct trace *x, struct thread *born);
/* Tells the kernel which breakpoints x's thread has. 0; -ENOSPC: there are too many sets of them,
 * or x's user has its share. */
int64_t trace_breakpoints_set(struct trace *x);
/* The thread has none any more. */
void trace_breakpoints_drop(struct trace *x);
/* Nobody traces x's thread, which is not stopped, any more. x is freed. */
void trace_release(struct trace *x);
/* t has ended, with a status as wait reports it. keep: the tracer is to be told, by x->report.
 * Returns the record if it is still there. */
struct trace *trace_ended(struct thread *t, uint32_t status, bool keep);

/* Whether t stands still because its process is stopped. */
static inline bool stands_still(const struct thread *t)
{
    return t->process->stopped && !(t->trace && t->trace->ran_on);
}
/* Whether a stop other than for a signal is due for t, which is traced. */
static inline bool trace_due(const struct thread *t)
{
    const struct trace *x = t->trace;
    return x->event_due || x->exit_due || x->trap_due || x->injected;
}

/* Stops t, which is traced and whose call is held: in that call, if it is not an event of the
 * kernel, with what it is to be answered. Returns LATER. May wait. */
int64_t trace_stop_event(struct thread *t, int64_t result);
int64_t trace_stop_call(struct thread *t, enum trace_stop stop);
int64_t trace_stop_signal(struct thread *t, const struct siginfo *info);
int64_t trace_stop_rest(struct thread *t);
/* What a thread that comes back from a stop, or comes by KERNEL_SIGNAL, is to go on with: the
 * restart code in its registers, or REGISTERS. */
int64_t trace_result(const struct thread *t);
/* t has come by KERNEL_SIGNAL, in which `call` is the number of an interrupted system call or -1.
 * Returns trace_result(). */
int64_t trace_arrived(struct thread *t, int64_t call);
/* t, which is TRAPPED, is stopped no longer. */
void trace_runs(struct thread *t);
/* The flag for single steps in t's registers is set, or taken away. */
void trace_step(struct thread *t, bool on);
/* Announces an event, if t is traced and its tracer wants it: t stops on its way back to its
 * program. */
bool trace_event(struct thread *t, unsigned event, uint64_t message);

#endif
