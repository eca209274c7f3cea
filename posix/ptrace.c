/* ptrace(2): how one process traces the threads of another. trace.h tells how they stop.
 *
 * System calls. A thread resumed by PTRACE_SYSCALL or PTRACE_SINGLESTEP tells of its calls
 * (THREAD_REPORTS): the kernel calls KERNEL_ENTRY before it makes one, wherever that would go, and
 * KERNEL_SIGNAL after it. Threads that are not traced pay nothing for that. */
#include "ptrace.h"

#include "capability.h"
#include "delivery.h"
#include "handlers.h"
#include "signal.h"
#include "signal_frame.h"
#include "syscalls.h"
#include "trace.h"
#include "trace_regs.h"
#include "user_memory.h"
#include "wait.h"
#include <minnow/context.h>

enum {
    PTRACE_TRACEME,
    PTRACE_PEEKTEXT,
    PTRACE_PEEKDATA,
    PTRACE_PEEKUSER,
    PTRACE_POKETEXT,
    PTRACE_POKEDATA,
    PTRACE_POKEUSER,
    PTRACE_CONT,
    PTRACE_KILL,
    PTRACE_SINGLESTEP,
    PTRACE_GETREGS = 12,
    PTRACE_SETREGS,
    PTRACE_GETFPREGS,
    PTRACE_SETFPREGS,
    PTRACE_ATTACH,
    PTRACE_DETACH,
    PTRACE_OLDSETOPTIONS = 21,
    PTRACE_SYSCALL = 24,
    PTRACE_ARCH_PRCTL = 30,
    PTRACE_SETOPTIONS = 0x4200,
    PTRACE_GETEVENTMSG,
    PTRACE_GETSIGINFO,
    PTRACE_SETSIGINFO,
    PTRACE_GETREGSET,
    PTRACE_SETREGSET,
    PTRACE_SEIZE,
    PTRACE_INTERRUPT,
    PTRACE_LISTEN,
    PTRACE_PEEKSIGINFO,
    PTRACE_GETSIGMASK,
    PTRACE_SETSIGMASK,
    PTRACE_GET_SYSCALL_INFO = 0x420e,
};
enum { CLONE_PTRACE = 0x2000, CLONE_VFORK = 0x4000, CLONE_UNTRACED = 0x800000 };
enum { WORD = sizeof(uint64_t) };

/* ---- memory ---- */

/* Whether x's tracer may see and change the memory of the program that x's thread runs by now:
 * perhaps one that its user may run, but not read (Linux: ptrace_access_vm()). */
static bool may_touch(const struct trace *x)
{
    return x->privileged || x->thread->process->i.dumpable;
}

static int64_t peek(struct thread *tracer, struct thread *t, const uint64_t *w)
{
    uint64_t word;
    int64_t n = may_touch(t->trace)
                    ? trace_memory(t->process->i.task, w[2], &word, WORD, MEMORY_FORCE)
                    : -EIO;
    if (tracer->dead)
        return LATER;
    return n == WORD ? user_write(tracer, w[3], &word, WORD) : -EIO;
}

static int64_t poke(struct thread *t, const uint64_t *w)
{
    uint64_t word = w[3];
    int64_t n = may_touch(t->trace) ? trace_memory(t->process->i.task, w[2], &word, WORD,
                                                   MEMORY_FORCE | MEMORY_WRITE)
                                    : -EIO;
    return n == WORD ? 0 : -EIO;
}

/* ---- going on ---- */

/* t makes the call that its registers and t->number name; an interruption comes behind that. */
static void enter_call(struct thread *t)
{
    struct regs r;
    if (ask_regs_get(t->index, &r, NULL) < 0)
        return;
    r.rax = t->number;
    sys_regs_set(t->index, &r, 0);
    thread_make_call(t);
}

/* Whether t waits in vfork. */
static bool in_vfork(const struct thread *t)
{
    FOR_EACH_PROCESS(p)
    if (p->vfork_parent == t)
        return true;
    return false;
}

/* t, which was stopped for an event in its call, goes on. */
static void go_on_inside(struct thread *t, unsigned event)
{
    if (event == PTRACE_EVENT_EXIT) {
        call_t c = t->call;
        thread_recheck(t);
        thread_gone(t);
        sys_retry(c);
        return;
    }
    if (event == PTRACE_EVENT_VFORK && in_vfork(t)) {
        thread_wait(t, NULL, 0);
        return;
    }
    if (event == PTRACE_EVENT_VFORK)
        trace_event(t, PTRACE_EVENT_VFORK_DONE, t->result);
    thread_finish(t, t->result);
}

