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
 * CLONE_..._SETTID and CLONE_PIDFD write into memory that may have no page yet. Then that call is
 * thrown back, which makes it again from the start, although the child is there already: t->birth
 * remembers what is left to write and what to answer, and linux_clone() looks there first. */
#include "handlers.h"

#include "capability.h"
#include "delivery.h"
#include "pidfd.h"
#include "ptrace.h"
#include "rlimit.h"
#include "syscalls.h"
#include "user_memory.h"

enum {
    SIGNAL_MASK = 0xff,
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
    CLONE_SYSVSEM = 0x40000,
    CLONE_DETACHED = 0x400000,
    CLONE_CHILD_SETTID = 0x1000000,
    CLONE_NEW = 0x7e020000,
    CLONE_NEWTIME = 0x80, /* clone3 */
    /* what all threads of a process share in this system */
    OF_PROCESS = CLONE_FS | CLONE_FILES | CLONE_SIGHAND,
};
#define CLONE_CLEAR_SIGHAND (1ul << 32) /* clone3 */

/* What clone asks for. */
struct birth {
    uint64_t flags, stack; /* where the new thread's stack begins; 0: as its creator's */
    caller_t parent_tid, child_tid, pidfd;
    uint64_t tls;
    uint32_t signal; /* tells the parent of the child's end; 0: none does */
};

/* Whether the user of t, which makes another one, has as many threads as one may have, or, if it is
 * to be a process, as many processes. */
