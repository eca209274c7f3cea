/* The trace ring of messages: every system call and kernel call as it is made, while tracing is on.
 * When it is off, calls enter the kernel by a way that does not know of it. */
#include "trace.h"

#include "arch.h"
#include "conn.h"
#include "ipc.h"
#include "kcall.h"
#include "log.h"
#include "space.h"
#include <minnow/errno.h>

enum { RECORDS = 4096 };

static struct trace_record ring[RECORDS];
static uint64_t next_record;
/* 0: nobody */
static struct {
    uint64_t record;
    endpoint_t service;
} tell;

/* Where a program's call will go, by its route. */
static void program_target(const struct thread *t, struct trace_record *r)
{
    uint64_t n = t->regs.rax;
    const struct personality *p = t->task->personality;
    const struct route *route = &p->routes[n < ROUTES_MAX ? n : ROUTES_MAX - 1];
    r->op = route->op;
    if (route->kind == ROUTE_SERVICE) {
        r->to = route->to;
    } else if (route->kind == ROUTE_CONNECTION) {
        const struct conn *c = conn_get(t->task->conns, t->regs.rdi);
        r->to = c ? c->service : 0;
    } else if (route->kind == ROUTE_PERSONALITY) {
        r->to = p->server->endpoint;
    }
}

static void service_target(const struct thread *t, struct trace_record *r)
{
    const struct regs *g = &t->regs;
    switch (g->rax) {
    case SYS_CALL:
    case SYS_FORWARD:
        r->op = g->rbx;
        r->to = g->rbp;
        r->call = g->rax == SYS_FORWARD ? g->r15 : 0;
        break;
    case SYS_REPLY:
    case SYS_REPLY_RECEIVE: {
        const struct thread *c = threads[g->rdi & (THREADS_MAX - 1)];
        r->call = g->rdi;
        r->result = g->rsi;
        r->to = c && c->call == g->rdi ? c->task->endpoint : 0;
        break;
    }
    case SYS_NOTIFY: r->to = g->rdi; break;
    case SYS_COPY:
    case SYS_THROW:
    case SYS_CONNECT: r->call = g->rdi; break;
    }
}

void trace_call(struct thread *t)
{
    struct trace_record *r = &ring[next_record % RECORDS];
    *r = (struct trace_record){ .time = arch_time(),
                                .number = next_record,
                                .rax = t->regs.rax,
                                .from = t->task->endpoint,
                                .thread = t->index,
                                .w = { t->regs.rdi, t->regs.rsi, t->regs.rdx } };
    if (t->task->personality)
        program_target(t, r);
    else
        service_target(t, r);
    next_record++;
    if (tell.service && next_record > tell.record) {
        struct task *to = tasks[tell.service];
        tell.service = 0;
        if (to)
            ipc_notify(to, 1ul << NOTIFY_TRACE);
    }
}

static int64_t trace_read(struct thread *t, uint64_t from, vaddr_t to, uint64_t bytes)
{
    uint64_t oldest = next_record > RECORDS ? next_record - RECORDS : 0, done = 0;
    for (from = from < oldest ? oldest : from; from < next_record && done + sizeof ring[0] <= bytes;
         from++, done += sizeof ring[0])
        if (space_write(t->space, to + done, &ring[from % RECORDS], sizeof ring[0]) < 0)
            return -EFAULT;
    return done;
}

int64_t sys_trace(struct thread *t, const uint64_t *a)
{
    if (!has_right(t, a[0] == TRACE_DUMP ? RIGHT_DUMP : RIGHT_INFO))
        return -EPERM;
    switch (a[0]) {
    case TRACE_DUMP: {
        bool before = log_to_serial;
        log_to_serial = true;
        dump_waits();
        log_to_serial = before;
        return 0;
    }
    case TRACE_ON:
    case TRACE_OFF: trace_entry(a[0] == TRACE_ON); return 0;
    case TRACE_CLEAR: next_record = 0; return 0;
    case TRACE_READ: return trace_read(t, a[1], a[2], a[3]);
    case TRACE_TELL:
        tell.record = a[1];
        tell.service = t->task->endpoint;
        return 0;
    default: return -EINVAL;
    }
}