/* t goes on from this stop, whether it is still traced or not. May wait. */
static void go_on(struct thread *t, enum trace_stop stop, unsigned event)
{
    t->place = THREAD_HANDLED;
    if (stop == TRACE_ENTRY && (int64_t)t->number >= 0) {
        enter_call(t);
    } else if (stop == TRACE_INSIDE) {
        go_on_inside(t, event);
    } else {
        if (t->trace && stop == TRACE_ENTRY) /* the call is left out */
            t->trace->exit_due = t->trace->reports;
        thread_finish(t, trace_result(t));
    }
}

/* The tracer lets t go on with a signal, or 0. */
static void inject(struct thread *t, int sig)
{
    struct trace *x = t->trace;
    const struct posix_proc *i = &x->tracer->i;
    if (sig && (x->stop != TRACE_SIGNAL || sig != x->info.signo))
        x->info = (struct siginfo){ .signo = sig, .code = SI_USER, .sent = { i->pid, i->uid, 0 } };
    if (sig && x->stop != TRACE_GROUP)
        x->injected = sig;
}

static int64_t resume(struct thread *t, uint64_t request, uint64_t sig)
{
    struct trace *x = t->trace;
    enum trace_stop stop = x->stop;
    if (sig > SIGNALS)
        return -EIO;
    inject(t, sig);
    x->reports = request == PTRACE_SYSCALL;
    x->steps = request == PTRACE_SINGLESTEP;
    bool told = x->reports || x->steps;
    if (!told || !x->in_call)
        ask_thread_set(t->index, THREAD_REPORTS, told);
    if (x->steps)
        trace_step(t, true);
    if (stop == TRACE_ENTRY)
        x->number = t->number;
    x->in_call = (x->in_call || stop == TRACE_ENTRY) && told;
    x->ran_on = t->process->stopped != 0;
    trace_runs(t);
    go_on(t, stop, x->event);
    return 0;
}

/* Nobody traces t any more. It goes on, with a signal if sig is one. May wait. */
static void detach(struct thread *t, int sig)
{
    struct trace *x = t->trace;
    struct process *p = t->process;
    enum trace_stop stop = x->stop;
    unsigned event = x->event;
    inject(t, sig);
    if (x->injected)
        sigqueue_return(&t->pending, p->i.uid, pending_limit(p), &x->info);
    if (x->steps)
        trace_step(t, false);
    trace_release(x);
    thread_recheck(t);
    if (stop != TRACE_RUNS)
        go_on(t, stop, event);
}

/* ---- what threads do that are traced ---- */

static void attach_leave(struct thread *tracer) { (void)tracer; }

/* The thread of that number has come, to stop for a tracer that may wait for it in PTRACE_ATTACH or
 * PTRACE_SEIZE; or it has ended. May wait. */
static void attached(struct thread *tracer, int32_t tid)
{
    if (tracer->place == THREAD_WAITING && tracer->cancel == attach_leave &&
        tracer->wait.tracee == tid)
        thread_finish(tracer, 0);
}

int64_t ptrace_entry(struct thread *t, struct message *m)
{
    struct trace *x = t->trace;
    struct regs r;
    t->number = m->w[0];
    if (!x || ask_regs_get(t->index, &r, NULL) < 0 || !x->reports) {
        if (x && (x->in_call = x->steps))
            x->number = t->number;
        enter_call(t);
        return LATER;
    }
    x->ip = r.rip;
    r.rax = -ENOSYS;
    sys_regs_set(t->index, &r, 0);
    return trace_stop_call(t, TRACE_ENTRY);
}

int64_t ptrace_arrived(struct thread *t, struct message *m)
{
    attached(t->trace->by, t->tid);
    if (t->dead || !t->trace)
        return t->dead ? LATER : REGISTERS;
    struct trace *x = t->trace;
    struct regs r;
    bool stepped = x->in_call && x->steps, ended = x->in_call || x->number != NO_SYSCALL;
    int64_t result = trace_arrived(t, m->w[0]);
    if (ended && result == REGISTERS && ask_regs_get(t->index, &r, NULL) >= 0 &&
        (int64_t)r.rax != -EINTR)
        signal_mask_restore(t); /* the mask was for a wait that no signal has ended */
    if (stepped)
        signal_force(
            t, &(struct siginfo){ .signo = SIGTRAP, .code = TRAP_TRACE, .fault.address = r.rip });
    return result;
}

