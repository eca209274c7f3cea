/* Message queues of POSIX: mq_open and its kind.
 *
 * A queue has a name, until that is unlinked, and files, which mq_open makes: each is a file of
 * this service (anon.h), and so can be polled. The queue goes when it has neither, and nobody is at
 * work for it. Messages stand in the order in which they are taken: by priority, then by age.
 *
 * Receivers wait only while there is no message, and senders only while there is no room. A thread
 * that can go on does its call again from the beginning (serve), so that a page of its memory that
 * is missing has the call thrown back as always.
 *
 * Notification: one process may ask to be told when a message comes to an empty queue for which no
 * receiver waits. It is told once: by a signal; or by a note to a netlink socket, at which a thread
 * of the C library waits for it (SIGEV_THREAD). That thread learns too that no note will come. */
#include "mqueue.h"
#include "capability.h"

#include <minnow/mqueue.h>
#include "anon.h"
#include "clock.h"
#include "cred.h"
#include "delivery.h"
#include "handlers.h"
#include "letter.h"
#include "netlink.h"
#include "signal.h"
#include "syscalls.h"
#include "user_memory.h"

enum { SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD, SI_MESGQ = -3 };
/* how a note ends (Linux: NOTIFY_...): a message has come; or the notification has been taken back
 */
enum why { WOKEN = 1, REMOVED };
enum { NAME_ROOM = 256, STATUS_SIZE = 80 /* of the text that Linux has in such a file */ };

/* What a thread has asked for. */
struct mq_request {
    caller_t at;          /* the message */
    uint64_t length;      /* its bytes; receiving: at most */
    uint32_t priority;    /* sending */
    caller_t priority_at; /* receiving: where to write it; 0: nowhere */
};

struct mq_wait {
    struct mq_wait *next, **list; /* the list that the structure is in */
    struct thread *thread;
    struct mqueue *queue;
    struct mq_request request;
};

struct mqueue {
    struct mqueue *next;
    char name[NAME_ROOM];
    bool named;
    uint32_t holds; /* 1 for the name, each file, each wait and each handler at work */
    uint32_t mode, uid, gid;
    uint32_t user, charged; /* who is charged how many bytes */
    uint32_t count, most, size_most;
    struct letter *first, *last;
    struct mq_file *files;
    struct mq_wait *senders, *receivers;
    /* Who is to be notified, NULL: nobody; and how. */
    struct process *notified;
    int32_t notify, signo;
    uint64_t value;
    struct netlink *socket; /* SIGEV_THREAD: where the note goes; else NULL */
    uint8_t note[NOTE_SIZE];
};

/* What a descriptor leads to. */
struct mq_file {
    struct anon a;
    struct mq_file *next; /* of the queue */
    struct mqueue *queue;
};

/* As programs have it. */
struct mq_attr {
    int64_t flags, most, size_most, count, unused[4];
};

static struct mqueue *queues;
static struct share queue_share = SHARE(MQ_QUEUES, MQ_QUEUES / 8, MQ_QUEUES / 2);
/* Bytes that queues may come to hold (RLIMIT_MSGQUEUE); what they hold is charged by letter.c. */
static struct share byte_share = SHARE(1u << 31, 0, 1u << 30);

static void drop(struct mqueue *q)
{
    struct mqueue **at = &queues;
    if (--q->holds)
        return;
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    while (q->first) {
        struct letter *l = q->first;
        q->first = l->next;
        letter_free(l);
    }
    share_give(&queue_share, q->user, 1);
    share_give(&byte_share, q->user, q->charged);
    memory_free(q);
}

/* ---- notification ---- */

static void notify_end(struct mqueue *q, enum why why)
{
    struct netlink *socket = q->socket;
    if (q->notified)
        q->notified->notifies--;
    q->notified = NULL;
    q->socket = NULL;
    q->note[NOTE_SIZE - 1] = why;
    if (socket)
        netlink_send(socket, q->note);
}

/* A message has come from `sender` to the empty queue. May wait. */
static void notify_send(struct mqueue *q, const struct process *sender)
{
    struct process *p = q->notified;
    struct siginfo info = { .signo = q->signo, .code = SI_MESGQ };
    info.sent.pid = sender->i.pid;
    info.sent.uid = sender->i.uid;
    info.sent.value = q->value;
    bool tell = p && q->notify == SIGEV_SIGNAL && q->signo;
    notify_end(q, WOKEN);
    if (tell)
        signal_post(p, NULL, &info);
}

