/* Message queues of System V: messages with a type, taken in order or by type.
 *
 * Threads wait in two lists of a queue: senders, for which there is no room, and receivers, which
 * want none of the messages that are there. Whoever changes the queue then has those go on that can
 * (serve): it offers each new message to the receivers, oldest first, and gives room to the
 * senders. A thread that goes on does what its call asks for from the beginning; if a page of its
 * memory is missing, the call is thrown back and comes again like a new one. */
#include "delivery.h"
#include "capability.h"
#include "handlers.h"
#include "letter.h"
#include "sysv.h"
#include "user_memory.h"

enum { MSG_NOERROR = 010000, MSG_EXCEPT = 020000, MSG_COPY = 040000 };

/* What a thread has asked for. */
struct request {
    uint32_t flags;
    int64_t type;    /* of msgsnd, the message's; of msgrcv, as the program gives it */
    caller_t at;     /* the program's structure: the type, then the bytes */
    uint64_t length; /* bytes: of the message, or at most */
};
enum { TYPE_SIZE = 8 };

struct msg_wait {
    struct msg_wait *next, **list; /* the list that the structure is in */
    struct thread *thread;
    struct request request;
};

struct queue {
    struct sysv s;
    struct letter *first, **last; /* in the order of their numbers */
    uint64_t sent, offered;       /* the number of the last letter; of the last one offered */
    uint64_t bytes_max;
    struct msg_wait *senders, *receivers;
};

static struct queue *queue_find(int32_t id) { return (struct queue *)sysv_find(SYSV_MSG, id); }

/* ---- waiting ---- */

static void wait_end(struct thread *t)
{
    struct msg_wait *w = t->wait.message, **at = w->list;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    memory_free(w);
}

/* t waits in a list of a queue. */
static int64_t wait(struct thread *t, struct msg_wait **list, const struct request *r)
{
    struct msg_wait *w = memory_alloc(sizeof *w);
    if (!w)
        return -ENOMEM;
    *w = (struct msg_wait){ NULL, list, t, *r };
    while (*list)
        list = &(*list)->next;
    *list = t->wait.message = w;
    return thread_wait(t, wait_end, -ERESTARTNOHAND);
}

/* ---- sending and receiving ---- */

static bool has_room(const struct queue *q, uint64_t length)
{
    const struct posix_sysv *i = q->s.i;
    return i->bytes + length <= q->bytes_max && i->amount + 1 <= q->bytes_max;
}

/* Puts t's message into the queue, which has room. 0, -ENOMEM, -EFAULT, LATER: thrown back. */
static int64_t send(struct thread *t, struct queue *q, const struct request *r)
{
    int64_t error;
    struct letter *l = letter_read(t, r->at + TYPE_SIZE, r->length, &error);
    if (!l)
        return error;
    l->kind = r->type;
    l->number = ++q->sent;
    *q->last = l;
    q->last = &l->next;
    q->s.i->bytes += r->length;
    q->s.i->amount++;
    q->s.i->pid[0] = t->process->i.pid;
    q->s.i->time[0] = seconds_now();
    return 0;
}

/* Whether a receiver may have this message. */
static bool wants(const struct request *r, const struct letter *l)
{
    if (r->type == 0)
        return true;
    if (r->type < 0)
        return l->kind <= (r->type == INT64_MIN ? INT64_MAX : -r->type);
    return (l->kind == r->type) != ((r->flags & MSG_EXCEPT) != 0);
}

/* Where the message that a receiver gets hangs: with a negative type the first of the lowest type;
 * with MSG_COPY that at a place. NULL: there is none. */
static struct letter **choose(struct queue *q, const struct request *r)
{
    struct letter **best = NULL;
    int64_t place = 0;
    for (struct letter **at = &q->first; *at; at = &(*at)->next) {
        if (r->flags & MSG_COPY ? place++ != r->type : !wants(r, *at))
            continue;
        if (r->type >= 0 || r->flags & MSG_COPY)
            return at;
        if (!best || (*at)->kind < (*best)->kind)
            best = at;
    }
    return best;
}

static void take_out(struct queue *q, struct letter **at)
{
    struct letter *l = *at;
    *at = l->next;
    if (q->last == &l->next)
        q->last = at;
    q->s.i->bytes -= l->length;
    q->s.i->amount--;
    letter_free(l);
}

/* Gives t the message that it wants. The bytes, -ENOMSG: there is none; -E2BIG, -EFAULT, or LATER:
 * thrown back. */
