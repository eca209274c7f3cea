/* Delivery of signals: what becomes of a thread on its way back to its program, which leads through
 * thread_attend(). (Linux: get_signal and handle_signal.)
 *
 * The signals that wait and are not blocked are taken one by one. One that is ignored vanishes; one
 * that stops keeps the call's result until SIGCONT; one that is fatal ends the process; for a
 * handler a frame is built on the program's stack, and the registers make the handler run. A
 * further signal's frame lies below the first one's, so its handler runs first.
 *
 * Restarted calls. A call that a signal interrupted ends with one of four codes, of which programs
 * see only what this table says:
 *
 *   code                    no handler ran     SA_RESTART     a handler without it
 *   ERESTARTNOINTR          made again         made again     made again
 *   ERESTARTSYS             made again         made again     -EINTR
 *   ERESTARTNOHAND          made again         -EINTR         -EINTR
 *   ERESTART_RESTARTBLOCK   restart_syscall    -EINTR         -EINTR
 *
 * To be made again, rip goes back by the size of the instruction and rax is the call's number
 * again: the arguments still stand in the other registers (signal_frame.c, registers_finish).
 *
 * A frame that throws. The stack may have no page yet where the frame is to be. This server gets a
 * page brought only by throwing the thread's call back, and then the kernel makes that call again
 * from its start. A call that has a result must not be made twice: a write would write twice. So
 * the call is ended first, and something is thrown back that may well be made twice:
 *
 *   t comes with            frame_throw()                               t comes next with
 *   a call and its result   puts the signal back, writes the result     KERNEL_SIGNAL, NO_SYSCALL
 *                           to the registers, answers the call, asks
 *                           for an interruption (SYS_INTERRUPT)
 *   no call (NO_SYSCALL),   puts the signal back, throws KERNEL_SIGNAL  KERNEL_SIGNAL again, and
 *   its registers final     back: PM brings the page                    the frame fits
 *
 * The signal stands at the head of t's queue meanwhile. A restart code is settled in the first
 * step, since the second one knows of no call: by the table above, as if the handler had run
 * already. A stack whose pages go as fast as they come would repeat the second step without end;
 * after THROWS_MAX of them in a row the process ends by SIGSEGV. */
#include "delivery.h"

#include "service.h"
#include "signal_frame.h"
#include "syscalls.h"
#include "trace.h"
#include "user_memory.h"

static const struct signal_effects *effects;

void delivery_start(const struct signal_effects *e) { effects = e; }

void signal_waits(int sig) { effects->told(sig); }

void process_end(struct process *p, int status)
{
    if (p->zombie || p->exiting || !p->i.pid)
        return;
    if (p->core)
        status = p->fatal;
    if (!p->busy) {
        effects->end(p, status);
        return;
    }
    if (!p->doomed)
        p->doomed = status + 1;
    for (struct thread *t = p->threads; t; t = t->next)
        t->attention = true;
}

void process_dies(struct process *p, struct thread *t, const struct siginfo *info)
{
    if (!effects->dump(p, t, info))
        process_end(p, info->signo);
}

/* ---- what a process has chosen for a signal ---- */

bool signal_ignored(const struct process *p, int sig)
{
    uint64_t h = p->actions[sig - 1].handler;
    return h == SIG_IGN || (h == SIG_DFL && (BIT(sig) & IGNORED_BY_DEFAULT));
}

bool signal_protected(const struct process *p, int sig)
{
    return p == init_process &&
           (sig == SIGKILL || sig == SIGSTOP || p->actions[sig - 1].handler == SIG_DFL);
}

/* ---- telling a thread ---- */

uint64_t handed_up_number(struct thread *t)
{
    struct regs r;
    return ask_regs_get(t->index, &r, NULL) < 0 ? NO_SYSCALL : r.rax;
}

void thread_recheck(struct thread *t)
{
    struct process *p = t->process;
    t->attention = ((t->pending.set | p->pending.set) & ~t->blocked) || stands_still(t) ||
                   p->doomed || p->core || t->dies || t->restore_mask || (t->trace && trace_due(t));
}

void thread_interrupt(struct thread *t)
{
    t->attention = true;
    if (t->place == THREAD_AWAY && !t->interrupting) {
        t->interrupting = true;
        sys_interrupt(t->index);
    }
}

void thread_interrupt_wait(struct thread *t)
{
    thread_unwait(t);
    thread_finish(t, t->interrupt_result);
}

