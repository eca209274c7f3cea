/* Kernel calls on a caller's whole memory and connections: right CALLER, or CONNS. (Its registers
 * are in kcall_context.c.) */
#include "arch.h"
#include "conn.h"
#include "ipc.h"
#include "kcall.h"
#include "rights.h"
#include "sched.h"
#include "task.h"
#include "space.h"
#include <minnow/errno.h>
#include <minnow/file.h>

enum { WORDS_AT_ONCE = 16 };

/* The task that an argument means: the caller of a call that t holds, or a task by its endpoint. An
 * endpoint fits into 32 bits and no call's number does (CALL_FIRST in task.c), so neither is taken
 * for the other. */
static struct task *task_of(struct thread *t, uint64_t which)
{
    struct thread *c = mail_held(which, t->task);
    return c ? c->task : which >> 32 ? NULL : task_find(which);
}

int64_t sys_call_user(struct thread *t, const uint64_t *a)
{
    struct thread *c = mail_held(a[0], t->task);
    struct task *x = c ? c->task : has_right(t, RIGHT_CALLER) ? task_of(t, a[0]) : NULL;
    if (!x)
        return -ESRCH;
    return x->personality ? x->user | (int64_t)x->privileged << 32 : 1l << 32;
}

/* The connections of the task that an argument means; NULL: none. */
static struct conn_table *conns_of(struct thread *t, uint64_t which)
{
    struct task *x = task_of(t, which);
    return x ? x->conns : NULL;
}

static bool describe(const struct conn_table *table, uint64_t fd, struct conn_info *out)
{
    const struct conn *c = conn_get(table, fd);
    *out = (struct conn_info){ 0 };
    if (!c)
        return false;
    bool cloexec = *conn_entry(table, fd) & 1;
    *out = (struct conn_info){ c->object,  c->position,
                               c->service, c->flags | (cloexec ? O_CLOEXEC : 0),
                               c->refs,    c->id };
    return true;
}

int64_t sys_conn_get(struct thread *t, const uint64_t *a)
{
    bool own = a[0] == t->task->endpoint;
    if (!own && !has_right(t, RIGHT_CALLER))
        return -EPERM;
    struct conn_table *conns = own ? t->task->conns : conns_of(t, a[0]);
    struct conn_info info;
    if (!conns)
        return -ESRCH;
    if (!describe(conns, a[1], &info))
        return -EBADF;
    if (!may_call(t->task, info.service, info.object))
        info.flags |= CONN_APART;
    return space_write(t->space, a[2], &info, sizeof info);
}

int64_t sys_conn_list(struct thread *t, const uint64_t *a)
{
    enum { BATCH = 16, STRIDE_MAX = 16 };
    struct conn_table *conns = conns_of(t, a[0]);
    struct conn_info info[BATCH];
    uint8_t raw[BATCH * STRIDE_MAX];
    uint64_t stride = a[2], count = a[3];
    if (!conns)
        return -ESRCH;
    if (count > DESCRIPTORS_MAX || stride < sizeof(uint32_t) || stride > STRIDE_MAX)
        return -EINVAL;
    for (uint64_t done = 0, n; done < count; done += n) {
        n = count - done < BATCH ? count - done : BATCH;
        if (space_read(t->space, a[1] + done * stride, raw, (n - 1) * stride + sizeof(uint32_t)) <
            0)
            return -EFAULT;
        for (uint64_t i = 0; i < n; i++)
            describe(conns, *(const uint32_t *)(raw + i * stride), &info[i]);
        if (space_write(t->space, a[4] + done * sizeof info[0], info, n * sizeof info[0]) < 0)
            return -EFAULT;
    }
    return count;
}

/* Fills in n words of a list, which the kernel sees at `list`. from: as in SYS_CONN_WORDS. */
static int fill_words(const struct task *x, vaddr_t from, struct conn_word *list, size_t n)
{
    uint64_t raw[WORDS_AT_ONCE];
    const struct conn_table *conns = x->conns;
    if (from && space_read_writable(x->space, from, raw, n * sizeof raw[0]) < 0)
        return -EFAULT;
    for (size_t i = 0; i < n; i++) {
        if (from)
            *(uint64_t *)&list[i] = raw[i];
        const struct conn *c = conn_get(conns, (uint32_t)list[i].descriptor);
        list[i].word = c ? c->word : CONN_CLOSED;
    }
    return 0;
}

