/* Waiting for children, and telling parents.
 *
 * A child that has ended stays in the table until one of these calls takes its status; what it has
 * to report is taken only after it has been written to the program's memory, since a page that is
 * missing makes the call come again.
 *
 * When a child changes, its parent gets SIGCHLD, and threads of the parent may be waiting. Their
 * wait ends first, without an answer, so that the signal does not interrupt it; then the signal is
 * sent; then they look again (wait_notify). */
#include "wait.h"

#include "delivery.h"
#include "handlers.h"
#include "pidfd.h"
#include "rusage.h"
#include "signal.h"
#include "trace.h"
#include "user_memory.h"

enum {
    WNOHANG = 1,
    WUNTRACED = 2,
    WSTOPPED = 2,
    WEXITED = 4,
    WCONTINUED = 8,
    WNOWAIT = 0x01000000,
    WNOTHREAD = 0x20000000,
    WALL = 0x40000000
};
#define WCLONE 0x80000000u
enum { P_ALL, P_PID, P_PGID, P_PIDFD };
enum { STATUS_STOPPED = 0x7f, STATUS_CONTINUED = 0xffff };
/* of si_utime and si_stime */
enum { TICK_NS = 10000000 };

/* Frees a zombie, and adds what it has used to the sums of its parent, if that has waited for
 * it. */
static void process_reap(struct process *p, bool waited)
{
    struct process *parent = p->parent;
    if (waited) {
        cpu_time_add(&parent->i.children, &p->i.cpu);
        cpu_time_add(&parent->i.children, &p->i.children);
        io_add(parent->i.io, p->i.io);
        parent->children_peak = MAX(parent->children_peak, MAX(p->usage.peak, p->children_peak));
        parent->i.children_faults += p->usage.faults + p->i.children_faults;
        parent->i.children_major += p->usage.major + p->i.children_major;
    }
    process_free(p);
}

/* Whether p's parent learns of p's stops as its tracer. */
static bool traced_by_parent(const struct process *p)
{
    const struct thread *t = p->threads;
    while (t && t->tid != (int)p->i.pid)
        t = t->next;
    return t && t->trace && t->trace->tracer == p->parent;
}

/* Returns which report of those that `options` ask for there is of p, as WEXITED, WSTOPPED or
 * WCONTINUED, and the status that wait4 writes for it; 0: none. */
static unsigned report_kind(const struct process *p, int options, uint32_t *status)
{
    if (p->zombie && !p->ghost && (options & WEXITED)) {
        *status = p->i.exit_status;
        return WEXITED;
    }
    if (p->stopped && p->stop_report && (options & WSTOPPED) && !traced_by_parent(p)) {
        *status = p->stopped << 8 | STATUS_STOPPED;
        return WSTOPPED;
    }
    if (!p->zombie && p->continue_report && (options & WCONTINUED)) {
        *status = STATUS_CONTINUED;
        return WCONTINUED;
    }
    return 0;
}

/* CLD_... for a status as wait reports it, of what has ended. */
static int end_code(uint32_t status)
{
    enum { DUMPED = 0x80 };
    return !(status & 0x7f) ? CLD_EXITED : status & DUMPED ? CLD_DUMPED : CLD_KILLED;
}

/* Makes *info what SIGCHLD and waitid tell of p. */
static void child_info(const struct process *p, unsigned kind, uint32_t status,
                       struct siginfo *info)
{
    *info = (struct siginfo){ .signo = SIGCHLD, .child = { .pid = p->i.pid, .uid = p->i.uid } };
    if (kind == WEXITED) {
        info->code = end_code(status);
        info->child.status = status & 0x7f ? status & 0x7f : status >> 8;
        info->child.user = (p->i.cpu.ns - p->i.cpu.system_ns) / TICK_NS;
        info->child.system = p->i.cpu.system_ns / TICK_NS;
    } else {
        info->code = kind == WSTOPPED ? CLD_STOPPED : CLD_CONTINUED;
        info->child.status = kind == WSTOPPED ? status >> 8 : SIGCONT;
    }
}

/* ---- one look ---- */

/* Whether the wait of t is for p, a child of its process. */
static bool waits_for_child(const struct child_wait *w, const struct thread *t,
                            const struct process *p)
{
    if (w->which == P_PID && p->i.pid != (unsigned)w->id)
        return false;
    if (w->which == P_PGID && p->i.pgid != (w->id ? (unsigned)w->id : t->process->i.pgid))
        return false;
    if (w->options & WNOTHREAD && parent_thread(p) != t)
        return false;
    return w->options & WALL || (p->i.exit_signal != SIGCHLD) == !!(w->options & WCLONE);
}

static int64_t write_usage(struct thread *t, caller_t to, const struct process *p)
{
    int64_t usage[USAGE_WORDS];
    if (!to || !p)
        return 0;
    struct cpu_time all = process_cpu(p);
    cpu_time_add(&all, &p->i.children);
    usage_fill(p, false, &all, usage);
    return user_write(t, to, usage, sizeof usage);
}