static bool too_many(const struct thread *t, bool thread)
{
    const struct process *p = t->process;
    struct process_count own, all;
    if (t->policy == SCHED_DEADLINE && !t->reset_on_fork)
        return true; /* nobody else can have its share of the processor */
    if (!p->i.uid)
        return false;
    process_count(p->i.uid, &own, &all);
    if (own.threads >= MIN(p->i.limits[RLIMIT_NPROC].soft, (uint64_t)THREADS_EACH) ||
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

/* Writes what t->birth says into t's memory. Returns the result of t's clone; or LATER when a page
 * has to be brought or copied first, after which linux_clone() calls this again. */
static int64_t write_numbers(struct thread *t)
{
    if (t->dead)
        return LATER;
    for (int i = 0; i < 2; i++) {
        if (t->birth.at[i] && user_write(t, t->birth.at[i], &t->birth.number[i], 4) == LATER)
            return LATER;
        t->birth.at[i] = 0;
    }
    return t->birth.result;
}

/* The creator's clone ends with `result`, after its memory has the numbers that it asks for: of the
 * new thread, and of a descriptor of its process. */
static int64_t creator_result(struct thread *t, const struct birth *b, int tid, int descriptor,
                              int64_t result)
{
    if (!(b->flags & (CLONE_PARENT_SETTID | CLONE_PIDFD)))
        return result;
    t->birth.at[0] = b->flags & CLONE_PARENT_SETTID ? b->parent_tid : 0;
    t->birth.at[1] = b->flags & CLONE_PIDFD ? b->pidfd : 0;
    t->birth.number[0] = tid;
    t->birth.number[1] = descriptor;
    t->birth.result = result;
    return write_numbers(t);
}

/* Answers the new thread's call: it runs from now on. */
static void let_run(struct thread *t, const struct birth *b)
{
    int64_t result = 0;
    if (b->flags & CLONE_CHILD_SETTID) {
        t->birth.at[0] = b->child_tid;
        t->birth.number[0] = t->tid;
        result = write_numbers(t);
    }
    if (result != LATER)
        thread_finish(t, result);
}

/* ---- a process ---- */

/* Undoes a child that has a task but will never run. Nobody else can end it meanwhile. May wait. */
static void undo(struct process *child)
{
    endpoint_t task = child->i.task;
    child->exiting = true;
    while (child->threads)
        thread_free(child->threads);
    call(service_find("pm"), PM_EXIT, task, 0, 0, 0);
    process_free(child);
}

/* PM_SHARE_... of a clone. */
static uint64_t shared(uint64_t flags)
{
    return (flags & CLONE_VM ? PM_SHARE_SPACE : 0) |
           (flags & CLONE_FILES ? PM_SHARE_CONNECTIONS : 0) |
           (flags & CLONE_FS ? PM_SHARE_DIRECTORIES : 0);
}

/* p and its child have the same of something from now on: *child names it, and *own, which is named
 * now if it was p's alone. */
static void share(uint32_t *own, uint32_t *child)
{
    static uint32_t serial;
    if (!*own)
        *own = ++serial ? serial : ++serial;
    *child = *own;
}

/* A child of t's process, with a task and one thread that is not answered yet. 0, -EAGAIN, -ENOMEM.
 * May wait. */
static int64_t child_make(struct thread *t, const struct birth *b, struct process **made)
{
    struct process *p = t->process, *child = too_many(t, false) ? NULL : process_create(p);
    if (!child)
        return -EAGAIN;
    bool sibling = b->flags & CLONE_PARENT;
    child->i.exit_signal = sibling ? p->i.exit_signal : (int)b->signal;
    child->made_by = sibling ? p->made_by : t->tid;
    child->parent_execs = sibling ? p->parent_execs : p->execs;
    p->busy++;
    child->busy++;
    struct call_result r;
    int64_t task = call_window(service_find("pm"),
                               &(struct call_args){ .op = PM_FORK, .w0 = t->call }, WINDOW_NONE,
                               (void *)shared(b->flags), p->i.task, &r);
    p->busy--;
    child->busy--;
    if (task < 0) {
        process_free(child);
        return task == -EAGAIN ? -EAGAIN : -ENOMEM;
    }
    child->i.task = task;
    if (!thread_create(child, r.r1, child->i.pid, t)) {
        undo(child);
        return -ENOMEM;
    }
    *made = child;
    return 0;
}

/* Signals that a handler catches have their default action from now on. */
static void actions_default(struct process *p)
{
    for (int i = 0; i < SIGNALS; i++)
        if (p->actions[i].handler != SIG_IGN)
            p->actions[i] = (struct sigaction){ .handler = SIG_DFL };
    p->i.caught = 0;
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
    child->space = child->shares ? p->space : child->space;
    if (b->flags & CLONE_FILES)
        share(&p->files, &child->files);
    if (b->flags & CLONE_FS)
        share(&p->directories, &child->directories);
    if (b->flags & CLONE_SIGHAND)
        share(&p->sighand, &child->sighand);
    first->clear_tid = b->flags & CLONE_CHILD_CLEARTID ? b->child_tid : 0;
    if (b->flags & CLONE_CLEAR_SIGHAND)
        actions_default(child);
    process_words_born(child, p);
    if (child->i.limits[RLIMIT_CPU].soft != ~0ul || child->i.limits[RLIMIT_CPU].hard != ~0ul)
        rlimit_cpu_start(child);
    set_stack_and_tls(first, b);
}

/* m: the call of t, which gets a descriptor of the child, if it asks for one. */
static int64_t fork(struct thread *t, struct message *m, const struct birth *b)
{
    struct process *p = t->process, *child;
    int64_t descriptor = 0, error = child_make(t, b, &child);
    if (error)
        return error;
    if (b->flags & CLONE_PIDFD && !t->dead && (descriptor = pidfd_make(t, m, child, 0)) < 0) {
        undo(child);
        return descriptor;
    }
    struct thread *first = child->threads;
    child_set_up(child, t, b);
    int pid = child->i.pid;
    if (b->flags & CLONE_PARENT && p->parent) {
        child_remove(child);
        child_add(p->parent, child);
    }
    bool traced = ptrace_birth(t, first, b->flags, b->signal);
    if (b->flags & CLONE_VFORK && !t->dead) {
        child->vfork_parent = t;
        p->vforked = t->vforks = true;
        if (!traced) /* else t stops first, and then waits */
            thread_wait(t, NULL, 0);
        if (b->flags & CLONE_PARENT_SETTID)
            user_poke(t, b->parent_tid, &pid, sizeof pid);
        if (b->flags & CLONE_PIDFD)
            user_poke(t, b->pidfd, &(int){ descriptor }, sizeof(int));
        let_run(first, b);
        return traced ? pid : LATER;
    }
    let_run(first, b);
    return creator_result(t, b, pid, descriptor, pid);
}

/* ---- a thread ---- */

static int64_t thread_clone(struct thread *t, const struct birth *b)
{
    struct process *p = t->process;
    int64_t error;
    if (b->flags & CLONE_PARENT_SETTID && (error = user_probe(t, b->parent_tid, sizeof(int))))
        return error;
    if (too_many(t, true))
        return -EAGAIN;
    p->busy++;
    struct call_result r;
    int64_t made = call_window(
        service_find("pm"), &(struct call_args){ .op = PM_THREAD, .w0 = t->call, .w3 = p->i.task },
        WINDOW_NONE, (void *)b->stack, b->flags & CLONE_SETTLS ? b->tls : 0, &r);
    p->busy--;
    if (made < 0)
        return made == -ENOMEM ? -EAGAIN : made;
    struct thread *n = thread_create(p, r.r1, tid_new(), t);
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
    ptrace_birth(t, n, b->flags, b->signal);
    let_run(n, b);
    return tid;
}

/* ---- the calls ---- */

/* m: a clone of t. */
static int64_t clone(struct thread *t, struct message *m, const struct birth *b)
{
    if (b->flags & CLONE_NEW || b->signal > SIGNALS)
        return -EINVAL;
    if ((b->flags & CLONE_SIGHAND && !(b->flags & CLONE_VM)) ||
        (b->flags & CLONE_THREAD && !(b->flags & CLONE_SIGHAND)) ||
        (b->flags & CLONE_PIDFD && b->flags & (CLONE_DETACHED | CLONE_THREAD)))
        return -EINVAL;
    if (b->flags & CLONE_THREAD && (b->flags & OF_PROCESS) != OF_PROCESS)
        return -EINVAL; /* Linux would have a thread share only some of these */
    return b->flags & CLONE_THREAD ? thread_clone(t, b) : fork(t, m, b);
}

/* Whether t's clone, which asks for b, has been made already, and only numbers are to be written.
 */
static bool is_made(const struct thread *t, const struct birth *b)
{
    for (int i = 0; i < 2; i++) {
        caller_t at = t->birth.at[i];
        if (at && (at == b->parent_tid || at == b->child_tid || at == b->pidfd))
            return true;
    }
    return false;
}

int64_t linux_clone(struct thread *t, struct message *m)
{
    struct birth b = { .flags = (uint32_t)m->w[0] & ~(uint32_t)SIGNAL_MASK,
                       .stack = m->w[1],
                       .parent_tid = m->w[2],
                       .child_tid = m->w[3],
                       .pidfd = m->w[2],
                       .tls = m->w[4],
                       .signal = m->w[0] & SIGNAL_MASK };
    if (is_made(t, &b))
        return write_numbers(t);
    if (b.flags & CLONE_PIDFD && b.flags & CLONE_PARENT_SETTID)
        return -EINVAL; /* both would be written to the same place */
    return clone(t, m, &b);
}

/* struct clone_args */
struct ON_STACK clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, signal, stack, stack_size, tls;
    uint64_t set_tid, set_tid_size, cgroup;
};

/* Reads the `size` bytes of clone3's arguments at `at`; what is missing is 0, and what is beyond
 * must be 0. 0, -EINVAL, -E2BIG, or as user_read(). */
static int64_t read_arguments(struct thread *t, caller_t at, uint64_t size, struct clone_args *a)
{
    enum { SIZE_FIRST = 64 };
    uint64_t more[16];
    *a = (struct clone_args){ 0 };
    if (size > PAGE_SIZE || size < SIZE_FIRST)
        return size < SIZE_FIRST ? -EINVAL : -E2BIG;
    int64_t error = user_read(t, at, a, MIN(size, sizeof *a));
    for (uint64_t done = sizeof *a, n; !error && done < size; done += n) {
        n = MIN(size - done, sizeof more);
        memset(more, 0, sizeof more);
        error = user_read(t, at + done, more, n);
        for (unsigned i = 0; !error && i < ARRAY_SIZE(more); i++)
            error = more[i] ? -E2BIG : 0;
    }
    return error;
}

int64_t linux_clone3(struct thread *t, struct message *m)
{
    struct clone_args a;
    int64_t error = read_arguments(t, m->w[0], m->w[1], &a);
    if (error)
        return error;
    struct birth b = { .flags = a.flags,
                       .stack = a.stack + a.stack_size,
                       .parent_tid = a.parent_tid,
                       .child_tid = a.child_tid,
                       .pidfd = a.pidfd,
                       .tls = a.tls,
                       .signal = a.signal };
    if (is_made(t, &b))
        return write_numbers(t);
    if (a.flags & ~(CLONE_CLEAR_SIGHAND | UINT32_MAX) ||
        a.flags & (CLONE_DETACHED | (SIGNAL_MASK & ~CLONE_NEWTIME)) || a.signal > SIGNALS)
        return -EINVAL;
    if ((a.flags & CLONE_SIGHAND && a.flags & CLONE_CLEAR_SIGHAND) ||
        (a.flags & (CLONE_THREAD | CLONE_PARENT) && a.signal) || !a.stack != !a.stack_size ||
        __builtin_add_overflow(a.stack, a.stack_size, &b.stack) || b.stack > USER_TOP)
        return -EINVAL;
    if (a.set_tid || a.set_tid_size || a.flags & CLONE_NEWTIME)
        return -EINVAL;
    return clone(t, m, &b);
}

int64_t linux_fork(struct thread *t, struct message *m)
{
    return fork(t, m, &(struct birth){ .signal = SIGCHLD });
}

int64_t linux_vfork(struct thread *t, struct message *m)
{
    return fork(t, m, &(struct birth){ .flags = CLONE_VM | CLONE_VFORK, .signal = SIGCHLD });
}

/* unshare: what only threads share is Linux's to take apart. Of a process with several threads
 * nothing is. */
int64_t linux_unshare(struct thread *t, struct message *m)
{
    enum {
        KNOWN = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
    };
    struct process *p = t->process;
    uint64_t flags = m->w[0];
    if (flags & ~(uint64_t)(KNOWN | CLONE_NEW | CLONE_NEWTIME))
        return -EINVAL;
    if (flags & KNOWN & ~CLONE_SYSVSEM && p->threads->next)
        return -EINVAL;
    FOR_EACH_PROCESS(other)
    if (other != p &&
        ((flags & (CLONE_SIGHAND | CLONE_VM) && p->sighand && other->sighand == p->sighand) ||
         (flags & CLONE_VM && other->space == p->space)))
        return -EINVAL;
    if (flags & (CLONE_NEW | CLONE_NEWTIME))
        return capable(p, CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
    if (flags & CLONE_FILES && sys_conn_exec(t->call, false) < 0)
        return -ENOMEM;
    if (flags & CLONE_FILES)
        p->files = 0;
    if (flags & CLONE_FS && p->directories)
        call(service_find("vfs"), VFS_UNSHARE, p->i.task, 0, 0, 0);
    if (flags & CLONE_FS)
        p->directories = 0;
    return 0;
}
