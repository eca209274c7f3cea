/* Leases (F_SETLEASE): who has one on a file is told before another opens the file in a way that is
 * in conflict with it, and has some time to finish with the file (Linux: fs/locks.c).
 *
 *     holder                   posix                    file server            another program
 *       | fcntl(F_SETLEASE) ---->| FS_LEASE: a new one ---->| nobody else has it     |
 *       |<- 0                    |                          |                        |
 *       |                        |<------ POSIX_LEASE ------|<------ open -----------|
 *       |<- SIGIO                | keeps the call           |                      (waits)
 *       | fcntl(F_UNLCK) ------->| FS_LEASE: none --------->|                        |
 *       |                        | has the call made again -|----------------------->|
 *       |                        |                          |<------ open -----------|
 *
 * A lease belongs to an open file. One that is being broken has `to` below its kind: what it will
 * be at the latest when its timer rings. What must wait is the call of a thread (waiting), and
 * whenever a lease of that file changes, the call is made again from its beginning; so nothing is
 * remembered of it here, and the file server judges anew. The record here changes first and the
 * file server is told then: a call that the file server hands up in between finds no conflict here,
 * and is made again. */
#include "lease.h"

#include "async.h"
#include "capability.h"
#include "delivery.h"
#include "share.h"
#include "syscalls.h"
#include <minnow/file.h>

enum { F_RDLCK, F_WRLCK, F_UNLCK };
enum { LEASES = 512 };

struct lease {
    struct lease *next;
    uint64_t object;
    endpoint_t service;
    uint32_t file, user; /* the kernel's number of the open file; who is charged */
    int32_t fd;          /* told with the signal */
    uint8_t kind, to;    /* LEASE_... */
    struct timer timer;
};

static struct lease *leases;
static struct thread *waiting; /* by wait_next */
static struct share lease_share = SHARE(LEASES, LEASES / 8, LEASES / 4);

static struct lease *lease_of(uint32_t file)
{
    struct lease *l = leases;
    while (l && l->file != file)
        l = l->next;
    return l;
}

static bool is_on(const struct lease *l, endpoint_t service, uint64_t object)
{
    return l->object == object && l->service == service;
}

/* The strongest kind of lease on a file. */
static uint8_t strongest(endpoint_t service, uint64_t object)
{
    uint8_t kind = LEASE_NONE;
    for (const struct lease *l = leases; l; l = l->next)
        if (is_on(l, service, object))
            kind = MAX(kind, l->kind);
    return kind;
}

/* ---- calls that wait ---- */

static void leave(struct thread *t)
{
    struct thread **at = &waiting;
    while (*at != t)
        at = &(*at)->wait_next;
    *at = t->wait_next;
}

/* Has the calls that wait for leases of the file made again. May wait. */
static void wake(endpoint_t service, uint64_t object)
{
    for (struct thread *t = waiting; t; t = t->wait_next)
        t->wait.lease.due |= t->wait.lease.object == object && t->wait.lease.service == service;
    for (struct thread *t = waiting; t;) {
        if (!t->wait.lease.due) {
            t = t->wait_next;
            continue;
        }
        thread_finish(t, -ERESTARTNOINTR);
        t = waiting; /* it may be another list now */
    }
}

/* Leases of the file have changed: tells its server, and whoever waits. May wait. */
static void changed(endpoint_t service, uint64_t object)
{
    uint8_t told;
    do
        call_object(service, FS_LEASE, object, told = strongest(service, object), 0, 0);
    while (told != strongest(service, object));
    wake(service, object);
}

/* ---- what becomes of a lease ---- */

static void unlink(struct lease *l)
{
    struct lease **at = &leases;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    timer_cancel(&l->timer);
    share_give(&lease_share, l->user, 1);
    memory_free(l);
}

/* From now on l is of a weaker kind, or there is none. May wait. */
static void weaken(struct lease *l, uint8_t kind)
{
    endpoint_t service = l->service;
    uint64_t object = l->object;
    l->kind = kind;
    if (l->to >= kind) {
        l->to = kind;
        timer_cancel(&l->timer);
    }
    if (kind == LEASE_NONE)
        unlink(l);
    changed(service, object);
}

static void time_over(struct timer *timer)
{
    struct lease *l = CONTAINER(timer, struct lease, timer);
    weaken(l, l->to);
}

void lease_release(uint32_t file)
{
    struct lease *l = lease_of(file);
    if (l)
        weaken(l, LEASE_NONE);
}

/* ---- breaking ---- */

/* A lease on the file that is of a stronger kind than `kind`, and, with `fresh`, whose holder does
 * not know yet that it is to be. NULL: there is none. */
static struct lease *conflict(endpoint_t service, uint64_t object, uint8_t kind, bool fresh)
{
    for (struct lease *l = leases; l; l = l->next)
        if (is_on(l, service, object) && l->kind > kind && !(fresh && l->to <= kind))
            return l;
    return NULL;
}

