/* System calls: those of programs, by the routing table of their personality, and those of
 * services, which are the kernel calls of minnow/kcalls.def. */
#include "syscall.h"

#include "arch.h"
#include "conn.h"
#include "ipc.h"
#include "kcall.h"
#include "rights.h"
#include "sched.h"
#include "service.h"
#include "window.h"
#include <minnow/errno.h>
#include <minnow/file.h>
#include <minnow/protocol.h>

/* ---- kernel calls ---- */

/* Kernel calls that need no right of enum rights, and those that programs may make. No manifest
 * grants these bits. */
enum { RIGHT_ANY = 0, RIGHT_BOTH = 1 << 29, RIGHT_PROGRAM = 1 << 30 };

/* The kernel calls by number, but for those that move messages (native_call). */
static const struct kcall {
    int64_t (*function)(struct thread *t, const uint64_t *a);
    uint32_t right;
} kcalls[SYS_COUNT_] = {
#define KCALL(NAME, name, number, right, ...) [SYS_##NAME] = { sys_##name, RIGHT_##right },
#define MESSAGE(NAME, name, ...)
#include <minnow/kcalls.def>
};

/* Makes a kernel call for a service's thread, if its rights suffice. Its result, or -EPERM,
 * -ENOSYS. */
static inline int64_t kcall(struct thread *t, uint64_t number)
{
    if (__builtin_expect(number >= SYS_COUNT_, 0))
        return -ENOSYS;
    const struct kcall *k = &kcalls[number];
    uint32_t lacks = k->right & ~(t->task->rights.rights | RIGHT_BOTH);
    if (__builtin_expect(lacks, 0))
        return lacks == RIGHT_PROGRAM ? -ENOSYS : -EPERM;
    return k->function(t, &t->regs.rdi);
}

/* The same for a program's thread, to which a route has named the call. */
static inline int64_t kcall_by_route(struct thread *t, uint64_t number)
{
    if (number >= SYS_COUNT_ || !(kcalls[number].right & (RIGHT_BOTH | RIGHT_PROGRAM)))
        return -ENOSYS;
    return kcalls[number].function(t, &t->regs.rdi);
}

/* ---- programs ---- */

static void shift_arguments(struct thread *t)
{
    const struct regs *r = &t->regs;
    t->moved[0] = (uint64_t)AT_FDCWD;
    t->moved[1] = r->rdi;
    t->moved[2] = r->rsi;
    t->moved[3] = r->rdx;
    t->moved[4] = r->r10;
    t->moved[5] = r->r8;
    t->words = t->moved;
}

/* Puts the arguments, and constants, into the order in which an operation has its words. */
static __attribute__((noinline)) void arrange_words(struct thread *t, const struct route *r)
{
    const uint64_t constant[] = { 0, (uint64_t)AT_FDCWD, r->value, t->mask };
    uint32_t words = r->words;
    for (unsigned i = 0; i < 6; i++, words >>= 4) {
        unsigned n = words & 15;
        t->moved[i] = n < WORD_ZERO ? (&t->regs.rdi)[n] : constant[n - WORD_ZERO];
    }
    t->words = t->moved;
}

/* An iovec counts as one long buffer: its total takes the place of a read's length, in t->moved[2].
 * false: the call has ended, or has faulted. */
static bool open_iovec(struct thread *t)
{
    uint64_t total;
    vaddr_t missing;
    int error = window_total(t, &total, &missing);
    if (error == -EFAULT && t->user) {
        ipc_fault(t, CALL_THROWN, missing, PM_FAULT_CALL, 16);
        return false;
    }
    if (error) {
        t->regs.rax = error;
        return false;
    }
    copy_words(t->moved, &t->regs.rdi);
    t->moved[2] = total < TRANSFER_MAX ? total : TRANSFER_MAX;
    t->words = t->moved;
    return true;
}

