/* Kernel calls of the process manager: tasks, threads, frames. Right PM. (SYS_PAGES and
 * SYS_PAGES_CLONE are in space.c.) */
#include "arch.h"
#include "conn.h"
#include "ipc.h"
#include "kcall.h"
#include "log.h"
#include "memory.h"
#include "sched.h"
#include "space.h"
#include "task.h"
#include <minnow/errno.h>

static struct task *program(endpoint_t e)
{
    struct task *x = task_find(e);
    return x && !x->service ? x : NULL;
}

static int task_inherit(struct task *x, const struct task *parent, uint64_t how)
{
    if (how & TASK_SHARE_SPACE && parent) {
        x->space = parent->space;
        x->space->refs++;
    } else if (!(x->space = space_create())) {
        return -ENOMEM;
    }
    if (parent && how & TASK_SHARE_CONNECTIONS) {
        x->conns = parent->conns;
        x->conns->refs++;
    } else {
        x->conns = parent ? conn_table_copy(parent->conns) : conn_table_create();
    }
    if (!x->conns)
        return -ENOMEM;
    if (parent) {
        copy_words(x->words, parent->words);
        x->label = parent->label;
        x->user = parent->user;
        x->file_size = parent->file_size;
        x->stops = parent->stops;
        x->privileged = parent->privileged;
        x->priority = parent->priority;
    }
    return 0;
}

int64_t sys_task_create(struct thread *t, const uint64_t *a)
{
    struct task *parent = a[0] ? program(a[0]) : NULL;
    if ((a[0] && !parent) || !personality)
        return -ESRCH;
    if (!frames_for_tables())
        return -ENOMEM;
    struct task *x = task_create(0, parent ? parent->name : "program");
    if (!x)
        return -EAGAIN;
    x->personality = personality;
    /* init forks, so the serial line belongs to programs now; a panic takes it back */
    if (parent)
        log_to_serial = false;
    int error = task_inherit(x, parent, a[1]);
    if (error) {
        task_kill(x);
        return error;
    }
    return x->endpoint;
}

int64_t sys_task_kill(struct thread *t, const uint64_t *a)
{
    struct task *x = program(a[0]);
    if (!x)
        return -ESRCH;
    if (a[1] == KILL_THREADS)
        task_kill_threads(x);
    else
        task_kill(x);
    return 0;
}

int64_t sys_thread_create(struct thread *t, const uint64_t *a)
{
    struct task *x = program(a[0]);
    struct thread *like = a[1] ? mail_held(a[1], NULL) : NULL;
    if (!x || (a[1] && !(like && like->user))) /* a service's priority is not for a program */
        return -ESRCH;
    if (!frames_for_tables())
        return -ENOMEM;
    struct thread *n = thread_create(x);
    if (!n)
        return -EAGAIN;
    if (like && arch_fpu_copy(n, like) < 0) {
        thread_kill(n);
        return -ENOMEM;
    }
    if (like) {
        n->regs = like->regs;
        sched_inherit(n, like);
    } else {
        arch_regs_init(&n->regs, 0, 0, 0);
    }
    if (a[2])
        n->regs.rsp = a[2];
    if (a[3])
        n->regs.fs_base = a[3];
    arch_regs_clean(&n->regs);
    n->iret = 1;
    n->kind = CALL_SYSCALL;
    n->state = THREAD_HELD;
    n->holder = x->personality->server;
    n->call += CALL_NEXT;
    return n->call;
}

int64_t sys_thread_kill(struct thread *t, const uint64_t *a)
{
    struct thread *x = threads[a[0] & (THREADS_MAX - 1)];
    if (!x || !x->user)
        return -ESRCH;
    thread_kill(x);
    return 0;
}

int64_t sys_task_space(struct thread *t, const uint64_t *a)
{
    struct task *x = program(a[0]);
    return !x ? -ESRCH : frames_for_tables() ? task_new_space(x) : -ENOMEM;
}

int64_t sys_frames(struct thread *t, const uint64_t *a)
{
    size_t count = frames_for_programs();
    if (!count)
        return 0;
    count = a[0] < count ? a[0] : count;
    paddr_t first = frame_alloc_many(&count);
    if (!first) {
        /* no frame is left that was never used: takes one that was given back to the kernel */
        first = frame_alloc_raw();
        count = 1;
    }
    if (!first)
        return 0;
    frames_lend(first, count);
    return space_write(t->space, a[1], &first, sizeof first) < 0 ? -EFAULT : (int64_t)count;
}

int64_t sys_frames_give(struct thread *t, const uint64_t *a)
{
    for (uint64_t i = 0; i < a[1]; i++)
        if (!frame_return(a[0] + i * PAGE_SIZE))
            return -EPERM;
    return 0;
}
