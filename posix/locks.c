/* Advisory locks on files: fcntl's on ranges, flock's on whole files (Linux: fs/locks.c; POSIX,
 * fcntl). Which locks there are is lock_list.c's; here are the calls, waiting, and ends.
 *
 * A file is (service, object). An owner depends on how the lock was taken:
 *
 *   taken by      owner          the lock goes when               this server learns that by
 *   F_SETLK       the process    the process closes any           TASK_WATCH: the kernel hands each
 *                                descriptor of the file           close up (close_watched)
 *   F_OFD_SETLK   the open file  its last descriptor goes         CONN_WATCH: the kernel sends
 *   and flock                                                     KERNEL_RELEASE (locks_release)
 *
 * fcntl's two kinds forbid each other; flock's locks and fcntl's ignore each other.
 *
 * A wish that cannot be granted waits in one queue of all wishes, oldest first, and is tried again
 * whenever a lock goes or changes: in rounds. A round looks at each wish once, from the oldest on.
 * A grant answers a thread, which may change the queue, so the walk begins again at the front and
 * skips what has been tried in this round. A grant makes way for another wish only where it turns a
 * writer's lock into a reader's; so after a round with grants there is another one, and no more
 * than four. */
#include "locks.h"

#include "delivery.h"
#include "handlers.h"
#include "lock_list.h"
#include "mqueue.h"
#include "syscalls.h"
#include "user_memory.h"
#include <minnow/file.h>

enum { F_RDLCK, F_WRLCK, F_UNLCK };
enum { F_GETLK = 5, F_SETLK, F_SETLKW, F_OFD_GETLK = 36, F_OFD_SETLK, F_OFD_SETLKW };
enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };
enum {
    NR_CLOSE = 3,
    NR_DUP3 = 292,
    WAITERS_EACH = 128 /* of one user but root */
};

struct flock {
    int16_t type, whence;
    int32_t pad;
    int64_t start, length;
    int32_t pid, pad2;
};

struct lock_request {
    struct lock_request *next;
    struct thread *thread;
    uint64_t tried;
    struct held wish;
};

static struct lock_request *waiting;