/* Tells all holders of leases that are in conflict. May wait. */
static void conflicts_tell(endpoint_t service, uint64_t object, uint8_t kind)
{
    struct lease *l;
    while ((l = conflict(service, object, kind, true))) {
        l->to = kind;
        if (table->head.lease_break)
            timer_set(&l->timer, time_now() + table->head.lease_break * SECOND, time_over);
        async_tell(l->file, l->fd);
    }
}

int64_t lease_break(struct thread *t, struct message *m)
{
    uint64_t flags = m->w[0], object = m->object;
    endpoint_t service = m->w[1];
    uint8_t kind = (flags & O_ACCMODE) == O_RDONLY ? LEASE_READ : LEASE_NONE;
    t->number = handed_up_number(t);
    bool any = conflict(service, object, kind, false);
    conflicts_tell(service, object, kind);
    if (!any)
        changed(service, object);
    if (t->dead)
        return LATER;
    if (any && flags & O_NONBLOCK)
        return -EAGAIN;
    if (!conflict(service, object, kind, false))
        return -ERESTARTNOINTR;
    t->wait.lease.service = service;
    t->wait.lease.object = object;
    t->wait.lease.due = false;
    t->wait_next = waiting;
    waiting = t;
    return thread_wait(t, leave, -ERESTARTSYS);
}

/* ---- the calls ---- */

/* Whether t's process may have leases on the file behind c. 0, -EACCES, -EINVAL. May wait. */
static int64_t may_lease(struct thread *t, const struct conn_info *c)
{
    struct stat s;
    if (c->service == service_self() ||
        call_window(c->service,
                    &(struct call_args){ .op = FS_STAT, .object = c->object, .flags = c->flags },
                    WINDOW_OUT, &s, sizeof s, NULL) < 0)
        return -EINVAL;
    if (t->process->i.fsuid != s.uid && !capable(t->process, CAP_LEASE))
        return -EACCES;
    return S_ISREG(s.mode) ? 0 : -EINVAL;
}

/* Whether leases of other open files are in the way of one of this kind. */
static bool hindered(const struct conn_info *c, uint8_t kind)
{
    for (const struct lease *l = leases; l; l = l->next)
        if (is_on(l, c->service, c->object) && l->file != c->id &&
            (kind == LEASE_WRITE || l->to == LEASE_NONE))
            return true;
    return false;
}

/* A lease of no kind yet of the open file c, which is t's descriptor fd. NULL: *error says why. */
static struct lease *lease_make(struct thread *t, unsigned fd, const struct conn_info *c,
                                int64_t *error)
{
    uint32_t user = t->process->i.uid;
    if ((*error = async_own(t, fd, c)) || (*error = share_take(&lease_share, user, 1, -ENOLCK)))
        return NULL;
    struct lease *l = memory_zalloc(sizeof *l);
    if (!l) {
        share_give(&lease_share, user, 1);
        *error = -ENOMEM;
        return NULL;
    }
    *l = (struct lease){ leases, c->object, c->service, c->id, user, (int32_t)fd, 0, 0, { 0 } };
    leases = l;
    return l;
}

/* c's open file gets a lease of this kind, whatever lease it has. May wait. */
static int64_t lease_set(struct thread *t, unsigned fd, const struct conn_info *c, uint8_t kind)
{
    int64_t error;
    if (hindered(c, kind))
        return -EAGAIN;
    struct lease *l = lease_of(c->id);
    if (!l && !(l = lease_make(t, fd, c, &error)))
        return error;
    uint8_t before = l->kind, to = l->to;
    bool broken = to < before;
    l->kind = kind;
    l->to = broken ? MIN(to, kind) : kind;
    error = call_object(c->service, FS_LEASE, c->object, kind, 1, 0);
    if (!(l = lease_of(c->id))) /* the open file has gone */
        return error ? error : -EBADF;
    if (!error) {
        weaken(l, l->kind); /* who waits may go on */
        return 0;
    }
    if (before == LEASE_NONE)
        unlink(l);
    else
        l->kind = before, l->to = broken ? to : MIN(l->to, before);
    changed(c->service, c->object);
    return error == -ENOSYS ? -EINVAL : error;
}

/* As programs name the kinds. */
static int64_t shown(uint8_t kind)
{
    return kind == LEASE_WRITE ? F_WRLCK : kind == LEASE_READ ? F_RDLCK : F_UNLCK;
}

int64_t lease_control(struct thread *t, unsigned fd, const struct conn_info *c, unsigned command,
                      uint64_t argument)
{
    struct conn_info now;
    struct lease *l = lease_of(c->id);
    uint32_t type = argument;
    if (command == F_GETLEASE)
        return shown(l ? l->to : LEASE_NONE);
    if (type > F_UNLCK)
        return -EINVAL;
    int64_t error = may_lease(t, c);
    if (error || t->dead)
        return error;
    if (ask_conn_get(t->call, fd, &now) < 0 || now.id != c->id)
        return -EBADF; /* another thread has closed it */
    if (type != F_UNLCK)
        return lease_set(t, fd, c, type == F_WRLCK ? LEASE_WRITE : LEASE_READ);
    if (!(l = lease_of(c->id)))
        return -EAGAIN;
    weaken(l, LEASE_NONE);
    return 0;
}
