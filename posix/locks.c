/* Advisory locks on files: fcntl's on ranges, flock's on whole files (Linux: fs/locks.c; POSIX,
 * fcntl).
 *
 * A file is (service, object). Whose a lock is depends on how it was taken: F_SETLK's belong to the
 * process and go when it closes any descriptor of that file (its task is watched then: TASK_WATCH);
 * F_OFD_SETLK's and flock's belong to the open file and go with its last descriptor (the connection
 * is watched: CONN_WATCH). The first two kinds keep each other out; flock's are a world of their
 * own.
 *
 * The locks of one owner on one file stand side by side in the list, ordered by where they begin,
 * never overlap, and those of one kind never touch. A wish that waits is tried again whenever a
 * lock goes or changes. */
#include "locks.h"

#include "delivery.h"
#include "handlers.h"
#include "syscalls.h"
#include "user_memory.h"
#include <minnow/file.h>

enum { F_RDLCK, F_WRLCK, F_UNLCK };
enum { F_GETLK = 5, F_SETLK, F_SETLKW, F_OFD_GETLK = 36, F_OFD_SETLK, F_OFD_SETLKW };
enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };
enum {
    NR_CLOSE = 3,
    NR_DUP2 = 33,
    NR_DUP3 = 292,
    LOCKS_MAX = 1024,
    SPARE = 2,
    WAITERS_EACH = 128 /* of one user but root */
};

struct flock {
    int16_t type, whence;
    int32_t pad;
    int64_t start, length;
    int32_t pid, pad2;
};

struct held {
    struct held *next;
    uint64_t object;
    endpoint_t service;
    uint32_t pid;  /* the process that it belongs to, or 0: */
    uint32_t file; /* the open file (conn_info.id), or 0 */
    uint32_t user; /* to whom it is accounted */
    int64_t first, last;
    bool write, whole; /* whole: flock's */
};
struct lock_request {
    struct lock_request *next;
    struct thread *thread;
    uint64_t tried;
    struct held wish;
};

static struct held *locks;
static struct lock_request *waiting;
static struct share lock_share = SHARE(LOCKS_MAX, LOCKS_MAX / 8, LOCKS_MAX / 2);

/* ---- the list ---- */

static bool same_file(const struct held *a, const struct held *b)
{
    return a->object == b->object && a->service == b->service && a->whole == b->whole;
}

static bool same_owner(const struct held *a, const struct held *b)
{
    return a->pid == b->pid && a->file == b->file;
}

