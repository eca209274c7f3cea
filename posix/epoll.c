/* epoll: files that tell which other files have events (epoll_set.c has what they are interested
 * in). Each wait is a look at the interests that may have events, oldest first: their objects are
 * asked, and of each the outcome is one of these:
 *
 *     it has no events              its object tells of a change; then the interest may have some
 *     it has some                   the program is told, and:
 *       level-triggered               the interest stays among those that may have events
 *       edge-triggered                its object tells when an event happens next
 *       one-shot                      it is silent until EPOLL_CTL_MOD
 *
 * A look asks services, so it may wait, and meanwhile an interest or the epoll can go: both are
 * held. One handler looks at an epoll at a time; a thread that comes meanwhile, or while a service
 * has notified and was not asked yet what has changed, lets its look be done from the list of those
 * that are due (due.c). An event wakes one thread of those that wait; when its look leaves
 * something behind, the next one looks.
 *
 * An epoll that is watched itself, by poll or by an epoll, is asked like any other object
 * (events()). Epolls may be nested, not in a circle, and not deeper than NESTS. (Linux:
 * fs/eventpoll.c.) */
#include "epoll.h"

#include "clock.h"
#include "delivery.h"
#include "epoll_set.h"
#include "handlers.h"
#include "poll.h"
#include "syscalls.h"
#include "user_memory.h"

enum { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL, EPOLL_CTL_MOD };
enum { NESTS = 4, AT_ONCE = 16, FEW = 12 };

/* struct epoll_event */
struct __attribute__((packed)) ON_STACK event {
    uint32_t events;
    uint64_t data;
};
_Static_assert(sizeof(struct event) == 12, "as programs have it");

static struct epoll *epoll_of(struct anon *a) { return CONTAINER(a, struct epoll, a); }

/* ---- looking ---- */

/* Which events of i hold, for t. Held by the caller, i may have gone afterwards. May wait. */
static uint32_t ask(struct thread *t, struct interest *i)
{
    struct object *o = i->watch.object;
    uint16_t wanted = interest_events(i);
    if (!wanted || object_idle(o, wanted))
        return 0;
    uint32_t now = object_ask(t, o, wanted, i->events & EPOLLET ? POLL_ARM_EDGE : POLL_ARM_IDLE);
    return i->gone ? 0 : now & (interest_events(i) | ALWAYS_EVENTS);
}

static void look_begin(struct epoll *e)
{
    anon_hold(&e->a);
    e->busy = true;
}

static void look_end(struct epoll *e)
{
    bool all = e->wanted;
    e->busy = false;
    if (all)
        e->wanted = false;
    if (all || e->ready.first)
        while (epoll_wake(e) && all)
            ;
    if (all && e->ready.first)
        readiness_own_changed(e->a.object, POLLIN | POLLRDNORM, false);
    anon_drop(&e->a);
}

/* Finds at most n interests with events, among the first *left that may have some. The interests
 * are held. Returns how many. May wait. */
static unsigned find(struct epoll *e, struct thread *t, struct interest **found,
                     struct event *events, unsigned n, unsigned *left)
{
    unsigned count = 0;
    struct interest *i;
    while (count < n && *left && !t->dead && (i = interest_take(e))) {
        --*left;
        interest_hold(i);
        uint32_t now = ask(t, i);
        if (now) {
            found[count] = i;
            events[count++] = (struct event){ now, i->data };
        } else {
            interest_release(i);
        }
    }
    return count;
}

/* What becomes of i, which had events. told: the program has them. */
static void give_back(struct interest *i, bool told)
{
    const uint32_t kept = EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET;
    if (!i->gone && !told)
        interest_before(i);
    else if (!i->gone && !(i->events & (EPOLLONESHOT | EPOLLET)))
        interest_behind(i);
    else if (i->events & EPOLLONESHOT && !i->modified)
        i->events &= kept;
    interest_release(i);
}

/* Writes events to the program. 0, -EFAULT; few: if a page is missing the call is thrown back, and
 * the result is LATER. */
