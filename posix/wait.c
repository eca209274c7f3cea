/* Waiting for children, and telling parents. A child that has ended stays in the table until one of
 * these calls takes its status: nothing is taken before it has been written to the program's
 * memory. */
#include "wait.h"

#include "delivery.h"
#include "handlers.h"
#include "rusage.h"
#include "signal.h"
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
enum { P_ALL, P_PID, P_PGID };
enum { STATUS_STOPPED = 0x7f, STATUS_CONTINUED = 0xffff };
/* of si_utime and si_stime */
enum { TICK_NS = 10000000 };

static void process_reap(struct process *p)
{
    struct process *parent = p->parent;
    if (parent) {
        cpu_time_add(&parent->i.children, &p->i.cpu);
        cpu_time_add(&parent->i.children, &p->i.children);
        parent->children_peak = MAX(parent->children_peak, MAX(p->usage.peak, p->children_peak));
        parent->children_faults += p->usage.faults + p->children_faults;
        parent->children_major += p->usage.major + p->children_major;
    }
    process_free(p);
}

/* Does the wait of kind (which, id) mean p? */
static bool meant(const struct process *p, int which, int id, unsigned own_group)
{
    switch (which) {
    case P_PID: return p->i.pid == (unsigned)id;
    case P_PGID: return p->i.pgid == (unsigned)(id ? id : (int)own_group);
    default: return true;
    }
}

/* What there is to report of p; 0: nothing. */
static unsigned report(const struct process *p, int options, uint32_t *status)
{
    if (p->zombie && (options & WEXITED)) {
        *status = p->i.exit_status;
        return WEXITED;
    }
    if (p->stopped && p->stop_report && (options & WSTOPPED)) {
        *status = p->stopped << 8 | STATUS_STOPPED;
        return WSTOPPED;
    }
    if (!p->zombie && p->continue_report && (options & WCONTINUED)) {
        *status = STATUS_CONTINUED;
        return WCONTINUED;
    }
    return 0;
}

static void child_info(const struct process *p, unsigned kind, uint32_t status,
                       struct siginfo *info)
{
    *info = (struct siginfo){ .signo = SIGCHLD, .child = { .pid = p->i.pid, .uid = p->i.uid } };
    if (kind == WEXITED) {
        info->code = status & 0x7f ? CLD_KILLED : CLD_EXITED;
        info->child.status = status & 0x7f ? status & 0x7f : status >> 8;
        info->child.user = (p->i.cpu.ns - p->i.cpu.system_ns) / TICK_NS;
        info->child.system = p->i.cpu.system_ns / TICK_NS;
    } else {
        info->code = kind == WSTOPPED ? CLD_STOPPED : CLD_CONTINUED;
        info->child.status = kind == WSTOPPED ? status >> 8 : SIGCONT;
    }
}

static int64_t write_usage(struct thread *t, caller_t to, const struct process *p)
{
    int64_t usage[USAGE_WORDS];
    if (!to)
        return 0;
    struct cpu_time all = p->i.cpu;
    cpu_time_add(&all, &p->i.children);
    usage_fill(p, false, &all, usage);
    return user_write(t, to, usage, sizeof usage);
}

/* One look at the children. A pid, or 0 (WNOHANG, nothing), -ECHILD, LATER (thrown back), or
 * -EAGAIN: has to wait. */
