/* Signals: sending and delivering. (Stevens & Rago, chapter 10; the rules are those of Linux,
 * kernel/signal.c.)
 *
 * signal_post() decides at once what needs no thread: ignored signals vanish, fatal ones end the
 * process. Otherwise the signal becomes pending and a thread that does not block it is told: one
 * that WAITs here is woken, one that is AWAY is interrupted by the kernel and then calls us.
 * thread_attend() takes pending signals one by one on a thread's way back to its program. */
#include "signal.h"

#include "ptimer.h"
#include "syscalls.h"
#include "tty.h"
#include "user.h"

static const uint64_t ignored_by_default = BIT(SIGCHLD) | BIT(SIGCONT) | BIT(SIGURG) |
                                           BIT(SIGWINCH);

bool signal_ignored(const struct process *p, int sig)
{
    uint64_t h = p->actions[sig - 1].handler;
    return h == SIG_IGN || (h == SIG_DFL && (BIT(sig) & ignored_by_default));
}

static bool fatal(const struct process *p, int sig)
{
    if (sig == SIGKILL)
        return true;
    return p->actions[sig - 1].handler == SIG_DFL &&
           !(BIT(sig) & (ignored_by_default | STOP_SIGNALS));
}

/* ---- queues ---- */

enum { QUEUED_MAX = 4096, RLIMIT_SIGPENDING = 11 };
static struct share queued_share = SHARE(QUEUED_MAX, QUEUED_MAX / 8, QUEUED_MAX / 2);

/* An entry for a signal to p, accounted to p's user; NULL: he has his part. Of signals below
 * SIGRTMIN one of a kind waits, so those that the kernel sends, and kill, are not held back by the
 * limit (Linux, sigqueue_alloc). */
static struct queued *queued_new(const struct process *p, const struct siginfo *info)
{
    uint64_t limit = info->signo < SIGRTMIN && info->code >= 0 ? ~0ul
                                                               : p->limits[RLIMIT_SIGPENDING].soft;
    if (share_take_limited(&queued_share, p->i.uid, 1, limit, -EAGAIN))
        return NULL;
    struct queued *n = memory_alloc(sizeof *n);
    if (n)
        *n = (struct queued){ NULL, p->i.uid, *info };
    else
        share_give(&queued_share, p->i.uid, 1);
    return n;
}

static void queued_free(struct queued *n)
{
    share_give(&queued_share, n->user, 1);
    memory_free(n);
}

/* Without an entry a signal is still delivered, though without what siginfo tells; but what
 * sigqueue sends is refused. */
static int queue_add(struct process *p, struct sigqueue *q, const struct siginfo *info)
{
    uint64_t bit = BIT(info->signo);
    if (info->signo < SIGRTMIN && (q->set & bit))
        return 0;
    struct queued *n = queued_new(p, info);
    if (!n && info->signo >= SIGRTMIN && info->code != SI_USER && info->code != SI_KERNEL)
        return -EAGAIN;
    q->set |= bit;
    if (n) {
        struct queued **at = &q->first;
        while (*at)
            at = &(*at)->next;
        *at = n;
    }
    return 0;
}

static void queue_take(struct sigqueue *q, int sig, struct siginfo *info)
{
    *info = (struct siginfo){ .signo = sig };
    bool found = false, more = false;
    for (struct queued **at = &q->first; *at;) {
        struct queued *n = *at;
        if (n->info.signo != sig) {
            at = &n->next;
        } else if (found) {
            more = true;
            break;
        } else {
            *info = n->info;
            found = true;
            *at = n->next;
            queued_free(n);
        }
    }
    if (!more)
        q->set &= ~BIT(sig);
}

void signals_drop(struct sigqueue *q, uint64_t set)
{
    if (!(q->set & set))
        return;
    q->set &= ~set;
    for (struct queued **at = &q->first; *at;) {
        struct queued *n = *at;
        if (BIT(n->info.signo) & set) {
            *at = n->next;
            queued_free(n);
        } else {
            at = &n->next;
        }
    }
}