/* Adds the task's limit of file sizes to a call that may make a file longer. */
static __attribute__((noinline)) void limit_size(struct thread *t)
{
    if (t->words != t->moved)
        copy_words(t->moved, t->words);
    t->words = t->moved;
    t->moved[LIMIT_WORD] = t->task->file_size;
}

/* lseek() where it is no more than arithmetic: to a position that any file may have. false: it is
 * not, or another call holds the position. */
static bool seek(struct thread *t, struct conn *c)
{
    uint32_t whence = t->words[2];
    uint64_t to = t->words[1] + (whence == SEEK_CUR ? c->position : 0);
    if (whence > SEEK_HOLE)
        to = -EINVAL;
    else if (whence > SEEK_CUR || !(c->flags & CONN_SEEKABLE) || c->busy || to > SEEK_SURE)
        return false;
    else
        c->position = to;
    t->regs.rax = to;
    return true;
}

enum { TAKES_OFFSETS = CONN_SEEKABLE | CONN_OFFSETS };

/* Why a call may not use a descriptor with the open file c, NULL: none. What is wrong with its
 * offset goes before what is wrong with the access; and a file that is not open for writing is
 * EINVAL to ftruncate() alone. */
static __attribute__((noinline)) int64_t refusal(const struct thread *t, const struct route *r,
                                                 const struct conn *c)
{
    if (r->op == FS_TRUNCATE && c && !(c->flags & O_PATH))
        return -EINVAL;
    if (!(r->flags & ROUTE_OFFSET))
        return -EBADF;
    if ((int64_t)t->words[3] < 0)
        return -EINVAL;
    return c && !(c->flags & (O_PATH | TAKES_OFFSETS)) ? -ESPIPE : -EBADF;
}

/* The descriptor in the first argument becomes object, position and flags of the request. Returns
 * the service to send it to; NULL: the call has ended with an error, or waits for the position. */
static struct task *route_connection(struct thread *t, const struct route *r)
{
    struct conn *c = conn_get(t->task->conns, t->words[0]);
    if (__builtin_expect(!c || c->flags & O_PATH, 0)) {
        t->regs.rax = refusal(t, r, c);
        return NULL;
    }
    uint32_t access = c->flags & O_ACCMODE;
    uint64_t more = t->resumed;
    if (__builtin_expect(r->flags & t->task->stops >> 8 * access, 0)) {
        if (r->flags & STOPS_DENIED >> 8 * access) {
            t->regs.rax = refusal(t, r, c);
            return NULL;
        }
        limit_size(t);
        more |= CALL_LIMITED;
    }
    if (r->flags & ROUTE_SEEKS && seek(t, c))
        return NULL;
    t->object = c->object;
    t->position = c->position;
    t->flags = c->flags | c->errors | more;
    if (r->flags & ROUTE_OFFSET) {
        t->position = t->words[3];
        if (!(c->flags & TAKES_OFFSETS) ||
            (int64_t)(t->position | (t->position + t->words[2])) < 0) {
            t->regs.rax = c->flags & TAKES_OFFSETS ? -EINVAL : refusal(t, r, c);
            return NULL;
        }
    } else if (r->flags & ROUTE_POSITION && c->flags & CONN_SEEKABLE) {
        if (!conn_position_take(c, t)) {
            sched_block(t);
            t->state = THREAD_POSITION;
            return NULL;
        }
    }
    return tasks[c->service];
}

/* Adds to a call that is being made again what was done before. With CALL_CUT its window ends where
 * the caller's memory does, for calls that move bytes and say how many. false: another kind of
 * call, which has ended with -EFAULT. */
