/* The system calls on sockets. Each family has a service of its own, behind whose descriptors read,
 * write, poll and close go straight there, as with pipes. What comes here is calls with structures
 * in structures, which this file reads, and calls for which the service must know who makes them.
 */
#include "handlers.h"

#include "syscalls.h"
#include "user_memory.h"
#include <minnow/file.h>
#include <minnow/socket.h>

enum { SOCKET_FLAGS = O_CLOEXEC | O_NONBLOCK, TYPE_MASK = 15, VALUE_MAX = 64, NAME_ROOM = 128 };

struct family {
    uint32_t number;
    uint32_t protocol; /* the only one beside 0 */
    uint32_t types;    /* a bit for each SOCK_... that it has */
    const char *service;
};
static const struct family families[] = {
    { AF_UNIX, 1, 1 << SOCK_STREAM, "local" },
};

/* ---- new sockets ---- */

/* What socket() and socketpair() have been asked for. NULL: *error says why not. */
static const struct family *family_asked(const struct message *m, int64_t *error)
{
    uint32_t family = m->w[0], type = m->w[1] & TYPE_MASK, protocol = m->w[2];
    const struct family *f = families;
    *error = -EINVAL;
    if ((uint32_t)m->w[1] & ~(uint32_t)(TYPE_MASK | SOCKET_FLAGS))
        return NULL;
    *error = -EAFNOSUPPORT;
    if (family >= AF_FAMILIES)
        return NULL;
    *error = -EINVAL;
    if (type >= SOCK_TYPES)
        return NULL;
    *error = -EAFNOSUPPORT;
    while (f < families + ARRAY_SIZE(families) && f->number != family)
        f++;
    if (f == families + ARRAY_SIZE(families))
        return NULL;
    *error = -EPROTONOSUPPORT;
    if (protocol && protocol != f->protocol)
        return NULL;
    *error = -ESOCKTNOSUPPORT;
    return f->types >> type & 1 ? f : NULL;
}

/* Forwards t's call m, whose other words are set, as operation op, with who makes it. */
static int64_t pass(struct thread *t, struct message *m, uint64_t op, endpoint_t to,
                    enum window window)
{
    const struct process *p = t->process;
    m->op = op;
    m->w[4] = p->i.pid;
    m->w[5] = (uint64_t)p->i.euid << 32 | p->i.egid;
    m->position = 0;
    thread_gone(t);
    return hand_over(m, to, window);
}

static int64_t make(struct thread *t, struct message *m, uint64_t op, caller_t pair)
{
    int64_t error;
    const struct family *f = family_asked(m, &error);
    if (!f)
        return error;
    uint64_t flags = m->w[1] & SOCKET_FLAGS;
    m->w[0] = m->w[1] & TYPE_MASK;
    m->w[1] = pair;
    m->w[2] = pair ? 2 * sizeof(int32_t) : 0;
    m->w[3] = flags;
    return pass(t, m, op, service_find(f->service), op == SOCKET_PAIR ? WINDOW_INOUT : WINDOW_NONE);
}

int64_t linux_socket(struct thread *t, struct message *m) { return make(t, m, SOCKET_CREATE, 0); }
int64_t linux_socketpair(struct thread *t, struct message *m)
{
    return make(t, m, SOCKET_PAIR, m->w[3]);
}

/* ---- what is behind a descriptor ---- */

/* The socket behind t's descriptor. 0, -EBADF, -ENOTSOCK. */
static int64_t behind(struct thread *t, uint32_t descriptor, struct conn_info *c)
{
    if (ask_conn_get(t->call, descriptor, c) < 0 || c->flags & O_PATH)
        return -EBADF;
    for (unsigned i = 0; i < ARRAY_SIZE(families); i++)
        if (service_find(families[i].service) == c->service)
            return 0;
    return -ENOTSOCK;
}

/* Passes m on to the socket behind its descriptor, with the window over w1, w2. */
static int64_t pass_socket(struct thread *t, struct message *m, uint64_t op,
                           const struct conn_info *c, enum window window)
{
    m->object = c->object;
    m->flags = c->flags;
    return pass(t, m, op, c->service, window);
}

