/* The tables of processes and threads: ids, parents and children, groups, limits at birth, what the
 * kernel is told of each, and waits.
 *
 * A process has a place in `table`, part of which is published for procfs; a place is free when its
 * pid is 0. Both kinds are found by their number, in hash chains. A thread is also found by the
 * kernel's index of it, which every call carries. Process, thread, group and session ids come from
 * one sequence of numbers, so that none means two things. */
#include "process.h"

#include "capability.h"

#include <minnow/mqueue.h>
#include <minnow/watch.h>

#include "syscalls.h"

struct process_table *table;
unsigned processes_max;
struct process *processes_end;
struct process *init_process;
struct thread *threads[THREADS_MAX];
enum { HASH = 512 };
static struct process *by_pid[HASH];
static struct thread *by_tid[HASH];
static int last_id;

void processes_start(void)
{
    enum { FEW = 256, PAGES_EACH = 128, MOST = 1536 };
    processes_max = MIN(FEW + machine_pages() / PAGES_EACH, (uint64_t)MOST);
    size_t bytes = sizeof *table + processes_max * sizeof table->process[0];
    table = memory_pages((bytes + PAGE_SIZE - 1) / PAGE_SIZE);
    if (!table)
        die("no memory for %u processes", processes_max);
    processes_end = table->process + processes_max;
    table->head = (struct posix_table){ .count = processes_max,
                                        .stride = sizeof table->process[0],
                                        .first = offsetof(struct process_table, process),
                                        .sysv = offsetof(struct process_table, sysv),
                                        .threads = offsetof(struct process_table, threads),
                                        .pending = offsetof(struct process, pending.set),
                                        .pipe_max = PROC_PIPE_MAX,
                                        .lease_break = PROC_LEASE_BREAK,
                                        .sysv_next = { -1, -1, -1 },
                                        .mq = { MQ_QUEUES, MQ_MOST, MQ_SIZE_MOST, MQ_MOST_DEFAULT,
                                                MQ_SIZE_DEFAULT },
                                        .inotify_instances = INOTIFY_INSTANCES,
                                        .signals = offsetof(struct process_table, signals),
                                        .node_name = "minnow",
                                        .domain_name = "(none)",
                                        .core_pattern = "core" };
    sigqueue_start(&table->signals);
    ask_publish(table, bytes);
}

struct process *process_find(int pid)
{
    struct process *p = by_pid[pid & (HASH - 1)];
    while (p && p->i.pid != (unsigned)pid)
        p = p->hash_next;
    return pid > 0 ? p : NULL;
}

struct thread *thread_find(int tid)
{
    struct thread *t = by_tid[tid & (HASH - 1)];
    while (t && t->tid != tid)
        t = t->hash_next;
    return t;
}

struct process *process_of_thread(int tid)
{
    const struct thread *t = thread_find(tid);
    return t ? t->process : process_find(tid);
}

/* Whether anything has this number, also a group or session whose leader has gone. */
static bool id_used(int id)
{
    if (process_find(id) || thread_find(id))
        return true;
    for (struct process *p = table->process; p < processes_end; p++)
        if (p->i.pid && ((int)p->i.pgid == id || (int)p->i.sid == id))
            return true;
    return false;
}

int tid_new(void)
{
    enum { FIRST_AGAIN = 300 }; /* as on Linux: the numbers below are the boot's */
    static bool wrapped;
    do {
        if (++last_id >= PROC_PID_MAX)
            last_id = FIRST_AGAIN, wrapped = true;
    } while (wrapped && id_used(last_id));
    table->head.last_pid = last_id;
    return last_id;
}

void process_count(unsigned uid, struct process_count *of_user, struct process_count *all)
{
    *of_user = *all = (struct process_count){ 0, 0 };
    for (struct process *p = table->process; p < processes_end; p++) {
        unsigned threads = p->zombie ? 1 : p->i.threads;
        if (!p->i.pid)
            continue;
        all->processes++;
        all->threads += threads;
        if (p->i.uid != uid)
            continue;
        of_user->processes++;
        of_user->threads += threads;
    }
}

static void task_set(struct process *p, unsigned item, uint64_t value)
{
    ask_task_set(p->i.task, item, value);
}

/* ---- birth ---- */

void child_add(struct process *parent, struct process *p)
{
    p->parent = parent;
    p->i.ppid = parent ? parent->i.pid : 0;
    if (p->i.task)
        task_set(p, TASK_WORD + WORD_PPID, p->i.ppid);
    if (!parent)
        return;
    p->sibling = parent->children;
    parent->children = p;
}