static int64_t give(struct thread *t, caller_t at, const struct event *events, unsigned n, bool few)
{
    size_t size = n * sizeof events[0];
    return few ? user_write(t, at, events, size) : user_poke(t, at, events, size);
}

/* What epoll_wait brings, in the room that the reply has for it. */
struct ON_STACK few_events {
    struct event list[FEW];
};
_Static_assert(sizeof(struct few_events) <= REPLY_ROOM, "a reply has room for a few events");

/* A look of the simplest kind, which leaves everything as it was: all that may have events are
 * level-triggered, few, and of this very service. The reply to m, t's call, brings them: should a
 * page be missing, the call is thrown back, and nothing is lost. How many there are; 0: a look of
 * the other kind is needed. */
static int64_t glance(const struct epoll *e, struct thread *t, struct message *m, unsigned most)
{
    struct few_events *few = reply_room(m);
    unsigned n = 0;
    if (e->ready_count > MIN(most, (unsigned)FEW) || t->attention)
        return 0;
    for (struct link *x = e->ready.first; x; x = x->next) {
        struct interest *i = CONTAINER(x, struct interest, ready);
        if (i->events & (EPOLLET | EPOLLONESHOT) || !object_instant(i->watch.object))
            return 0;
        few->list[n].events = ask(t, i);
        few->list[n].data = i->data;
        if (!few->list[n++].events)
            return 0;
    }
    if (n)
        reply_bytes(m, few, n * sizeof few->list[0]);
    return n;
}

/* Tells the program at most `most` events. Returns how many; 0: there are none, or t is dead;
 * -EFAULT; LATER: the call has been thrown back, for a page was missing. May wait. */
static int64_t look(struct epoll *e, struct thread *t, caller_t at, unsigned most)
{
    struct interest *found[AT_ONCE];
    struct event events[AT_ONCE];
    unsigned done = 0, left = e->ready_count, n;
    bool few = MIN(most, left) <= AT_ONCE;
    int64_t error = few ? 0 : user_probe(t, at, MIN(most, left) * sizeof events[0]);
    if (error || !left)
        return error;
    look_begin(e);
    do {
        n = find(e, t, found, events, MIN(most - done, (unsigned)AT_ONCE), &left);
        error = t->dead ? -EFAULT : n ? give(t, at + done * sizeof events[0], events, n, few) : 0;
        for (unsigned k = 0; k < n; k++)
            give_back(found[error ? n - 1 - k : k], !error);
        done += error ? 0 : n;
    } while (n && !error && done < most);
    look_end(e);
    return done ? (int64_t)done : error;
}

/* Of an epoll that is watched itself: POLLIN, if an interest has an event. While a service has said
 * that something has changed and nobody knows yet what, each interest may have one. */
static uint64_t events(struct anon *a, struct thread *asker)
{
    struct epoll *e = epoll_of(a);
    struct interest *i;
    uint64_t now = 0;
    if (e->busy) {
        e->wanted = true; /* what that look leaves is told when it ends */
        return 0;
    }
    if (unsure)
        for (i = e->all; i; i = i->next)
            interest_behind(i);
    look_begin(e);
    for (unsigned left = e->ready_count; left && !now && (i = interest_take(e)); left--) {
        interest_hold(i);
        if (ask(asker, i)) {
            interest_before(i);
            now = POLLIN | POLLRDNORM;
        }
        interest_release(i);
    }
    look_end(e);
    return now;
}

/* ---- waiting ---- */

/* Ends w, whose thread waits no more. If w was to look, the next wait does so. */
static void wait_free(struct epoll_wait *w)
{
    struct epoll *e = w->epoll;
    wait_remove(w);
    if (w->due.link.listed) {
        due_remove(&w->due);
        epoll_wake(e);
    }
    anon_drop(&e->a);
    memory_free(w);
}

static void leave(struct thread *t) { wait_free(t->wait.epoll); }

static void timed_out(struct timer *timer)
{
    struct thread *t = CONTAINER(timer, struct thread, timer);
    struct epoll_wait *w = t->wait.epoll;
    if (w->due.link.listed)
        w->once = true;
    else
        thread_finish(t, 0);
}