static int64_t receive(struct thread *t, struct queue *q, const struct request *r)
{
    struct letter **at = choose(q, r), *l;
    if (!at)
        return -ENOMSG;
    l = *at;
    if (r->length < l->length && !(r->flags & MSG_NOERROR))
        return -E2BIG;
    if (r->length < l->length && r->flags & MSG_COPY)
        return -EINVAL;
    uint32_t length = MIN(r->length, l->length);
    int64_t error = letter_write(t, r->at + TYPE_SIZE, l, length);
    if (error || (error = user_write(t, r->at, &l->kind, sizeof l->kind)))
        return error;
    if (r->flags & MSG_COPY)
        return length;
    q->s.i->pid[1] = t->process->i.pid;
    q->s.i->time[1] = seconds_now();
    take_out(q, at);
    return length;
}

/* The receiver that gets one of the messages that have not been offered yet; NULL: none. */
static struct msg_wait *receiver_next(struct queue *q)
{
    if (q->offered == q->sent)
        return NULL;
    for (const struct letter *l = q->first; l && q->receivers; l = l->next) {
        if (l->number <= q->offered)
            continue;
        for (struct msg_wait *w = q->receivers; w; w = w->next)
            if (wants(&w->request, l))
                return w;
        q->offered = l->number;
    }
    q->offered = q->sent;
    return NULL;
}

/* The sender that there is room for; NULL: none. */
static struct msg_wait *sender_next(const struct queue *q)
{
    struct msg_wait *w = q->senders;
    while (w && !has_room(q, w->request.length))
        w = w->next;
    return w;
}

/* The queue has changed: has the threads go on that can. May wait; the queue may be gone
 * afterwards. */
static void serve(struct queue *q)
{
    enum { AT_ONCE = 16 };
    int32_t id = q->s.i->id;
    for (unsigned n = 1; q; q = queue_find(id), n++) {
        struct msg_wait *receiver = receiver_next(q), *w = receiver ? receiver : sender_next(q);
        if (!w)
            return;
        struct thread *t = w->thread;
        struct request r = w->request;
        thread_work_begin(t);
        thread_work_end(t, receiver ? receive(t, q, &r) : send(t, q, &r));
        if (n % AT_ONCE == 0)
            give_way(1); /* an answer has been given since the last time */
    }
}

/* ---- msgget, msgsnd, msgrcv ---- */

int64_t linux_msgget(struct thread *t, struct message *m)
{
    const struct process *p = t->process;
    uint32_t flags = m->w[1];
    struct sysv *x;
    int64_t result = sysv_look(SYSV_MSG, m->w[0], flags, &x);
    if (result < 0)
        return result;
    if (x)
        return sysv_allows(p, x, flags) ? x->i->id : -EACCES;
    struct queue *q = memory_zalloc(sizeof *q);
    result = q ? sysv_add(SYSV_MSG, &q->s, p, m->w[0], flags) : -ENOMEM;
    if (result < 0) {
        memory_free(q);
        return result;
    }
    q->last = &q->first;
    q->bytes_max = MSG_QUEUE_BYTES;
    return result;
}

int64_t linux_msgsnd(struct thread *t, struct message *m)
{
    struct request r = { .flags = m->w[3], .at = m->w[1], .length = m->w[2] };
    int64_t error = user_read(t, r.at, &r.type, sizeof r.type);
    if (error)
        return error;
    if (r.length > MSG_BYTES || (int32_t)m->w[0] < 0 || r.type < 1)
        return -EINVAL;
    struct queue *q = queue_find(m->w[0]);
    if (!q)
        return -EINVAL;
    if (!sysv_allows(t->process, &q->s, SYSV_WRITE))
        return -EACCES;
    if (!has_room(q, r.length))
        return r.flags & IPC_NOWAIT ? -EAGAIN : wait(t, &q->senders, &r);
    error = send(t, q, &r);
    if (!error)
        serve(q);
    return error;
}

int64_t linux_msgrcv(struct thread *t, struct message *m)
{
    struct request r = { m->w[4], m->w[3], m->w[1], m->w[2] };
    if ((int32_t)m->w[0] < 0 || (int64_t)r.length < 0)
        return -EINVAL;
    if (r.flags & MSG_COPY && (r.flags & MSG_EXCEPT || !(r.flags & IPC_NOWAIT)))
        return -EINVAL;
    struct queue *q = queue_find(m->w[0]);
    if (!q)
        return -EINVAL;
    if (!sysv_allows(t->process, &q->s, SYSV_READ))
        return -EACCES;
    int64_t result = receive(t, q, &r);
    if (result == -ENOMSG && !(r.flags & IPC_NOWAIT))
        return wait(t, &q->receivers, &r);
    if (result >= 0)
        serve(q);
    return result;
}