/* ---- files ---- */

static uint64_t events(struct anon *a, struct thread *asker)
{
    (void)asker;
    const struct mqueue *q = ((const struct mq_file *)a)->queue;
    return (q->count ? POLLIN | POLLRDNORM : 0) | (q->count < q->most ? POLLOUT | POLLWRNORM : 0);
}

static void stat(const struct anon *a, struct stat *s)
{
    const struct mqueue *q = ((const struct mq_file *)a)->queue;
    s->mode = S_IFREG | q->mode;
    s->uid = q->uid;
    s->gid = q->gid;
    s->size = STATUS_SIZE;
    s->nlink = q->named;
}

static void end(struct anon *a)
{
    struct mq_file *f = (struct mq_file *)a, **at = &f->queue->files;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    drop(f->queue);
}

static const struct anon_ops ops = { .events = events, .end = end, .stat = stat };

/* The queue has changed: tells the polls. */
static void changed(struct mqueue *q, uint16_t what)
{
    for (struct mq_file *f = q->files; f; f = f->next)
        anon_changed(&f->a, what);
}

/* The queue behind a descriptor that was opened for `access` (O_RDONLY, O_WRONLY; O_RDWR: any).
 * NULL: there is none. */
static struct mqueue *queue_behind(struct thread *t, uint32_t fd, uint32_t access, uint32_t *flags)
{
    struct conn_info c;
    if (ask_conn_get(t->call, fd, &c) < 0 || c.flags & O_PATH)
        return NULL;
    uint32_t has = c.flags & O_ACCMODE;
    const struct mq_file *f = anon_of(c.service, c.object, ANON_MQUEUE);
    *flags = c.flags;
    return f && (access == O_RDWR || has == O_RDWR || has == access) ? f->queue : NULL;
}

void mqueue_closes(struct process *p, const struct conn_info *info)
{
    const struct mq_file *f = p->notifies ? anon_of(info->service, info->object, ANON_MQUEUE)
                                          : NULL;
    if (f && f->queue->notified == p)
        notify_end(f->queue, REMOVED);
}

/* ---- sending and receiving ---- */

static void put(struct mqueue *q, struct letter *l)
{
    struct letter **at = &q->first;
    if (q->first && q->last->kind >= l->kind)
        at = &q->last->next;
    while (*at && (*at)->kind >= l->kind)
        at = &(*at)->next;
    l->next = *at;
    *at = l;
    if (!l->next)
        q->last = l;
    q->count++;
}

/* Puts t's message into the queue, which has room. 0, -ENOMEM, -EFAULT, LATER: thrown back. */
static int64_t send(struct thread *t, struct mqueue *q, const struct mq_request *r)
{
    int64_t error;
    struct letter *l = letter_read(t, r->at, r->length, &error);
    if (!l)
        return error;
    l->kind = r->priority;
    put(q, l);
    return 0;
}

/* Gives t the first message. The bytes, -EFAULT, LATER: thrown back. */
static int64_t receive(struct thread *t, struct mqueue *q, const struct mq_request *r)
{
    struct letter *l = q->first;
    uint32_t length = l->length, priority = l->kind;
    int64_t error = letter_write(t, r->at, l, length);
    if (error ||
        (r->priority_at && (error = user_write(t, r->priority_at, &priority, sizeof priority))))
        return error;
    q->first = l->next;
    q->count--;
    letter_free(l);
    return length;
}

/* The queue, which is held, has changed: has the threads go on that can. May wait. */
static void serve(struct mqueue *q)
{
    enum { AT_ONCE = 16 };
    for (unsigned n = 1;; n++) {
        struct mq_wait *w = q->count && q->receivers           ? q->receivers
                            : q->count < q->most && q->senders ? q->senders
                                                               : NULL;
        if (!w)
            break;
        struct thread *t = w->thread;
        struct mq_request r = w->request;
        bool receives = w->list == &q->receivers;
        thread_work_begin(t);
        thread_work_end(t, receives ? receive(t, q, &r) : send(t, q, &r));
        if (n % AT_ONCE == 0)
            give_way(1); /* an answer has been given since the last time */
    }
}

/* ---- waiting ---- */

static void wait_end(struct thread *t)
{
    struct mq_wait *w = t->wait.mq, **at = w->list;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    drop(w->queue);
    memory_free(w);
}

