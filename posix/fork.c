/* fork, vfork, clone: the birth of processes and threads.
 *
 * PM makes the new task (PM_FORK, which it hands on to VFS, whose answer comes here) or thread
 * (PM_THREAD), and makes the new thread a second caller of the very call that its creator is in. So
 * two calls are held afterwards, and each is answered for itself: the creator's with a number, the
 * new thread's with 0.
 *
 * While PM and VFS are at work the parent and the child are `busy`: neither can be ended in the
 * middle. If the creator has died meanwhile the child lives on, as one whose parent has died.
 *
 * vfork: the creator waits, and no signal ends that wait (cancel is NULL). The child names it
 * (vfork_parent) until process_vfork_end() lets it go on: when exec has given the child a space of
 * its own, or when the child ends. If the creator's process ends first it takes its name out of the
 * child (exit.c, forget_vfork). The parent's memory is the child's until then, so nothing of it is
 * written for the parent while the child may already run: PARENT_SETTID comes first.
 *
 * CLONE_..._SETTID writes into memory that may have no page yet. Then that call is thrown back,
 * which makes it again from the start, although the child is there already: t->birth remembers what
 * is left to write and what to answer, and linux_clone() looks there first. */
#include "handlers.h"

#include "delivery.h"
#include "rlimit.h"
#include "syscalls.h"
#include "user_memory.h"

enum {
    SIGNAL_MASK = 0xff, /* what tells the parent of the child's end */
    CLONE_VM = 0x100,
    CLONE_FS = 0x200,
    CLONE_FILES = 0x400,
    CLONE_SIGHAND = 0x800,
    CLONE_PIDFD = 0x1000,
    CLONE_VFORK = 0x4000,
    CLONE_PARENT = 0x8000,
    CLONE_THREAD = 0x10000,
    CLONE_SETTLS = 0x80000,
    CLONE_PARENT_SETTID = 0x100000,
    CLONE_CHILD_CLEARTID = 0x200000,
    CLONE_CHILD_SETTID = 0x1000000,
    CLONE_NEW = 0x7e020000,
    /* what all threads of a process share in this system, and no two processes */
    OF_PROCESS = CLONE_FS | CLONE_FILES | CLONE_SIGHAND,
};

/* What clone asks for: its five arguments. */
struct birth {
    uint64_t flags, stack;
    caller_t parent_tid, child_tid;
    uint64_t tls;
};

/* Whether p's user has as many threads as one may have, or, if it is to be a process, as many
 * processes. */
static bool too_many(const struct process *p, bool thread)
{
    struct process_count own, all;
    if (!p->i.uid)
        return false;
    process_count(p->i.uid, &own, &all);
    if (own.threads >= MIN(p->limits[RLIMIT_NPROC].soft, (uint64_t)THREADS_EACH) ||
        all.threads >= THREADS_MAX - THREADS_RESERVE)
        return true;
    return !thread && (own.processes >= processes_max / 4 * 3 ||
                       all.processes >= processes_max - processes_max / 16);
}

/* ---- the new thread's call ---- */

static void set_stack_and_tls(struct thread *t, const struct birth *b)
{
    if (b->stack) {
        struct regs r;
        ask_regs_get(t->index, &r, NULL);
        r.rsp = b->stack;
        sys_regs_set(t->index, &r, 0);
    }
    if (b->flags & CLONE_SETTLS)
        ask_thread_set(t->index, THREAD_TLS, b->tls);
}

/* Writes a thread's number into the memory of t, whose clone is to end with `result`. Returns that
 * result; or LATER when the page has to be brought or copied first, after which linux_clone() calls
 * this again. */
static int64_t write_tid(struct thread *t, caller_t at, int tid, int64_t result)
{
    if (t->dead)
        return LATER;
    t->birth.at = at;
    t->birth.tid = tid;
    t->birth.result = result;
    if (user_write(t, at, &tid, sizeof tid) == LATER)
        return LATER;
    t->birth.at = 0;
    return result;
}

/* Answers the new thread's call: it runs from now on. */
static void let_run(struct thread *t, const struct birth *b)
{
    int64_t result = b->flags & CLONE_CHILD_SETTID ? write_tid(t, b->child_tid, t->tid, 0) : 0;
    if (result != LATER)
        thread_finish(t, result);
}

/* ---- a process ---- */

/* Undoes a child that has a task but will never run. */
static void undo(struct process *child)
{
    endpoint_t task = child->i.task;
    while (child->threads)
        thread_free(child->threads);
    call(service_find("pm"), PM_EXIT, task, 0, 0, 0);
    process_free(child);
}

/* A child of t's process, with a task and one thread that is not answered yet. 0, -EAGAIN, -ENOMEM.
 * May wait. */
