/* Process groups and sessions (POSIX base definitions 3.296 ff.; Stevens & Rago, chapter 9), and
 * the calls that tell a process's parent, group and session. */
#include "jobs.h"

#include "handlers.h"
#include "signal.h"

static bool has_stopped(unsigned pgid, const struct process *without)
{
    FOR_EACH_PROCESS(p)
    if (p != without && p->i.pgid == pgid && p->stopped)
        return true;
    return false;
}

/* Group pgid may have been orphaned by the end of `gone`. If it has stopped members, no process is
 * left to make them go on. */
static void check_group(unsigned pgid, const struct process *gone)
{
    if (group_orphaned(pgid, gone) && has_stopped(pgid, gone)) {
        signal_group(pgid, SIGHUP);
        signal_group(pgid, SIGCONT);
    }
}

void group_check_orphans(struct process *p)
{
    if (p->parent && p->parent->i.pgid != p->i.pgid && p->parent->i.sid == p->i.sid)
        check_group(p->i.pgid, p);
    if (!p->children)
        return;
    FOR_EACH_PROCESS(c) /* not along p's list: to tell a group may wait, and end children */
    if (c->parent == p && c->i.pgid != p->i.pgid && c->i.sid == p->i.sid)
        check_group(c->i.pgid, p);
}

int64_t linux_setpgid(struct thread *t, struct message *m)
{
    struct process *self = t->process;
    int pid = (int)m->w[0], pgid = (int)m->w[1];
    if (pgid < 0)
        return -EINVAL;
    struct process *p = pid ? process_find(pid) : self;
    if (!p && thread_find(pid))
        return -EINVAL;
    if (!p || p->zombie || (p != self && p->parent != self))
        return -ESRCH;
    if (!pgid)
        pgid = p->i.pid;
    if (p->i.sid != self->i.sid)
        return -EPERM;
    if (p != self && p->execed)
        return -EACCES;
    if (p->i.sid == p->i.pid)
        return -EPERM;
    if (pgid != (int)p->i.pid && !group_exists(pgid, self->i.sid))
        return -EPERM;
    if (p->i.pgid != (unsigned)pgid) {
        p->i.pgid = pgid;
        process_label(p);
    }
    return 0;
}

int64_t linux_getpgid(struct thread *t, struct message *m)
{
    struct process *p = m->w[0] ? process_of_thread(m->w[0]) : t->process;
    return p ? (int64_t)p->i.pgid : -ESRCH;
}

int64_t linux_getpgrp(struct thread *t, struct message *m)
{
    (void)m;
    return t->process->i.pgid;
}

int64_t linux_getsid(struct thread *t, struct message *m)
{
    struct process *p = m->w[0] ? process_of_thread(m->w[0]) : t->process;
    return p ? (int64_t)p->i.sid : -ESRCH;
}

int64_t linux_setsid(struct thread *t, struct message *m)
{
    (void)m;
    struct process *p = t->process;
    for (struct process *other = table->process; other < processes_end; other++)
        if (other->i.pid && other->i.pgid == p->i.pid)
            return -EPERM;
    p->i.sid = p->i.pgid = p->i.pid;
    p->i.tty = 0;
    p->i.tty_pgrp = 0;
    p->hung_up_group = 0;
    process_label(p);
    return p->i.pid;
}

int64_t linux_gettid(struct thread *t, struct message *m)
{
    (void)m;
    return t->tid;
}