void thread_call_in(struct thread *t)
{
    t->attention = true;
    if (t->place == THREAD_WAITING && t->cancel)
        thread_interrupt_wait(t);
    else
        thread_interrupt(t);
}

int signal_take(struct thread *t, uint64_t set, struct siginfo *info)
{
    static const uint64_t synchronous = BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGILL) | BIT(SIGTRAP) |
                                        BIT(SIGFPE) | BIT(SIGSYS);
    uint64_t due = (t->pending.set | t->process->pending.set) & set;
    if (!due)
        return 0;
    if (t->pending.set & synchronous & set)
        due = t->pending.set & synchronous & set;
    int sig = __builtin_ctzl(due) + 1;
    sigqueue_take(t->pending.set & BIT(sig) ? &t->pending : &t->process->pending, sig, info);
    if (__builtin_expect(info->code == SI_TIMER, 0))
        effects->timer_taken(t->process, info);
    return sig;
}

uint64_t thread_mask(struct thread *t)
{
    t->waits = true;
    if (t->place == THREAD_AWAY && !t->tell)
        ask_mask_watch(t->index, &t->blocked);
    return t->blocked;
}

void thread_mask_set(struct thread *t, uint64_t mask)
{
    t->blocked = mask & ~UNBLOCKABLE;
    t->tell = true;
}

void thread_tell(struct thread *t, struct reply *r)
{
    t->tell = false;
    t->waits = (t->pending.set | t->process->pending.set) != 0;
    r->flags |= REPLY_MASK | (t->waits ? REPLY_WAITS : 0) |
                (t->alt_flags & SS_DISABLE ? 0 : REPLY_CONTEXT_UP);
    r->r1 = t->blocked;
}

/* Has procfs show the mask that t has for one call, or no longer. */
static void publish_mask(struct thread *t, bool for_call)
{
    struct posix_proc *i = &t->process->i;
    if (t->tid != (int)i->pid)
        return;
    i->masked = for_call;
    i->call_mask = t->blocked;
}

void signal_mask(struct thread *t, uint64_t mask)
{
    thread_mask_set(t, mask);
    publish_mask(t, false);
    thread_recheck(t);
    /* Another thread may be able to take what t blocks now. */
    uint64_t left = t->process->pending.set & t->blocked;
    if (left && t->process->threads->next)
        for (struct thread *x = t->process->threads; x; x = x->next)
            if (x != t && (left & ~thread_mask(x)) && !x->attention)
                thread_interrupt(x);
}

void signal_mask_for_call(struct thread *t, uint64_t mask)
{
    t->saved_mask = t->blocked;
    signal_mask(t, mask);
    t->restore_mask = true;
    publish_mask(t, true);
}

void signal_mask_restore(struct thread *t)
{
    if (!t->restore_mask)
        return;
    t->restore_mask = false;
    signal_mask(t, t->saved_mask);
}

/* ---- stop and go on ---- */

/* Ends p if that was put off until now. */
static bool end_doomed(struct process *p)
{
    if (!p->doomed)
        return false;
    int status = p->doomed - 1;
    p->doomed = 0;
    process_end(p, status);
    return true;
}

void process_stop(struct process *p, int sig)
{
    if (sig != SIGSTOP && group_orphaned(p->i.pgid, NULL))
        return;
    if (p->stopped || p->core)
        return;
    p->stopped = sig;
    p->stop_report = true;
    p->continue_report = false;
    p->i.state = 'T';
    p->busy++; /* a tracer that hears of it may end, and end p: not before all threads are told */
    for (struct thread *t = p->threads; t; t = t->next) {
        if (t->trace)
            t->trace->ran_on = false;
        if (t->trace)
            thread_call_in(t);
        else
            thread_interrupt(t);
    }
    effects->report(p);
    p->busy--;
    end_doomed(p);
}

/* The stop of t's process is over, and t is traced: a tracer that has seized t is told. */
static void continue_traced(struct thread *t)
{
    struct trace *x = t->trace;
    x->ran_on = false;
    if (!x->seized)
        return;
    x->trap_due = true;
    if (x->listens)
        trace_go_on(t);
    else
        thread_call_in(t);
}

