/* Birth and death of tasks and threads, for POSIX. */
#include "backing.h"
#include "fault.h"
#include "frames.h"
#include "handlers.h"
#include "space.h"

/* The task that made a call which POSIX holds: POSIX has told it, or the kernel is asked. 0: it has
 * gone. */
static endpoint_t caller_task(call_t call, endpoint_t told)
{
    struct thread_info info;
    if (told)
        return told;
    return thread_look(call_thread(call), &info) ? info.task : 0;
}

/* Two kernel calls on the account of the task `user` (0: root). They are made again as long as the
 * kernel lacks memory for tables and can be lent some on that account. */
static int64_t create_task(endpoint_t user, endpoint_t parent, unsigned share)
{
    int64_t result;
    do
        result = sys_task_create(parent, share);
    while (result == -ENOMEM && frames_lend(user));
    return result;
}

static int64_t create_thread(endpoint_t user, endpoint_t task, call_t like, vaddr_t stack,
                             vaddr_t tls)
{
    int64_t result;
    do
        result = sys_thread_create(task, like, stack, tls);
    while (result == -ENOMEM && frames_lend(user));
    return result;
}

/* ---- fork ---- */

/* Whether a region of the parent and one of its child still show the same. */
static bool alike(const struct region *a, const struct region *b)
{
    return a->backing == b->backing && !((a->flags ^ b->flags) & REGION_SHARED) &&
           (!a->backing || a->offset - a->start == b->offset - b->start);
}

/* Clones the pages of one of the child's regions, in steps. What the parent's other threads have
 * mapped anew meanwhile is not the child's. 0; -ESRCH: the parent has gone; or an error. May wait.
 */
static int64_t clone_region(struct space **parent, endpoint_t task, struct space *child,
                            const struct region *r)
{
    for (vaddr_t at = r->start; at < r->end;) {
        const struct region *old = regions_find(&(*parent)->regions, at);
        if (!old || old->start >= r->end)
            return 0;
        vaddr_t end = MIN(old->end, r->end);
        at = MAX(at, old->start);
        if (!alike(old, r)) {
            at = end;
            continue;
        }
        int64_t error = fault_clone(*parent, child, &at, end, r->flags & REGION_SHARED, STEP_PAGES);
        if (error)
            return error;
        if (at < end && !(*parent = space_pause(*parent, task, at, USER_TOP)))
            return -ESRCH;
    }
    return 0;
}

/* Clones the pages of a parent that is not small. Results likewise. */
static int64_t clone_in_steps(struct space *parent, endpoint_t task, struct space *child)
{
    uint64_t paused = 0;
    unsigned n = 1;
    const struct region *r = regions_first(&child->regions);
    for (; r; r = regions_next(&child->regions, r), n++) {
        int64_t error = r->flags & REGION_WIPED ? 0 : clone_region(&parent, task, child, r);
        if (error)
            return error;
        if (n % REGIONS_AT_ONCE && child->usage->resident - paused < STEP_PAGES)
            continue;
        paused = child->usage->resident;
        if (!(parent = space_pause(parent, task, r->end, USER_TOP)))
            return -ESRCH;
    }
    return 0;
}

/* Runs of regions that are alike in being shared or not, and near each other, are cloned at once.
 */
static int64_t clone_pages(struct space *parent, struct space *child)
{
    enum { NOT_CLONED = REGION_WIPED | REGION_NOT_FORKED };
    const struct regions *rs = &parent->regions;
    for (const struct region *r = regions_first(rs), *next; r; r = next) {
        const struct region *first = r;
        while ((next = regions_next(rs, r)) &&
               !((next->flags ^ first->flags) & (REGION_SHARED | NOT_CLONED)) &&
               next->start - r->end <= RUN_GAP)
            r = next;
        vaddr_t at = first->start;
        int64_t error = first->flags & NOT_CLONED ? 0
                                                  : fault_clone(parent, child, &at, r->end,
                                                                first->flags & REGION_SHARED, ~0ul);
        if (error)
            return error;
    }
    return 0;
}

/* Copies the parent's regions, in steps; results as above. What other threads map meanwhile is the
 * child's or not, as it happens. */
static int64_t copy_regions(struct space **parent, endpoint_t of, struct space *child)
{
    for (vaddr_t at = 0;;) {
        if (regions_copy(&child->regions, &(*parent)->regions, &at) < 0)
            return -ENOMEM;
        if (at == USER_TOP)
            return 0;
        if (!(*parent = space_pause(*parent, of, at, USER_TOP)))
            return -ESRCH;
    }
}