/* Put back what could not be delivered yet, before all others. */
static void queue_return(struct thread *t, const struct siginfo *info)
{
    struct queued *n = queued_new(t->process, info);
    t->pending.set |= BIT(info->signo);
    if (n) {
        n->next = t->pending.first;
        t->pending.first = n;
    }
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
    queue_take(t->pending.set & BIT(sig) ? &t->pending : &t->process->pending, sig, info);
    if (__builtin_expect(info->code == SI_TIMER, 0))
        ptimer_taken(t->process, info);
    return sig;
}

/* ---- telling a thread ---- */

void thread_recheck(struct thread *t)
{
    struct process *p = t->process;
    t->attention = ((t->pending.set | p->pending.set) & ~t->blocked) || p->stopped || p->doomed ||
                   t->restore_mask;
}

static void interrupt(struct thread *t)
{
    t->attention = true;
    if (t->place == THREAD_AWAY && !t->interrupting) {
        t->interrupting = true;
        kernel_call(SYS_INTERRUPT, t->index, 0, 0, 0, 0, 0);
    }
}

/* sig is pending for t, which does not block it. */
static void thread_signalled(struct thread *t, int sig)
{
    struct process *p = t->process;
    if (t->place == THREAD_WAITING && (BIT(sig) & STOP_SIGNALS) &&
        p->actions[sig - 1].handler == SIG_DFL) {
        struct siginfo info; /* no need to end the wait */
        if (signal_take(t, BIT(sig), &info))
            process_stop(p, sig);
        return;
    }
    t->attention = true;
    if (t->place == THREAD_WAITING) {
        if (t->cancel)
            thread_finish(t, t->interrupt_result);
    } else if (t->place == THREAD_AWAY) {
        interrupt(t);
    }
}

static bool waits_for(const struct thread *t, int sig);

/* Who shall take a signal that was sent to the process: the main thread if it can. */
static struct thread *choose(struct process *p, int sig)
{
    struct thread *chosen = NULL;
    for (struct thread *t = p->threads; t; t = t->next) {
        if (waits_for(t, sig))
            return t;
        if (!(t->blocked & BIT(sig)) &&
            (!chosen || t->tid == (int)p->i.pid ||
             (chosen->place != THREAD_WAITING && chosen->tid != (int)p->i.pid)))
            chosen = t;
    }
    return chosen;
}

static void sigwait_end(struct thread *t);

/* ---- sending ---- */

static bool protected_init(const struct process *p, int sig)
{
    return p == init_process &&
           (sig == SIGKILL || sig == SIGSTOP || p->actions[sig - 1].handler == SIG_DFL);
}

int signal_post(struct process *p, struct thread *t, const struct siginfo *info)
{
    int sig = info->signo;
    if (!sig || p->zombie || p->exiting || !p->i.pid)
        return 0;
    if (sig == SIGCONT || (sig == SIGKILL && p != init_process))
        process_continue(p);
    if (sig == SIGCONT || (BIT(sig) & STOP_SIGNALS)) {
        uint64_t drop = sig == SIGCONT ? STOP_SIGNALS : BIT(SIGCONT);
        signals_drop(&p->pending, drop);
        for (struct thread *x = p->threads; x; x = x->next)
            signals_drop(&x->pending, drop);
    }
    struct thread *to = t ? t : choose(p, sig);
    bool blocked = !to || ((to->blocked & BIT(sig)) && sig != SIGKILL && sig != SIGSTOP);
    if (to && waits_for(to, sig))
        blocked = true;
    if (!blocked && (signal_ignored(p, sig) || protected_init(p, sig)))
        return 0;
    if (sig == SIGKILL || (!blocked && fatal(p, sig))) {
        process_exit(p, sig);
        return 0;
    }
    int error = queue_add(p, t ? &t->pending : &p->pending, info);
    if (error)
        return error;
    if (to && waits_for(to, sig))
        sigwait_end(to);
    else if (!blocked)
        thread_signalled(to, sig);
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
        t->blocked &= ~bit;
    }
    if (a->handler == SIG_DFL) {
        process_exit(p, info->signo);
        return;
    }
    queue_add(p, &t->pending, info);
    t->attention = true;
}

