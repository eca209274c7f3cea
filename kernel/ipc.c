/* Messages.
 *
 * The life of a call: the caller's registers are the request (words, op, object ... in struct
 * thread say what the kernel made of them). If the service has a thread that waits in receive and
 * its monitor is free, the request is copied into that thread's registers, and it runs: no queue,
 * no buffer. Otherwise the caller itself is put into the service's mailbox. Whoever receives it
 * holds the call until he replies, forwards or throws it back; it then stands in nobody's list,
 * only its own state says who owes the reply. So nothing in here needs memory, and nothing grows.
 *
 * The threads of a service are shared out: what one user's programs may keep busy is bounded, and
 * some are left for root and for other services (admits). Whose turn it is not stays in the
 * mailbox, and others overtake him.
 *
 * Because the caller's registers keep the request, a call can be made again at any time
 * (syscall_dispatch). */
#include "ipc.h"

#include "arch.h"
#include "conn.h"
#include "log.h"
#include "sched.h"
#include "service.h"
#include <minnow/errno.h>
#include <minnow/protocol.h>

enum { SERVERS_MAX = 100 };

/* r's registers become t's request; t waits for r's task. */
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

/* Of n threads of a service one user keeps so many busy at most; with fewer than four nobody is
 * bounded. */
static unsigned servers_each(unsigned n) { return n < 4 ? n : n < 8 ? n / 2 : 4; }
/* or for services; */
static unsigned servers_for_root(unsigned n) { return n < 4 ? 0 : n / 4; }
static unsigned servers_for_services(unsigned n) { return servers_for_root(n) / 2; } /* of these */

/* Threads that wait in receive. */
static unsigned idle(const struct task *x)
{
    return x->spare + x->servers - servers_each(x->servers);
}

void ipc_serves(struct task *service, unsigned servers)
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

/* Whether a caller gets a thread, r if that is already at hand, of the `idle` ones. */
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
    return (struct thread *)((char *)m - offsetof(struct thread, mail));
}

static inline void mail_out(struct task *me, struct mail *m, struct mail *before)
{
    *(before ? &before->next : &me->mail_first) = m->next;
    if (me->mail_last == m)
        me->mail_last = before;
}

/* ---- receiving ---- */

static void deliver_release(struct thread *r, struct mail *m)
{
    struct conn *c = (struct conn *)((char *)m - offsetof(struct conn, mail));
    deliver_kernel(r, KERNEL_RELEASE, (uint64_t)c->service << 32 | c->id, c->object, c->flags);
    conn_released(c);
}

/* Takes the first mail out of the mailbox whose caller may have one of the threads that wait, or r.
 */