int64_t sys_conn_words(struct thread *t, const uint64_t *a)
{
    const struct task *x = task_of(t, a[0]);
    vaddr_t from = a[1], own = a[2];
    uint64_t left = a[3];
    if (!x || !x->conns)
        return -ESRCH;
    if (left > DESCRIPTORS_MAX || own % sizeof(struct conn_word))
        return -EINVAL;
    while (left) {
        struct conn_word *list = space_byte(t->space, own, true);
        uint64_t n = (PAGE_SIZE - own % PAGE_SIZE) / sizeof *list;
        n = n < left ? n : left;
        n = n < WORDS_AT_ONCE ? n : WORDS_AT_ONCE;
        if (!list || fill_words(x, from, list, n) < 0)
            return -EFAULT;
        from += from ? n * sizeof(uint64_t) : 0;
        own += n * sizeof *list;
        left -= n;
    }
    return 0;
}

int64_t sys_conn_set(struct thread *t, const uint64_t *a)
{
    struct conn_table *conns = conns_of(t, a[0]);
    if (!conns)
        return -ESRCH;
    struct conn *c = conn_get(conns, a[1]);
    if (!c)
        return -EBADF;
    const uint32_t settable = O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME;
    switch (a[2]) {
    case CONN_SET_FLAGS: c->flags = (c->flags & ~settable) | (a[3] & settable); return 0;
    case CONN_SET_CLOEXEC: *conn_entry(conns, a[1]) = (uintptr_t)c | (a[3] != 0); return 0;
    case CONN_SET_POSITION: c->position = a[3]; return 0;
    case CONN_SET_WATCH:
        c->flags = a[3] ? c->flags | CONN_WATCH : c->flags & ~(uint32_t)CONN_WATCH;
        return 0;
    case CONN_SET_WORD: c->word = a[3]; return 0;
    default: return -EINVAL;
    }
}

int64_t sys_conn_dup(struct thread *t, const uint64_t *a)
{
    struct conn_table *conns = conns_of(t, a[0]);
    if (!conns)
        return -ESRCH;
    return conn_dup(conns, a[1], a[2] > DESCRIPTORS_MAX ? DESCRIPTORS_MAX : a[2], a[3]);
}

int64_t sys_conn_copy(struct thread *t, const uint64_t *a)
{
    struct conn_table *from = conns_of(t, a[0]), *to = conns_of(t, a[2]);
    struct conn *c = from ? conn_get(from, a[1]) : NULL;
    if (!from || !to)
        return -ESRCH;
    return c ? conn_share(to, 0, c, a[3] & O_CLOEXEC) : -EBADF;
}

int64_t sys_conn_close(struct thread *t, const uint64_t *a)
{
    struct conn_table *conns = conns_of(t, a[0]);
    return conns ? conn_close(conns, a[1]) : -ESRCH;
}

int64_t sys_conn_exec(struct thread *t, const uint64_t *a)
{
    struct task *x = task_of(t, a[0]);
    if (!x || !x->conns)
        return -ESRCH;
    if (x->conns->refs > 1) {
        struct conn_table *own = conn_table_copy(x->conns);
        if (!own)
            return -ENOMEM;
        conn_table_drop(x->conns);
        x->conns = own;
    }
    if (a[1])
        conn_table_exec(x->conns);
    return 0;
}

/* The connections of the program whose call t holds; NULL: t holds no such call. */
static struct conn_table *conns_held(struct thread *t, call_t call)
{
    struct thread *c = mail_held(call, t->task);
    return c && !c->task->service ? c->task->conns : NULL;
}

int64_t sys_conn_take(struct thread *t, const uint64_t *a)
{
    struct conn_table *conns = conns_held(t, a[0]);
    struct conn *c = conns ? conn_get(conns, a[1]) : NULL;
    if (!c)
        return conns ? -EBADF : -ESRCH;
    return conn_share(t->task->conns, 0, c, false);
}

int64_t sys_conn_give(struct thread *t, const uint64_t *a)
{
    struct conn_table *conns = conns_held(t, a[0]);
    struct conn *c = conns ? conn_get(t->task->conns, a[1]) : NULL;
    if (!c)
        return conns ? -EBADF : -ESRCH;
    int64_t descriptor = conn_share(conns, 0, c, a[2] & O_CLOEXEC);
    if (descriptor >= 0)
        mail_held(a[0], t->task)->slow = 0; /* else the descriptor would be lost */
    return descriptor;
}

int64_t sys_conn_drop(struct thread *t, const uint64_t *a)
{
    return conn_close(t->task->conns, a[0]);
}

static int64_t move_memory(struct thread *t, const uint64_t *a, bool write)
{
    struct task *x = task_of(t, a[0]);
    if (!x || !x->space || (x->service && write))
        return -ESRCH;
    int error = write ? space_copy(x->space, a[1], t->space, a[2], a[3])
                      : space_copy(t->space, a[2], x->space, a[1], a[3]);
    return error ? error : (int64_t)a[3];
}