bool signal_allowed(const struct process *from, const struct process *p, int sig)
{
    const struct posix_proc *a = &from->i, *b = &p->i;
    return !a->euid || a->euid == b->suid || a->euid == b->uid || a->uid == b->suid ||
           a->uid == b->uid || (sig == SIGCONT && a->sid == b->sid);
}

void signal_mask(struct thread *t, uint64_t mask)
{
    t->blocked = mask & ~UNBLOCKABLE;
    t->process->i.blocked = t->blocked;
    thread_recheck(t);
    /* What this thread now blocks another may be able to take. */
    uint64_t left = t->process->pending.set & t->blocked;
    if (left && t->process->threads->next)
        for (struct thread *x = t->process->threads; x; x = x->next)
            if (x != t && (left & ~x->blocked) && !x->attention)
                interrupt(x);
}

/* ---- stop and go on ---- */

void process_stop(struct process *p, int sig)
{
    if (sig != SIGSTOP && group_orphaned(p->i.pgid))
        return;
    if (p->stopped)
        return;
    p->stopped = sig;
    p->stop_report = true;
    p->continue_report = false;
    p->i.state = 'T';
    for (struct thread *t = p->threads; t; t = t->next)
        interrupt(t);
    wait_notify(p);
}

void process_continue(struct process *p)
{
    if (!p->stopped)
        return;
    p->stopped = 0;
    p->stop_report = false;
    p->continue_report = true;
    p->i.state = 'S';
    for (struct thread *t = p->threads, *next; t; t = next) {
        next = t->next;
        thread_recheck(t);
        if (t->place != THREAD_STOPPED)
            continue;
        t->place = THREAD_HANDLED;
        thread_finish(t, t->result);
    }
    wait_notify(p);
}

/* ---- delivering ---- */

enum delivery { DELIVER_NEXT, DELIVER_GONE };

/* One signal that t takes now. *result changes to REGISTERS when a frame was built. */
static enum delivery deliver(struct thread *t, const struct siginfo *info, int64_t *result)
{
    struct process *p = t->process;
    int sig = info->signo;
    struct sigaction *a = &p->actions[sig - 1];
    if (a->handler == SIG_IGN)
        return DELIVER_NEXT;
    if (a->handler == SIG_DFL) {
        if (BIT(sig) & ignored_by_default || protected_init(p, sig))
            return DELIVER_NEXT;
        if (BIT(sig) & STOP_SIGNALS) {
            process_stop(p, sig);
            return DELIVER_NEXT;
        }
        process_exit(p, sig);
        return DELIVER_GONE;
    }
    caller_t missing;
    size_t length;
    struct sigaction now = *a;
    if (frame_push(t, info, &now, *result, &missing, &length) < 0) {
        /* The call's result is put into the registers first, so that nothing is done twice: the
         * throw-back is of the thread's next event. */
        queue_return(t, info);
        enum { THROWS_MAX = 8 };
        if (++t->throws > THROWS_MAX) {
            process_exit(p, SIGSEGV);
            return DELIVER_GONE;
        }
        if (*result != REGISTERS || t->number != (uint64_t)-1) {
            int64_t r = *result;
            bool again = (r == -ERESTARTSYS && (now.flags & SA_RESTART)) || r == -ERESTARTNOINTR;
            registers_finish(
                t, r <= -ERESTARTSYS && r != REGISTERS ? (again ? -ERESTARTNOINTR : -EINTR) : r);
            call_t c = t->call;
            t->call = 0;
            t->place = THREAD_AWAY;
            t->interrupting = false;
            reply_full(c, 0, &(struct reply){ .flags = REPLY_KEEP });
            interrupt(t);
        } else if (user_throw(t, missing, length, WINDOW_OUT) != LATER) {
            process_exit(p, SIGSEGV);
        }
        return DELIVER_GONE;
    }
    t->throws = 0;
    *result = REGISTERS;
    t->number = (uint64_t)-1;
    uint64_t mask = t->blocked | now.mask;
    if (!(now.flags & SA_NODEFER))
        mask |= BIT(sig);
    if (now.flags & SA_RESETHAND)
        a->handler = SIG_DFL;
    signal_mask(t, mask);
    return DELIVER_NEXT;
}

