/* The trace ring: every system call and kernel call as it is made, while tracing is on. While it is
 * off, calls enter the kernel by another entry point, which does not test for it. */
#include "trace.h"

#include "arch.h"
#include "kcall.h"
#include "log.h"
#include "panic.h"
#include "mailbox.h"
#include "rights.h"
#include "space.h"
#include <minnow/errno.h>

enum { RECORDS = 4096 };

static struct trace_record ring[RECORDS];
static uint64_t next_record;
/* SYS_TRACE TRACE_TELL: which service is notified at which record; service 0: none. */
static struct {
    uint64_t record;
    endpoint_t service;
} tell;

void trace_call(const struct thread *t)
{
    const struct regs *r = &t->regs;
    ring[next_record % RECORDS] = (struct trace_record){ .time = arch_time(),
                                                         .number = next_record,
                                                         .rax = r->rax,
                                                         .w = { r->rdi, r->rsi, r->rdx },
                                                         .op = r->rbx,
                                                         .from = t->task->endpoint,
                                                         .to = r->rbp,
                                                         .thread = t->index };
    next_record++;
}

void trace_tell(void)
{
    if (!tell.service || next_record <= tell.record)
        return;
    struct task *to = tasks[tell.service];
    tell.service = 0;
    if (to)
        mail_notify(to, 1ul << NOTIFY_TRACE);
}

void trace_sent(const struct thread *t)
{
    struct trace_record *r = &ring[(next_record - 1) % RECORDS];
    bool waits = t->state == THREAD_QUEUED || t->state == THREAD_HELD;
    r->op = t->op;
    r->to = waits ? t->holder->endpoint : 0;
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
    case TRACE_OFF: arch_trace(a[0] == TRACE_ON); return 0;
    case TRACE_CLEAR: next_record = 0; return 0;
    case TRACE_READ: return trace_read(t, a[1], a[2], a[3]);
    case TRACE_TELL:
        tell.record = a[1];
        tell.service = t->task->endpoint;
        return 0;
    default: return -EINVAL;
    }
}