static bool overlap(const struct held *a, const struct held *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* b begins where a ends. */
static bool precedes(const struct held *a, const struct held *b)
{
    return a->last < INT64_MAX && a->last + 1 == b->first;
}

/* The first lock that keeps `wish` out; NULL: none does. */
static struct held *conflict(const struct held *wish)
{
    for (struct held *l = locks; l; l = l->next)
        if (same_file(l, wish) && !same_owner(l, wish) && overlap(l, wish) &&
            (l->write || wish->write))
            return l;
    return NULL;
}

static void held_free(struct held *l)
{
    share_give(&lock_share, l->user, 1);
    memory_free(l);
}

/* Takes *at out of the list. */
static void drop(struct held **at)
{
    struct held *l = *at;
    *at = l->next;
    held_free(l);
}

/* Puts l behind those of its owner on its file that begin before it, and so behind everybody when
 * it is the owner's first. */
static void insert(struct held *l)
{
    struct held **at = &locks, **place = NULL;
    for (; *at; at = &(*at)->next)
        if (same_file(*at, l) && same_owner(*at, l)) {
            if ((*at)->first > l->first) {
                place = at;
                break;
            }
            place = &(*at)->next;
        }
    if (!place)
        place = at;
    l->next = *place;
    *place = l;
}

/* Places for what a change may need at most, so that it is made as a whole or not at all. */
struct spare {
    struct held *place[SPARE];
    unsigned count;
};

static bool spare_take(struct spare *s, uint32_t user)
{
    s->count = 0;
    while (s->count < SPARE) {
        if (share_take(&lock_share, user, 1, -ENOLCK))
            return false;
        struct held *l = memory_alloc(sizeof *l);
        if (!l) {
            share_give(&lock_share, user, 1);
            return false;
        }
        l->user = user;
        s->place[s->count++] = l;
    }
    return true;
}

static void spare_use(struct spare *s, const struct held *what)
{
    struct held *l = s->place[--s->count];
    uint32_t user = l->user;
    *l = *what;
    l->user = user;
    insert(l);
}

static void spare_give(struct spare *s)
{
    while (s->count)
        held_free(s->place[--s->count]);
}

/* Takes the range away from what its owner holds. A lock may fall in two, which takes one of `s`;
 * NULL: none does. */
static void cut(const struct held *range, struct spare *s)
{
    for (struct held **at = &locks; *at;) {
        struct held *l = *at;
        if (!same_file(l, range) || !same_owner(l, range) || !overlap(l, range)) {
            at = &l->next;
            continue;
        }
        bool left = l->first<range->first, right = l->last> range->last;
        if (!left && !right) {
            drop(at);
            continue;
        }
        struct held rest = *l;
        rest.first = range->last + 1;
        if (left)
            l->last = range->first - 1;
        else
            l->first = rest.first;
        at = &l->next;
        if (left && right)
            spare_use(s, &rest);
    }
}

/* Makes `wish` as long as it is together with its owner's locks of the same kind that it touches.
 */
static void join(struct held *wish)
{
    for (const struct held *l = locks; l; l = l->next)
        if (same_file(l, wish) && same_owner(l, wish) && l->write == wish->write &&
            (overlap(l, wish) || precedes(l, wish) || precedes(wish, l))) {
            wish->first = MIN(wish->first, l->first);
            wish->last = MAX(wish->last, l->last);
        }
}

/* Gives t's process the lock, which nothing keeps out, or takes it away (unlock). 0, or -ENOLCK:
 * then nothing has changed. */
static int64_t change(struct thread *t, const struct held *wish, bool unlock)
{
    struct held whole = *wish;
    struct spare s;
    if (!spare_take(&s, wish->user)) {
        spare_give(&s);
        return -ENOLCK;
    }
    if (!unlock)
        join(&whole);
    cut(&whole, &s);
    if (!unlock)
        spare_use(&s, &whole);
    spare_give(&s);
    struct process *p = t->process;
    if (!unlock && wish->pid && !p->locks) {
        p->locks = true;
        ask_task_set(p->i.task, TASK_WATCH, 1);
    }
    return 0;
}

/* ---- waiting ---- */

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

/* Each wish is looked at once a pass: a grant changes the list, but it lets no other wish in,
 * unless what was a writer's has become a reader's. So there are few passes. */
static void try_again(void)
{
    enum { PASSES = 4 };
    static uint64_t round;
    bool granted = true;
    for (unsigned pass = 0; granted && pass < PASSES; pass++) {
        granted = false;
        round++;
        for (struct lock_request *r = waiting; r;) {
            bool due = r->tried != round;
            r->tried = round;
            if (!due || conflict(&r->wish)) {
                r = r->next;
                continue;
            }
            struct thread *t = r->thread;
            thread_finish(t, change(t, &r->wish, false));
            granted = true;
            r = waiting;
        }
    }
}

/* Would waiting for `wish` close a circle of processes that wait for each other? */
static bool deadlock(const struct held *wish)
{
    struct held next = *wish;
    for (int depth = 0; depth < 10; depth++) {
        struct held *l = conflict(&next);
        if (!l || l->file)
            return false;
        if (l->pid == wish->pid)
            return true;
        struct lock_request *r = waiting;
        while (r && !same_owner(&r->wish, l))
            r = r->next;
        if (!r)
            return false;
        next = r->wish;
    }
    return false;
}

static int64_t wait_for(struct thread *t, const struct held *wish)
{
    if (!wish->file && deadlock(wish))
        return -EDEADLK;
    unsigned his = 0;
    struct lock_request **last = &waiting;
    for (; *last; last = &(*last)->next)
        his += (*last)->thread->process->i.uid == t->process->i.uid;
    struct lock_request *r = his < WAITERS_EACH || !t->process->i.uid ? memory_alloc(sizeof *r)
                                                                      : NULL;
    if (!r)
        return -ENOLCK;
    *r = (struct lock_request){ NULL, t, 0, *wish };
    *last = r;
    return thread_wait(t, leave_queue, -ERESTARTSYS);
}

/* ---- ends ---- */

static void drop_owner(const struct held *owner)
{
    for (struct held **at = &locks; *at;)
        if (same_owner(*at, owner))
            drop(at);
        else
            at = &(*at)->next;
}

void locks_drop_process(struct process *p)
{
    p->locks = false;
    drop_owner(&(struct held){ .pid = p->i.pid });
    try_again();
}

void locks_release(const struct message *m)
{
    struct held owner = { .file = (uint32_t)m->w[0] };
    drop_owner(&owner);
    /* by a thread whose descriptor another one has closed */
    for (struct lock_request *r = waiting, *next; r; r = next) {
        next = r->next;
        if (!same_owner(&r->wish, &owner))
            continue;
        thread_finish(r->thread, -EBADF);
        next = waiting;
    }
    try_again();
}

/* p closes a descriptor of a file: all locks that the process has on it go. */
static void drop_on_close(struct process *p, const struct conn_info *info)
{
    const struct held all = { .object = info->object,
                              .service = info->service,
                              .pid = p->i.pid,
                              .first = 0,
                              .last = INT64_MAX };
    const struct held *l = locks;
    while (l && !(same_file(l, &all) && same_owner(l, &all)))
        l = l->next;
    if (!l)
        return;
    cut(&all, NULL);
    try_again();
}

/* Files behind descriptors that are about to be closed: a hash without deletions, of which only
 * entries of this round count. */
enum { CLOSING = 2048, CLOSING_BITS = 11 };
static struct closing {
    uint64_t object;
    endpoint_t service;
    uint32_t round;
} closing[CLOSING];
static uint32_t closing_round;
_Static_assert(CLOSING == 1 << CLOSING_BITS && CLOSING >= 2 * DESCRIPTORS_MAX,
               "half of it stays free");

static struct closing *closing_place(endpoint_t service, uint64_t object)
{
    uint64_t at = (object + service) * 0x9e3779b97f4a7c15u >> (64 - CLOSING_BITS);
    while (closing[at].round == closing_round &&
           (closing[at].object != object || closing[at].service != service))
        at = (at + 1) % CLOSING;
    return &closing[at];
}

static void closing_gather(const struct process *p, unsigned first, unsigned last, uint32_t flags)
{
    enum { BATCH = 32 };
    static uint32_t number[BATCH];
    static struct conn_info info[BATCH];
    if (!++closing_round) { /* else all that stands there from long ago were of this round */
        memset(closing, 0, sizeof closing);
        closing_round = 1;
    }
    for (unsigned at = first; at <= last; at += BATCH) {
        unsigned n = MIN(last - at + 1, (unsigned)BATCH);
        for (unsigned i = 0; i < n; i++)
            number[i] = at + i;
        if (ask_conn_list(p->i.task, number, sizeof number[0], n, info) < 0)
            return;
        for (unsigned i = 0; i < n; i++)
            if (info[i].service && (info[i].flags & flags) == flags)
                *closing_place(info[i].service, info[i].object) = (struct closing){ info[i].object,
                                                                                    info[i].service,
                                                                                    closing_round };
    }
}

void locks_drop_range(struct process *p, unsigned first, unsigned last, uint32_t flags)
{
    bool dropped = false;
    if (!p->locks)
        return;
    closing_gather(p, first, last, flags);
    for (struct held **at = &locks; *at;)
        if ((*at)->pid == p->i.pid &&
            closing_place((*at)->service, (*at)->object)->round == closing_round) {
            drop(at);
            dropped = true;
        } else {
            at = &(*at)->next;
        }
    if (dropped)
        try_again();
}

/* ---- the calls ---- */

static bool of_open_file(unsigned command) { return command >= F_OFD_GETLK; }

/* What the caller's struct says, of the file behind info. 0, -EINVAL, -EOVERFLOW, or what asking
 * for the file's size gave. */
static int64_t range_of(struct thread *t, const struct flock *f, const struct conn_info *info,
                        struct held *l)
{
    int64_t base = 0;
    if (f->whence == SEEK_CUR) {
        base = info->position;
    } else if (f->whence == SEEK_END) {
        struct stat st;
        int64_t error = call_window(info->service,
                                    &(struct call_args){ .op = FS_STAT, .object = info->object },
                                    WINDOW_OUT, &st, sizeof st, NULL);
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
        if (__builtin_add_overflow(first, f->length, &first))
            return -EINVAL;
    }
    if (first < 0)
        return -EINVAL;
    *l = (struct held){ .object = info->object,
                        .service = info->service,
                        .user = t->process->i.uid,
                        .first = first,
                        .last = last,
                        .write = f->type == F_WRLCK };
    return 0;
}

/* F_GETLK: the first lock that is in the way, in place of the wish. */
static int64_t tell(struct thread *t, struct flock *f, const struct held *wish, caller_t argument)
{
    const struct held *l = f->type == F_UNLCK ? NULL : conflict(wish);
    f->type = F_UNLCK;
    if (l)
        *f = (struct flock){ l->write ? F_WRLCK : F_RDLCK,
                             SEEK_SET,
                             f->pad,
                             l->first,
                             l->last == INT64_MAX ? 0 : l->last - l->first + 1,
                             l->file ? -1 : (int32_t)l->pid,
                             f->pad2 };
    return user_write(t, argument, f, sizeof *f);
}

/* An open file that is to own locks: POSIX hears of its end. */
static void watch(struct thread *t, unsigned fd) { ask_conn_set(t->call, fd, CONN_SET_WATCH, 1); }

int64_t lock_control(struct thread *t, unsigned fd, unsigned command, caller_t argument)
{
    struct flock f;
    struct held wish;
    struct conn_info info;
    int64_t error = user_read(t, argument, &f, sizeof f);
    if (error)
        return error;
    bool get = command == F_GETLK || command == F_OFD_GETLK;
    if (f.type < F_RDLCK || f.type > F_UNLCK || (command == F_GETLK && f.type == F_UNLCK) ||
        (of_open_file(command) && f.pid))
        return -EINVAL;
    if ((error = ask_conn_get(t->call, fd, &info)) < 0)
        return error;
    if ((error = range_of(t, &f, &info, &wish)))
        return error;
    if (t->dead)
        return LATER;
    if (of_open_file(command))
        wish.file = info.id;
    else
        wish.pid = t->process->i.pid;
    if (get)
        return tell(t, &f, &wish, argument);
    unsigned access = info.flags & O_ACCMODE;
    if ((f.type == F_RDLCK && access == O_WRONLY) || (f.type == F_WRLCK && access == O_RDONLY))
        return -EBADF;
    bool unlock = f.type == F_UNLCK;
    if (of_open_file(command) && !unlock)
        watch(t, fd);
    if (!unlock && conflict(&wish))
        return command == F_SETLKW || command == F_OFD_SETLKW ? wait_for(t, &wish) : -EAGAIN;
    error = change(t, &wish, unlock);
    try_again(); /* what was a writer's may have become a reader's */
    return error;
}

/* As on Linux a lock of the other kind that the open file has is given up before the new one is
 * tried for. */
int64_t linux_flock(struct thread *t, struct message *m)
{
    unsigned op = m->w[1] & ~LOCK_NB, fd = (uint32_t)m->w[0];
    struct conn_info info;
    if (op != LOCK_SH && op != LOCK_EX && op != LOCK_UN)
        return -EINVAL;
    int64_t error = ask_conn_get(t->call, fd, &info);
    if (error < 0 || info.flags & O_PATH)
        return -EBADF;
    struct held wish = { .object = info.object,
                         .service = info.service,
                         .file = info.id,
                         .user = t->process->i.uid,
                         .first = 0,
                         .last = INT64_MAX,
                         .write = op == LOCK_EX,
                         .whole = true };
    for (struct held *l = locks; l; l = l->next)
        if (op != LOCK_UN && same_file(l, &wish) && same_owner(l, &wish) && l->write == wish.write)
            return 0;
    cut(&wish, NULL);
    try_again();
    if (op == LOCK_UN)
        return 0;
    watch(t, fd);
    if (conflict(&wish))
        return m->w[1] & LOCK_NB ? -EAGAIN : wait_for(t, &wish);
    return change(t, &wish, false);
}

/* A process that holds record locks closes a descriptor, or puts another one in its place: those on
 * the file go, then it is done. */
int64_t close_watched(struct thread *t, struct message *m)
{
    bool close = t->number == NR_CLOSE;
    uint32_t from = m->w[0], fd = close ? from : m->w[1],
             flags = t->number == NR_DUP3 ? m->w[2] : 0;
    struct conn_info info;
    if (t->number == NR_DUP3 && (flags & ~(uint32_t)O_CLOEXEC || from == fd))
        return -EINVAL;
    if (!close && ask_conn_get(t->call, from, &info) < 0)
        return -EBADF;
    if (!close && from == fd)
        return fd;
    if (ask_conn_get(t->call, fd, &info) == 0)
        drop_on_close(t->process, &info);
    if (close)
        return sys_conn_close(t->call, fd);
    return sys_conn_dup(t->call, from, fd, DUP_EXACT | (flags ? DUP_CLOEXEC : 0));
}