int64_t thread_attend(struct thread *t, int64_t result)
{
    struct process *p = t->process;
    if (p->doomed) {
        int status = p->doomed - 1;
        p->doomed = 0;
        process_exit(p, status);
        return LATER;
    }
    struct siginfo info;
    while (!p->stopped && signal_take(t, ~t->blocked, &info)) {
        p->busy++;
        enum delivery d = deliver(t, &info, &result);
        p->busy--;
        if (p->doomed) {
            int status = p->doomed - 1;
            p->doomed = 0;
            process_exit(p, status);
            return LATER;
        }
        if (d == DELIVER_GONE)
            return LATER;
    }
    if (t->restore_mask) {
        t->restore_mask = false;
        signal_mask(t, t->saved_mask);
    }
    thread_recheck(t);
    if (p->stopped) {
        t->place = THREAD_STOPPED;
        t->result = result;
        return LATER;
    }
    if (result > -ERESTARTSYS)
        return result;
    if (result != REGISTERS)
        registers_finish(t, result);
    call_t c = t->call;
    t->call = 0;
    t->place = THREAD_AWAY;
    reply_full(c, 0, &(struct reply){ .flags = REPLY_KEEP });
    return LATER;
}

/* ---- sigtimedwait: a thread that takes a signal out of the queue itself ---- */

static void sigwait_leave(struct thread *t) { (void)t; }

static bool waits_for(const struct thread *t, int sig)
{
    return t->place == THREAD_WAITING && t->cancel == sigwait_leave &&
           (t->wait.signal.set & BIT(sig));
}

/* Takes a signal of the set: its number, 0 when there is none, LATER when the call was thrown back.
 */
static int64_t sigwait_take(struct thread *t, uint64_t set, caller_t to)
{
    struct siginfo full[3] = { 0 }; /* siginfo_t has 128 bytes */
    int sig = signal_take(t, set, &full[0]);
    if (!sig || !to)
        return sig;
    int64_t error = user_poke(t, to, full, 128);
    if (!error)
        return sig;
    queue_return(t, &full[0]);
    return user_throw(t, to, 128, WINDOW_OUT);
}

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
    int64_t time[2] = { 0, 0 }, error;
    if (m->w[3] != 8)
        return -EINVAL;
    if ((error = user_read(t, m->w[0], &set, 8)) ||
        (m->w[2] && (error = user_read(t, m->w[2], time, 16))))
        return error;
    if (m->w[2] && (time[0] < 0 || (uint64_t)time[1] >= SECOND))
        return -EINVAL;
    set &= ~UNBLOCKABLE;
    int64_t sig = sigwait_take(t, set, m->w[1]);
    if (sig)
        return sig;
    if (m->w[2] && !time[0] && !time[1])
        return -EAGAIN;
    if (m->w[2])
        timer_set(&t->timer, time_now() + (uint64_t)MIN(time[0], 1000000000) * SECOND + time[1],
                  sigwait_timeout);
    t->wait.signal.set = set;
    t->wait.signal.info = m->w[1];
    return thread_wait(t, sigwait_leave, -EINTR);
}
