/* Mailboxes: how a message comes to a thread of a service.
 *
 * The caller's registers are the request (words, op, object ... in struct thread say what the
 * kernel made of them). If the service has a thread that waits in receive, and its monitor is free,
 * the request is copied into that thread's registers and the thread runs: no queue, no buffer.
 * Otherwise the caller itself is linked into the service's mailbox. The service that receives a
 * call holds it until it replies, forwards or throws the call back. A held call stands in no list:
 * the caller's state (HELD, holder) says which service owes the reply. So nothing in here needs
 * memory, and nothing grows.
 *
 * The threads of a service are shared out: the programs of one user keep a bounded number busy, and
 * some threads are left for root and for other services (admits). A caller that is not admitted
 * stays in the mailbox, and others overtake it. */
#include "mailbox.h"

#include "conn.h"
#include "memory.h"
#include "queue.h"
#include "sched.h"
#include <minnow/protocol.h>

enum { SERVERS_MAX = 100 };

/* r's registers become t's request; t waits for r's task to reply. */
static inline void deliver(struct thread *r, struct thread *t)
{
    struct task *me = r->task;
    const struct task *from = t->task;
    const uint64_t *w = t->words;
    struct regs *to = &r->regs;
    to->rdi = w[0];
    to->rsi = w[1];
    to->rdx = w[2];
    to->r10 = w[3];
    to->r8 = w[4];
    to->r9 = w[5];
    to->rax = r->serving = t->call;
    to->rbx = t->op;
    to->rbp = from->endpoint;
    to->r12 = t->object;
    to->r13 = t->position;
    to->r14 = t->flags;
    to->r15 = from->label;
    t->state = THREAD_HELD;
    t->holder = me;
    r->charged_to = from->user;
    me->messages++;
}

static void deliver_told(struct thread *r)
{
    struct regs *to = &r->regs;
    to->rax = 0;
    to->rbx = r->told.op;
    to->rbp = 0;
    to->rdi = r->told.word;
    to->r12 = r->told.object;
    to->r14 = r->told.flags;
    r->task->messages++;
}

static void deliver_kernel(struct thread *r, uint64_t op, uint64_t word, uint64_t object,
                           uint64_t flags)
{
    r->serving = 0;
    r->charged_to = 0;
    r->told.op = op, r->told.word = word, r->told.object = object, r->told.flags = flags;
    deliver_told(r);
}

/* ---- whose turn it is ---- */

/* Of a service's n threads, one user's programs keep so many busy at most. */
static unsigned servers_each(unsigned n) { return n < 4 ? n : n < 8 ? n / 2 : 4; }
/* So many are left for root's programs and for services, */
static unsigned servers_for_root(unsigned n) { return n < 4 ? 0 : n / 4; }
/* and so many of those for services alone. */
static unsigned servers_for_services(unsigned n) { return servers_for_root(n) / 2; }

/* How many threads wait in receive. x->spare is positive while fewer are busy than one user may
 * keep busy, so that mail_send() need not ask admits(). */
static unsigned idle(const struct task *x)
{
    return x->spare + x->servers - servers_each(x->servers);
}

void mail_serves(struct task *service, unsigned servers)
{
    unsigned idle_now = idle(service);
    service->servers = servers < SERVERS_MAX ? servers : SERVERS_MAX;
    service->spare = idle_now + servers_each(service->servers) - service->servers;
}

static unsigned busy_for(const struct task *service, const struct thread *but, uint32_t user)
{
    unsigned n = 0;
    for (const struct thread *t = service->threads; t; t = t->siblings)
        n += t != but && t->state != THREAD_RECEIVING && t->charged_to == user;
    return n;
}

/* Whether a caller is given one of the `idle` threads of a service. r: the one it would be, if it
 * is not counted as receiving any more. */
static bool admits(const struct task *to, const struct thread *r, unsigned idle,
                   const struct task *caller)
{
    if (caller->service)
        return true;
    if (!caller->user)
        return idle > servers_for_services(to->servers);
    return idle > servers_for_root(to->servers) &&
           busy_for(to, r, caller->user) < servers_each(to->servers);
}

static inline struct thread *mail_caller(struct mail *m)
{
    return CONTAINER(m, struct thread, mail);
}

static inline void mail_out(struct task *me, struct mail *m, struct mail *before)
{
    *(before ? &before->next : &me->mail_first) = m->next;
    if (me->mail_last == m)
        me->mail_last = before;
}

static void mail_put(struct task *to, struct mail *m)
{
    m->next = NULL;
    if (to->mail_first)
        to->mail_last->next = m;
    else
        to->mail_first = m;
    to->mail_last = m;
    to->wanted = true;
}

/* ---- receiving ---- */

/* An open file of the personality's own that it watches is released to it twice: the second time by
 * its next receive, for r has this message now. */
static void deliver_release(struct thread *r, struct mail *m)
{
    struct conn *c = CONTAINER(m, struct conn, mail);
    deliver_kernel(r, KERNEL_RELEASE, (uint64_t)c->service << 32 | c->id, c->object, c->flags);
    if (c->flags & CONN_WATCH && tasks[c->service] == r->task) {
        c->flags &= ~(uint32_t)CONN_WATCH;
        mail_put(r->task, m);
    } else {
        mail_released(c);
    }
}

