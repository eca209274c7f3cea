/* The message loop, calls, replies and windows of a service: see service.h. */
#include "service.h"
#include "syscalls.h"

#include <minnow/file.h>

_Static_assert(offsetof(struct message, w) == 24 && offsetof(struct message, label) == 96 &&
                   sizeof(struct message) == 104,
               "stubs.S knows struct message");
_Static_assert(offsetof(union call_frame, w) == 8 && offsetof(union call_frame, object) == 56 &&
                   offsetof(union call_frame, window) == 84 && offsetof(union call_frame, r3) == 16,
               "stubs.S knows union call_frame");
_Static_assert(offsetof(struct reply, r3) == 24, "stubs.S knows struct reply");
_Static_assert(SYS_CALL == 0 && SYS_RECEIVE == 1 && SYS_REPLY_RECEIVE == 3 && SYS_FORWARD == 4 &&
                   SYS_RECEIVE_AGAIN == 5 && SYS_FORWARD_RECEIVE == 6,
               "stubs.S knows the numbers");

/* bytes of a buffer that are brought at once when one page is missing */
enum { THROW_AHEAD = 64 * 1024 };

/* What the loop knows of the call in hand; handlers see the message in it. */
struct ON_STACK work {
    struct message m;
    struct reply reply;
    uint64_t to;  /* FORWARDED: where the call goes, with which window */
    bool missing; /* a copy failed: a page of the window is not there */
    size_t missing_offset, missing_length;
};

/* Copies, since what service_run() was given may be on the stack, which is used anew when the
 * thread is rolled back. */
static OWN struct service service;
static OWN struct protocol by_number[PROTOCOL_COUNT];

static struct work *work_of(struct message *m) { return (struct work *)m; }

void reply_words(struct message *m, uint64_t r1, uint64_t r2, uint64_t r3)
{
    work_of(m)->reply = (struct reply){ 0, r1, r2, r3 };
}

void reply_position(struct message *m, uint64_t position)
{
    work_of(m)->reply.flags |= REPLY_POSITION;
    work_of(m)->reply.r1 = position;
}

void reply_bytes(struct message *m, const void *from, size_t length)
{
    work_of(m)->reply.flags |= REPLY_BYTES;
    work_of(m)->reply.r2 = (uintptr_t)from;
    work_of(m)->reply.r3 = length;
}

struct reply *reply_of(struct message *m) { return &work_of(m)->reply; }

void reply_keep(struct message *m) { work_of(m)->reply.flags |= REPLY_KEEP; }

void *reply_room(struct message *m) { return saved_stack_at((uintptr_t)m)->room; }

int reply_full(call_t c, int64_t result, const struct reply *r)
{
    return sys_reply(c, result, r->flags, r->r1, r->r2, r->r3);
}

int reply(call_t c, int64_t result) { return sys_reply(c, result, 0, 0, 0, 0); }

/* ---- the same answer for all ---- */

int64_t answer_0(struct message *m)
{
    (void)m;
    return 0;
}

int64_t answer_einval(struct message *m)
{
    (void)m;
    return -EINVAL;
}

int64_t answer_espipe(struct message *m)
{
    (void)m;
    return -ESPIPE;
}

int64_t answer_enotty(struct message *m)
{
    (void)m;
    return -ENOTTY;
}

/* ---- the loop ---- */

/* The error of an operation without a handler. A program's call on a descriptor that leads to some
 * other kind of object gets Linux's. */
static int64_t unserved(uint64_t op)
{
    if (op == FS_DENTS || op == FS_DENTS_OLD)
        return -ENOTDIR;
    if (op == FS_ALLOCATE)
        return -ENODEV;
    switch (op_protocol(op)) {
    case PROTOCOL_SOCKET: return -ENOTSOCK;
    case PROTOCOL_EPOLL: return -EINVAL;
    default: return -ENOSYS;
    }
}

static int64_t handle(struct work *w)
{
    uint64_t op = w->m.op;
    const struct protocol *p = &by_number[op_protocol(op) < PROTOCOL_COUNT ? op_protocol(op) : 0];
    handler_t handler = op_protocol(op) < PROTOCOL_COUNT && op_number(op) < p->count
                            ? p->handlers[op_number(op)]
                            : NULL;
    if (!handler)
        return unserved(op);
    w->reply.flags = 0;
    w->missing = false;
    return handler(&w->m);
}

/* Has the rest of the buffer that a read or write named brought at once, up to THROW_AHEAD; or up
 * to as much as has been moved in vain, so that all tries together cost no more than twice the
 * work. */
static void throw_missing(struct work *w)
{
    size_t length = w->missing_length, rest = 0;
    if (w->m.w[2] > w->missing_offset)
        rest = MIN(w->m.w[2] - w->missing_offset, MAX(w->missing_offset, (uint64_t)THROW_AHEAD));
    throw_back(w->m.call, w->missing_offset, MAX(length, rest));
}

static void kernel_message(const struct message *m)
{
    if (m->op == KERNEL_NOTIFY && service.notify)
        service.notify(m->w[0]);
    else if (m->op == KERNEL_RELEASE && service.release)
        service.release(m);
}