/* Asks the socket for bytes, or gives it some. As call_window(). */
static int64_t ask(const struct conn_info *c, uint64_t op, uint64_t what, enum window window,
                   void *buffer, size_t length, uint64_t w3)
{
    return call_window(c->service,
                       &(struct call_args){
                           .op = op, .w0 = what, .w3 = w3, .object = c->object, .flags = c->flags },
                       window, buffer, length, NULL);
}

/* Writes a value of `length` bytes to `to`, cut to the room that the program's variable at `room`
 * says, and its length there. 0, or as user_write(). */
static int64_t value_out(struct thread *t, caller_t to, caller_t room, const void *value,
                         int64_t length, bool whole)
{
    int32_t have;
    int64_t error = user_read(t, room, &have, sizeof have);
    if (error)
        return error;
    if (have < 0)
        return -EINVAL;
    int32_t copied = MIN((int64_t)have, length), told = whole ? (int32_t)length : copied;
    if (copied && (error = user_write(t, to, value, copied)))
        return error;
    return user_write(t, room, &told, sizeof told);
}

static int64_t name(struct thread *t, struct message *m, bool peer)
{
    struct conn_info c;
    char address[NAME_ROOM];
    int64_t length = behind(t, m->w[0], &c);
    if (!length)
        length = ask(&c, SOCKET_NAME, peer, WINDOW_OUT, address, sizeof address, 0);
    if (t->dead)
        return LATER;
    return length < 0 ? length : value_out(t, m->w[1], m->w[2], address, length, true);
}

int64_t linux_getsockname(struct thread *t, struct message *m) { return name(t, m, false); }
int64_t linux_getpeername(struct thread *t, struct message *m) { return name(t, m, true); }

/* ---- options ---- */

int64_t linux_getsockopt(struct thread *t, struct message *m)
{
    struct conn_info c;
    char value[VALUE_MAX];
    int32_t room;
    int64_t result = behind(t, m->w[0], &c);
    if (!result && (uint32_t)m->w[1] != SOL_SOCKET)
        result = -EOPNOTSUPP;
    if (!result)
        result = user_read(t, m->w[4], &room, sizeof room);
    if (!result && room < 0)
        result = -EINVAL;
    /* asked for last: an error is told once */
    if (!result && !(result = user_probe(t, m->w[4], sizeof room)) && room)
        result = user_probe(t, m->w[3], MIN(room, VALUE_MAX));
    if (result)
        return result;
    int64_t length = ask(&c, SOCKET_OPTION, (uint32_t)m->w[2], WINDOW_OUT, value, sizeof value, 0);
    if (t->dead)
        return LATER;
    return length < 0 ? length : value_out(t, m->w[3], m->w[4], value, length, false);
}

int64_t linux_setsockopt(struct thread *t, struct message *m)
{
    struct conn_info c;
    char value[VALUE_MAX];
    int32_t length = m->w[4];
    int64_t result = behind(t, m->w[0], &c);
    if (!result && length < 0)
        result = -EINVAL;
    if (!result && (uint32_t)m->w[1] != SOL_SOCKET)
        result = -EOPNOTSUPP;
    length = MIN(length, VALUE_MAX);
    if (!result && length)
        result = user_read(t, m->w[3], value, length);
    if (result)
        return result;
    return ask(&c, SOCKET_OPTION_SET, (uint32_t)m->w[2], WINDOW_IN, value, length,
               !t->process->i.euid);
}

/* ---- sending and receiving ---- */

int64_t linux_sendto(struct thread *t, struct message *m)
{
    struct conn_info c;
    int64_t error = behind(t, m->w[0], &c);
    if (error)
        return error;
    if (m->w[4])
        return -EISCONN;
    m->w[0] = 0;
    m->w[2] = MIN(m->w[2], (uint64_t)TRANSFER_MAX);
    return pass_socket(t, m, SOCKET_SEND, &c, WINDOW_IN);
}

int64_t linux_recvfrom(struct thread *t, struct message *m)
{
    struct conn_info c;
    int32_t none = 0;
    int64_t error = behind(t, m->w[0], &c);
    if (!error && m->w[4] && m->w[5])
        error = user_write(t, m->w[5], &none, sizeof none);
    if (error)
        return error;
    m->w[0] = 0;
    m->w[2] = MIN(m->w[2], (uint64_t)TRANSFER_MAX);
    return pass_socket(t, m, SOCKET_RECEIVE, &c, WINDOW_OUT);
}