/* Delivers to r the first mail whose caller is admitted; releases always are. false: none is. */
static __attribute__((noinline)) bool deliver_admitted(struct thread *r)
{
    struct task *me = r->task;
    unsigned left = idle(me) + (r->state != THREAD_RECEIVING);
    /* the user who was refused last: calls of one user often stand side by side */
    const uint32_t *refused = NULL;
    struct mail *before = NULL;
    for (struct mail *m = me->mail_first; m; before = m, m = m->next) {
        const struct task *caller = m->kind == MAIL_CALL ? mail_caller(m)->task : NULL;
        if (caller && ((refused && *refused == caller->user && !caller->service) ||
                       !admits(me, r, left, caller))) {
            refused = &caller->user;
            continue;
        }
        mail_out(me, m, before);
        if (caller)
            deliver(r, mail_caller(m));
        else
            deliver_release(r, m);
        return true;
    }
    return false;
}

/* Takes the next thing that r may have out of the mailbox, into r's registers. false: there is
 * none. Notifications come first. */
static bool deliver_next(struct thread *r)
{
    struct task *me = r->task;
    struct mail *m = me->mail_first;
    if (me->pending) {
        deliver_kernel(r, KERNEL_NOTIFY, me->pending, 0, 0);
        me->pending = 0;
    } else if (!m) {
        return false;
    } else if (m->kind == MAIL_CALL) {
        return deliver_admitted(r);
    } else {
        mail_out(me, m, NULL);
        deliver_release(r, m);
    }
    return true;
}

static inline void receiver_put(struct task *me, struct thread *t)
{
    t->state = THREAD_RECEIVING;
    t->next = me->receivers;
    me->receivers = t;
    me->spare++;
}

/* Takes r, the first, out of the list. */
static inline void receiver_take(struct task *me, struct thread *r)
{
    me->receivers = r->next;
    me->spare--;
}

/* There may be mail, which t may not be allowed to take. */
static __attribute__((noinline)) void take_mail(struct thread *t)
{
    struct task *me = t->task;
    if (!deliver_next(t)) {
        sched_block(t);
        receiver_put(me, t);
    }
    me->wanted = sched_wanted(me);
}

void mail_receive(struct thread *t)
{
    struct task *me = t->task;
    if (__builtin_expect(me->wanted, 0)) {
        take_mail(t);
        return;
    }
    sched_leave(me);
    receiver_put(me, t);
}

struct thread *mail_enter(struct task *service)
{
    struct thread *r = service->receivers;
    if (!r || !deliver_next(r))
        return NULL;
    receiver_take(service, r);
    return r;
}

void mail_receive_again(struct thread *t)
{
    struct thread *c = t->serving ? mail_held(t->serving, t->task) : NULL;
    if (c)
        deliver(t, c);
    else if (!t->serving)
        deliver_told(t);
    else
        return mail_receive(t);
    t->task->messages--; /* deliver() has counted this message a second time */
}

/* ---- sending ---- */

void mail_queue(struct thread *t, struct task *to)
{
    t->state = THREAD_QUEUED;
    t->holder = to;
    t->mail.kind = MAIL_CALL;
    mail_put(to, &t->mail);
}

/* Something has come for `to`: a thread takes it, if the monitor is free. */
static void enter(struct task *to)
{
    struct thread *r = to->active ? NULL : mail_enter(to);
    to->wanted = sched_wanted(to);
    if (r)
        sched_enter(r, to);
}

bool mail_send(struct thread *t, struct task *to)
{
    if (this_cpu()->current == t)
        sched_block(t);
    t->call += CALL_NEXT;
    t->slow = 0;
    struct thread *r = to->receivers;
    if (__builtin_expect(r && !to->active && (to->spare > 0 || admits(to, r, idle(to), t->task)),
                         1)) {
        receiver_take(to, r);
        deliver(r, t);
        sched_enter(r, to);
        return true;
    }
    if (__builtin_expect(to->refuses, 0)) {
        t->state = THREAD_PARKED;
        return false;
    }
    mail_queue(t, to);
    return true;
}

void mail_release(struct conn *c)
{
    struct task *to = c->flags & CONN_WATCH && personality ? personality->server
                                                           : tasks[c->service];
    if (!to || !to->service || to->refuses) {
        mail_released(c);
        return;
    }
    mail_put(to, &c->mail);
    enter(to);
}

void mail_released(struct conn *c)
{
    if (c->flags & CONN_WATCH) {
        c->flags &= ~(uint32_t)CONN_WATCH;
        mail_release(c);
        return;
    }
    kfree(c, sizeof *c);
    conns_count--;
}

void mail_withdraw(struct thread *t)
{
    struct mail *before = NULL;
    if (t->state == THREAD_QUEUED) {
        for (struct mail *m = t->holder->mail_first; m != &t->mail; m = m->next)
            before = m;
        mail_out(t->holder, &t->mail, before);
    } else if (t->state == THREAD_RECEIVING) {
        struct thread **at = &t->task->receivers;
        while (*at != t)
            at = &(*at)->next;
        *at = t->next;
        t->task->spare--;
    }
}

void mail_notify(struct task *to, uint64_t bits)
{
    to->pending |= bits;
    enter(to);
}