static int64_t child_make(struct thread *t, const struct birth *b, struct process **made)
{
    struct process *p = t->process, *child = too_many(p, false) ? NULL : process_create(p);
    if (!child)
        return -EAGAIN;
    bool sibling = b->flags & CLONE_PARENT;
    child->exit_signal = sibling ? p->exit_signal : (int)(b->flags & SIGNAL_MASK);
    child->parent_execs = sibling ? p->parent_execs : p->execs;
    p->busy++;
    child->busy++;
    struct call_result r;
    int64_t task = call_window(service_find("pm"),
                               &(struct call_args){ .op = PM_FORK, .w0 = t->call }, WINDOW_NONE,
                               (void *)(uint64_t) !!(b->flags & CLONE_VM), p->i.task, &r);
    p->busy--;
    child->busy--;
    if (task < 0) {
        process_free(child);
        return task == -EAGAIN ? -EAGAIN : -ENOMEM;
    }
    child->i.task = task;
    if (!thread_create(child, r.r1, child->i.pid)) {
        undo(child);
        return -ENOMEM;
    }
    *made = child;
    return 0;
}

/* What the child has from the thread that made it, and what the kernel is told. */
static void child_set_up(struct process *child, struct thread *t, const struct birth *b)
{
    struct process *p = t->process;
    struct thread *first = child->threads;
    thread_mask_set(first, t->blocked);
    if (!(b->flags & CLONE_VM) || (b->flags & CLONE_VFORK)) {
        first->alt_base = t->alt_base;
        first->alt_size = t->alt_size;
        first->alt_flags = t->alt_flags;
    }
    child->shares = b->flags & CLONE_VM;
    first->clear_tid = b->flags & CLONE_CHILD_CLEARTID ? b->child_tid : 0;
    process_words_born(child, p);
    if (child->limits[RLIMIT_CPU].soft != ~0ul || child->limits[RLIMIT_CPU].hard != ~0ul)
        rlimit_cpu_start(child);
    set_stack_and_tls(first, b);
}

static int64_t fork(struct thread *t, const struct birth *b)
{
    struct process *p = t->process, *child;
    int64_t error = child_make(t, b, &child);
    if (error)
        return error;
    struct thread *first = child->threads;
    child_set_up(child, t, b);
    int pid = child->i.pid;
    if (b->flags & CLONE_PARENT && p->parent) {
        child_remove(child);
        child_add(p->parent, child);
    }
    if (b->flags & CLONE_VFORK && !t->dead) {
        child->vfork_parent = t;
        p->vforked = true;
        thread_wait(t, NULL, 0);
        if (b->flags & CLONE_PARENT_SETTID)
            user_poke(t, b->parent_tid, &pid, sizeof pid);
        let_run(first, b);
        return LATER;
    }
    let_run(first, b);
    return b->flags & CLONE_PARENT_SETTID ? write_tid(t, b->parent_tid, pid, pid) : pid;
}

/* ---- a thread ---- */

static int64_t thread_clone(struct thread *t, const struct birth *b)
{
    struct process *p = t->process;
    int64_t error;
    if (b->flags & CLONE_PARENT_SETTID && (error = user_probe(t, b->parent_tid, sizeof(int))))
        return error;
    if (too_many(p, true))
        return -EAGAIN;
    p->busy++;
    struct call_result r;
    int64_t made = call_window(
        service_find("pm"), &(struct call_args){ .op = PM_THREAD, .w0 = t->call, .w3 = p->i.task },
        WINDOW_NONE, (void *)b->stack, b->flags & CLONE_SETTLS ? b->tls : 0, &r);
    p->busy--;
    if (made < 0)
        return made == -ENOMEM ? -EAGAIN : made;
    struct thread *n = thread_create(p, r.r1, tid_new());
    if (!n) {
        call(service_find("pm"), PM_THREADEND, p->i.task, r.r1 & (THREADS_MAX - 1), 0, 0);
        return -EAGAIN;
    }
    thread_mask_set(n, t->blocked);
    n->clear_tid = b->flags & CLONE_CHILD_CLEARTID ? b->child_tid : 0;
    int tid = n->tid;
    if (b->flags & CLONE_PARENT_SETTID)
        user_poke(t, b->parent_tid, &tid, sizeof tid);
    thread_recheck(n);
    let_run(n, b);
    return tid;
}

/* ---- the calls ---- */

int64_t linux_clone(struct thread *t, struct message *m)
{
    struct birth b = { (uint32_t)m->w[0], m->w[1], m->w[2], m->w[3], m->w[4] };
    if (t->birth.at && (t->birth.at == b.parent_tid || t->birth.at == b.child_tid))
        return write_tid(t, t->birth.at, t->birth.tid, t->birth.result);
    if (b.flags & (CLONE_NEW | CLONE_PIDFD) || (b.flags & SIGNAL_MASK) > SIGNALS)
        return -EINVAL;
    if ((b.flags & CLONE_SIGHAND && !(b.flags & CLONE_VM)) ||
        (b.flags & CLONE_THREAD && !(b.flags & CLONE_SIGHAND)))
        return -EINVAL;
    if ((b.flags & OF_PROCESS) != (b.flags & CLONE_THREAD ? OF_PROCESS : 0))
        return -EINVAL; /* Linux would share some of these, or not share some with a thread */
    return b.flags & CLONE_THREAD ? thread_clone(t, &b) : fork(t, &b);
}

int64_t linux_fork(struct thread *t, struct message *m)
{
    (void)m;
    return fork(t, &(struct birth){ .flags = SIGCHLD });
}

int64_t linux_vfork(struct thread *t, struct message *m)
{
    (void)m;
    return fork(t, &(struct birth){ .flags = CLONE_VM | CLONE_VFORK | SIGCHLD });
}
