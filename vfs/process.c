/* What VFS knows of each task: directories, umask, credentials. POSIX reports each fork, exit and
 * change of credentials (VFS_FORK, VFS_EXIT, VFS_CRED); a task that POSIX has not spoken of yet is
 * root's, in the root directory. Records stand by the task's index. */
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

struct process *process_of(endpoint_t task)
{
    struct process *p = &processes[endpoint_index(task) % TASKS_MAX];
    if (__builtin_expect(p->task == task && p->root, 1))
        return p;
    forget(p);
    p->task = task;
    p->umask = 022;
    p->cred.effective = p->cred.permitted = PROC_CAPS_ALL;
    process_set(&p->root, mounts[0].root);
    process_set(&p->cwd, mounts[0].root);
    return p;
}

struct process *process_find(endpoint_t task)
{
    struct process *p = &processes[endpoint_index(task) % TASKS_MAX];
    return !p->root || p->task == task ? process_of(task) : NULL;
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
    struct process *parent = process_of(m->w[0]),
                   *child = &processes[endpoint_index(m->w[1]) % TASKS_MAX];
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
    struct process *p = &processes[endpoint_index(m->w[0]) % TASKS_MAX];
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
    process_of(m->w[0])->cred = c;
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