bool ptrace_exits(struct thread *t, uint32_t status)
{
    bool stops = trace_event(t, PTRACE_EVENT_EXIT, status);
    if (stops)
        t->trace->options &= ~(1u << PTRACE_EVENT_EXIT);
    return stops;
}

void ptrace_ends(struct thread *t, uint32_t status, bool last)
{
    struct process *p = t->process;
    bool first = t->tid == (int)p->i.pid;
    if (t->trace)
        attached(t->trace->by, t->tid);
    struct trace *x = t->trace;
    if (!x)
        return;
    x = trace_ended(t, status, last ? x->tracer != p->parent : !first);
    if (x && last)
        p->ghost = x; /* reported when p is a zombie */
    else if (x)
        wait_notify_tracer(x);
}

/* One of those that t traces; NULL: there is none. */
static struct trace *tracee_of(const struct thread *t)
{
    struct trace *x = t->process->tracees;
    while (x && x->by != t)
        x = x->next;
    return x;
}

void ptrace_tracer_ends(struct thread *t)
{
    for (struct trace *x; (x = tracee_of(t));) {
        struct process *tracee = x->thread ? x->thread->process : NULL;
        bool kills = x->options & PTRACE_O_EXITKILL;
        if (!tracee) {
            wait_tracee_reaped(x);
            continue;
        }
        int pid = tracee->i.pid;
        detach(x->thread, 0);
        if (kills && process_find(pid) == tracee)
            process_end(tracee, SIGKILL);
    }
}

bool ptrace_birth(struct thread *t, struct thread *born, uint64_t flags, int signal)
{
    struct trace *x = t->trace;
    unsigned event = flags & CLONE_VFORK ? PTRACE_EVENT_VFORK
                     : signal == SIGCHLD ? PTRACE_EVENT_FORK
                                         : PTRACE_EVENT_CLONE;
    if (!x || flags & CLONE_UNTRACED)
        return false;
    bool stops = trace_event(t, event, born->tid);
    if ((!stops && !(flags & CLONE_PTRACE)) || trace_begin_born(x, born))
        return stops;
    born->trace->options = x->options;
    born->trace->seized = x->seized;
    if (x->seized)
        born->trace->trap_due = true;
    else
        sigqueue_add(&born->pending, born->process->i.uid, pending_limit(born->process),
                     &(struct siginfo){ .signo = SIGSTOP, .code = SI_KERNEL });
    born->attention = true;
    return stops;
}

void ptrace_exec(struct thread *t, int former)
{
    struct trace *x = t->trace;
    if (!x)
        return;
    x->tid = t->tid;
    if (!trace_event(t, PTRACE_EVENT_EXEC, former) && !x->seized &&
        !(x->options & 1u << PTRACE_EVENT_EXEC))
        signal_self(t, SIGTRAP);
}

bool ptrace_bounds(const struct process *p)
{
    for (const struct thread *t = p->threads; t; t = t->next)
        if (t->trace && !t->trace->privileged)
            return true;
    return false;
}

/* ---- beginning and end ---- */

static bool options_sound(uint64_t options)
{
    return !(options & ~(uint64_t)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EVENTS | PTRACE_O_EXITKILL));
}

/* It is t who asks, so what t may do counts from now on, and not what its parent may, who can
 * become another user's program (Linux: ptrace_traceme(), cap_ptrace_traceme()). */
static int64_t trace_me(struct thread *t)
{
    const struct process *p = t->process;
    struct thread *by = parent_thread(p);
    if (!by || (p->i.caps.permitted & ~by->process->i.caps.permitted &&
                !capable(by->process, CAP_SYS_PTRACE)))
        return -EPERM;
    return trace_begin(by, t, p);
}

/* A thread that stands still already stops anew, for its tracer, whose call ends when the thread
 * has come for that (attached). Returns what the tracer's handler returns. */
static int64_t stop_anew(struct thread *tracer, struct thread *t)
{
    int32_t tid = t->tid;
    if (t->place != THREAD_STOPPED)
        return 0;
    t->place = THREAD_HANDLED;
    t->attention = true;
    thread_finish(t, t->result);
    t = thread_find(tid);
    if (tracer->dead)
        return LATER;
    if (!t || !t->trace || t->trace->by != tracer || t->trace->stop != TRACE_RUNS)
        return 0;
    tracer->wait.tracee = tid;
    return thread_wait(tracer, attach_leave, 0);
}