/* ---- msgctl ---- */

enum { MSG_STAT = 11, MSG_INFO, MSG_STAT_ANY };

struct msqid_ds {
    struct ipc_perm perm;
    int64_t send_time, receive_time, change_time;
    uint64_t bytes, messages, bytes_max;
    uint32_t sender, receiver;
    uint64_t unused[2];
};

/* IPC_INFO: limits, some of which mean nothing here. MSG_INFO: how many queues, messages and bytes
 * there are, as pool, map and headers. */
struct msginfo {
    int32_t pool, map, message_bytes, queue_bytes, queues, segment_bytes, headers;
    uint16_t segments;
};

static int64_t info(struct thread *t, bool used, caller_t to)
{
    struct msginfo i = { SYSV_PLACES * (MSG_QUEUE_BYTES / 1024),
                         MSG_QUEUE_BYTES,
                         MSG_BYTES,
                         MSG_QUEUE_BYTES,
                         SYSV_PLACES,
                         16,
                         MSG_QUEUE_BYTES,
                         UINT16_MAX };
    const struct sysv *x;
    if (used)
        i.pool = sysv_used(SYSV_MSG), i.map = i.headers = 0;
    for (int n = 0; used && n < SYSV_PLACES; n++)
        if ((x = sysv_at(SYSV_MSG, n)))
            i.map += x->i->amount, i.headers += x->i->bytes;
    int64_t error = user_write(t, to, &i, sizeof i);
    return error ? error : sysv_highest(SYSV_MSG);
}

static int64_t stat(struct thread *t, int32_t id, int cmd, caller_t to)
{
    int64_t error;
    const struct sysv *x = sysv_stat(t->process, SYSV_MSG, id, cmd != IPC_STAT, cmd == MSG_STAT_ANY,
                                     &error);
    if (!x)
        return error;
    const struct posix_sysv *i = x->i;
    struct msqid_ds d = { .perm = sysv_perm(x),
                          .send_time = i->time[0],
                          .receive_time = i->time[1],
                          .change_time = i->changed,
                          .bytes = i->bytes,
                          .messages = i->amount,
                          .bytes_max = ((const struct queue *)x)->bytes_max,
                          .sender = i->pid[0],
                          .receiver = i->pid[1] };
    error = user_write(t, to, &d, sizeof d);
    return error ? error : cmd == IPC_STAT ? 0 : i->id;
}

static int64_t set_owner(struct thread *t, int32_t id, caller_t from)
{
    struct msqid_ds d;
    int64_t error = user_read(t, from, &d, sizeof d);
    if (error)
        return error;
    struct queue *q = (struct queue *)sysv_own(t->process, SYSV_MSG, id, &error);
    if (!q)
        return error;
    if (d.bytes_max > MSG_QUEUE_BYTES && !capable(t->process, CAP_SYS_RESOURCE))
        return -EPERM;
    error = sysv_set(&q->s, &d.perm);
    if (error)
        return error;
    q->bytes_max = MIN(d.bytes_max, (uint64_t)MSG_QUEUE_BYTES_ROOT);
    serve(q);
    return 0;
}

/* May wait. */
static int64_t remove(struct thread *t, int32_t id)
{
    int64_t error;
    struct queue *q = (struct queue *)sysv_own(t->process, SYSV_MSG, id, &error);
    if (!q)
        return error;
    while (q->first)
        take_out(q, &q->first);
    sysv_remove(SYSV_MSG, &q->s);
    while (q->receivers)
        thread_finish(q->receivers->thread, -EIDRM);
    while (q->senders)
        thread_finish(q->senders->thread, -EIDRM);
    memory_free(q);
    return 0;
}

int64_t linux_msgctl(struct thread *t, struct message *m)
{
    int32_t id = m->w[0], cmd = m->w[1];
    if (id < 0 || cmd < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_RMID: return remove(t, id);
    case IPC_SET: return set_owner(t, id, m->w[2]);
    case IPC_INFO:
    case MSG_INFO: return info(t, cmd == MSG_INFO, m->w[2]);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY: return stat(t, id, cmd, m->w[2]);
    default: return -EINVAL;
    }
}
