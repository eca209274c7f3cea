/* fork, vfork, clone. PM makes the new task and a second caller of the same call: we hold both, and
 * answer each. */
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
    CLONE_NEWNS = 0x20000,
    CLONE_SETTLS = 0x80000,
    CLONE_PARENT_SETTID = 0x100000,
    CLONE_CHILD_CLEARTID = 0x200000,
    CLONE_CHILD_SETTID = 0x1000000,
    CLONE_NEW = 0x7e020000,
    /* what all threads of a process share here, and no two processes */
    OF_PROCESS = CLONE_FS | CLONE_FILES | CLONE_SIGHAND,
};

/* What clone asks for: its five arguments. */
struct birth {
    uint64_t flags, stack;
    caller_t parent_tid, child_tid;
    uint64_t tls;
};

/* Has p's user as many threads as he may, or, for a new process, as many processes? */
static bool too_many(const struct process *p, bool thread)
{
    struct process_count his, all;
    if (!p->i.uid)
        return false;
    process_count(p->i.uid, &his, &all);
    if (his.threads >= MIN(p->limits[RLIMIT_NPROC].soft, (uint64_t)THREADS_EACH) ||
        all.threads >= THREADS_MAX - THREADS_RESERVE)
        return true;
    return !thread &&
           (his.processes >= PROCESSES_EACH || all.processes >= PROCESSES - PROCESSES_RESERVE);
}

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

/* Undoes a child that has a task but will never run. */
static void undo(struct process *child)
{
    endpoint_t task = child->i.task;
    while (child->threads)
        thread_free(child->threads);
    call(service_find("pm"), PM_EXIT, task, 0, 0, 0);
    process_free(child);
}

/* Writes a thread's number into the memory of t, whose clone is to end with `result`. The page may
 * have to be brought or copied first; then clone is made again by t, and finds in t->birth that
 * only this is left of it (birth_again). What to answer, or LATER. */
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

static void born(struct thread *t, const struct birth *b)
{
    int64_t result = b->flags & CLONE_CHILD_SETTID ? write_tid(t, b->child_tid, t->tid, 0) : 0;
    if (result != LATER)
        thread_finish(t, result);
}

static int64_t fork(struct thread *t, const struct birth *b)
{
    struct process *p = t->process;
    if (too_many(p, false))
        return -EAGAIN;
    struct process *child = process_create(p);
    if (!child)
        return -EAGAIN;
    child->exit_signal = b->flags & CLONE_PARENT ? p->exit_signal : (int)(b->flags & SIGNAL_MASK);
    child->parent_execs = b->flags & CLONE_PARENT ? p->parent_execs : p->execs;
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
    process_attach(child, task);
    struct thread *ct = thread_create(child, r.r1, child->i.pid);
    if (!ct) {
        undo(child);
        return -ENOMEM;
    }
    ct->blocked = t->blocked;
    if (!(b->flags & CLONE_VM) || (b->flags & CLONE_VFORK)) {
        ct->alt_base = t->alt_base, ct->alt_size = t->alt_size, ct->alt_flags = t->alt_flags;
    }
    child->shares = b->flags & CLONE_VM;
    ct->clear_tid = b->flags & CLONE_CHILD_CLEARTID ? b->child_tid : 0;
    process_words_born(child, p);
    if (child->limits[RLIMIT_CPU].soft != ~0ul || child->limits[RLIMIT_CPU].hard != ~0ul)
        rlimit_cpu_start(child);
    set_stack_and_tls(ct, b);
    child->busy++;
    call(service_find("vfs"), VFS_FORK, p->i.task, task, 0, 0);
    child->busy--;
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
        born(ct, b);
        return LATER;
    }
    born(ct, b);
    return b->flags & CLONE_PARENT_SETTID ? write_tid(t, b->parent_tid, pid, pid) : pid;
}

static int64_t thread(struct thread *t, const struct birth *b)
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
    n->blocked = t->blocked;
    n->clear_tid = b->flags & CLONE_CHILD_CLEARTID ? b->child_tid : 0;
    int tid = n->tid;
    if (b->flags & CLONE_PARENT_SETTID)
        user_poke(t, b->parent_tid, &tid, sizeof tid);
    thread_recheck(n);
    born(n, b);
    return tid;
}

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
    return b.flags & CLONE_THREAD ? thread(t, &b) : fork(t, &b);
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
