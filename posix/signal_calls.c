/* The system calls about signals: sending, actions, masks, waiting. */
#include "signal_calls.h"

#include "delivery.h"
#include "handlers.h"
#include "pidfd.h"
#include "signal.h"
#include "signal_frame.h"
#include "syscalls.h"
#include "user_memory.h"

/* ---- sending ---- */

static bool valid(int sig) { return sig >= 0 && sig <= SIGNALS; }

static struct siginfo from_user(const struct thread *t, int sig, int code)
{
    return (struct siginfo){ .signo = sig,
                             .code = code,
                             .sent = { t->process->i.pid, t->process->i.uid, 0 } };
}

/* Sends to all processes of group -pid (0: the sender's own), or with pid -1 to all but init and
 * the sender, which as on Linux is no error if none of them may be sent to. 0, -EPERM, -ESRCH. */
static int64_t kill_many(struct process *self, int pid, const struct siginfo *info)
{
    unsigned group = pid ? (unsigned)-pid : self->i.pgid, self_pid = self->i.pid;
    bool any = false, allowed = false;
    self->busy++; /* the sender must not end before the others are told */
    for (struct process *p = table->process; p < processes_end; p++) {
        if (!p->i.pid ||
            (pid == -1 ? p == init_process || p->i.pid == self_pid : p->i.pgid != group))
            continue;
        any = true;
        if (!signal_allowed(self, p, info->signo))
            continue;
        allowed = true;
        signal_post(p, NULL, info);
    }
    self->busy--;
    return allowed || (any && pid == -1) ? 0 : any ? -EPERM : -ESRCH;
}

int64_t linux_kill(struct thread *t, struct message *m)
{
    int pid = m->w[0], sig = m->w[1];
    struct process *self = t->process;
    if (!valid(sig))
        return -EINVAL;
    struct siginfo info = from_user(t, sig, SI_USER);
    if (pid <= 0)
        return kill_many(self, pid, &info);
    struct process *p = process_of_thread(pid);
    if (!p)
        return -ESRCH;
    if (!signal_allowed(self, p, sig))
        return -EPERM;
    signal_post(p, NULL, &info);
    return 0;
}

static int64_t kill_thread(struct thread *t, int tgid, int tid, int sig)
{
    if (tid <= 0 || !valid(sig))
        return -EINVAL;
    struct thread *to = thread_find(tid);
    if (!to || (tgid && to->process->i.pid != (unsigned)tgid))
        return -ESRCH;
    if (!signal_allowed(t->process, to->process, sig))
        return -EPERM;
    struct siginfo info = from_user(t, sig, SI_TKILL);
    return signal_post(to->process, to, &info);
}

int64_t linux_tkill(struct thread *t, struct message *m)
{
    return kill_thread(t, 0, m->w[0], m->w[1]);
}

int64_t linux_tgkill(struct thread *t, struct message *m)
{
    return (int)m->w[0] <= 0 ? -EINVAL : kill_thread(t, m->w[0], m->w[1], m->w[2]);
}

/* Sends what a program has given to sigqueue(), which has been read. Codes of the kernel (0 and
 * above) and of tkill a thread may send only to itself: `own`. */
static int64_t send_info(struct thread *t, struct process *p, struct thread *to, bool own, int sig,
                         struct siginfo *info)
{
    if ((info->code >= 0 || info->code == SI_TKILL) && !own)
        return -EPERM;
    if (!p)
        return -ESRCH;
    if (!valid(sig))
        return -EINVAL;
    if (!signal_allowed(t->process, p, sig))
        return -EPERM;
    info->signo = sig;
    return signal_post(p, to, info);
}

int64_t linux_rt_sigqueueinfo(struct thread *t, struct message *m)
{
    struct siginfo info;
    int pid = m->w[0];
    int64_t error = user_read(t, m->w[2], &info, sizeof info);
    return error ? error : send_info(t, process_find(pid), NULL, pid == t->tid, m->w[1], &info);
}

int64_t linux_rt_tgsigqueueinfo(struct thread *t, struct message *m)
{
    struct siginfo info;
    int pid = m->w[0], tid = m->w[1];
    struct thread *to = thread_find(tid);
    if (to && to->process->i.pid != (uint32_t)pid)
        to = NULL;
    int64_t error = user_read(t, m->w[3], &info, sizeof info);
    if (!error && (pid <= 0 || tid <= 0))
        error = -EINVAL;
    return error ? error : send_info(t, to ? to->process : NULL, to, tid == t->tid, m->w[2], &info);
}