/* Lets w's thread wait for events. heard: there were none at the last look; else, w looks as soon
 * as it is known what has changed, and nobody else looks. Returns what the handler is to return. */
static int64_t wait(struct epoll_wait *w, bool heard)
{
    struct thread *t = w->thread;
    t->wait.epoll = w;
    w->due.settled = !heard;
    w->epoll->wanted |= w->epoll->busy;
    if (heard || w->epoll->busy)
        wait_add(w);
    else
        due_add(&w->due);
    if (w->until)
        timer_set(&t->timer, w->until, timed_out);
    return thread_wait_once(t, leave);
}

/* A wait that is due looks. May wait. */
static void look_again(struct due *d)
{
    struct epoll_wait *w = CONTAINER(d, struct epoll_wait, due);
    struct epoll *e = w->epoll;
    struct thread *t = w->thread;
    bool may_look = !e->busy && (d->settled || !unsure);
    t->cancel = NULL;
    thread_unwait(t);
    thread_work_begin(t);
    int64_t result = e->a.gone ? -EBADF : may_look ? look(e, t, w->at, w->most) : 0;
    if (result || t->dead || (may_look && w->once)) {
        wait_free(w);
        result = t->dead ? LATER : result;
    } else {
        result = wait(w, may_look);
    }
    thread_work_end(t, result);
}

/* ns: how long to wait; -1: without a limit. */
static int64_t wait_for_events(struct thread *t, struct message *m, struct epoll *e, int64_t ns)
{
    const int32_t most = m->w[2];
    if (most <= 0 || most > INT32_MAX / (int32_t)sizeof(struct event))
        return -EINVAL;
    bool may_look = !e->busy && !unsure;
    int64_t result = may_look && m->op == EPOLL_WAIT ? glance(e, t, m, most) : 0;
    if (result)
        return result;
    result = may_look ? look(e, t, m->w[1], most) : 0;
    if (t->dead)
        return LATER;
    if (result || (may_look && !ns))
        return result;
    struct epoll_wait *w = memory_alloc(sizeof *w);
    if (!w)
        return -ENOMEM;
    *w = (struct epoll_wait){ .due = { .user = t->process->i.uid, .count = 1, .look = look_again },
                              .epoll = e,
                              .thread = t,
                              .once = !ns,
                              .at = m->w[1],
                              .most = most,
                              .until = ns > 0 ? time_now() + ns : 0 };
    anon_hold(&e->a);
    return wait(w, may_look);
}

/* ---- epolls in epolls ---- */

static uint32_t round; /* the number of the last walk: each epoll is visited once */

/* How many epolls the longest chain of epolls in e has, without e. */
static unsigned length_below(struct epoll *e)
{
    if (e->round == round)
        return e->length;
    e->round = round;
    e->length = 0;
    unsigned nested = e->nested;
    for (const struct interest *i = e->all; i && nested; i = i->next) {
        struct epoll *inner = i->nested ? epoll_behind_object(i->watch.object) : NULL;
        nested -= i->nested;
        if (inner)
            e->length = MAX(e->length, length_below(inner) + 1);
    }
    return e->length;
}

/* Likewise of epolls that e is in. */
static unsigned length_above(struct epoll *e);
static void visit_above(struct epoll *outer, void *longest)
{
    *(uint32_t *)longest = MAX(*(uint32_t *)longest, length_above(outer) + 1);
}
static unsigned length_above(struct epoll *e)
{
    if (e->round == round)
        return e->length;
    e->round = round;
    e->length = 0;
    uint32_t longest = 0;
    interests_in_file(e->file, visit_above, &longest);
    return e->length = longest;
}

/* Whether e may be interested in `inner`. 0, -ELOOP. */
static int check_nesting(struct epoll *e, struct epoll *inner)
{
    round++;
    unsigned below = length_below(inner);
    if (e->round == round)
        return -ELOOP;
    round++;
    return below + 1 + length_above(e) > NESTS ? -ELOOP : 0;
}

/* ---- the calls ---- */

static void end(struct anon *a)
{
    struct epoll *e = epoll_of(a);
    while (e->all)
        interest_drop(e->all);
    while (epoll_wake(e))
        ;
}