static int64_t attach(struct thread *tracer, struct thread *t, const uint64_t *w)
{
    bool seizes = w[0] == PTRACE_SEIZE;
    struct process *p = t->process;
    if (seizes && (w[2] || !options_sound(w[3])))
        return -EIO;
    if (p == tracer->process || !trace_allowed(tracer->process, p) || p == init_process)
        return -EPERM;
    int64_t error = trace_begin(tracer, t, tracer->process);
    if (error)
        return error;
    t->trace->seized = seizes;
    t->trace->options = seizes ? w[3] : 0;
    int tid = t->tid;
    if (!seizes)
        signal_post(p, t, &(struct siginfo){ .signo = SIGSTOP, .code = SI_KERNEL });
    return thread_find(tid) == t ? stop_anew(tracer, t) : 0;
}

/* ---- the call ---- */

static int64_t signal_info(struct thread *tracer, struct trace *x, caller_t at, bool write)
{
    struct siginfo full[SIGINFO_SIZE / sizeof(struct siginfo) + 1] = { 0 };
    if (x->stop == TRACE_GROUP && !x->seized)
        return -EINVAL;
    if (!write) {
        full[0] = x->info;
        return user_write(tracer, at, full, SIGINFO_SIZE);
    }
    int64_t error = user_read(tracer, at, full, SIGINFO_SIZE);
    if (!error)
        x->info = full[0];
    return error;
}

/* PTRACE_PEEKSIGINFO: how many have been written. */
static int64_t peek_signals(struct thread *tracer, const struct thread *t, const uint64_t *w)
{
    struct {
        uint64_t offset;
        uint32_t flags;
        int32_t count;
    } a;
    enum { SHARED = 1 };
    struct siginfo full[SIGINFO_SIZE / sizeof(struct siginfo) + 1] = { 0 };
    int64_t error = user_read(tracer, w[2], &a, sizeof a);
    if (error)
        return error;
    if (a.flags & ~SHARED || a.count < 0)
        return -EINVAL;
    const struct queued *q = a.flags & SHARED ? t->process->pending.first : t->pending.first;
    for (uint64_t skip = a.offset; q && skip; skip--)
        q = q->next;
    int32_t done = 0;
    for (; q && done < a.count; q = q->next, done++) {
        full[0] = q->info;
        if ((error = user_write(tracer, w[3] + (uint64_t)done * SIGINFO_SIZE, full, SIGINFO_SIZE)))
            return error;
    }
    return done;
}

static int64_t signal_mask_call(struct thread *tracer, struct thread *t, const uint64_t *w,
                                bool write)
{
    uint64_t mask = t->restore_mask ? t->saved_mask : t->blocked;
    if (w[2] != sizeof mask)
        return -EINVAL;
    if (!write)
        return user_write(tracer, w[3], &mask, sizeof mask);
    int64_t error = user_read(tracer, w[3], &mask, sizeof mask);
    if (!error)
        signal_mask(t, mask);
    return error;
}

/* PTRACE_GET_SYSCALL_INFO: the size of all there is. */
static int64_t call_info(struct thread *tracer, struct thread *t, uint64_t size, caller_t at)
{
    enum { NONE = 24, ENTRY = 80, EXIT = 33, AUDIT_ARCH_X86_64 = 0xc000003e, ERRNO_MAX = 4095 };
    struct {
        uint32_t op, arch;
        uint64_t ip, sp, words[7];
    } i = { .arch = AUDIT_ARCH_X86_64 };
    struct user_regs u;
    int64_t all = NONE, error = trace_registers(t, &u);
    if (error)
        return error;
    i.ip = u.rip;
    i.sp = u.rsp;
    bool told = t->trace->options & PTRACE_O_TRACESYSGOOD; /* Linux looks at the stop's code */
    if (told && t->trace->stop == TRACE_ENTRY) {
        i.op = 1;
        const uint64_t words[] = { u.orig_rax, u.rdi, u.rsi, u.rdx, u.r10, u.r8, u.r9 };
        memcpy(i.words, words, sizeof words);
        all = ENTRY;
    } else if (told && t->trace->stop == TRACE_EXIT) {
        i.op = 2;
        i.words[0] = u.rax;
        i.words[1] = u.rax >= (uint64_t)-ERRNO_MAX;
        all = EXIT;
    }
    error = user_write(tracer, at, &i, MIN(size, (uint64_t)all));
    return error ? error : all;
}

