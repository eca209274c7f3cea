/* The end of threads and processes.
 *
 * A process ends by exit_group, by the exit of its last thread, or by a signal. Its threads may be
 * anywhere: running, with a call at another service, waiting here, or in the hands of a handler
 * that waits for a service itself. process_exit() takes them one by one out of all tables and
 * queues (threads_drop); a handler that is at work for one finds it `dead` when it comes back,
 * returns LATER and so frees the structure. In the kernel the threads end with their task
 * (PM_EXIT), which also withdraws their calls from other services.
 *
 * The order matters. Robust locks and clear_tid need the memory, so they come first; timers, record
 * locks, then memory and descriptors are given back at once, whatever the parent does. After the
 * task is gone others are told: the parent that waits in vfork, the terminal's session, orphaned
 * groups, the children, and last, when p is a zombie, its parent. Each of these steps may send
 * signals, and a signal may end another process, so process_exit() may be entered again for that
 * one: p is `exiting` and `busy` throughout.
 *
 * A zombie is a place in the table with a status and a sum of times. wait.c frees it. */
#include "exit.h"

#include "core.h"
#include "delivery.h"
#include "futex_lock.h"
#include "futex_queue.h"
#include "handlers.h"
#include "itimer.h"
#include "jobs.h"
#include "locks.h"
#include "mqueue.h"
#include "ptimer.h"
#include "ptrace.h"
#include "rlimit.h"
#include "robust_list.h"
#include "rusage.h"
#include "signal.h"
#include "syscalls.h"
#include "trace.h"
#include "sysv_sem.h"
#include "tty.h"
#include "user_memory.h"
#include "wait.h"

/* Who gets the children of p: the nearest ancestor that asked for them (PR_SET_CHILD_SUBREAPER), or
 * init. */
static struct process *next_parent(const struct process *p)
{
    for (struct process *a = p->parent; a; a = a->parent)
        if (a->subreaper && !a->exiting && !a->zombie)
            return a;
    return init_process;
}

/* Gives the children of p another parent, which is looked for each time: to tell a child, or its
 * new parent, may wait, and both may be gone then. */
static void give_children_away(struct process *p)
{
    while (p->children) {
        struct process *child = p->children;
        child_remove(child);
        child_add(next_parent(p), child);
        child->i.exit_signal = SIGCHLD;
        if (child->zombie)
            wait_notify(child);
        else if (child->death_signal)
            signal_kernel(child, child->death_signal);
    }
}

/* Clears t's number in memory that other processes see (CLONE_CHILD_CLEARTID), and wakes a futex
 * waiter there. May wait. */
static void clear_tid(struct thread *t)
{
    uint32_t zero = 0;
    if (ask_poke(t->process->i.task, t->clear_tid, &zero, sizeof zero) >= 0)
        futex_wake_address(t, t->clear_tid, 1);
}

void thread_leaves(struct thread *t, unsigned *places)
{
    robust_list_ends(t, places);
    futex_owner_ends(t);
    if (t->process->shares && t->clear_tid)
        clear_tid(t);
}

/* Ends p's threads in this server. Robust locks are marked up to what four threads may have: a list
 * in the program's memory may be a ring. May wait. */
static void threads_drop(struct process *p)
{
    unsigned places = 4 * ROBUST_MAX;
    while (p->threads) {
        struct thread *t = p->threads;
        t->active++; /* what follows may wait */
        thread_leaves(t, &places);
        ptrace_ends(t, p->i.exit_status, t->tid == (int)p->i.pid);
        ptrace_tracer_ends(t);
        t->active--;
        thread_free(t);
    }
}

void process_vfork_end(struct process *p)
{
    struct thread *waiting = p->vfork_parent;
    p->vfork_parent = NULL;
    if (waiting)
        waiting->vforks = false;
    if (waiting && !waiting->dead && waiting->place == THREAD_WAITING) {
        trace_event(waiting, PTRACE_EVENT_VFORK_DONE, p->i.pid);
        thread_finish(waiting, p->i.pid);
    }
}

/* Makes sure that no child, not even one that ends already, names a thread of p as the one that
 * waits in vfork; t: that thread only. */