static int64_t look(struct thread *t, const uint64_t *w, bool waitid)
{
    int which = waitid ? (int)w[0] : 0, id = waitid ? (int)w[1] : (int)w[0],
        options = (int)(waitid ? w[3] : w[2]);
    if (!waitid) {
        which = id == -1 ? P_ALL : id > 0 ? P_PID : P_PGID;
        id = which == P_PGID ? -id : id;
        options |= WEXITED;
    }
    bool any = false;
    for (struct process *p = t->process->children; p; p = p->sibling) {
        uint32_t status;
        if (!meant(p, which, id, t->process->i.pgid))
            continue;
        if (!(options & WALL) && (p->exit_signal != SIGCHLD) != !!(options & WCLONE))
            continue;
        any = true;
        unsigned kind = report(p, options, &status);
        if (!kind)
            continue;
        int64_t error;
        if ((error = write_usage(t, waitid ? w[4] : w[3], p)))
            return error;
        if (waitid && w[2]) {
            struct siginfo full[3] = { 0 };
            child_info(p, kind, status, &full[0]);
            if ((error = user_write(t, w[2], full, 128)))
                return error;
        } else if (!waitid && w[1] && (error = user_write(t, w[1], &status, sizeof status))) {
            return error;
        }
        int64_t pid = waitid ? 0 : p->i.pid;
        if (!(options & WNOWAIT)) {
            if (kind == WEXITED)
                process_reap(p);
            else if (kind == WSTOPPED)
                p->stop_report = false;
            else
                p->continue_report = false;
        }
        return pid;
    }
    if (!any)
        return -ECHILD;
    if (!(options & WNOHANG))
        return -EAGAIN;
    if (waitid && w[2]) {
        struct siginfo full[3] = { 0 };
        int64_t error = user_write(t, w[2], full, 128);
        if (error)
            return error;
    }
    return 0;
}

static void leave(struct thread *t) { (void)t; }

static int64_t wait(struct thread *t, const uint64_t *w, bool waitid)
{
    int64_t result = look(t, w, waitid);
    if (result != -EAGAIN)
        return result;
    memcpy(t->wait.child.words, w, sizeof t->wait.child.words);
    t->wait.child.waitid = waitid;
    return thread_wait(t, leave, -ERESTARTSYS);
}

int64_t linux_wait4(struct thread *t, struct message *m)
{
    if ((uint32_t)m->w[2] & ~(WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WALL | WCLONE))
        return -EINVAL;
    if ((int)m->w[0] == INT32_MIN)
        return -ESRCH;
    return wait(t, m->w, false);
}

int64_t linux_waitid(struct thread *t, struct message *m)
{
    uint32_t options = m->w[3];
    if ((options &
         ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | WNOTHREAD | WALL | WCLONE)) ||
        !(options & (WEXITED | WSTOPPED | WCONTINUED)) || m->w[0] > P_PGID ||
        (m->w[0] && (int)m->w[1] < 0) || (m->w[0] == P_PID && !(int)m->w[1]))
        return -EINVAL;
    return wait(t, m->w, true);
}

/* The parent's threads that wait: first they are taken out of their waits, so that SIGCHLD does not
 * interrupt them ... */
static void wake(struct process *parent)
{
    for (struct thread *t = parent->threads; t; t = t->next) {
        t->looks = t->place == THREAD_WAITING && t->cancel == leave;
        if (t->looks)
            thread_unwait(t);
    }
}

static struct thread *woken(struct process *parent)
{
    struct thread *t = parent->threads;
    while (t && !t->looks)
        t = t->next;
    return t;
}

/* ... then they look again. */
static void look_again(struct process *parent)
{
    for (struct thread *t; (t = woken(parent));) {
        t->looks = false;
        int64_t result = look(t, t->wait.child.words, t->wait.child.waitid);
        if (result == -EAGAIN)
            result = thread_wait(t, leave, -ERESTARTSYS);
        if (result != LATER)
            thread_finish(t, result);
    }
}

void wait_notify(struct process *p)
{
    struct process *parent = p->parent;
    if (!parent)
        return;
    const struct sigaction *a = &parent->actions[SIGCHLD - 1];
    bool ended = p->zombie;
    int sig = ended && p->parent_execs == parent->execs ? p->exit_signal : SIGCHLD;
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
        process_reap(p);
    wake(parent);
    if (sig && (sig != SIGCHLD || a->handler != SIG_IGN) && (ended || !(a->flags & SA_NOCLDSTOP)))
        signal_post(parent, NULL, &info);
    look_again(parent);
}