static bool resume(struct thread *t, const struct route *r)
{
    if (t->words != t->moved)
        copy_words(t->moved, t->words);
    t->words = t->moved;
    if (t->resumed & CALL_MOVED)
        t->moved[MOVED_WORD] = t->progress;
    if (r->kind == ROUTE_PERSONALITY)
        t->position |= t->resumed & CALL_MOVED;
    if (!(t->resumed & CALL_CUT))
        return true;
    if (r->kind != ROUTE_CONNECTION ||
        (r->op != FS_READ && r->op != FS_WRITE && r->op != FS_DENTS && r->op != FS_DENTS_OLD)) {
        t->regs.rax = t->resumed & CALL_MOVED ? (int64_t)t->progress : -EFAULT;
        return false;
    }
    if (t->moved[2] > t->reach)
        t->moved[2] = t->reach;
    if (!(t->window.kind & WINDOW_IOVEC))
        t->window.length = t->moved[2];
    return true;
}

/* Finds where a route leads. true: *to will receive the call, unless the route goes by a
 * descriptor: then route_connection() finds the service. false: the call has ended, without a
 * message. */
static inline bool route_leads(struct thread *t, struct personality *p, const struct route *r,
                               struct task **to)
{
    uint64_t n = t->regs.rax;
    t->op = r->op;
    switch (r->kind) {
    case ROUTE_CONSTANT: t->regs.rax = t->task->words[r->op % TASK_WORDS]; return false;
    case ROUTE_VALUE:
        if (r->flags & ROUTE_COUNTED)
            p->missed[r - p->routes]++;
        t->regs.rax = -(int64_t)r->op;
        return false;
    case ROUTE_KERNEL: {
        int64_t result = kcall_by_route(t, r->op);
        if (__builtin_expect(t->op != KERNEL_SYSCALL, 1)) {
            t->regs.rax = result;
            return false;
        }
    }
        /* fall through */
    case ROUTE_PERSONALITY:
        *to = p->server;
        t->object = t->mask;
        t->position = n;
        t->flags = t->regs.rsp;
        break;
    case ROUTE_SERVICE:
        *to = tasks[r->to];
        t->object = t->position = t->flags = 0;
        break;
    case ROUTE_REPORTED: ipc_entry(t); return false;
    }
    return true;
}

/* Opens the window that a route describes: which arguments are its address and its length. false:
 * the call has ended, or is thrown back. */
static inline bool route_window(struct thread *t, const struct route *r)
{
    t->window.base = t->words[r->base];
    t->window.length = r->length == WINDOW_FIXED ? r->bytes : t->words[r->length];
    if (r->window & WINDOW_IOVEC)
        return open_iovec(t);
    if (__builtin_expect(t->window.length > TRANSFER_MAX, 0)) {
        copy_words(t->moved, t->words);
        t->window.length = t->moved[r->length] = TRANSFER_MAX;
        t->words = t->moved;
    }
    return true;
}

static void program_call(struct thread *t, struct personality *p)
{
    uint64_t n = t->regs.rax;
    const struct route *r = &p->routes[n < ROUTES_MAX ? n : ROUTES_MAX - 1];
    struct task *to = NULL;
    t->kind = CALL_SYSCALL;
    t->words = &t->regs.rdi;
    t->window.kind = r->window;
    if (!route_leads(t, p, r, &to))
        return;
    if (r->flags & (ROUTE_AT | ROUTE_WORDS)) {
        if (r->flags & ROUTE_AT)
            shift_arguments(t);
        else if (r->kind != ROUTE_CONNECTION)
            arrange_words(t, r);
    }
    if (r->window && !route_window(t, r))
        return;
    if (__builtin_expect(t->resumed != 0, 0) && !resume(t, r))
        return;
    if (r->kind == ROUTE_CONNECTION) {
        if (!(to = route_connection(t, r)))
            return;
        if (__builtin_expect(r->flags & ROUTE_WORDS, 0)) /* the descriptor need not be among them */
            arrange_words(t, r);
    }
    if (__builtin_expect(!to, 0)) {
        if (t->conn)
            ipc_position_give(t);
        t->regs.rax = -ENXIO;
        return;
    }
    ipc_send(t, to);
}