/* Writes what waitid tells of its siginfo to `to` (0: nowhere); info NULL: zeroes, no child
 * reports. */
static int64_t write_info(struct thread *t, caller_t to, const struct siginfo *info)
{
    enum { TOLD = offsetof(struct siginfo, child.pad) };
    static const struct siginfo none;
    return to ? user_write(t, to, info ? info : &none, TOLD) : 0;
}

/* Writes for t what a wait reports; p: whose usage. 0; LATER: a page has to be brought first;
 * -EFAULT. */
static int64_t report_write(struct thread *t, const struct child_wait *w, const struct process *p,
                            const struct siginfo *info, uint32_t status)
{
    int64_t error = write_usage(t, w->usage, p);
    if (!error)
        error = write_info(t, w->info, info);
    if (!error && w->status)
        error = user_write(t, w->status, &status, sizeof status);
    return error;
}

/* Reports child p to t: writes all, and only then takes the report away, or frees the zombie. As
 * report_write(). */
static int64_t child_report(struct thread *t, const struct child_wait *w, struct process *p,
                            unsigned kind, uint32_t status)
{
    struct siginfo info;
    child_info(p, kind, status, &info);
    int64_t error = report_write(t, w, p, &info, status);
    if (error || w->options & WNOWAIT)
        return error;
    if (kind == WEXITED)
        process_reap(p, true);
    else if (kind == WSTOPPED)
        p->stop_report = false;
    else
        p->continue_report = false;
    return 0;
}

/* ---- tracees ---- */

/* The process whose thread x is, or was; NULL: it has gone. */
static struct process *tracee_process(const struct trace *x)
{
    return x->thread ? x->thread->process : process_find(x->pid);
}

/* As child_info(), for a stop or the end of a tracee. */
static void tracee_info(const struct trace *x, struct siginfo *info)
{
    const struct process *p = tracee_process(x);
    *info = (struct siginfo){ .signo = SIGCHLD,
                              .child = { .pid = x->tid, .uid = x->thread ? p->i.uid : x->uid } };
    if (x->thread) {
        info->code = CLD_TRAPPED;
        info->child.status = x->status >> 8;
    } else {
        info->code = end_code(x->status);
        info->child.status = x->status & 0x7f ? x->status & 0x7f : x->status >> 8;
    }
}

static bool waits_for_tracee(const struct child_wait *w, const struct trace *x)
{
    uint32_t pgid = x->thread ? x->thread->process->i.pgid : x->pgid;
    if (w->which == P_PID)
        return x->tid == w->id;
    return w->which != P_PGID || pgid == (w->id ? (unsigned)w->id : x->tracer->i.pgid);
}

void wait_tracee_reaped(struct trace *x)
{
    struct process *p = process_find(x->pid);
    if (!p || p->ghost != x)
        p = NULL;
    else
        p->ghost = NULL;
    trace_release(x);
    if (p)
        wait_notify(p);
}

/* Looks at the tracees of t's process, as children_look() does at the children; -EAGAIN: none has
 * anything to report. *any: there is one that the wait is for. */
static int64_t tracees_look(struct thread *t, const struct child_wait *w, bool *any)
{
    for (struct trace *x = t->process->tracees; x; x = x->next) {
        struct siginfo info;
        if (!waits_for_tracee(w, x) || (w->options & WNOTHREAD && x->by != t))
            continue;
        if (!x->thread && !(w->options & WEXITED))
            continue;
        *any = true;
        if (!x->report)
            continue;
        int64_t tid = x->tid;
        tracee_info(x, &info);
        int64_t error = report_write(t, w, tracee_process(x), &info, x->status);
        if (!error && !(w->options & WNOWAIT)) {
            x->report = false;
            if (!x->thread)
                wait_tracee_reaped(x);
        }
        return error ? error : w->by_waitid ? 0 : tid;
    }
    return -EAGAIN;
}

/* ---- children ---- */

/* Looks once at the children of t's process, and reports the first that has something to report.
 * Returns its pid (0 for waitid); 0: none has, and the call has WNOHANG; -EAGAIN: none has, and t
 * is to wait, unless it has WNOHANG, which its pidfd stands for; -ECHILD: there is no child to wait
 * for; or what report_write() returns. */
static int64_t children_look(struct thread *t, const struct child_wait *w)
{
    bool any = false;
    int64_t found = tracees_look(t, w, &any);
    if (found != -EAGAIN)
        return found;
    for (struct process *p = t->process->children; p; p = p->sibling) {
        uint32_t status;
        if (!waits_for_child(w, t, p))
            continue;
        /* a zombie will neither stop nor go on */
        any |= !p->zombie || p->ghost || w->options & WEXITED;
        unsigned kind = report_kind(p, w->options, &status);
        if (!kind)
            continue;
        int64_t pid = p->i.pid, error = child_report(t, w, p, kind, status);
        return error ? error : w->by_waitid ? 0 : pid;
    }
    if (any && !(w->options & WNOHANG))
        return -EAGAIN;
    int64_t error = write_info(t, w->info, NULL);
    return error ? error : !any ? -ECHILD : w->by_nonblocking ? -EAGAIN : 0;
}