void process_continue(struct process *p)
{
    if (!p->stopped)
        return;
    p->stopped = 0;
    p->stop_report = false;
    p->continue_report = true;
    p->i.state = 'S';
    p->busy++; /* a thread that goes on may end p: not before the others, which end with it */
    for (struct thread *t = p->threads, *next; t; t = next) {
        next = t->next;
        thread_recheck(t);
        if (t->trace) {
            continue_traced(t);
        } else if (t->place == THREAD_WAITING && t->stop_ends) {
            thread_finish(t, -EINTR);
        } else if (t->place == THREAD_STOPPED) {
            t->place = THREAD_HANDLED;
            thread_finish(t, t->result);
        }
    }
    effects->report(p);
    p->busy--;
    end_doomed(p);
}

/* ---- delivering ---- */

/* Answers t's call with the result; REGISTERS: t goes on with its registers as they stand. */
static void answer(struct thread *t, int64_t result)
{
    struct reply r = { .flags = result == REGISTERS ? REPLY_KEEP : 0 };
    call_t c = t->call;
    t->call = 0;
    t->place = THREAD_AWAY;
    if (t->tell | t->waits)
        thread_tell(t, &r);
    reply_full(c, result == REGISTERS ? 0 : result, &r);
}

enum delivery { DELIVER_NEXT, DELIVER_GONE };

void thread_dies(struct thread *t, int status)
{
    if (!t->trace || !t->in_event || !trace_event(t, PTRACE_EVENT_EXIT, status)) {
        process_end(t->process, status);
        return;
    }
    t->trace->options &= ~(1u << PTRACE_EVENT_EXIT);
    t->dies = status;
    trace_stop_event(t, REGISTERS);
}

static enum delivery default_action(struct thread *t, const struct siginfo *info)
{
    struct process *p = t->process;
    int sig = info->signo;
    if (BIT(sig) & IGNORED_BY_DEFAULT || signal_protected(p, sig))
        return DELIVER_NEXT;
    if (BIT(sig) & STOP_SIGNALS) {
        process_stop(p, sig);
        return DELIVER_NEXT;
    }
    if (!effects->dump(p, t, info))
        thread_dies(t, sig);
    return DELIVER_GONE;
}

/* The frame of a handler found no page at `missing`, or one of the `length` bytes from there on:
 * does one step of the table above. t's call is no longer held afterwards. */
static void frame_throw(struct thread *t, const struct siginfo *info, uint64_t action_flags,
                        int64_t result, caller_t missing, size_t length)
{
    enum { THROWS_MAX = 8 };
    struct process *p = t->process;
    sigqueue_return(&t->pending, p->i.uid, pending_limit(p), info);
    if (t->trace)
        t->trace->let_through = info->signo;
    const struct siginfo no_stack = { .signo = SIGSEGV, .code = SI_KERNEL };
    if (++t->throws > THROWS_MAX) {
        process_dies(p, t, &no_stack);
    } else if (result != REGISTERS || t->number != NO_SYSCALL) {
        bool again = (result == -ERESTARTSYS && (action_flags & SA_RESTART)) ||
                     result == -ERESTARTNOINTR;
        if (result <= -ERESTARTSYS && result != REGISTERS)
            result = again ? -ERESTARTNOINTR : -EINTR;
        registers_finish(t, result);
        t->interrupting = false;
        answer(t, REGISTERS);
        thread_interrupt(t);
    } else if (user_throw(t, missing, length, WINDOW_OUT) != LATER) {
        process_dies(p, t, &no_stack);
    }
}

/* Does what t's process has chosen for the signal, which has been taken. *result becomes REGISTERS
 * when a frame was built. DELIVER_GONE: t's call is not held any more, or the process ends. */
static enum delivery deliver_signal(struct thread *t, const struct siginfo *info, int64_t *result)
{
    struct process *p = t->process;
    int sig = info->signo;
    struct sigaction *a = &p->actions[sig - 1];
    if (a->handler == SIG_IGN)
        return DELIVER_NEXT;
    if (a->handler == SIG_DFL)
        return default_action(t, info);
    caller_t missing;
    size_t length;
    struct sigaction now = *a;
    if (frame_push(t, info, &now, *result, &missing, &length) < 0) {
        frame_throw(t, info, now.flags, *result, missing, length);
        return DELIVER_GONE;
    }
    t->throws = 0;
    *result = REGISTERS;
    t->number = NO_SYSCALL;
    uint64_t mask = t->blocked | now.mask;
    if (!(now.flags & SA_NODEFER))
        mask |= BIT(sig);
    if (now.flags & SA_RESETHAND) {
        now.handler = SIG_DFL;
        process_action_set(p, sig, &now);
    }
    signal_mask(t, mask);
    return DELIVER_NEXT;
}