static int64_t listen(struct trace *x)
{
    if (!x->seized || x->event != PTRACE_EVENT_STOP)
        return -EIO;
    x->listens = true;
    x->report = false;
    if (x->trap_due || !x->thread->process->stopped)
        trace_go_on(x->thread);
    return 0;
}

static int64_t interrupt(struct thread *t)
{
    struct trace *x = t->trace;
    if (!x->seized)
        return -EIO;
    x->trap_due = true;
    if (x->listens)
        trace_go_on(t);
    else
        thread_call_in(t);
    return 0;
}

/* What a tracer asks of t, which is stopped. */
static int64_t with_stopped(struct thread *tracer, struct thread *t, const uint64_t *w)
{
    struct trace *x = t->trace;
    uint64_t size = w[0] == PTRACE_GETREGS || w[0] == PTRACE_SETREGS ? sizeof(struct user_regs)
                                                                     : FXSAVE_SIZE;
    switch (w[0]) {
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA: return peek(tracer, t, w);
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA: return poke(t, w);
    case PTRACE_PEEKUSER: return trace_word_peek(tracer, t, w[2], w[3]);
    case PTRACE_POKEUSER: return trace_word_poke(t, w[2], w[3]);
    case PTRACE_ARCH_PRCTL: return trace_base(tracer, t, w[2], w[3]);
    case PTRACE_GETREGS:
    case PTRACE_SETREGS:
        return trace_regset_move(tracer, t, NT_PRSTATUS, w[3], &size, w[0] == PTRACE_SETREGS);
    case PTRACE_GETFPREGS:
    case PTRACE_SETFPREGS:
        return trace_regset_move(tracer, t, NT_PRFPREG, w[3], &size, w[0] == PTRACE_SETFPREGS);
    case PTRACE_GETREGSET:
    case PTRACE_SETREGSET: return trace_regset_call(tracer, t, w, w[0] == PTRACE_SETREGSET);
    case PTRACE_CONT:
    case PTRACE_SYSCALL:
    case PTRACE_SINGLESTEP: return resume(t, w[0], w[3]);
    case PTRACE_DETACH:
        if (w[3] > SIGNALS)
            return -EIO;
        detach(t, w[3]);
        return 0;
    case PTRACE_SETOPTIONS:
    case PTRACE_OLDSETOPTIONS:
        if (!options_sound(w[3]))
            return -EINVAL;
        x->options = w[3];
        return 0;
    case PTRACE_GETEVENTMSG: return user_write(tracer, w[3], &x->message, sizeof x->message);
    case PTRACE_GETSIGINFO:
    case PTRACE_SETSIGINFO: return signal_info(tracer, x, w[3], w[0] == PTRACE_SETSIGINFO);
    case PTRACE_PEEKSIGINFO: return peek_signals(tracer, t, w);
    case PTRACE_GETSIGMASK:
    case PTRACE_SETSIGMASK: return signal_mask_call(tracer, t, w, w[0] == PTRACE_SETSIGMASK);
    case PTRACE_GET_SYSCALL_INFO: return call_info(tracer, t, w[2], w[3]);
    case PTRACE_LISTEN: return listen(x);
    default: return -EIO;
    }
}

/* The call of these words: request, thread, address, data. */
static int64_t ptrace(struct thread *tracer, const uint64_t *w)
{
    if (w[0] == PTRACE_TRACEME)
        return trace_me(tracer);
    struct thread *t = thread_find((int32_t)w[1]);
    if (!t)
        return -ESRCH;
    if (w[0] == PTRACE_ATTACH || w[0] == PTRACE_SEIZE)
        return attach(tracer, t, w);
    if (!t->trace || t->trace->by != tracer)
        return -ESRCH;
    if (w[0] == PTRACE_KILL) {
        process_end(t->process, SIGKILL);
        return 0;
    }
    if (w[0] == PTRACE_INTERRUPT)
        return interrupt(t);
    if (t->trace->stop == TRACE_RUNS || t->trace->listens)
        return -ESRCH;
    return with_stopped(tracer, t, w);
}

int64_t linux_ptrace(struct thread *t, struct message *m) { return ptrace(t, m->w); }
