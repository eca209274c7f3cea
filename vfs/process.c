/* What VFS knows of each task: directories, umask, credentials. POSIX reports each fork, exit and
 * change of credentials (VFS_FORK, VFS_EXIT, VFS_CRED). Records stand by the task's index.
 *
 * A program may end while a handler works for it, and another one may have its index, and so its
 * record, before the handler goes on. So handlers that have waited ask whether the record is still
 * that of their task (subject_lives()); and a program without a record is not a new one, but one
 * that has gone. */
#include "process.h"

#include "handlers.h"
#include "mount.h"

static struct process processes[TASKS_MAX];

void process_set(struct node **place, struct node *n)
{
    struct node *before = *place;
    node_pin(n);
    *place = n;
    if (before)
        node_unpin(before);
}

/* Frees a record. It is empty before its directories are unpinned, which may wait. */
static void forget(struct process *p)
{
    struct node *cwd = p->cwd, *root = p->root;
    *p = (struct process){ 0 };
    if (cwd)
        node_unpin(cwd);
    if (root)
        node_unpin(root);
}

static struct process *place_of(endpoint_t task)
{
    return &processes[endpoint_index(task) % TASKS_MAX];
}

/* A new record, root's, in the root directory, in a place that is free. */
static struct process *process_make(endpoint_t task)
{
    struct process *p = place_of(task);
    *p = (struct process){ .task = task, .umask = 022 };
    p->cred.effective = p->cred.permitted = PROC_CAPS_ALL;
    process_set(&p->root, mounts[0].root);
    process_set(&p->cwd, mounts[0].root);
    return p;
}

/* What is said of all tasks that have gone: they have no rights. */
static struct process *process_gone(void)
{
    enum { NOBODY = 65534 };
    static struct process gone;
    gone = (struct process){ .umask = 0777, .root = mounts[0].root, .cwd = mounts[0].root };
    gone.cred.uid = gone.cred.fsuid = gone.cred.gid = gone.cred.fsgid = NOBODY;
    return &gone;
}

struct process *process_find(endpoint_t task)
{
    struct process *p = place_of(task);
    if (__builtin_expect(p->task == task && p->root, 1))
        return p;
    return task < MAX_SERVICE && !p->root ? process_make(task) : NULL;
}

struct process *process_of(endpoint_t task)
{
    struct process *p = process_find(task);
    return __builtin_expect(p != NULL, 1) ? p : process_gone();
}

/* ---- groups ---- */

static uint32_t group_new(void)
{
    static uint32_t last;
    last = last + 1 ? last + 1 : 1;
    return last;
}

void process_enter(struct process *p, bool root, struct node *n)
{
    uint32_t group = p->group;
    process_set(root ? &p->root : &p->cwd, n);
    for (struct process *q = processes; group && q < processes + TASKS_MAX; q++)
        if (q->group == group && q != p)
            process_set(root ? &q->root : &q->cwd, n);
}

/* ---- from POSIX ---- */

int64_t do_fork(struct message *m)
{
    if (m->from >= MAX_SERVICE)
        return -EPERM;
    struct process *parent = process_of(m->w[0]), *child = place_of(m->w[1]);
    if (parent == child)
        return -EINVAL;
    forget(child);
    if (m->w[3] & PM_SHARE_DIRECTORIES && !parent->group)
        parent->group = group_new();
    *child = *parent;
    if (!(m->w[3] & PM_SHARE_DIRECTORIES))
        child->group = 0;
    child->task = m->w[1];
    node_pin(child->cwd);
    node_pin(child->root);
    reply_words(m, m->w[2], 0, 0);
    return m->w[1];
}

int64_t do_exit(struct message *m)
{
    if (m->from >= MAX_SERVICE)
        return -EPERM;
    struct process *p = place_of(m->w[0]);
    if (p->task == m->w[0])
        forget(p);
    return 0;
}

int64_t do_cred(struct message *m)
{
    struct vfs_cred c;
    if (m->from >= MAX_SERVICE)
        return -EPERM;
    if (m->w[2] != sizeof c)
        return -EINVAL;
    int error = copy_in(m, 0, &c, sizeof c);
    if (error)
        return error;
    if (c.count > CRED_GROUPS)
        return -EINVAL;
    /* init is the one program that no other has forked */
    struct process *p = process_find(m->w[0]);
    if (!p && place_of(m->w[0])->root)
        return -ESRCH;
    p = p ? p : process_make(m->w[0]);
    p->cred = c;
    return 0;
}

int64_t do_unshare(struct message *m)
{
    if (m->from >= MAX_SERVICE)
        return -EPERM;
    process_of(m->w[0])->group = 0;
    return 0;
}

int64_t do_umask_of(struct message *m) { return process_of(m->w[0])->umask; }

/* ---- from programs ---- */

int64_t do_umask(struct message *m)
{
    struct process *p = process_of(m->from);
    uint32_t before = p->umask;
    p->umask = m->w[0] & 0777;
    for (struct process *q = processes; p->group && q < processes + TASKS_MAX; q++)
        if (q->group == p->group)
            q->umask = p->umask;
    return before;
}
