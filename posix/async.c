/* Signal-driven input (O_ASYNC): when an event happens on an open file, a signal goes to the owner
 * that fcntl has named, a thread, a process or a group: SIGIO, or, with details and queued, the
 * signal that F_SETSIG has named. The object behind the file is watched as an epoll watches one
 * edge-triggered. (Linux: fs/fcntl.c, send_sigio) */
#include "async.h"

#include "due.h"
#include "readiness.h"
#include "share.h"
#include "signal.h"
#include "syscalls.h"
#include "user_memory.h"

enum { F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP };
/* struct f_owner_ex */
struct named {
    int32_t type, id;
};

struct async {
    struct async *next;
    uint32_t file;      /* the kernel's number of the open file */
    struct named owner; /* id 0: none */
    uint32_t uid, euid; /* of who has named it: whether the signal may be sent */
    int32_t signal;     /* 0: SIGIO */
    int32_t fd;         /* told with the signal */
    struct watch watch; /* while O_ASYNC is on */
    struct due due;
};

enum { ASYNCS = 1024, CHAINS = 64 };
static struct async *chains[CHAINS];
static struct share async_share = SHARE(ASYNCS, ASYNCS / 8, ASYNCS / 2);

static struct async **link_of(uint32_t file)
{
    struct async **at = &chains[file % CHAINS];
    while (*at && (*at)->file != file)
        at = &(*at)->next;
    return at;
}

/* ---- the signal ---- */

static const uint16_t all_events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP;

static void send_to(const struct async *a, struct process *p, struct thread *to,
                    const struct siginfo *info)
{
    bool allowed = !a->euid || a->euid == p->i.suid || a->euid == p->i.uid || a->uid == p->i.suid ||
                   a->uid == p->i.uid;
    if (!allowed)
        return;
    struct siginfo plain = { .signo = SIGIO, .code = SI_KERNEL };
    if (signal_post(p, to, a->signal ? info : &plain) && a->signal)
        signal_post(p, to, &plain); /* the queue is full */
}

enum { CODE_IN = 1, CODE_OUT, CODE_MSG, CODE_HUP = 6 };

/* Sends the signal with this code, told of descriptor fd. May wait. */
static void send(const struct async *a, int code, int32_t fd)
{
    uint32_t file = a->file;
    struct named to = a->owner;
    struct siginfo info = { .signo = a->signal,
                            .code = code,
                            .event = { code == CODE_IN    ? POLLIN | POLLRDNORM
                                       : code == CODE_OUT ? POLLOUT | POLLWRNORM | 512
                                       : code == CODE_MSG ? POLLIN | POLLRDNORM | 1024
                                                          : POLLHUP | POLLERR,
                                       fd } };
    if (to.type == F_OWNER_TID) {
        struct thread *t = thread_find(to.id);
        if (t)
            send_to(a, t->process, t, &info);
    } else if (to.type == F_OWNER_PID) {
        struct process *p = process_find(to.id);
        if (p && !p->zombie)
            send_to(a, p, NULL, &info);
    } else {
        FOR_EACH_PROCESS(p)
        if (p->i.pgid == (unsigned)to.id && *link_of(file) == a)
            send_to(a, p, NULL, &info);
    }
}

/* An event has happened: finds out which one, and waits for the next. May wait. */
static void look(struct due *d)
{
    struct async *a = CONTAINER(d, struct async, due);
    uint32_t file = a->file;
    if (!a->watch.object)
        return;
    int now = object_ask(NULL, a->watch.object, all_events, POLL_ARM_EDGE);
    if (now && *link_of(file) == a && a->owner.id)
        send(a, now & POLLIN ? CODE_IN : now & POLLOUT ? CODE_OUT : CODE_HUP, a->fd);
}

void async_tell(uint32_t file, int32_t fd)
{
    const struct async *a = *link_of(file);
    if (a && a->owner.id)
        send(a, CODE_MSG, fd);
}

static bool tell(struct watch *w)
{
    due_add(&CONTAINER(w, struct async, watch)->due);
    return false;
}

/* ---- owners ---- */

void async_release(uint32_t file)
{
    struct async **at = link_of(file), *a = *at;
    if (!a)
        return;
    *at = a->next;
    watch_end(&a->watch);
    due_remove(&a->due);
    share_give(&async_share, a->due.user, 1);
    memory_free(a);
}