static __attribute__((noinline)) bool deliver_admitted(struct thread *r)
{
    struct task *me = r->task;
    unsigned left = idle(me) + (r->state != THREAD_RECEIVING);
    /* the user who was refused last: his calls often stand side by side */
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

/* Takes the next thing that is for r out of the mailbox, into r's registers. false: there is none.
 */
static bool deliver_next(struct thread *r)
{
    struct task *me = r->task;
    struct mail *m = me->mail_first;
    if (me->pending) {
        deliver_kernel(r, KERNEL_NOTIFY, me->pending, 0, 0);
        me->pending = 0;
        return true;
    }
    if (!m || m->kind == MAIL_CALL)
        return m && deliver_admitted(r);
    mail_out(me, m, NULL);
    deliver_release(r, m);
    return true;
}

static inline void wait_for_mail(struct thread *t)
{
    struct task *me = t->task;
    sched_block(t);
    t->state = THREAD_RECEIVING;
    t->next = me->receivers;
    me->receivers = t;
    me->spare++;
}

/* There is mail: perhaps for t. */
static __attribute__((noinline)) void take_mail(struct thread *t)
{
    if (!deliver_next(t))
        wait_for_mail(t);
}

void ipc_receive(struct thread *t)
{
    if (t->task->pending || t->task->mail_first)
        take_mail(t);
    else
        wait_for_mail(t);
}

static inline void receiver_leaves(struct task *me, struct thread *r)
{
    me->receivers = r->next;
    me->spare--;
}

struct thread *ipc_enter(struct task *service)
{
    struct thread *r = service->receivers;
    if (!r || !deliver_next(r))
        return NULL;
    receiver_leaves(service, r);
    return r;
}

void ipc_receive_again(struct thread *t)
{
    struct thread *c = t->serving ? ipc_held(t->serving, t->task) : NULL;
    if (c)
        deliver(t, c);
    else if (!t->serving)
        deliver_told(t);
    else
        return ipc_receive(t);
    t->task->messages--; /* that message has been counted */
}

static void mail_put(struct task *to, struct mail *m)
{
    m->next = NULL;
    if (to->mail_first)
        to->mail_last->next = m;
    else
        to->mail_first = m;
    to->mail_last = m;
}

/* Something has come: a thread takes it, if the monitor is free. */
static void enter(struct task *to)
{
    struct thread *r = to->active ? NULL : ipc_enter(to);
    if (r)
        sched_ready(r);
}

void ipc_post(struct task *to, struct mail *m)
{
    if (to->refuses) {
        conn_released((struct conn *)((char *)m - offsetof(struct conn, mail)));
        return;
    }
    mail_put(to, m);
    enter(to);
}

void ipc_send(struct thread *t, struct task *to)
{
    if (t->state == THREAD_READY)
        sched_block(t);
    t->call += CALL_NEXT;
    t->slow = 0;
    struct thread *r = to->receivers;
    if (__builtin_expect(r && !to->active && (to->spare > 0 || admits(to, r, idle(to), t->task)),
                         1)) {
        receiver_leaves(to, r);
        deliver(r, t);
        sched_ready(r);
        return;
    }
    t->state = THREAD_QUEUED;
    t->holder = to;
    if (__builtin_expect(to->refuses, 0)) {
        t->state = THREAD_PARKED;
        ipc_finish(t, -ENXIO);
        return;
    }
    t->mail.kind = MAIL_CALL;
    mail_put(to, &t->mail);
}

void ipc_notify(struct task *to, uint64_t bits)
{
    to->pending |= bits;
    enter(to);
}

void ipc_event(struct thread *t, uint64_t op, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3,
               uint64_t w4)
{
    struct personality *p = t->task->personality;
    if (t->task->service || !p) {
        service_fault(t, op, w0, w1, w2);
        return;
    }
    t->event[0] = op;
    t->event[1] = w0, t->event[2] = w1, t->event[3] = w2, t->event[4] = w3, t->event[5] = w4;
    t->kind = CALL_EVENT;
    t->op = op;
    t->words = &t->event[1];
    t->object = t->position = t->flags = 0;
    t->window.kind = WINDOW_NONE;
    ipc_send(t, p->server);
}

void ipc_fault(struct thread *t, enum call_kind kind, vaddr_t address, uint64_t access,
               uint64_t length)
{
    if (t->task->service) {
        /* its memory is always there: it has shown a window that is not, or whom it calls says so
         */
        if (kind == CALL_THROWN)
            ipc_finish(t, -EFAULT);
        else
            service_fault(t, PM_FAULT, 14, access, address);
        return;
    }
    if (t->kind == CALL_EXPIRED) { /* the policy throws its call back: that decides nothing */
        ipc_finish(t, -EINVAL);
        return;
    }
    if (t->conn)
        conn_position_give(t);
    t->event_due = kind == CALL_THROWN && t->kind == CALL_EVENT;
    t->reach = t->progress = 0;
    t->kind = kind;
    t->op = PM_FAULT;
    t->moved[0] = address;
    t->moved[1] = access;
    t->moved[2] = length;
    t->moved[3] = t->regs.rip;
    t->words = t->moved;
    t->object = t->position = t->flags = 0;
    t->window.kind = WINDOW_NONE;
    ipc_send(t, service_pm());
}

void ipc_expired(struct thread *t, struct task *policy, uint64_t used)
{
    t->kind = CALL_EXPIRED;
    t->op = SCHED_EXPIRED;
    t->moved[0] = t->index;
    t->moved[1] = t->priority;
    t->moved[2] = t->task->priority;
    t->moved[3] = used;
    t->moved[4] = t->quantum;
    t->moved[5] = arch_time();
    t->words = t->moved;
    t->object = t->position = t->flags = 0;
    t->window.kind = WINDOW_NONE;
    ipc_send(t, policy);
}

/* The system call that a signal takes the place of: SYS_INTERRUPT found it waiting. */
static void interrupted_call(struct thread *t)
{
    t->interrupted = 0;
    ipc_event(t, KERNEL_SIGNAL, t->regs.rax, t->index, 0, 0, 0);
}

/* A call that is not made again, because it was interrupted or its pages will never be there, has
 * done what it has done. */
static void finish_partly(struct thread *t, uint64_t done)
{
    t->regs.rax = done;
    t->interrupted = 0;
    ipc_event(t, KERNEL_SIGNAL, -1, t->index, 0, 0, 0);
}

void ipc_call_again(struct thread *t)
{
    t->aside = 0;
    if (t->event_due) {
        ipc_event(t, t->event[0], t->event[1], t->event[2], t->event[3], t->event[4], t->event[5]);
    } else if (t->interrupted && t->progress) {
        finish_partly(t, t->progress);
    } else if (t->interrupted) {
        /* nothing has happened yet: the call is made after the signal */
        t->regs.rip -= ARCH_SYSCALL_SIZE;
        finish_partly(t, t->regs.rax);
    } else {
        syscall_dispatch(t);
    }
    t->resumed = 0;
}

/* A thrown call: its pages are there now, or will never be. Then what lies before them is read or
 * written all the same. Whoever has used his quantum up waits for his turn first, for a program
 * that is thrown back again and again runs in no other way. */
static void finish_thrown(struct thread *t, int64_t result)
{
    if (t->event_due && result) {
        ipc_event(t, KERNEL_EXCEPTION, 14, 0, t->moved[0], result, t->index);
        return;
    }
    t->kind = CALL_SYSCALL;
    bool again = !result || t->reach > t->progress;
    if (!again) {
        t->regs.rax = t->progress ? (int64_t)t->progress : result == -ENOMEM ? -ENOMEM : -EFAULT;
        if (t->interrupted)
            finish_partly(t, t->regs.rax);
        else
            sched_ready(t);
        return;
    }
    t->resumed = (result ? CALL_CUT : 0) | (t->progress ? CALL_MOVED : 0);
    if (t->interrupted && !t->event_due) {
        ipc_call_again(t);
        return;
    }
    sched_ready(t);
    if (sched_used_up(t))
        t->aside = 1;
    else
        ipc_call_again(t);
}

/* Whether a program's call that ends so is an error of which a signal tells as well. */
static bool tells(const struct thread *t, int64_t result)
{
    return t->user && (result == -EPIPE || (result == -EFBIG && t->flags & CALL_LIMITED));
}

void ipc_finish_slow(struct thread *t, int64_t result)
{
    if (t->conn)
        conn_position_give(t);
    if (t->kind == CALL_SYSCALL) {
        t->regs.rax = result;
        bool told = tells(t, result);
        if (t->interrupted || told) {
            t->interrupted = 0;
            if (result == -EPIPE && t->flags & CALL_MOVED)
                t->regs.rax = t->words[5];
            ipc_event(t, KERNEL_SIGNAL, -1, t->index, told ? -result : 0, 0, 0);
            return;
        }
        sched_ready(t);
    } else if (t->kind == CALL_THROWN) {
        finish_thrown(t, result);
    } else if (t->kind == CALL_EXPIRED) {
        t->kind = CALL_SYSCALL;
        sched_decide(t, result);
    } else if (t->kind == CALL_FAULT && result) {
        ipc_event(t, KERNEL_EXCEPTION, 14, t->moved[1], t->moved[0], result, t->index);
    } else if (t->interrupted && t->kind == CALL_FAULT) {
        t->interrupted = 0;
        ipc_event(t, KERNEL_SIGNAL, -1, t->index, 0, 0, 0);
    } else {
        t->interrupted = 0;
        t->kind = CALL_SYSCALL;
        sched_ready(t);
    }
}

void ipc_withdraw(struct thread *t)
{
    struct task *to = t->holder;
    if (t->conn)
        conn_withdraw(t);
    if (t->state == THREAD_QUEUED) {
        struct mail *before = NULL;
        for (struct mail *m = to->mail_first; m; before = m, m = m->next) {
            if (m != &t->mail)
                continue;
            mail_out(to, m, before);
            break;
        }
    } else if (t->state == THREAD_RECEIVING) {
        for (struct thread **at = &t->task->receivers; *at; at = &(*at)->next)
            if (*at == t) {
                *at = t->next;
                t->task->spare--;
                break;
            }
    } else if (t->state == THREAD_READY || t->state == THREAD_MONITOR) {
        sched_remove(t);
    }
    t->state = THREAD_PARKED;
}

void ipc_interrupt(struct thread *t)
{
    switch (t->state) {
    case THREAD_READY:
        /* in a run queue, for it is a service that asks: when it comes out of there */
        t->interrupted = 1;
        break;
    case THREAD_QUEUED:
    case THREAD_POSITION:
    case THREAD_HELD:
        if (t->kind == CALL_EVENT)
            break;                     /* it is with its personality already */
        if (t->kind == CALL_EXPIRED) { /* asks again afterwards */
            ipc_withdraw(t);
            t->kind = CALL_SYSCALL;
            t->interrupted = 1;
            if (t->aside)
                ipc_call_again(t);
            else
                finish_partly(t, t->regs.rax);
            break;
        }
        if (t->kind == CALL_SYSCALL && (t->state != THREAD_HELD || t->slow)) {
            ipc_withdraw(t);
            if (t->flags & CALL_MOVED)
                finish_partly(t, t->words[5]);
            else
                interrupted_call(t);
        } else {
            t->interrupted = 1;
        }
        break;
    default: break;
    }
}

void ipc_orphan(struct task *gone)
{
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        struct thread *t = threads[i];
        if (!t || t->state != THREAD_HELD || t->holder != gone)
            continue;
        if (t->connected == t->call)
            conn_close(t->task->conns, t->descriptor); /* the next one gives it another */
        t->state = THREAD_QUEUED;
        t->mail.kind = MAIL_CALL;
        t->call += CALL_NEXT;
        mail_put(gone, &t->mail);
    }
}
