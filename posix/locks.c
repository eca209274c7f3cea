/* Advisory locks: fcntl's on ranges, owned by a process (POSIX, fcntl), and flock's on whole files. A file is (service,
 * object). Locks of a file are one list; a waiter's wish is tried again whenever a lock of its file goes. */
#include "locks.h"

#include "handlers.h"
#include "signal.h"
#include "syscalls.h"
#include "tty.h"
#include "user.h"
#include <minnow/file.h>

enum { F_RDLCK, F_WRLCK, F_UNLCK };
enum { F_GETLK = 5, F_SETLK, F_SETLKW, F_OFD_GETLK = 36, F_OFD_SETLK, F_OFD_SETLKW };
enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };
enum { NR_CLOSE = 3, LOCKS_MAX = 1024 };

struct flock { int16_t type, whence; int32_t pad; int64_t start, length; int32_t pid, pad2; };

struct held {
    struct held *next;
    uint64_t     object;
    endpoint_t   service;
    uint32_t     pid, user;      /* whose it is; to which user it is accounted */
    int64_t      first, last;
    bool         write, whole;
};
struct lock_request { struct lock_request *next; struct thread *thread; struct held wish; };

static struct held *locks;
static struct lock_request *waiting;
static struct share lock_share = SHARE(LOCKS_MAX, LOCKS_MAX / 8, LOCKS_MAX / 2);

static bool same_file(const struct held *a, const struct held *b)
{
    return a->object == b->object && a->service == b->service && a->whole == b->whole;
}

static bool overlap(const struct held *a, const struct held *b) { return a->first <= b->last && b->first <= a->last; }

static struct held *conflict(const struct held *wish)
{
    for (struct held *l = locks; l; l = l->next)
        if (same_file(l, wish) && l->pid != wish->pid && overlap(l, wish) && (l->write || wish->write))
            return l;
    return NULL;
}

static void held_free(struct held *l)
{
    share_give(&lock_share, l->user, 1);
    memory_free(l);
}

/* NULL: its user holds as many as he may. */
static struct held *insert(const struct held *l)
{
    if (share_take(&lock_share, l->user, 1, -ENOLCK))
        return NULL;
    struct held *n = memory_alloc(sizeof *n);
    if (!n) {
        share_give(&lock_share, l->user, 1);
        return NULL;
    }
    *n = *l;
    n->next = locks;
    locks = n;
    return n;
}

/* Takes the range away from what its owner holds. A lock may fall in two. */
static int64_t cut(const struct held *range)
{
    for (struct held **at = &locks; *at;) {
        struct held *l = *at;
        if (!same_file(l, range) || l->pid != range->pid || !overlap(l, range)) {
            at = &l->next;
            continue;
        }
        struct held rest = *l;
        bool left = l->first < range->first, right = l->last > range->last;
        if (left && right) {
            rest.first = range->last + 1;
            if (!insert(&rest))
                return -ENOLCK;
            l->last = range->first - 1;
            at = &l->next;
        } else if (left) {
            l->last = range->first - 1;
            at = &l->next;
        } else if (right) {
            l->first = range->last + 1;
            at = &l->next;
        } else {
            *at = l->next;
            held_free(l);
        }
    }
    return 0;
}

static int64_t take(struct process *p, const struct held *wish)
{
    int64_t error = cut(wish);
    if (error)
        return error;
    p->locks = true;
    return insert(wish) ? 0 : -ENOLCK;
}

static void leave_queue(struct thread *t)
{
    for (struct lock_request **at = &waiting; *at; at = &(*at)->next)
        if ((*at)->thread == t) {
            struct lock_request *r = *at;
            *at = r->next;
            memory_free(r);
            return;
        }
}

static void try_again(void)
{
    for (struct lock_request *r = waiting; r;) {
        if (conflict(&r->wish)) {
            r = r->next;
            continue;
        }
        struct thread *t = r->thread;
        thread_finish(t, take(t->process, &r->wish));
        r = waiting;
    }
}

/* Would waiting for `wish` close a circle of processes that wait for each other? */
static bool deadlock(const struct held *wish)
{
    uint32_t self = wish->pid;
    struct held next = *wish;
    for (int depth = 0; depth < 10; depth++) {
        struct held *l = conflict(&next);
        if (!l)
            return false;
        if (l->pid == self)
            return true;
        struct lock_request *r = waiting;
        while (r && r->wish.pid != l->pid)
            r = r->next;
        if (!r)
            return false;
        next = r->wish;
    }
    return false;
}

static int64_t wait_for(struct thread *t, const struct held *wish)
{
    if (!wish->whole && deadlock(wish))
        return -EDEADLK;
    struct lock_request *r = memory_alloc(sizeof *r);
    if (!r)
        return -ENOLCK;
    *r = (struct lock_request){ waiting, t, *wish };
    waiting = r;
    return thread_wait(t, leave_queue, -ERESTARTSYS);
}

void locks_drop_process(struct process *p)
{
    for (struct held **at = &locks; *at;) {
        struct held *l = *at;
        if (l->pid != p->i.pid) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        held_free(l);
    }
    p->locks = false;
    try_again();
}

/* ---- the calls ---- */