/* ---- the calls ---- */

static void leave(struct thread *t) { (void)t; }

/* Looks, and waits if there is nothing to report yet. Returns what the handler is to return. */
static int64_t look_and_wait(struct thread *t, const struct child_wait *w)
{
    int64_t result = children_look(t, w);
    if (result != -EAGAIN || w->options & WNOHANG)
        return result;
    t->wait.child = *w;
    return thread_wait(t, leave, -ERESTARTSYS);
}

int64_t linux_wait4(struct thread *t, struct message *m)
{
    int id = (int)m->w[0], options = (int)m->w[2];
    if (options & ~(int)(WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WALL | WCLONE))
        return -EINVAL;
    if (id == INT32_MIN)
        return -ESRCH;
    return look_and_wait(t, &(struct child_wait){ .which = id == -1 ? P_ALL
                                                           : id > 0 ? P_PID
                                                                    : P_PGID,
                                                  .id = id > 0 ? id : -id,
                                                  .options = options | WEXITED,
                                                  .status = m->w[1],
                                                  .usage = m->w[3] });
}

int64_t linux_waitid(struct thread *t, struct message *m)
{
    uint32_t options = m->w[3];
    int which = m->w[0], id = m->w[1];
    if ((options &
         ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | WNOTHREAD | WALL | WCLONE)) ||
        !(options & (WEXITED | WSTOPPED | WCONTINUED)) || m->w[0] > P_PIDFD || (which && id < 0) ||
        (which == P_PID && !id))
        return -EINVAL;
    bool nonblocking = false;
    if (which == P_PIDFD) {
        int64_t error;
        const struct process *p = pidfd_process(t, id, &error);
        if (!p && error != -ESRCH)
            return error;
        nonblocking = !(options & WNOHANG) && pidfd_nonblocking(t, id);
        which = P_PID;
        id = p ? (int)p->i.pid : 0; /* no child has that number */
    }
    return look_and_wait(
        t, &(struct child_wait){ .which = which,
                                 .id = id,
                                 .options = (int)options | (nonblocking ? WNOHANG : 0),
                                 .by_waitid = true,
                                 .by_nonblocking = nonblocking,
                                 .info = m->w[2],
                                 .usage = m->w[4] });
}

/* ---- telling the parent ---- */

/* Takes those of the parent's threads that wait here out of their waits, so that SIGCHLD does not
 * interrupt them. */
static void waiters_unwait(struct process *parent)
{
    for (struct thread *t = parent->threads; t; t = t->next) {
        t->looks = t->place == THREAD_WAITING && t->cancel == leave;
        if (t->looks)
            thread_unwait(t);
    }
}

static struct thread *waiter_left(struct process *parent)
{
    struct thread *t = parent->threads;
    while (t && !t->looks)
        t = t->next;
    return t;
}

/* Has those threads look again, and wait again if there is nothing for them. May wait. */
static void waiters_look(struct process *parent)
{
    for (struct thread *t; (t = waiter_left(parent));) {
        t->looks = false;
        int64_t result = children_look(t, &t->wait.child);
        if (result == -EAGAIN)
            result = thread_wait(t, leave, -ERESTARTSYS);
        if (result != LATER)
            thread_finish(t, result);
    }
}

/* Tells `parent` by a signal, unless it wants none, and those of its threads that wait. May wait.
 */
static void tell(struct process *parent, const struct siginfo *info, bool ended)
{
    const struct sigaction *a = &parent->actions[SIGCHLD - 1];
    int sig = info->signo;
    waiters_unwait(parent);
    if (sig && (sig != SIGCHLD || a->handler != SIG_IGN) && (ended || !(a->flags & SA_NOCLDSTOP)))
        signal_post(parent, NULL, info);
    waiters_look(parent);
}

void wait_notify_tracer(struct trace *x)
{
    struct siginfo info;
    tracee_info(x, &info);
    if (x->thread)
        info.child.status &= 0x7f;
    tell(x->tracer, &info, !x->thread);
}

void wait_notify(struct process *p)
{
    struct process *parent = p->parent;
    if (!parent || (!p->zombie && p->stopped && traced_by_parent(p)))
        return;
    const struct sigaction *a = &parent->actions[SIGCHLD - 1];
    bool ended = p->zombie;
    int sig = ended && p->parent_execs == parent->execs ? p->i.exit_signal : SIGCHLD;
    bool unwanted = ended && sig == SIGCHLD && (a->handler == SIG_IGN || (a->flags & SA_NOCLDWAIT));
    uint32_t status = STATUS_CONTINUED;
    if (ended)
        status = p->i.exit_status;
    else if (p->stopped)
        status = p->stopped << 8 | STATUS_STOPPED;
    struct siginfo info;
    child_info(p, ended ? WEXITED : p->stopped ? WSTOPPED : WCONTINUED, status, &info);
    info.signo = sig;
    if (unwanted)
        process_reap(p, false);
    tell(parent, &info, ended);
}