static const struct anon_ops ops = { .events = events, .end = end };

static int64_t make(struct thread *t, struct message *m, uint64_t flags)
{
    int64_t descriptor;
    anon_make(m, ANON_EPOLL, &ops, sizeof(struct epoll), t->process->i.uid, O_RDWR | flags,
              &descriptor);
    return descriptor;
}

int64_t linux_epoll_create(struct thread *t, struct message *m)
{
    return (int32_t)m->w[0] <= 0 ? -EINVAL : make(t, m, 0);
}

int64_t linux_epoll_create1(struct thread *t, struct message *m)
{
    uint32_t flags = m->w[0];
    return flags & ~(uint32_t)O_CLOEXEC ? -EINVAL : make(t, m, flags);
}

static int64_t add(struct thread *t, struct epoll *e, const struct conn_info *c, uint32_t fd,
                   const struct event *event)
{
    const uint32_t with_exclusive = POLLIN | POLLOUT | ALWAYS_EVENTS | EPOLLWAKEUP | EPOLLET |
                                    EPOLLEXCLUSIVE;
    struct epoll *inner = anon_of(c->service, c->object, ANON_EPOLL);
    if (event->events & EPOLLEXCLUSIVE && (inner || event->events & ~with_exclusive))
        return -EINVAL;
    if (inner && check_nesting(e, inner))
        return -ELOOP;
    if (interest_find(e, c->id, fd))
        return -EEXIST;
    if (!(c->flags & CONN_WATCH))
        ask_conn_set(t->call, fd, CONN_SET_WATCH, 1);
    return interest_add(e, c, fd, event->events | ALWAYS_EVENTS, event->data);
}

static int64_t modify(struct interest *i, const struct event *event)
{
    if ((i->events | event->events) & EPOLLEXCLUSIVE)
        return -EINVAL;
    i->events = event->events | ALWAYS_EVENTS;
    i->data = event->data;
    i->modified = true;
    interest_ready(i);
    return 0;
}

int64_t linux_epoll_ctl(struct thread *t, struct message *m)
{
    int32_t op = m->w[1];
    uint32_t fd = m->w[2];
    struct event event = { 0, 0 };
    struct conn_info own, c;
    int64_t error = op == EPOLL_CTL_DEL ? 0 : user_read(t, m->w[3], &event, sizeof event);
    if (error)
        return error;
    if (ask_conn_get(t->call, (uint32_t)m->w[0], &own) < 0 || own.flags & O_PATH ||
        ask_conn_get(t->call, fd, &c) < 0 || c.flags & O_PATH)
        return -EBADF;
    if (c.flags & CONN_READY)
        return -EPERM;
    struct epoll *e = anon_of(own.service, own.object, ANON_EPOLL);
    if (!e || own.id == c.id)
        return -EINVAL;
    e->file = own.id;
    if (op == EPOLL_CTL_ADD)
        return add(t, e, &c, fd, &event);
    if (op != EPOLL_CTL_DEL && op != EPOLL_CTL_MOD)
        return -EINVAL;
    struct interest *i = interest_find(e, c.id, fd);
    if (!i)
        return -ENOENT;
    if (op == EPOLL_CTL_MOD)
        return modify(i, &event);
    interest_drop(i);
    return 0;
}

int64_t epoll_pwait(struct thread *t, struct message *m)
{
    int32_t ms = m->w[3];
    struct epoll *e = anon_here(m->object, ANON_EPOLL);
    int64_t error = mask_for_now(t, m->w[4], m->w[5]);
    if (!error)
        error = e ? wait_for_events(t, m, e, ms < 0 ? -1 : ms * 1000000l) : -EINVAL;
    return mask_with_result(t, error);
}

int64_t linux_epoll_pwait2(struct thread *t, struct message *m)
{
    struct epoll *e;
    int64_t ns, error = read_limit(t, m->w[3], 1, &ns);
    if (!error)
        error = mask_for_now(t, m->w[4], m->w[5]);
    if (!error && (e = anon_behind(t, m->w[0], ANON_EPOLL, &error)))
        error = wait_for_events(t, m, e, ns);
    return mask_with_result(t, error);
}
