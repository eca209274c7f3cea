/* The trace ring: every system call and kernel call as it is made, while tracing is on. While it is
 * off, calls enter the kernel by another entry point, which does not test for it. */
#include "trace.h"

#include "arch.h"
#include "kcall.h"
#include "log.h"
#include "panic.h"
#include "mailbox.h"
#include "memory.h"
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

static bool tracing;
static endpoint_t only; /* TRACE_ON */

static struct trace_record *record(uint64_t rax, const struct task *from)
{
    struct trace_record *r = &ring[next_record % RECORDS];
    *r = (struct trace_record){ .time = arch_time(),
                                .number = next_record++,
                                .rax = rax,
                                .from = from->endpoint,
                                .from_word = from->words[0] };
    memcpy(r->name, from->name, sizeof r->name);
    return r;
}

static void goes_to(struct trace_record *r, const struct task *to)
{
    r->to = to ? to->endpoint : 0;
    r->to_word = to ? to->words[0] : 0;
}

/* Whom a service's kernel call reaches; NULL: nobody. */
static const struct task *reached(const struct regs *r)
{
    switch (r->rax) {
    case SYS_CALL:
    case SYS_FORWARD:
    case SYS_FORWARD_RECEIVE: return task_find((uint32_t)r->rbp);
    case SYS_NOTIFY: return task_find(r->rdi);
    case SYS_REPLY:
    case SYS_REPLY_RECEIVE: {
        const struct thread *caller = threads[call_thread(r->rdi) % THREADS_MAX];
        return caller ? caller->task : NULL;
    }
    default: return NULL;
    }
}

/* A record is not asked for: the next one takes its place, unless there is one already. */
static void drop(const struct trace_record *r)
{
    if (only && r->from != only && r->to != only && next_record == r->number + 1)
        next_record--;
}

uint64_t trace_call(const struct thread *t)
{
    const struct regs *regs = &t->regs;
    struct trace_record *r = record(regs->rax, t->task);
    r->w[0] = regs->rdi, r->w[1] = regs->rsi, r->w[2] = regs->rdx, r->w[3] = regs->r10;
    r->op = regs->rbx;
    if (t->task->service) {
        goes_to(r, reached(regs));
        drop(r);
    }
    return r->number;
}

void trace_sent(const struct thread *t, uint64_t number)
{
    struct trace_record *r = &ring[number % RECORDS];
    r->op = t->op;
    if (t->state == THREAD_QUEUED || t->state == THREAD_HELD)
        goes_to(r, t->holder);
    drop(r);
}

void trace_event(enum trace_event event, const struct task *task, uint64_t word)
{
    if (__builtin_expect(tracing, 0))
        record(event, task)->w[0] = word;
}

void trace_asked(const struct thread *t, const struct task *to)
{
    if (__builtin_expect(!tracing, 1))
        return;
    struct trace_record *r = record(TRACE_ASKED, t->task);
    memcpy(r->w, t->words, sizeof r->w);
    r->op = t->op;
    goes_to(r, to);
    drop(r);
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
    case TRACE_OFF:
        tracing = a[0] == TRACE_ON;
        only = a[1];
        arch_trace(tracing);
        return 0;
    case TRACE_CLEAR: next_record = 0; return 0;
    case TRACE_READ: return trace_read(t, a[1], a[2], a[3]);
    case TRACE_TELL:
        tell.record = a[1];
        tell.service = t->task->endpoint;
        return 0;
    default: return -EINVAL;
    }
}