int64_t sys_peek(struct thread *t, const uint64_t *a) { return move_memory(t, a, false); }
int64_t sys_poke(struct thread *t, const uint64_t *a) { return move_memory(t, a, true); }

/* Whether x tells of the next system call that it makes. Such a thread's calls go by other routes,
 * so all others need not ask. */
static void set_reports(struct thread *x, bool reports)
{
    x->personality = reports ? x->task->personality->reported : x->task->personality;
    if (!reports)
        x->interrupted &= ~CALL_TOLD;
}

int64_t sys_thread_set(struct thread *t, const uint64_t *a)
{
    struct thread *x = program_thread(a[0]);
    if (!x)
        return -ESRCH;
    if (a[1] == THREAD_REPORTS) {
        set_reports(x, a[2]);
        return 0;
    }
    if (a[1] == THREAD_REALTIME) {
        uint64_t rank = a[2] & ~(uint64_t)REALTIME_ROUNDS;
        if (rank > REALTIME_RANKS)
            return -EINVAL;
        sched_realtime(x, rank, a[2] & REALTIME_ROUNDS);
        return 0;
    }
    if (a[1] >= THREAD_BREAKPOINT && a[1] <= THREAD_BREAKPOINT + BREAKPOINTS)
        return arch_breakpoint_set(x, a[1] - THREAD_BREAKPOINT, a[2]);
    if (a[1] != THREAD_TLS || a[2] >> USER_TOP_SHIFT)
        return -EINVAL;
    x->regs.fs_base = a[2];
    arch_bases_changed(x);
    return 0;
}

int64_t sys_task_set(struct thread *t, const uint64_t *a)
{
    struct task *x = task_find(a[0]);
    if (!x || x->service)
        return -ESRCH;
    if (a[1] < TASK_WORDS) {
        x->words[a[1]] = a[2];
        return 0;
    }
    switch (a[1]) {
    case TASK_LABEL: x->label = a[2]; return 0;
    case TASK_USER:
        x->user = x->conns->user = a[2];
        x->privileged = a[2] >> 32 != 0;
        return 0;
    case TASK_WATCH: x->watch = a[2] != 0; return 0;
    case TASK_DESCRIPTORS:
        x->conns->limit = a[2] < DESCRIPTORS_MAX ? a[2] : DESCRIPTORS_MAX;
        return 0;
    case TASK_FILE_SIZE:
        x->file_size = a[2];
        x->stops = STOPS_DENIED | (a[2] != ~0ul ? STOPS_LIMITED : 0);
        return 0;
    case TASK_PRIORITY:
        if (a[2] < PRIORITY_PROGRAM || a[2] > PRIORITY_LAST)
            return -EINVAL;
        if (a[2] == x->priority)
            return 0;
        x->priority = a[2];
        for (struct thread *y = x->threads; y; y = y->siblings)
            if (!y->rank)
                sched_set(y, a[2], 0);
        return 0;
    case TASK_NAME:
    case TASK_NAME + 1: task_rename(x, a[1] - TASK_NAME, a[2]); return 0;
    default: return -EINVAL;
    }
}

int64_t sys_interrupt(struct thread *t, const uint64_t *a)
{
    struct thread *x = program_thread(a[0]);
    if (!x)
        return -ESRCH;
    ipc_interrupt(x);
    return 0;
}

/* Whether a route names words of a message only, so that nobody need look again. (A window of fixed
 * length cannot be longer than a transfer.) */
static bool route_sound(const struct route *r)
{
    for (unsigned i = 0; i < 6; i++)
        if ((r->words >> 4 * i & 15) >= WORD_KINDS)
            return false;
    return r->kind < ROUTE_REPORTED && r->to < MAX_SERVICE && r->base < 6 &&
           (r->length < 6 || r->length == WINDOW_FIXED);
}

int64_t sys_routes(struct thread *t, const uint64_t *a)
{
    static struct personality posix, reported; /* one personality for now */
    if (a[1] > ROUTES_MAX)
        return -EINVAL;
    for (unsigned i = 0; i < a[1]; i++) {
        struct route r;
        if (space_read(t->space, a[0] + i * sizeof r, &r, sizeof r) < 0)
            return -EFAULT;
        if (!route_sound(&r))
            return -EINVAL;
        posix.routes[i] = r;
    }
    for (unsigned i = 0; i < ROUTES_MAX; i++)
        reported.routes[i].kind = ROUTE_REPORTED;
    posix.never_masked = a[2];
    posix.server = t->task;
    posix.reported = &reported;
    personality = &posix;
    return 0;
}