void child_remove(struct process *p)
{
    if (!p->parent)
        return;
    struct process **at = &p->parent->children;
    while (*at != p)
        at = &(*at)->sibling;
    *at = p->sibling;
    p->parent = NULL;
}

struct thread *parent_thread(const struct process *p)
{
    struct thread *t = thread_find(p->made_by);
    if (!p->parent || (t && t->process == p->parent))
        return p->parent ? t : NULL;
    for (t = p->parent->threads; t && t->next;)
        t = t->next;
    return t;
}

/* What a child has from its parent, whatever made it. */
static void inherit(struct process *p, const struct process *parent)
{
    const struct posix_proc *from = &parent->i;
    uint32_t pid = p->i.pid;
    p->i = *from;
    p->i.pid = pid;
    p->i.task = 0;
    p->i.state = 'S';
    p->i.threads = 0;
    p->i.cpu = p->i.children = (struct cpu_time){ 0 };
    p->i.children_faults = p->i.children_major = p->i.thread_pending = 0;
    memset(p->i.io, 0, sizeof p->i.io);
    p->i.tracing = (struct posix_tracing){ 0 };
    p->i.masked = false;
    memcpy(p->actions, parent->actions, sizeof p->actions);
    p->files = p->directories = p->sighand = 0;
    p->memlock_told = parent->memlock_told;
    p->barriers = parent->barriers;
    p->no_huge_pages = parent->no_huge_pages;
}

/* What init begins with. */
static void set_defaults(struct process *p)
{
    enum { STACK_SIZE = 8 << 20, CORE_FILTER = 0x33 };
    p->i.state = 'S';
    for (unsigned i = 0; i < LIMITS; i++)
        p->i.limits[i] = (struct proc_limit){ ~0ul, ~0ul };
    p->i.limits[RLIMIT_STACK].soft = STACK_SIZE;
    p->i.limits[RLIMIT_CORE].soft = 0;
    p->i.limits[RLIMIT_NOFILE] = (struct proc_limit){ DESCRIPTORS_FIRST, DESCRIPTORS_MAX };
    p->i.limits[RLIMIT_NPROC] = (struct proc_limit){ THREADS_EACH, THREADS_EACH };
    p->i.limits[RLIMIT_SIGPENDING] = (struct proc_limit){ sigqueue_limit(), sigqueue_limit() };
    p->i.limits[RLIMIT_MEMLOCK] = (struct proc_limit){ 8 << 20, 8 << 20 };
    p->i.limits[RLIMIT_MSGQUEUE] = (struct proc_limit){ MQ_BYTES, MQ_BYTES };
    p->i.limits[RLIMIT_NICE] = p->i.limits[RLIMIT_RTPRIO] = (struct proc_limit){ 0, 0 };
    p->memlock_told = ~0ul;
    capability_start(p);
    p->i.dumpable = true;
    p->i.core_filter = CORE_FILTER;
}

static void action_set(struct process *p, int sig, const struct sigaction *a)
{
    uint64_t bit = BIT(sig);
    p->actions[sig - 1] = *a;
    p->i.ignored = a->handler == SIG_IGN ? p->i.ignored | bit : p->i.ignored & ~bit;
    p->i.caught = a->handler > SIG_IGN ? p->i.caught | bit : p->i.caught & ~bit;
}

void process_action_set(struct process *p, int sig, const struct sigaction *a)
{
    action_set(p, sig, a);
    if (!p->sighand)
        return;
    FOR_EACH_PROCESS(other)
    if (other->sighand == p->sighand)
        action_set(other, sig, a);
}

void process_memory_changes(struct process *p)
{
    static uint32_t serial;
    serial = serial + 1 ? serial + 1 : 1; /* 0: none */
    p->i.memory_serial = p->space = serial;
}

struct process *process_create(struct process *parent)
{
    static unsigned hint;
    for (unsigned n = 0; n < processes_max; n++) {
        struct process *p = &table->process[hint];
        hint = hint + 1 < processes_max ? hint + 1 : 0;
        if (p->i.pid || p->busy)
            continue;
        memset(p, 0, sizeof *p);
        p->i.pid = tid_new();
        if (parent)
            inherit(p, parent);
        else
            set_defaults(p);
        p->i.start_ns = time_now();
        process_memory_changes(p);
        p->hash_next = by_pid[p->i.pid & (HASH - 1)];
        by_pid[p->i.pid & (HASH - 1)] = p;
        child_add(parent, p);
        table->head.forks++;
        return p;
    }
    return NULL;
}