static int64_t copy_space(struct space *parent, endpoint_t of, endpoint_t task)
{
    struct space *s = space_create();
    if (!s)
        return -ENOMEM;
    space_name(s, task);
    int64_t error = copy_regions(&parent, of, s);
    if (error) {
        regions_clear(&s->regions);
        memory_free(s);
        return error;
    }
    s->brk_start = parent->brk_start;
    s->brk = parent->brk;
    s->mmap_top = parent->mmap_top;
    s->stack_top = parent->stack_top;
    memcpy(s->limit, parent->limit, sizeof s->limit);
    space_runs(s, parent->program);
    space_enter(s, task, 1);
    *s->usage = (struct pm_usage){ .virtual_pages = parent->usage->virtual_pages,
                                   .virtual_peak = parent->usage->virtual_pages,
                                   .data = parent->usage->data,
                                   .stack = parent->usage->stack,
                                   .text = parent->usage->text,
                                   .at = parent->usage->at,
                                   .space = s->id };
    if (s->regions.bytes != parent->regions.bytes) /* REGION_NOT_FORKED */
        space_account(s);
    error = space_is_small(parent) ? clone_pages(parent, s) : clone_in_steps(parent, of, s);
    if (error) {
        space_empty(s, task);
        space_leave(task);
    }
    return error;
}

/* Has VFS do and answer the rest of a call: what it keeps of the task. 0, or -ENXIO. */
static int hand_on(struct message *m, uint64_t op)
{
    m->op = op;
    return forward(m, service_find("vfs"));
}

int64_t do_fork(struct message *m)
{
    call_t call = m->w[0];
    uint64_t shared = m->w[1];
    bool share = shared & PM_SHARE_SPACE;
    endpoint_t parent = caller_task(call, m->w[2]);
    struct space *s = space_of(parent);
    if (!s)
        return -ESRCH;
    int64_t task = create_task(parent, parent,
                               (share ? TASK_SHARE_SPACE : 0) |
                                   (shared & PM_SHARE_CONNECTIONS ? TASK_SHARE_CONNECTIONS : 0)),
            error = 0;
    if (task < 0)
        return task;
    if (share)
        space_enter(s, task, 1);
    else
        error = copy_space(s, parent, task);
    if (error)
        goto kill;
    int64_t thread = create_thread(parent, task, call, 0, 0);
    if (thread < 0) {
        error = thread;
        goto leave;
    }
    m->w[0] = parent;
    m->w[1] = task;
    m->w[2] = thread;
    m->w[3] = shared;
    error = hand_on(m, VFS_FORK);
    if (!error)
        return LATER;

leave:
    if (!share)
        space_empty(space_of(task), task);
    space_leave(task);
kill:
    sys_task_kill(task, KILL_ALL);
    backing_settle();
    return error;
}

/* ---- threads ---- */

int64_t do_thread(struct message *m)
{
    endpoint_t task = caller_task(m->w[0], m->w[3]);
    if (!space_of(task))
        return -ESRCH;
    int64_t call = create_thread(task, task, m->w[0], m->w[1], m->w[2]);
    if (call < 0)
        return call;
    space_threads(task, 1);
    reply_words(m, call, 0, 0);
    return call_thread(call);
}

int64_t do_thread_end(struct message *m)
{
    if (!space_of(m->w[0]))
        return -ESRCH;
    int64_t error = sys_thread_kill(m->w[1]);
    if (!error)
        space_threads(m->w[0], -1);
    return error;
}

/* ---- the first and the last ---- */

int64_t do_spawn(struct message *m)
{
    struct space *s = space_create();
    if (!s)
        return -ENOMEM;
    int64_t task = create_task(0, 0, 0);
    if (task < 0) {
        memory_free(s);
        return task;
    }
    space_enter(s, task, 1);
    int64_t call = create_thread(task, task, 0, 0, 0);
    if (call < 0) {
        space_leave(task);
        sys_task_kill(task, KILL_ALL);
        return call;
    }
    reply_words(m, call, 0, 0);
    return task;
}

/* Gives back what a task has, and ends it. May wait. */
static void end_task(struct space *s, endpoint_t task)
{
    if (s->tasks == 1 && !space_is_small(s))
        sys_task_kill(task, KILL_THREADS); /* else they touch again what is given back in steps */
    if (s->tasks == 1)
        space_empty(s, task);
    sys_task_kill(task, KILL_ALL);
    if (space_of(task))
        space_leave(task);
    backing_settle();
}

int64_t do_exit(struct message *m)
{
    endpoint_t task = m->w[0];
    struct space *s = space_of(task);
    if (s)
        end_task(s, task);
    return hand_on(m, VFS_EXIT) == 0 ? LATER : -ESRCH;
}

int64_t do_limit(struct message *m)
{
    struct space *s = space_of(m->w[0]);
    if (!s)
        return -ESRCH;
    if (m->w[1] >= PM_LIMITS)
        return -EINVAL;
    s->limit[m->w[1]] = m->w[2];
    return 0;
}