static void forget_vfork(struct process *p, const struct thread *t)
{
    if (!(t ? t->vforks : p->vforked))
        return;
    for (struct process *child = table->process; child < processes_end; child++) {
        const struct thread *waiting = child->vfork_parent;
        if (waiting && (t ? waiting == t : waiting->process == p))
            child->vfork_parent = NULL;
    }
}

/* Stops the machine, since init has ended and nothing else would start programs. May wait. */
static void stop_machine(int status)
{
    print("init has ended, status %x: the machine stops", status);
    call(service_find("vfs"), VFS_SYNC, 0, 0, 0, 0);
    call(service_find("rs"), RS_HALT, HALT_POWEROFF, 0, 0, 0);
}

void process_exit(struct process *p, int status)
{
    if (p == init_process)
        stop_machine(status);
    p->exiting = true;
    core_forget(p);
    p->busy++;
    struct task_info counts;
    process_counts(p, &counts);
    if (p->i.task)
        p->i.cpu = counts.cpu;
    process_usage(p, &p->usage);
    p->i.exit_status = status;
    forget_vfork(p, NULL);
    threads_drop(p);
    itimers_end(p);
    rlimit_cpu_end(p);
    ptimers_delete(p);
    sigqueue_drop(&p->pending, ~0ul);
    sem_process_ends(p);
    mqueue_forget(p);
    if (p->locks)
        locks_drop_process(p);
    endpoint_t task = p->i.task;
    call(service_find("pm"), PM_EXIT, task, 0, 0, 0);
    p->i.task = 0;
    sem_service_exit(p);
    /* which /proc has taken from the kernel as long as there was a task */
    io_add(p->i.io, counts.io);
    process_vfork_end(p);
    if (p->i.sid == p->i.pid)
        tty_leader_exits(p);
    group_check_orphans(p);
    give_children_away(p);
    p->busy--;
    p->stopped = 0;
    p->exiting = false;
    p->zombie = true;
    p->i.state = 'Z';
    process_watches_tell(p);
    if (p->ghost)
        wait_notify_tracer(p->ghost);
    else
        wait_notify(p);
}

/* Ends one thread, in the kernel as well, with a status as wait reports it. May wait. */
static void thread_exit(struct thread *t, uint32_t status)
{
    struct process *p = t->process;
    endpoint_t task = p->i.task;
    unsigned index = t->index;
    if (core_writes(t)) { /* the others cannot go on without it */
        process_end(p, status);
        return;
    }
    forget_vfork(p, t);
    t->active++;
    ptrace_ends(t, status, false);
    ptrace_tracer_ends(t);
    t->active--;
    bool gone = t->dead; /* with p, meanwhile */
    thread_free(t);
    if (!gone && !p->threads)
        process_end(p, status); /* so are the others */
    else if (!gone)
        call(service_find("pm"), PM_THREADEND, task, index, 0, 0);
}

void threads_end_others(struct process *p, struct thread *t)
{
    for (;;) {
        struct thread *other = p->threads == t ? t->next : p->threads;
        if (!other)
            return;
        thread_exit(other, SIGKILL);
    }
}

int64_t linux_exit_group(struct thread *t, struct message *m)
{
    if (ptrace_exits(t, (m->w[0] & 0xff) << 8))
        return 0;
    process_end(t->process, (m->w[0] & 0xff) << 8);
    return LATER;
}

int64_t linux_exit(struct thread *t, struct message *m)
{
    struct process *p = t->process;
    if (ptrace_exits(t, (m->w[0] & 0xff) << 8))
        return 0;
    if (!p->threads->next) {
        process_end(p, (m->w[0] & 0xff) << 8);
        return LATER;
    }
    if (t->clear_tid) {
        uint32_t zero = 0;
        int64_t error = user_write(t, t->clear_tid, &zero, sizeof zero);
        if (error == LATER)
            return LATER;
    }
    unsigned places = ROBUST_MAX;
    robust_list_ends(t, &places);
    futex_owner_ends(t);
    if (t->clear_tid)
        futex_wake_address(t, t->clear_tid, 1);
    if (t->dead)
        return LATER;
    if (!p->threads->next) { /* the others have ended meanwhile */
        process_end(p, (m->w[0] & 0xff) << 8);
        return LATER;
    }
    signal_mask(t, ~0ul); /* what it was to take, others take */
    thread_exit(t, (m->w[0] & 0xff) << 8);
    return LATER;
}