/* ---- traced threads (trace.h) ---- */

/* The call of t, which is traced, ends with `result`. t stops for an event of the call; or its call
 * is answered, and t comes back by an interruption. Returns LATER. */
static int64_t come_back(struct thread *t, int64_t result)
{
    struct trace *x = t->trace;
    if (x->event_due && result != REGISTERS)
        return trace_stop_event(t, result);
    bool in_call = x->in_call;
    if (!in_call)
        x->number = t->number;
    t->interrupting = false;
    answer(t, result);
    if (!in_call)
        thread_interrupt(t); /* else the kernel tells of the end of the call */
    return LATER;
}

/* What stops t before any signal does. false: nothing. */
static bool stop_first(struct thread *t, int64_t result)
{
    if (t->trace->event_due)
        trace_stop_event(t, result);
    else if (t->trace->exit_due)
        trace_stop_call(t, TRACE_EXIT);
    else
        return false;
    return true;
}

/* Takes the next signal for t: what the tracer has let through first. */
static bool next_signal(struct thread *t, struct siginfo *info)
{
    struct trace *x = t->trace;
    if (x && x->injected) {
        *info = x->info;
        x->let_through = x->injected;
        x->injected = 0;
        return true;
    }
    return !stands_still(t) && signal_take(t, ~t->blocked, info);
}

/* Whether the signal stops t for its tracer before it is delivered. */
static bool stops_for_signal(struct thread *t, int sig)
{
    struct trace *x = t->trace;
    bool stops = sig != SIGKILL && x->let_through != sig;
    x->let_through = 0;
    return stops;
}

void trace_go_on(struct thread *t)
{
    trace_runs(t);
    t->place = THREAD_HANDLED;
    thread_finish(t, trace_result(t));
}

void thread_come_back(struct thread *t, int64_t result)
{
    t->interrupting = false;
    answer(t, result);
    thread_interrupt(t);
}

void thread_make_call(struct thread *t)
{
    bool attention = t->attention;
    answer(t, 1);
    if (attention)
        thread_interrupt(t);
}

int64_t thread_attend(struct thread *t, int64_t result)
{
    struct process *p = t->process;
    struct siginfo info;
    if (end_doomed(p))
        return LATER;
    if (t->dies) {
        process_end(p, t->dies);
        return LATER;
    }
    if (p->core)
        return effects->dumping(t, result);
    if (t->trace && !t->in_event)
        return come_back(t, result);
    if (t->trace && stop_first(t, result))
        return LATER;
    if (result > -ERESTARTSYS && result != -EINTR)
        signal_mask_restore(t); /* the mask was for a wait, and no signal has ended that */
    while (next_signal(t, &info)) {
        if (t->trace && stops_for_signal(t, info.signo))
            return trace_stop_signal(t, &info);
        p->busy++;
        enum delivery d = deliver_signal(t, &info, &result);
        p->busy--;
        if (end_doomed(p))
            return LATER;
        if (p->core && t->call)
            return effects->dumping(t, result);
        if (d == DELIVER_GONE)
            return LATER;
    }
    signal_mask_restore(t);
    thread_recheck(t);
    if (t->trace && (t->trace->trap_due || stands_still(t)))
        return trace_stop_rest(t);
    if (stands_still(t)) {
        t->place = THREAD_STOPPED;
        t->result = result;
        return LATER;
    }
    if (result > -ERESTARTSYS)
        return result;
    if (result != REGISTERS)
        registers_finish(t, result);
    return REGISTERS;
}

void thread_finish(struct thread *t, int64_t result)
{
    thread_unwait(t);
    if (t->attention || result <= -ERESTARTSYS) {
        result = thread_attend(t, result);
        if (result == LATER)
            return;
    }
    answer(t, result);
}

void thread_result(struct thread *t, int64_t result)
{
    if (t->dead) {
        if (!t->active)
            thread_free(t);
    } else if (result != LATER) {
        thread_finish(t, result);
    }
}

void thread_work_begin(struct thread *t)
{
    thread_unwait(t);
    t->active++;
}

void thread_work_end(struct thread *t, int64_t result)
{
    t->active--;
    thread_result(t, result);
}