static _Noreturn void loop(struct work *w)
{
    for (;;) {
        if (!w->m.call) {
            kernel_message(&w->m);
            message_receive(&w->m);
            continue;
        }
        int64_t result = handle(w);
        if (__builtin_expect(result == LATER, 0)) {
            message_receive(&w->m);
        } else if (result == FORWARDED) {
            message_forward_receive(&w->m, w->to);
        } else if (__builtin_expect(result == -EFAULT && w->missing, 0)) {
            throw_missing(w);
            message_receive(&w->m);
        } else {
            message_reply_receive(&w->m, result, &w->reply);
        }
    }
}

static _Noreturn void serve(void *unused)
{
    (void)unused;
    struct work w;
    message_receive(&w.m);
    loop(&w);
}

void serve_again(void)
{
    struct work w;
    bool fails = request_fails; /* read now: other threads may run while the receive waits */
    message_receive_again(&w.m);
    if (!fails)
        loop(&w);
    print("what it received has ended it twice and fails: operation %lx from %lx", w.m.op,
          w.m.from);
    if (w.m.call)
        reply(w.m.call, -EIO);
    serve(NULL);
}

void service_run(const struct service *s)
{
    uint32_t protocols = 0;
    service = *s;
    for (unsigned i = 0; i < s->count; i++) {
        by_number[s->protocols[i].number] = s->protocols[i];
        protocols |= 1u << s->protocols[i].number;
    }
    for (unsigned i = 1; i < s->threads; i++)
        if (thread_start(serve, NULL) < 0)
            die("no memory for %u threads", s->threads);
    void *shadow = stack_shadow();
    if (!shadow)
        die("no memory to save stacks in");
    stack_prepare((uintptr_t)__builtin_frame_address(0), ask_self() >> 32, shadow, NULL, NULL);
    recovery_register(protocols, s->threads);
    serve(NULL);
}

/* ---- calls ---- */

int64_t call_window(endpoint_t to, const struct call_args *a, enum window window, void *buffer,
                    size_t length, struct call_result *r)
{
    union call_frame f = {
        .op = a->op,
        .w = { a->w0, (uint64_t)buffer, length, a->w3, a->w4, a->w5 },
        .object = a->object,
        .position = a->position,
        .flags = a->flags,
        .to = to,
        .window = window,
    };
    int64_t result = message_call(&f);
    if (r)
        *r = (struct call_result){ result, f.r1, f.r2, f.r3 };
    return result;
}

int64_t call(endpoint_t to, uint64_t op, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
    union call_frame f = { .op = op, .w = { w0, w1, w2, w3 }, .to = to };
    return message_call(&f);
}

int64_t call_object(endpoint_t to, uint64_t op, uint64_t object, uint64_t w1, uint64_t w2,
                    uint64_t w3)
{
    union call_frame f = { .op = op, .w = { 0, w1, w2, w3 }, .object = object, .to = to };
    return message_call(&f);
}

int forward(struct message *m, endpoint_t to) { return message_forward(m, to); }

int64_t hand_over(struct message *m, endpoint_t to, enum window window)
{
    work_of(m)->to = to | (uint64_t)window << 32;
    return FORWARDED;
}

void notify(endpoint_t to, unsigned bit) { ask_notify(to, 1ul << bit); }

int64_t connect(struct message *m, uint64_t object, uint64_t flags)
{
    return sys_connect(m->call, object, flags);
}

void connection_errors(const struct message *m, uint32_t number)
{
    ask_conn_errors(m->call, number);
}

bool call_alive(call_t c) { return ask_call_alive(c) == 1; }

uint32_t call_user(call_t c) { return ask_call_user(c); }
bool call_privileged(call_t c) { return ask_call_user(c) >> 32 & 1; }

/* ---- windows ---- */

int copy_in_call(call_t c, size_t offset, void *to, size_t length)
{
    int64_t n = ask_copy(c, offset, to, length, COPY_FROM_CALLER);
    return n < 0 ? (int)n : 0;
}

int copy_out_call(call_t c, size_t offset, const void *from, size_t length)
{
    int64_t n = ask_copy(c, offset, (void *)from, length, COPY_TO_CALLER);
    return n < 0 ? (int)n : 0;
}

static int note_missing(struct message *m, int error, size_t offset, size_t length)
{
    struct work *w = work_of(m);
    if (error == -EFAULT) {
        w->missing = true;
        w->missing_offset = offset;
        w->missing_length = length;
    }
    return error;
}

int copy_in(struct message *m, size_t offset, void *to, size_t length)
{
    int error = copy_in_call(m->call, offset, to, length);
    return __builtin_expect(error, 0) ? note_missing(m, error, offset, length) : 0;
}

int copy_out(struct message *m, size_t offset, const void *from, size_t length)
{
    int error = copy_out_call(m->call, offset, from, length);
    return __builtin_expect(error, 0) ? note_missing(m, error, offset, length) : 0;
}

void throw_back(call_t c, size_t offset, size_t length) { sys_throw(c, offset, length); }

void call_moved(call_t c, size_t bytes) { sys_moved(c, bytes); }

/* Copies in pieces that do not cross a page of the caller's: the page behind the string may not be
 * there. */
int copy_string(struct message *m, size_t offset, char *to, size_t size)
{
    enum { PIECE = 64 };
    caller_t base = m->w[1] + offset;
    for (size_t have = 0; have < size;) {
        size_t piece = MIN(size - have, PIECE - (base + have) % PIECE);
        int error = copy_in(m, offset + have, to + have, piece);
        if (error)
            return error;
        const char *end = memchr(to + have, 0, piece);
        if (end)
            return end - to;
        have += piece;
    }
    return -ENAMETOOLONG;
}