void process_free(struct process *p)
{
    struct process **at = &by_pid[p->i.pid & (HASH - 1)];
    while (*at != p)
        at = &(*at)->hash_next;
    *at = p->hash_next;
    child_remove(p);
    for (struct process_watch *w; (w = p->watches);) {
        process_watch_end(w);
        w->changed(w);
    }
    p->i.task = 0;
    sigqueue_drop(&p->pending, ~0ul);
    p->i.pid = 0;
    p->zombie = p->exiting = false;
}

/* ---- watches ---- */

void process_watch_set(struct process_watch *w, struct process *p)
{
    w->process = p;
    w->next = p->watches;
    w->before = &p->watches;
    if (w->next)
        w->next->before = &w->next;
    p->watches = w;
}

void process_watch_end(struct process_watch *w)
{
    if (!w->process)
        return;
    *w->before = w->next;
    if (w->next)
        w->next->before = w->before;
    w->process = NULL;
}

void process_watches_tell(struct process *p)
{
    for (struct process_watch *w = p->watches; w; w = w->next)
        w->changed(w);
}

/* ---- what the kernel is told ---- */

void process_label(struct process *p)
{
    task_set(p, TASK_LABEL, (uint64_t)p->i.pgid << 32 | p->i.sid);
}

unsigned process_priority(const struct process *p)
{
    enum { NICE_FIRST = -20, STEP = 5 }; /* 40 nice values, eight priorities */
    return PRIORITY_PROGRAM + (p->i.nice - NICE_FIRST) / STEP;
}

void process_words(struct process *p)
{
    task_set(p, TASK_WORD + WORD_PID, p->i.pid);
    task_set(p, TASK_WORD + WORD_PPID, p->i.ppid);
    task_set(p, TASK_WORD + WORD_UID, p->i.uid);
    task_set(p, TASK_WORD + WORD_EUID, p->i.euid);
    task_set(p, TASK_WORD + WORD_GID, p->i.gid);
    task_set(p, TASK_WORD + WORD_EGID, p->i.egid);
    task_set(p, TASK_USER, p->i.uid | (uint64_t)(p->i.fsuid == 0) << 32);
    process_label(p);
    if (p->i.nice)
        task_set(p, TASK_PRIORITY, process_priority(p));
}

void process_words_born(struct process *p, const struct process *parent)
{
    const struct posix_proc *a = &p->i, *b = &parent->i;
    bool same = a->uid == b->uid && a->euid == b->euid && a->fsuid == b->fsuid &&
                a->gid == b->gid && a->egid == b->egid && a->pgid == b->pgid && a->sid == b->sid;
    if (a->nice != b->nice)
        task_set(p, TASK_PRIORITY, process_priority(p));
    if (!same) {
        process_words(p);
        return;
    }
    task_set(p, TASK_WORD + WORD_PID, a->pid); /* the kernel has copied the rest */
    task_set(p, TASK_WORD + WORD_PPID, a->ppid);
}

/* ---- groups ---- */

bool group_exists(unsigned pgid, unsigned sid)
{
    for (struct process *p = table->process; p < processes_end; p++)
        if (p->i.pid && p->i.pgid == pgid && p->i.sid == sid)
            return true;
    return false;
}

bool group_orphaned(unsigned pgid, const struct process *without)
{
    FOR_EACH_PROCESS(p)
    if (p != without && p->i.pgid == pgid && p->parent && p->parent != without &&
        p->parent->i.pgid != pgid && p->parent->i.sid == p->i.sid && p->parent != init_process)
        return false;
    return true;
}

/* ---- threads ---- */

static void keep_name(struct thread *t, const char *name)
{
    char *to = thread_record(t)->name;
    size_t n = strnlen(name, PROC_THREAD_NAME - 1);
    memset(to, 0, PROC_THREAD_NAME);
    memcpy(to, name, n);
    if (t->tid == (int)t->process->i.pid)
        memcpy(t->process->i.name, to, PROC_THREAD_NAME);
}

void thread_name(struct thread *t, const char *name)
{
    struct process *p = t->process;
    uint64_t words[TASK_NAME_WORDS];
    keep_name(t, name);
    memcpy(words, p->i.name, sizeof words);
    for (unsigned i = 0; i < TASK_NAME_WORDS; i++) /* for the kernel's traces; a fork keeps it */
        task_set(p, TASK_NAME + i, words[i]);
}

/* Publishes which signals wait for t, from now on. */
static void publish_pending(struct thread *t)
{
    bool first = t->tid == (int)t->process->i.pid;
    t->pending.shown = first ? &t->process->i.thread_pending : &thread_record(t)->pending;
    *t->pending.shown = t->pending.set;
}