/* ---- services ---- */

static __attribute__((noinline)) void call_refused(struct thread *t)
{
    t->regs.rax = -EPERM;
    t->regs.rdi = t->regs.rbp; /* the slot, for service_violation() */
    service_violation(t, SYS_CALL);
}

static void service_call(struct thread *t)
{
    struct regs *r = &t->regs;
    bool may = may_call(t->task, r->rbp, r->r12);
    struct task *to = may ? tasks[r->rbp] : NULL;
    if (__builtin_expect(!to || to == t->task, 0)) {
        r->rax = -ENXIO;
        if (!may)
            call_refused(t);
        return;
    }
    t->kind = CALL_SYSCALL;
    t->words = &r->rdi;
    t->op = r->rbx;
    t->object = r->r12;
    t->position = r->r13;
    t->flags = r->r14;
    t->window.base = r->rsi;
    t->window.length = r->rdx;
    t->window.kind = r->r15 & (WINDOW_INOUT | WINDOW_IOVEC);
    if (t->window.kind & WINDOW_IOVEC && !open_iovec(t))
        return;
    ipc_send(t, to);
}

/* What SYS_REPLY's arguments change in the caller, beside its result. */
static inline void reply_extras(struct thread *c, uint64_t flags, uint64_t r1, uint64_t r2,
                                uint64_t r3)
{
    if (__builtin_expect(flags, 0)) {
        if (flags & REPLY_POSITION && c->conn)
            c->conn->position = r1;
        if (flags & REPLY_KEEP && c->kind == CALL_SYSCALL)
            c->kind = CALL_EVENT;
        if (flags & REPLY_QUIET)
            c->flags |= CALL_QUIET;
        if (flags & REPLY_MASK && c->user && c->holder->rights.rights & RIGHT_POSIX) {
            c->mask = r1 & ~c->task->personality->never_masked;
            c->waits = (flags & REPLY_WAITS) != 0;
            c->context_up = (flags & REPLY_CONTEXT_UP) != 0;
        }
    }
    if (!c->user) {
        c->regs.rdi = r1;
        c->regs.rsi = r2;
        c->regs.rdx = r3;
    }
}

int64_t sys_reply(struct thread *t, const uint64_t *a)
{
    struct thread *c = mail_held(a[0], t->task);
    if (!c)
        return -ESRCH;
    reply_extras(c, a[2], a[3], a[4], a[5]);
    ipc_finish(c, a[1]);
    return 0;
}

/* The same for a reply that brings bytes to c's window. */
static __attribute__((noinline)) void reply_bytes(struct thread *t, struct thread *c)
{
    const struct regs *r = &t->regs;
    uint64_t length = r->r9;
    int64_t result = r->rsi, copied = window_copy(c, 0, t->space, r->r8, length, true);
    if (__builtin_expect(copied >= 0, 1))
        reply_extras(c, r->rdx, r->r10, r->r8, r->r9);
    mail_receive(t);
    if (__builtin_expect(copied == -EFAULT, 0))
        window_throw(c, 0, length);
    else
        ipc_finish(c, copied < 0 ? copied : result);
}

/* SYS_REPLY_RECEIVE. Receives first, so that the processor is free, and the caller runs at once,
 * when its call ends. The reply is copied before, since receiving overwrites its registers. */
static inline void reply_receive(struct thread *t)
{
    const struct regs *r = &t->regs;
    struct thread *c = mail_held(r->rdi, t->task);
    int64_t result = r->rsi;
    if (__builtin_expect(r->rdx & REPLY_BYTES && c && result >= 0, 0)) {
        reply_bytes(t, c);
        return;
    }
    if (__builtin_expect(c != NULL, 1))
        reply_extras(c, r->rdx, r->r10, r->r8, r->r9);
    mail_receive(t);
    if (__builtin_expect(c != NULL, 1))
        ipc_finish(c, result);
}