static void timed_out(struct timer *timer)
{
    thread_finish(CONTAINER(timer, struct thread, timer), -ETIMEDOUT);
}

/* t waits in a list of the queue. until: nanoseconds since 1970; 0: for ever. */
static int64_t wait(struct thread *t, struct mqueue *q, struct mq_wait **list,
                    const struct mq_request *r, uint64_t until)
{
    struct mq_wait *w = memory_alloc(sizeof *w);
    if (!w)
        return -ENOMEM;
    *w = (struct mq_wait){ NULL, list, t, q, *r };
    q->holds++;
    while (*list)
        list = &(*list)->next;
    *list = t->wait.mq = w;
    if (until)
        timer_set_by(&t->timer, until, true, timed_out);
    return thread_wait(t, wait_end, -ERESTARTSYS);
}

/* A time of day, at `at` in the program's memory; 0: none. 0 and *until, nanoseconds since 1970; or
 * as timespec_read. */
static int64_t deadline(struct thread *t, caller_t at, uint64_t *until)
{
    struct timespec64 time;
    *until = 0;
    int64_t error = at ? timespec_read(t, at, &time) : 0;
    if (!at || error)
        return error;
    *until = MAX(timespec_ns(&time), 1ul);
    return 0;
}

/* What a send or receive has done to the queue becomes known. May wait. */
static void done(struct mqueue *q)
{
    q->holds++;
    serve(q);
    changed(q, POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
    drop(q);
}

int64_t linux_mq_timedsend(struct thread *t, struct message *m)
{
    const struct process *p = t->process;
    struct mq_request r = { .at = m->w[1], .length = m->w[2], .priority = m->w[3] };
    uint64_t until;
    uint32_t flags;
    int64_t error = deadline(t, m->w[4], &until);
    if (error)
        return error;
    if (r.priority >= MQ_PRIORITIES)
        return -EINVAL;
    struct mqueue *q = queue_behind(t, m->w[0], O_WRONLY, &flags);
    if (!q)
        return -EBADF;
    if (r.length > q->size_most)
        return -EMSGSIZE;
    if (q->count == q->most)
        return flags & O_NONBLOCK ? -EAGAIN : wait(t, q, &q->senders, &r, until);
    bool empty = !q->count && !q->receivers;
    if ((error = send(t, q, &r)))
        return error;
    q->holds++;
    if (empty)
        notify_send(q, p);
    done(q);
    drop(q);
    return 0;
}

int64_t linux_mq_timedreceive(struct thread *t, struct message *m)
{
    struct mq_request r = { .at = m->w[1], .length = m->w[2], .priority_at = m->w[3] };
    uint64_t until;
    uint32_t flags;
    int64_t error = deadline(t, m->w[4], &until);
    if (error)
        return error;
    struct mqueue *q = queue_behind(t, m->w[0], O_RDONLY, &flags);
    if (!q)
        return -EBADF;
    if (r.length < q->size_most)
        return -EMSGSIZE;
    if (!q->count)
        return flags & O_NONBLOCK ? -EAGAIN : wait(t, q, &q->receivers, &r, until);
    int64_t result = receive(t, q, &r);
    if (result >= 0)
        done(q);
    return result;
}

/* ---- mq_open, mq_unlink ---- */

/* Reads a name. 0, -ENOENT, -EACCES, or as user_string. */
static int64_t name_read(struct thread *t, caller_t at, char name[NAME_ROOM])
{
    int64_t length = user_string(t, at, name, NAME_ROOM);
    if (length <= 0)
        return length ? length : -ENOENT;
    return strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ? -EACCES : 0;
}

static struct mqueue *queue_named(const char *name)
{
    struct mqueue *q = queues;
    while (q && !(q->named && strcmp(q->name, name) == 0))
        q = q->next;
    return q;
}

static bool may_open(const struct process *p, const struct mqueue *q, uint32_t access)
{
    uint32_t wanted = access == O_RDONLY ? 4 : access == O_WRONLY ? 2 : 6, granted = q->mode;
    if (p->i.fsuid == q->uid)
        granted >>= 6;
    else if (cred_in_group(p, q->gid))
        granted >>= 3;
    return !(wanted & ~granted) || capable(p, CAP_DAC_OVERRIDE) ||
           (access == O_RDONLY && capable(p, CAP_DAC_READ_SEARCH));
}

/* Checks the attributes that a new queue is to have. 0, -EINVAL. *bytes: what it may come to hold,
 * with some overhead for each message, as Linux counts. */
static int64_t attributes_check(const struct process *p, const struct mq_attr *a, uint64_t *bytes)
{
    enum { OVERHEAD = 48 };
    const uint32_t *limits = table->head.mq;
    bool root = capable(p, CAP_SYS_RESOURCE);
    if (a->most <= 0 || a->size_most <= 0 ||
        a->most > (root ? MQ_MOST_ROOT : limits[MQ_LIMIT_MOST]) ||
        a->size_most > (root ? MQ_SIZE_MOST_ROOT : limits[MQ_LIMIT_SIZE]))
        return -EINVAL;
    *bytes = a->most * (a->size_most + OVERHEAD) + MIN(a->most, MQ_PRIORITIES) * OVERHEAD;
    return 0;
}

/* A new queue without a name or a file, which the caller holds; NULL: *error. */
static struct mqueue *queue_make(const struct process *p, const struct mq_attr *a, int64_t *error)
{
    uint64_t bytes;
    *error = -ENOSPC;
    if (queue_share.taken >= table->head.mq[MQ_LIMIT_QUEUES] && !capable(p, CAP_SYS_RESOURCE))
        return NULL;
    if ((*error = attributes_check(p, a, &bytes)))
        return NULL;
    if ((*error = share_take(&queue_share, p->i.uid, 1, -ENOSPC)))
        return NULL;
    struct mqueue *q = NULL;
    *error = bytes > UINT32_MAX ? -EMFILE
                                : share_take_limited(&byte_share, p->i.uid, bytes,
                                                     p->i.limits[RLIMIT_MSGQUEUE].soft, -EMFILE);
    if (!*error && !(q = memory_zalloc(sizeof *q))) {
        share_give(&byte_share, p->i.uid, bytes);
        *error = -ENOMEM;
    }
    if (*error) {
        share_give(&queue_share, p->i.uid, 1);
        return NULL;
    }
    q->next = queues;
    queues = q;
    q->holds = 1;
    q->user = p->i.uid;
    q->charged = bytes;
    q->uid = p->i.fsuid;
    q->gid = p->i.fsgid;
    q->most = a->most;
    q->size_most = a->size_most;
    return q;
}

/* Gives t a descriptor of the queue. */
static int64_t file_make(struct thread *t, struct message *m, struct mqueue *q, uint32_t flags)
{
    int64_t descriptor;
    struct mq_file *f = anon_make(m, ANON_MQUEUE, &ops, sizeof *f, t->process->i.uid,
                                  (flags & (O_ACCMODE | O_NONBLOCK)) | O_CLOEXEC, &descriptor);
    if (!f)
        return descriptor;
    f->queue = q;
    f->next = q->files;
    q->files = f;
    q->holds++;
    return descriptor;
}

/* Makes a queue with this name, and a descriptor of it. */
static int64_t create(struct thread *t, struct message *m, const char *name, uint32_t mode,
                      const struct mq_attr *a)
{
    int64_t error;
    struct mqueue *q = queue_make(t->process, a, &error);
    if (!q)
        return error;
    q->mode = mode & 07777;
    memcpy(q->name, name, NAME_ROOM);
    int64_t descriptor = file_make(t, m, q, m->w[1]);
    if (descriptor >= 0) {
        q->named = true;
        q->holds++;
    }
    drop(q);
    return descriptor;
}

int64_t linux_mq_open(struct thread *t, struct message *m)
{
    char name[NAME_ROOM] = "";
    uint32_t flags = m->w[1], access = flags & O_ACCMODE;
    const uint32_t *limits = table->head.mq;
    struct mq_attr a = { .most = MIN(limits[MQ_LIMIT_MOST], limits[MQ_LIMIT_MOST_DEFAULT]),
                         .size_most = MIN(limits[MQ_LIMIT_SIZE], limits[MQ_LIMIT_SIZE_DEFAULT]) };
    int64_t error = m->w[3] ? user_read(t, m->w[3], &a, sizeof a) : 0;
    if (error || (error = name_read(t, m->w[0], name)))
        return error;
    struct mqueue *q = queue_named(name);
    if (!q && flags & O_CREAT) {
        int64_t umask = call(service_find("vfs"), VFS_UMASK_OF, t->process->i.task, 0, 0, 0);
        if (t->dead)
            return LATER;
        if (!(q = queue_named(name))) /* else another program has made it meanwhile */
            return create(t, m, name, m->w[2] & ~MAX(umask, 0l), &a);
    }
    if (!q)
        return -ENOENT;
    if (flags & O_CREAT && flags & O_EXCL)
        return -EEXIST;
    if (access == O_ACCMODE)
        return -EINVAL;
    return may_open(t->process, q, access) ? file_make(t, m, q, flags) : -EACCES;
}

int64_t linux_mq_unlink(struct thread *t, struct message *m)
{
    char name[NAME_ROOM] = "";
    const struct posix_proc *i = &t->process->i;
    int64_t error = name_read(t, m->w[0], name);
    if (error)
        return error;
    struct mqueue *q = queue_named(name);
    if (!q)
        return -ENOENT;
    /* the directory that they would stand in is root's, and sticky */
    if (i->fsuid && i->fsuid != q->uid && !capable(t->process, CAP_FOWNER))
        return -EPERM;
    q->named = false;
    drop(q);
    return 0;
}

/* ---- mq_notify, mq_getsetattr ---- */

void mqueue_forget(struct process *p)
{
    for (struct mqueue *q = queues; q && p->notifies; q = q->next)
        if (q->notified == p)
            notify_end(q, REMOVED);
}

struct sigevent {
    uint64_t value;
    int32_t signo, notify;
    uint64_t unused[6];
};

/* How a queue is to notify. */
struct ON_STACK notice {
    struct sigevent event;
    struct netlink *socket;
    uint8_t note[NOTE_SIZE];
};

/* Reads it from `at`, and checks it. 0, -EINVAL, -EFAULT, -EBADF, -ENOTSOCK. */
static int64_t notice_read(struct thread *t, caller_t at, struct notice *n)
{
    int64_t error = user_read(t, at, &n->event, sizeof n->event);
    int32_t signo = n->event.signo;
    n->socket = NULL;
    if (error)
        return error;
    switch (n->event.notify) {
    case SIGEV_NONE: return 0;
    case SIGEV_SIGNAL: return signo < 0 || signo > SIGNALS ? -EINVAL : 0;
    case SIGEV_THREAD:
        error = user_read(t, n->event.value, n->note, NOTE_SIZE);
        if (!error)
            n->socket = netlink_behind(t, signo, &error);
        return n->socket ? 0 : error;
    default: return -EINVAL;
    }
}

int64_t linux_mq_notify(struct thread *t, struct message *m)
{
    struct process *p = t->process;
    struct notice n;
    uint32_t flags;
    int64_t error = m->w[1] ? notice_read(t, m->w[1], &n) : 0;
    if (error)
        return error;
    struct mqueue *q = queue_behind(t, m->w[0], O_RDWR, &flags);
    if (!q)
        return -EBADF;
    if (!m->w[1]) {
        if (q->notified == p)
            notify_end(q, REMOVED);
        return 0;
    }
    if (q->notified)
        return -EBUSY;
    if (n.socket && (error = netlink_reserve(n.socket)))
        return error;
    ask_task_set(p->i.task, TASK_WATCH, 1); /* closing the queue ends it */
    p->notifies++;
    q->notified = p;
    q->notify = n.event.notify;
    q->signo = n.event.signo;
    q->value = n.event.value;
    q->socket = n.socket;
    memcpy(q->note, n.note, NOTE_SIZE);
    return 0;
}

int64_t linux_mq_getsetattr(struct thread *t, struct message *m)
{
    struct mq_attr new;
    uint32_t flags;
    int64_t error = m->w[1] ? user_read(t, m->w[1], &new, sizeof new) : 0;
    if (error)
        return error;
    if (m->w[1] && new.flags & ~(int64_t)O_NONBLOCK)
        return -EINVAL;
    const struct mqueue *q = queue_behind(t, m->w[0], O_RDWR, &flags);
    if (!q)
        return -EBADF;
    struct mq_attr old = {
        .flags = flags & O_NONBLOCK, .most = q->most, .size_most = q->size_most, .count = q->count
    };
    if (m->w[2] && (error = user_write(t, m->w[2], &old, sizeof old)))
        return error;
    if (m->w[1])
        return ask_conn_set(t->call, m->w[0], CONN_SET_FLAGS,
                            (flags & ~(uint32_t)O_NONBLOCK) | new.flags);
    return 0;
}