/* pidfd_send_signal(pidfd, signal, siginfo or NULL: as kill, flags) */
int64_t linux_pidfd_send_signal(struct thread *t, struct message *m)
{
    int sig = m->w[1];
    int64_t error;
    struct siginfo info = from_user(t, sig, SI_USER);
    if ((uint32_t)m->w[3])
        return -EINVAL;
    struct process *p = pidfd_or_directory(t, m->w[0], &error);
    if (!p && error == -EBADF)
        return error;
    if (m->w[2]) {
        if ((error = user_read(t, m->w[2], &info, sizeof info)))
            return error;
        bool own = p && (int)p->i.pid == t->tid;
        return info.signo != sig ? -EINVAL : send_info(t, p, NULL, own, sig, &info);
    }
    if (!p || !valid(sig))
        return p ? -EINVAL : -ESRCH;
    return signal_allowed(t->process, p, sig) ? signal_post(p, NULL, &info) : -EPERM;
}

/* ---- actions and masks (sigprocmask is the kernel's: SYS_MASK) ---- */

/* Makes *a p's action for sig. If p ignores sig from now on, those that wait are dropped. */
static void action_set(struct process *p, int sig, const struct sigaction *a)
{
    uint64_t bit = BIT(sig);
    process_action_set(p, sig, a);
    if (!signal_ignored(p, sig))
        return;
    sigqueue_drop(&p->pending, bit);
    for (struct thread *x = p->threads; x; x = x->next)
        sigqueue_drop(&x->pending, bit);
}

int64_t linux_rt_sigaction(struct thread *t, struct message *m)
{
    int sig = m->w[0];
    struct sigaction a;
    int64_t error;
    if (m->w[3] != 8 || sig < 1 || sig > SIGNALS || (m->w[1] && (BIT(sig) & UNBLOCKABLE)))
        return -EINVAL;
    if (m->w[1] && (error = user_read(t, m->w[1], &a, sizeof a)))
        return error;
    if (m->w[2] && (error = user_write(t, m->w[2], &t->process->actions[sig - 1], sizeof a)))
        return error;
    a.mask &= ~UNBLOCKABLE;
    a.flags &= SA_KNOWN;
    if (m->w[1])
        action_set(t->process, sig, &a);
    return 0;
}

int64_t linux_rt_sigpending(struct thread *t, struct message *m)
{
    uint64_t set = (t->pending.set | t->process->pending.set) & t->blocked;
    return m->w[1] > 8 ? -EINVAL : user_write(t, m->w[0], &set, m->w[1]);
}

static void leave(struct thread *t) { (void)t; }

int64_t linux_rt_sigsuspend(struct thread *t, struct message *m)
{
    uint64_t set;
    int64_t error;
    if (m->w[1] != 8)
        return -EINVAL;
    if ((error = user_read(t, m->w[0], &set, sizeof set)))
        return error;
    signal_mask_for_call(t, set);
    if (t->attention)
        return -ERESTARTNOHAND;
    t->attention = true; /* the mask has to be put back */
    return thread_wait(t, leave, -ERESTARTNOHAND);
}

int64_t linux_pause(struct thread *t, struct message *m)
{
    (void)m;
    return thread_wait(t, leave, -ERESTARTNOHAND);
}

int64_t linux_sigaltstack(struct thread *t, struct message *m)
{
    struct {
        uint64_t base;
        uint32_t flags, pad;
        uint64_t size;
    } new, old = { t->alt_base, t->alt_flags, 0, t->alt_size };
    int64_t error;
    uint64_t sp = m->flags;
    bool on = !(t->alt_flags & SS_DISABLE) && sp > t->alt_base && sp - t->alt_base <= t->alt_size;
    if (on)
        old.flags |= SS_ONSTACK;
    if (m->w[0]) {
        if ((error = user_read(t, m->w[0], &new, sizeof new)))
            return error;
        if (on)
            return -EPERM;
        if ((new.flags & ~SS_AUTODISARM) > SS_DISABLE)
            return -EINVAL;
        if (!(new.flags &SS_DISABLE) && new.size < MINSIGSTKSZ)
            return -ENOMEM;
    }
    if (m->w[1] && (error = user_write(t, m->w[1], &old, sizeof old)))
        return error;
    if (m->w[0]) {
        t->alt_flags = new.flags &(SS_DISABLE | SS_AUTODISARM);
        t->alt_base = new.flags &SS_DISABLE ? 0 : new.base;
        t->alt_size = new.flags &SS_DISABLE ? 0 : new.size;
        t->tell = true;
    }
    return 0;
}

int64_t sigreturn_up(struct thread *t, struct message *m)
{
    uint64_t mask;
    int64_t error = frame_pop(t, m->flags, &mask);
    if (error == -EFAULT) {
        signal_force(t, &(struct siginfo){ .signo = SIGSEGV, .code = SI_KERNEL });
        return t->dead ? LATER : REGISTERS;
    }
    if (error)
        return error;
    signal_mask(t, mask);
    t->number = NO_SYSCALL;
    return REGISTERS;
}