/* What t, which forwards, has in its registers beside the message: the caller (NULL: t does not
 * hold that call), the destination (NULL: there is none), and the window. */
static inline struct thread *forward_caller(const struct thread *t)
{
    return mail_held(t->regs.r15, t->task);
}
static inline struct task *forward_to(const struct thread *t)
{
    uint32_t slot = t->regs.rbp;
    return slot < MAX_SERVICE ? tasks[slot] : NULL;
}
static inline uint32_t forward_window(const struct thread *t) { return t->regs.rbp >> 32; }

/* Makes the message in t's registers the request of c. 0, -EPERM, -ESRCH, -ENXIO. */
static inline int64_t forward_fill(struct thread *t, struct thread *c, struct task *to)
{
    const struct regs *r = &t->regs;
    uint32_t slot = r->rbp;
    if (!may_call(t->task, slot, r->r12) &&
        !(slot < MAX_SERVICE && t->task->rights.may_notify >> slot & 1))
        return -EPERM;
    if (forward_window(t) && !(t->task->rights.rights & RIGHT_CALLER))
        return -EPERM;
    if (!c)
        return -ESRCH;
    if (!to)
        return -ENXIO;
    copy_words(c->moved, &r->rdi);
    c->words = c->moved;
    c->op = r->rbx;
    c->object = r->r12;
    c->position = r->r13;
    c->flags = r->r14;
    if (forward_window(t)) {
        c->window.base = r->rsi;
        c->window.length = r->rdx;
        c->window.kind = forward_window(t) & WINDOW_INOUT;
    }
    return 0;
}

static int64_t forward(struct thread *t)
{
    struct thread *c = forward_caller(t);
    struct task *to = forward_to(t);
    int64_t error = forward_fill(t, c, to);
    if (!error)
        ipc_send(c, to);
    return error;
}

/* t has tried to forward what it may not: c's call ends. A violation may freeze the service, so t
 * receives nothing, but finds an empty notification in its registers when it goes on. */
static __attribute__((noinline)) void forward_refused(struct thread *t, struct thread *c)
{
    if (c)
        ipc_finish(c, -ENXIO);
    service_violation(t, SYS_FORWARD_RECEIVE);
    t->regs.rax = t->regs.rdi = 0;
    t->regs.rbx = KERNEL_NOTIFY;
}

/* SYS_FORWARD_RECEIVE. Receives first, as reply_receive() does. */
static void forward_receive(struct thread *t)
{
    struct thread *c = forward_caller(t);
    struct task *to = forward_to(t);
    int64_t error = forward_fill(t, c, to);
    if (__builtin_expect(error == -EPERM, 0)) {
        forward_refused(t, c);
        return;
    }
    mail_receive(t);
    if (__builtin_expect(!error, 1))
        ipc_send(c, to);
    else if (c)
        ipc_finish(c, -ENXIO);
}

/* Calls that have a result of their own. */
static void result_call(struct thread *t)
{
    uint64_t n = t->regs.rax;
    int64_t result = n == SYS_FORWARD ? forward(t) : kcall(t, n);
    t->regs.rax = result;
    if (__builtin_expect(result == -EPERM, 0))
        service_violation(t, n);
}

static void native_call(struct thread *t)
{
    switch (t->regs.rax) {
    case SYS_CALL: service_call(t); return;
    case SYS_REPLY_RECEIVE: reply_receive(t); return;
    case SYS_FORWARD_RECEIVE: forward_receive(t); return;
    case SYS_RECEIVE: mail_receive(t); return;
    case SYS_RECEIVE_AGAIN: mail_receive_again(t); return;
    case SYS_EXIT: sys_exit(t, &t->regs.rdi); return; /* t may be gone now */
    default: result_call(t);
    }
}

void syscall_dispatch(struct thread *t)
{
    if (t->user)
        program_call(t, t->personality);
    else
        native_call(t);
}
