/* Signals: sending them. (Stevens & Rago, chapter 10; the rules are those of Linux,
 * kernel/signal.c.)
 *
 * signal_post() decides at once what needs no thread: ignored signals vanish, fatal ones end the
 * process. Otherwise the signal becomes pending and a thread that does not block it is told: one
 * that is WAITING here is woken, one that is AWAY is interrupted by the kernel and then calls
 * POSIX. delivery.c takes pending signals one by one on a thread's way back to its program. */
#include "signal.h"
#include "capability.h"

#include "clock.h"
#include "delivery.h"
#include "handlers.h"
#include "user_memory.h"

/* ---- sigtimedwait: a thread that takes a signal out of the queue itself ---- */

static void sigwait_leave(struct thread *t) { (void)t; }

static bool waits_for(const struct thread *t, int sig)
{
    return t->place == THREAD_WAITING && t->cancel == sigwait_leave &&
           (t->wait.signal.set & BIT(sig));
}

/* Takes a signal of the set and writes its siginfo to `to` (0: nowhere). Returns its number; 0:
 * none waits; LATER: the call was thrown back; -EFAULT. */
static int64_t sigwait_take(struct thread *t, uint64_t set, caller_t to)
{
    struct siginfo full[SIGINFO_SIZE / sizeof(struct siginfo) + 1] = { 0 };
    int sig = signal_take(t, set, &full[0]);
    if (!sig || !to)
        return sig;
    int64_t error = user_poke(t, to, full, SIGINFO_SIZE);
    if (!error)
        return sig;
    sigqueue_return(&t->pending, t->process->i.uid, pending_limit(t->process), &full[0]);
    return user_throw(t, to, SIGINFO_SIZE, WINDOW_OUT);
}

/* Ends t's wait with the signal that has come. */
static void sigwait_end(struct thread *t)
{
    uint64_t set = t->wait.signal.set;
    caller_t to = t->wait.signal.info;
    thread_unwait(t);
    int64_t result = sigwait_take(t, set, to);
    if (result != LATER)
        thread_finish(t, result ? result : -EAGAIN);
}

static void sigwait_timeout(struct timer *timer)
{
    thread_finish(CONTAINER(timer, struct thread, timer), -EAGAIN);
}

int64_t linux_rt_sigtimedwait(struct thread *t, struct message *m)
{
    uint64_t set;
    struct timespec64 time = { 0, 0 };
    int64_t error;
    if (m->w[3] != 8)
        return -EINVAL;
    if ((error = user_read(t, m->w[0], &set, 8)) ||
        (m->w[2] && (error = timespec_read(t, m->w[2], &time))))
        return error;
    set &= ~UNBLOCKABLE;
    int64_t sig = sigwait_take(t, set, m->w[1]);
    if (sig)
        return sig;
    uint64_t ns = timespec_ns(&time);
    if (m->w[2] && !ns)
        return -EAGAIN;
    if (m->w[2])
        timer_set(&t->timer, time_now() + ns, sigwait_timeout);
    t->wait.signal.set = set;
    t->wait.signal.info = m->w[1];
    return thread_wait_once(t, sigwait_leave);
}

/* ---- sending ---- */

static bool fatal(const struct process *p, int sig)
{
    if (sig == SIGKILL)
        return true;
    return p->actions[sig - 1].handler == SIG_DFL &&
           !(BIT(sig) & (IGNORED_BY_DEFAULT | STOP_SIGNALS));
}

/* Tells t of sig, which is pending for t and not blocked. A stop leaves a wait as it is. */
static void thread_signalled(struct thread *t, int sig)
{
    struct process *p = t->process;
    if (t->place == THREAD_WAITING && (BIT(sig) & STOP_SIGNALS) && !t->trace &&
        p->actions[sig - 1].handler == SIG_DFL) {
        struct siginfo info; /* the wait goes on after SIGCONT */
        if (signal_take(t, BIT(sig), &info))
            process_stop(p, sig);
        return;
    }
    t->attention = true;
    if (t->place == THREAD_WAITING) {
        if (t->cancel)
            thread_interrupt_wait(t);
    } else if (t->place == THREAD_AWAY) {
        thread_interrupt(t);
    }
}