/* Gives t's process or open file the lock, or takes it away. 0 or -ENOLCK. */
static int64_t apply(struct thread *t, const struct held *wish, bool unlock)
{
    struct process *p = t->process;
    int64_t error = lock_change(wish, unlock);
    if (!error && !unlock && wish->pid && !p->locks) {
        p->locks = true;
        ask_task_set(p->i.task, TASK_WATCH, 1);
    }
    return error;
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

/* Tries all wishes that wait, in rounds, as the top of this file says. Ends waits, and so may wait.
 */
static void try_again(void)
{
    enum { ROUNDS = 4 };
    static uint64_t round;
    bool granted = true;
    for (unsigned n = 0; granted && n < ROUNDS; n++) {
        granted = false;
        round++;
        for (struct lock_request *r = waiting; r;) {
            bool due = r->tried != round;
            r->tried = round;
            if (!due || lock_conflict(&r->wish)) {
                r = r->next;
                continue;
            }
            struct thread *t = r->thread;
            thread_finish(t, apply(t, &r->wish, false));
            granted = true;
            r = waiting;
        }
    }
}

/* Whether waiting for `wish` would close a circle of processes that wait for each other. As on
 * Linux the search is not deep. */
static bool deadlock(const struct held *wish)
{
    struct held next = *wish;
    for (int depth = 0; depth < 10; depth++) {
        const struct held *l = lock_conflict(&next);
        if (!l || l->file)
            return false;
        if (l->pid == wish->pid)
            return true;
        struct lock_request *r = waiting;
        while (r && !lock_same_owner(&r->wish, l))
            r = r->next;
        if (!r)
            return false;
        next = r->wish;
    }
    return false;
}

/* Puts the wish of t into the queue, and returns what the handler is to return; -EDEADLK, or
 * -ENOLCK when too many threads of the user wait already. */
static int64_t wait_for(struct thread *t, const struct held *wish)
{
    if (!wish->file && deadlock(wish))
        return -EDEADLK;
    unsigned own = 0;
    struct lock_request **last = &waiting;
    for (; *last; last = &(*last)->next)
        own += (*last)->thread->process->i.uid == t->process->i.uid;
    struct lock_request *r = own < WAITERS_EACH || !t->process->i.uid ? memory_alloc(sizeof *r)
                                                                      : NULL;
    if (!r)
        return -ENOLCK;
    *r = (struct lock_request){ NULL, t, 0, *wish };
    *last = r;
    return thread_wait(t, leave_queue, -ERESTARTSYS);
}

/* ---- ends ---- */

void locks_drop_process(struct process *p)
{
    p->locks = false;
    lock_drop_owner(&(struct held){ .pid = p->i.pid });
    try_again();
}

void locks_release(const struct message *m)
{
    struct held owner = { .file = (uint32_t)m->w[0] };
    lock_drop_owner(&owner);
    /* a wish goes too, if another thread has closed its descriptor */
    for (struct lock_request *r = waiting, *next; r; r = next) {
        next = r->next;
        if (!lock_same_owner(&r->wish, &owner))
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
    if (!lock_owned(&all))
        return;
    lock_drop_file(&all);
    try_again();
}

/* Files behind descriptors that are about to be closed: a hash without deletions, of which only
 * entries of this round count. */
enum { CLOSING = 8192, CLOSING_BITS = 13 };
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

static bool is_closing(endpoint_t service, uint64_t object)
{
    return closing_place(service, object)->round == closing_round;
}

/* Makes `closing` the files behind those descriptors. */
static void closing_gather(const struct process *p, unsigned first, unsigned last, uint32_t flags)
{
    enum { BATCH = 32 };
    static uint32_t number[BATCH];
    static struct conn_info info[BATCH];
    if (!++closing_round) { /* the number has wrapped: old entries must not count as this round's */
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
    if (!p->locks)
        return;
    closing_gather(p, first, last, flags);
    if (lock_drop_files(p->i.pid, is_closing))
        try_again();
}

/* ---- the calls ---- */

static bool of_open_file(unsigned command) { return command >= F_OFD_GETLK; }

/* Makes *l a wish for the range of *f, in the file behind info, without an owner. 0, -EINVAL,
 * -EOVERFLOW, or the error of asking for the file's size. May wait. */
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

/* F_GETLK: writes the first lock that is in the way in place of the wish. */
static int64_t write_conflict(struct thread *t, struct flock *f, const struct held *wish,
                              caller_t argument)
{
    const struct held *l = f->type == F_UNLCK ? NULL : lock_conflict(wish);
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

/* Has the kernel send KERNEL_RELEASE when the open file behind fd, which is to own locks, goes. */
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
        return write_conflict(t, &f, &wish, argument);
    unsigned access = info.flags & O_ACCMODE;
    if ((f.type == F_RDLCK && access == O_WRONLY) || (f.type == F_WRLCK && access == O_RDONLY))
        return -EBADF;
    bool unlock = f.type == F_UNLCK;
    if (of_open_file(command) && !unlock)
        watch(t, fd);
    if (!unlock && lock_conflict(&wish))
        return command == F_SETLKW || command == F_OFD_SETLKW ? wait_for(t, &wish) : -EAGAIN;
    error = apply(t, &wish, unlock);
    try_again(); /* a writer's lock may have become a reader's */
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
    const struct held *own = lock_owned(&wish);
    if (op != LOCK_UN && own && own->write == wish.write)
        return 0;
    lock_drop_file(&wish);
    try_again();
    if (op == LOCK_UN)
        return 0;
    watch(t, fd);
    if (lock_conflict(&wish))
        return m->w[1] & LOCK_NB ? -EAGAIN : wait_for(t, &wish);
    return apply(t, &wish, false);
}

/* A process that holds record locks closes a descriptor, or puts another one in its place: the
 * locks on the file go first, then the descriptor is closed or replaced. */
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
        drop_on_close(t->process, &info), mqueue_closes(t->process, &info);
    if (close)
        return sys_conn_close(t->call, fd);
    return sys_conn_dup(t->call, from, fd, DUP_EXACT | (flags ? DUP_CLOEXEC : 0));
}