static int64_t range_of(struct thread *t, const struct flock *f, const struct conn_info *info, struct held *l)
{
    int64_t base = 0;
    if (f->whence == SEEK_CUR) {
        base = info->position;
    } else if (f->whence == SEEK_END) {
        struct stat st;
        int64_t error = call_window(info->service, &(struct call_args){ .op = FS_STAT, .object = info->object }, WINDOW_OUT, &st, sizeof st, NULL);
        if (error < 0)
            return error;
        base = st.size;
    } else if (f->whence != SEEK_SET) {
        return -EINVAL;
    }
    int64_t first, last;
    if (__builtin_add_overflow(base, f->start, &first))
        return -EOVERFLOW;
    last = INT64_MAX;
    if (f->length > 0 && __builtin_add_overflow(first, f->length - 1, &last))
        return -EOVERFLOW;
    if (f->length < 0) {
        last = first - 1;
        first += f->length;
    }
    if (first < 0)
        return -EINVAL;
    *l = (struct held){ .object = info->object, .service = info->service, .pid = t->process->i.pid, .user = t->process->i.uid,
                        .first = first, .last = last,
                        .write = f->type == F_WRLCK };
    return 0;
}

int64_t lock_control(struct thread *t, unsigned fd, unsigned command, caller_t argument)
{
    struct flock f;
    struct held wish;
    struct conn_info info;
    int64_t error = user_read(t, argument, &f, sizeof f);
    if (error)
        return error;
    if (f.type < F_RDLCK || f.type > F_UNLCK)
        return -EINVAL;
    if ((error = kernel_ask(SYS_CONN_GET, t->call, fd, (uint64_t)&info, 0, 0, 0)) < 0)
        return error;
    if ((error = range_of(t, &f, &info, &wish)))
        return error;
    if (t->dead)
        return LATER;
    if (command == F_GETLK || command == F_OFD_GETLK) {
        struct held *l = f.type == F_UNLCK ? NULL : conflict(&wish);
        f.type = F_UNLCK;
        if (l)
            f = (struct flock){ l->write ? F_WRLCK : F_RDLCK, SEEK_SET, 0, l->first, l->last == INT64_MAX ? 0 : l->last - l->first + 1, l->pid, 0 };
        return user_write(t, argument, &f, sizeof f);
    }
    if (f.type == F_UNLCK) {
        error = cut(&wish);
        try_again();
        return error;
    }
    unsigned access = info.flags & O_ACCMODE;
    if ((f.type == F_RDLCK && access == O_WRONLY) || (f.type == F_WRLCK && access == O_RDONLY))
        return -EBADF;
    if (conflict(&wish))
        return command == F_SETLKW || command == F_OFD_SETLKW ? wait_for(t, &wish) : -EAGAIN;
    kernel_ask(SYS_CONN_SET, t->call, fd, CONN_SET_WATCH, 1, 0, 0);
    error = take(t->process, &wish);
    try_again();   /* what was a writer's may have become a reader's */
    return error;
}

int64_t linux_flock(struct thread *t, struct message *m)
{
    unsigned op = m->w[1] & ~LOCK_NB;
    struct conn_info info;
    int64_t error = kernel_ask(SYS_CONN_GET, t->call, (uint32_t)m->w[0], (uint64_t)&info, 0, 0, 0);
    if (error < 0)
        return error;
    if (op != LOCK_SH && op != LOCK_EX && op != LOCK_UN)
        return -EINVAL;
    struct held wish = { .object = info.object, .service = info.service, .pid = t->process->i.pid, .user = t->process->i.uid,
                         .first = 0, .last = INT64_MAX, .write = op == LOCK_EX, .whole = true };
    if (op == LOCK_UN) {
        cut(&wish);
        try_again();
        return 0;
    }
    if (conflict(&wish))
        return m->w[1] & LOCK_NB ? -EAGAIN : wait_for(t, &wish);
    kernel_ask(SYS_CONN_SET, t->call, (uint32_t)m->w[0], CONN_SET_WATCH, 1, 0, 0);
    error = take(t->process, &wish);
    try_again();
    return error;
}

/* A descriptor of a watched connection is closed (also by dup2 over it): the process's locks on the file go, as POSIX
 * has it, then the call is made again without us. */
int64_t linux_close(struct thread *t, struct message *m)
{
    struct conn_info info;
    struct regs r;
    if (kernel_ask(SYS_REGS_GET, t->index, (uint64_t)&r, 0, 0, 0, 0) < 0)
        return -EBADF;
    unsigned fd = r.rax == NR_CLOSE ? r.rdi : r.rsi;
    t->call = m->call;
    if (kernel_ask(SYS_CONN_GET, m->call, fd, (uint64_t)&info, 0, 0, 0) == 0) {
        struct held range = { .object = info.object, .service = info.service, .pid = t->process->i.pid, .first = 0, .last = INT64_MAX };
        cut(&range);
        range.whole = true;
        if (info.refs <= 1)
            cut(&range);
        kernel_ask(SYS_CONN_SET, m->call, fd, CONN_SET_WATCH, 0, 0, 0);
        try_again();
    }
    kernel_call(SYS_RETRY, m->call, 0, 0, 0, 0, 0);
    return thread_gone(t);
}