void thread_policy(struct thread *t)
{
    struct posix_policy now = { t->policy, t->rt_priority };
    thread_record(t)->policy = now;
    if (t->tid == (int)t->process->i.pid)
        t->process->i.policy = now;
}

/* How t, which is new, is scheduled: as its creator, but for one with SCHED_RESET_ON_FORK. Then it
 * has an ordinary policy, and its process no better nice value than the usual one. */
static void policy_inherit(struct thread *t, const struct thread *creator)
{
    struct process *p = t->process;
    bool ordinary = !creator->rt_priority && creator->policy != SCHED_DEADLINE;
    t->ioprio = creator->ioprio;
    if (!creator->reset_on_fork || ordinary)
        t->policy = creator->policy;
    if (!creator->reset_on_fork)
        t->rt_priority = creator->rt_priority; /* the kernel has copied it */
    else if (creator->rt_priority)
        ask_thread_set(t->index, THREAD_REALTIME, 0);
    if (creator->reset_on_fork && p != creator->process)
        p->i.nice = ordinary ? MAX(p->i.nice, 0) : 0;
}

struct thread *thread_create(struct process *p, call_t call, int tid, const struct thread *creator)
{
    enum { SLACK_NS = 50000 };
    struct thread *t = memory_zalloc(sizeof *t);
    if (!t)
        return NULL;
    t->process = p;
    t->index = call & (THREADS_MAX - 1);
    t->tid = tid;
    t->call = call;
    t->place = THREAD_HANDLED;
    t->alt_flags = SS_DISABLE;
    t->next = p->threads;
    p->threads = t;
    p->i.threads++;
    t->hash_next = by_tid[tid & (HASH - 1)];
    by_tid[tid & (HASH - 1)] = t;
    if (threads[t->index])
        threads[t->index]->pending.shown = NULL; /* the record is t's now */
    threads[t->index] = t;
    t->slack = t->slack_default = creator ? creator->slack : SLACK_NS;
    *thread_record(t) = (struct posix_thread){ .pid = p->i.pid, .tid = tid };
    if (creator)
        policy_inherit(t, creator);
    thread_policy(t);
    publish_pending(t);
    keep_name(t, creator ? thread_record(creator)->name : "");
    return t;
}

static void tid_remove(struct thread *t)
{
    struct thread **at = &by_tid[t->tid & (HASH - 1)];
    while (*at != t)
        at = &(*at)->hash_next;
    *at = t->hash_next;
}

void thread_rename(struct thread *t, int tid)
{
    tid_remove(t);
    t->tid = thread_record(t)->tid = tid;
    t->hash_next = by_tid[tid & (HASH - 1)];
    by_tid[tid & (HASH - 1)] = t;
    publish_pending(t);
    thread_policy(t);
}

/* Out of all tables. The structure itself lives as long as handlers are at work for it. */
static void thread_unlink(struct thread *t)
{
    thread_unwait(t);
    struct thread **at = &t->process->threads;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    t->process->i.threads--;
    tid_remove(t);
    sigqueue_drop(&t->pending, ~0ul);
    if (threads[t->index] == t) {
        threads[t->index] = NULL;
        *thread_record(t) = (struct posix_thread){ .pid = 0 };
    }
    t->dead = true;
}

void thread_free(struct thread *t)
{
    if (!t->dead)
        thread_unlink(t);
    if (!t->active)
        memory_free(t);
}

/* ---- waits ---- */

int64_t thread_wait(struct thread *t, void (*cancel)(struct thread *), int64_t interrupt_result)
{
    t->place = THREAD_WAITING;
    t->cancel = cancel;
    t->interrupt_result = interrupt_result;
    if (!t->attention || !cancel)
        return LATER;
    struct process *p = t->process;
    if (!p->doomed && !p->core && !((t->pending.set | p->pending.set) & ~t->blocked))
        return LATER;
    thread_unwait(t); /* a signal came while the handler was waiting for another service */
    return t->interrupt_result;
}

int64_t thread_wait_once(struct thread *t, void (*cancel)(struct thread *))
{
    t->stop_ends = true;
    return thread_wait(t, cancel, -EINTR);
}

void thread_unwait(struct thread *t)
{
    timer_cancel(&t->timer);
    t->stop_ends = false;
    if (t->place == THREAD_WAITING && t->cancel)
        t->cancel(t);
    t->cancel = NULL;
    if (t->place == THREAD_WAITING)
        t->place = THREAD_HANDLED;
}

int64_t thread_gone(struct thread *t)
{
    t->call = 0;
    t->place = THREAD_AWAY;
    if (t->attention && !t->interrupting) {
        t->interrupting = true;
        sys_interrupt(t->index);
    }
    return LATER;
}