/* What is kept for the open file, made if need be. NULL: too much for the user, or no memory. */
static struct async *async_of(struct thread *t, unsigned fd, const struct conn_info *c)
{
    struct async *a = *link_of(c->id);
    uint32_t user = t->process->i.uid;
    if (a)
        return a;
    if (share_take(&async_share, user, 1, -ENOLCK))
        return NULL;
    if (!(a = memory_zalloc(sizeof *a))) {
        share_give(&async_share, user, 1);
        return NULL;
    }
    a->file = c->id;
    a->watch.tell = tell;
    a->due.user = user;
    a->due.count = 1;
    a->due.settled = true;
    a->due.look = look;
    a->next = chains[c->id % CHAINS];
    chains[c->id % CHAINS] = a;
    ask_conn_set(t->call, fd, CONN_SET_WATCH, 1);
    return a;
}

static bool exists(const struct named *n)
{
    if (n->type == F_OWNER_TID)
        return thread_find(n->id);
    if (n->type == F_OWNER_PID)
        return process_find(n->id);
    FOR_EACH_PROCESS(p)
    if (p->i.pgid == (unsigned)n->id)
        return true;
    return false;
}

/* Makes n the receiver of the open file's signals. */
static int64_t owner_set(struct thread *t, unsigned fd, const struct conn_info *c,
                         const struct named *n)
{
    if (n->id && !exists(n))
        return -ESRCH;
    struct async *a = n->id ? async_of(t, fd, c) : *link_of(c->id);
    if (!a)
        return n->id ? -ENOLCK : 0;
    a->owner = *n;
    a->uid = t->process->i.uid;
    a->euid = t->process->i.euid;
    return 0;
}

int64_t async_own(struct thread *t, unsigned fd, const struct conn_info *c)
{
    const struct async *a = *link_of(c->id);
    if (a && a->owner.id)
        return 0;
    return owner_set(t, fd, c, &(struct named){ F_OWNER_PID, (int32_t)t->process->i.pid });
}

static int64_t own_set(struct thread *t, unsigned fd, const struct conn_info *c, int32_t id)
{
    if (id == INT32_MIN)
        return -EINVAL;
    return owner_set(t, fd, c,
                     &(struct named){ id < 0 ? F_OWNER_PGRP : F_OWNER_PID, id < 0 ? -id : id });
}

static int64_t own_set_ex(struct thread *t, unsigned fd, const struct conn_info *c, caller_t at)
{
    struct named n;
    int64_t error = user_read(t, at, &n, sizeof n);
    if (error)
        return error;
    if (n.type < F_OWNER_TID || n.type > F_OWNER_PGRP)
        return -EINVAL;
    return n.id < 0 ? -ESRCH : owner_set(t, fd, c, &n);
}

static int64_t signal_set(struct thread *t, unsigned fd, const struct conn_info *c, uint64_t signal)
{
    if (signal > SIGNALS)
        return -EINVAL;
    struct async *a = signal ? async_of(t, fd, c) : *link_of(c->id);
    if (a)
        a->signal = signal;
    return a || !signal ? 0 : -ENOLCK;
}

int64_t async_control(struct thread *t, unsigned fd, const struct conn_info *c, unsigned command,
                      uint64_t argument)
{
    const struct async *a = *link_of(c->id);
    struct named owner = a ? a->owner : (struct named){ F_OWNER_TID, 0 };
    switch (command) {
    case F_SETOWN: return own_set(t, fd, c, (int32_t)argument);
    case F_GETOWN: return owner.type == F_OWNER_PGRP ? -owner.id : owner.id;
    case F_SETOWN_EX: return own_set_ex(t, fd, c, argument);
    case F_GETOWN_EX: return user_write(t, argument, &owner, sizeof owner);
    case F_SETSIG: return signal_set(t, fd, c, argument);
    default: return a ? a->signal : 0;
    }
}

int64_t async_switch(struct thread *t, unsigned fd, const struct conn_info *c, bool on)
{
    struct async *a = on ? async_of(t, fd, c) : *link_of(c->id);
    if (!a)
        return on ? -ENOLCK : 0;
    if (!on || c->flags & CONN_READY) {
        watch_end(&a->watch);
        return 0;
    }
    a->fd = (int32_t)fd;
    int error = watch_set(&a->watch, object_of(c), a->due.user);
    if (!error) /* what holds already is no news */
        object_ask(t, a->watch.object, all_events, POLL_ARM_EDGE);
    return error;
}