/* Chooses the thread that is to take a signal sent to the process: one that waits for it in
 * sigtimedwait, else of those that do not block it the main thread, or one that is WAITING, or any.
 * NULL: all block it. */
static struct thread *choose_thread(struct process *p, int sig)
{
    struct thread *chosen = NULL;
    for (struct thread *t = p->threads; t; t = t->next) {
        if (waits_for(t, sig))
            return t;
        if ((!chosen || t->tid == (int)p->i.pid ||
             (chosen->place != THREAD_WAITING && chosen->tid != (int)p->i.pid)) &&
            !(thread_mask(t) & BIT(sig)))
            chosen = t;
    }
    return chosen;
}

int signal_post(struct process *p, struct thread *t, const struct siginfo *info)
{
    int sig = info->signo, pid = p->i.pid, tid = t ? t->tid : pid;
    if (!sig || p->zombie || p->exiting || !pid)
        return 0;
    if (sig == SIGCONT || (sig == SIGKILL && p != init_process)) {
        process_continue(p);
        if (process_find(pid) != p || p->zombie || (t && thread_find(tid) != t))
            return 0; /* what it found when it went on has ended it */
    }
    if (sig == SIGCONT || (BIT(sig) & STOP_SIGNALS)) {
        uint64_t drop = sig == SIGCONT ? STOP_SIGNALS : BIT(SIGCONT);
        sigqueue_drop(&p->pending, drop);
        for (struct thread *x = p->threads; x; x = x->next)
            sigqueue_drop(&x->pending, drop);
    }
    struct thread *to = t ? t : choose_thread(p, sig);
    bool blocked = !to || (thread_mask(to) & BIT(sig));
    if (to && waits_for(to, sig))
        blocked = true;
    bool traced = to && to->trace; /* then the tracer is told first */
    if (!blocked && !traced && (signal_ignored(p, sig) || signal_protected(p, sig)))
        return 0;
    if (sig == SIGKILL) {
        process_end(p, sig);
        return 0;
    }
    if (!blocked && !traced && fatal(p, sig)) {
        process_dies(p, to, info);
        return 0;
    }
    int error = sigqueue_add(t ? &t->pending : &p->pending, p->i.uid, pending_limit(p), info);
    if (error)
        return error;
    if (to && waits_for(to, sig))
        sigwait_end(to);
    else if (!blocked)
        thread_signalled(to, sig);
    else
        signal_waits(sig);
    return 0;
}

void signal_kernel(struct process *p, int sig)
{
    signal_post(p, NULL, &(struct siginfo){ .signo = sig, .code = SI_KERNEL });
}

void signal_self(struct thread *t, int sig)
{
    const struct posix_proc *i = &t->process->i;
    signal_post(t->process, t,
                &(struct siginfo){ .signo = sig, .code = SI_USER, .sent = { i->pid, i->uid, 0 } });
}

void signal_group(unsigned pgid, int sig)
{
    FOR_EACH_PROCESS(p)
    if (p->i.pgid == pgid)
        signal_kernel(p, sig);
}

void signal_force(struct thread *t, const struct siginfo *info)
{
    struct process *p = t->process;
    struct sigaction *a = &p->actions[info->signo - 1];
    uint64_t bit = BIT(info->signo);
    if ((t->blocked & bit) || a->handler == SIG_IGN) {
        a->handler = SIG_DFL;
        thread_mask_set(t, t->blocked & ~bit);
    }
    if (a->handler == SIG_DFL && !t->trace) {
        process_dies(p, t, info);
        return;
    }
    sigqueue_add(&t->pending, p->i.uid, pending_limit(p), info);
    t->attention = true;
}

bool signal_allowed(const struct process *from, const struct process *p, int sig)
{
    const struct posix_proc *a = &from->i, *b = &p->i;
    return capable(from, CAP_KILL) || a->euid == b->suid || a->euid == b->uid ||
           a->uid == b->suid || a->uid == b->uid || (sig == SIGCONT && a->sid == b->sid);
}
