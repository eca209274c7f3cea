/* The system calls on sockets. Each family has a service of its own, behind whose descriptors read,
 * write, poll and close go straight there, as with pipes. What comes here is calls with structures
 * in structures, which are read here, and calls for which the service must know who makes them.
 * This file makes, names and connects sockets; socket_message.c sends and receives. */
#include "socket.h"

#include "capability.h"
#include "handlers.h"
#include "netlink.h"
#include "socket_address.h"
#include "socket_file.h"
#include "syscalls.h"
#include "user_memory.h"

enum { VALUE_MAX = 64 };

/* ---- new sockets ---- */

static int64_t make(struct thread *t, struct message *m, uint64_t op, caller_t pair)
{
    endpoint_t service;
    int64_t error = socket_family(m, &service);
    if (error)
        return error;
    uint64_t flags = m->w[1] & SOCKET_FLAGS;
    m->w[0] = (m->w[1] & TYPE_MASK) == SOCK_RAW ? SOCK_DGRAM : m->w[1] & TYPE_MASK;
    m->w[1] = pair;
    m->w[2] = pair ? 2 * sizeof(int32_t) : 0;
    m->w[3] = flags;
    socket_name_maker(m, t->process, t->process->i.euid, t->process->i.egid);
    return socket_forward(t, m, op, service, op == SOCKET_PAIR ? WINDOW_INOUT : WINDOW_NONE);
}

int64_t linux_socket(struct thread *t, struct message *m)
{
    return (uint32_t)m->w[0] == AF_NETLINK ? netlink_socket(t, m) : make(t, m, SOCKET_CREATE, 0);
}

int64_t linux_socketpair(struct thread *t, struct message *m)
{
    return make(t, m, SOCKET_PAIR, m->w[3]);
}

/* ---- addresses ---- */

/* Why a socket that has an address cannot be bound to a path: what is wrong with the path goes
 * first, as on Linux, where the inode is made first. May wait. */
static int64_t bound_already(struct thread *t, struct socket_address *b)
{
    int64_t there = address_resolve(t, b, false);
    return there == -ENOENT ? -EINVAL : !there || there == -ECONNREFUSED ? -EADDRINUSE : there;
}

int64_t linux_bind(struct thread *t, struct message *m)
{
    struct conn_info c;
    struct socket_address b, now = { 0 };
    int64_t error = socket_behind(t, m->w[0], &c);
    if (!error && (error = address_read(t, m->w[1], m->w[2], &b)) == -EAFNOSUPPORT)
        error = -EINVAL;
    if (error)
        return error;
    if (b.kind == NAME_FILE) {
        error = socket_ask(&c, SOCKET_NAME, 0, WINDOW_OUT, &now, sizeof now, 0);
        if (t->dead)
            return LATER;
        if (!error)
            error = now.kind == NAME_NONE ? address_resolve(t, &b, true) : bound_already(t, &b);
    }
    return error ? error : socket_ask(&c, SOCKET_BIND, 0, WINDOW_IN, &b, sizeof b, 0);
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
    struct socket_address b;
    struct sockaddr_un a;
    int64_t error = socket_behind(t, m->w[0], &c);
    if (!error)
        error = socket_ask(&c, SOCKET_NAME, peer, WINDOW_OUT, &b, sizeof b, 0);
    if (t->dead)
        return LATER;
    if (error)
        return error;
    int32_t length = address_shown(&b, &a);
    return value_out(t, m->w[1], m->w[2], &a, length, true);
}

int64_t linux_getsockname(struct thread *t, struct message *m) { return name(t, m, false); }
int64_t linux_getpeername(struct thread *t, struct message *m) { return name(t, m, true); }

/* ---- connections ---- */

int64_t linux_connect(struct thread *t, struct message *m)
{
    struct conn_info c;
    struct socket_beside b;
    b.known = b.count = 0;
    int64_t error = socket_behind(t, m->w[0], &c);
    if (!error) {
        error = address_of_other(t, m->w[1], m->w[2], &b.name);
        if (error == -EAFNOSUPPORT)
            error = 0; /* datagrams only: to none */
    }
    if (!error)
        error = socket_send_beside(t, &c, &b);
    if (error)
        return error;
    m->w[0] = 1;
    m->w[3] = 0;
    return socket_pass_named(t, m, SOCKET_CONNECT, &c, WINDOW_NONE);
}

int64_t linux_listen(struct thread *t, struct message *m)
{
    struct conn_info c;
    int64_t error = socket_behind(t, m->w[0], &c);
    if (error)
        return error;
    m->w[0] = m->w[1];
    return socket_pass_named(t, m, SOCKET_LISTEN, &c, WINDOW_NONE);
}

static int64_t accept(struct thread *t, struct message *m, uint32_t flags)
{
    struct conn_info c;
    if (flags & ~(uint32_t)SOCKET_FLAGS)
        return -EINVAL;
    int64_t error = socket_behind(t, m->w[0], &c);
    if (!error)
        error = address_probe(t, m->w[1], m->w[2]);
    if (error)
        return error;
    m->w[4] = m->w[2];
    m->w[5] = m->w[1];
    m->w[0] = flags;
    m->w[3] = 0;
    return socket_pass(t, m, SOCKET_ACCEPT, &c, WINDOW_NONE);
}

int64_t linux_accept(struct thread *t, struct message *m) { return accept(t, m, 0); }
int64_t linux_accept4(struct thread *t, struct message *m) { return accept(t, m, m->w[3]); }

int64_t socket_accepted(struct thread *t, struct message *m)
{
    int64_t descriptor = m->w[0];
    struct conn_info c;
    struct socket_address b = { 0 };
    int64_t error = socket_behind(t, descriptor, &c);
    if (!error)
        error = socket_ask(&c, SOCKET_NAME, 1, WINDOW_OUT, &b, sizeof b, 0);
    if (t->dead)
        return LATER;
    if ((error = address_poke(t, m->w[5], m->w[4], &b)))
        sys_conn_close(t->call, descriptor);
    return error ? error : descriptor;
}

/* ---- options ---- */

int64_t linux_getsockopt(struct thread *t, struct message *m)
{
    struct conn_info c;
    char value[VALUE_MAX];
    int32_t room;
    int64_t result = socket_behind(t, m->w[0], &c);
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
    int64_t length = socket_ask(&c, SOCKET_OPTION, (uint32_t)m->w[2], WINDOW_OUT, value,
                                sizeof value, 0);
    if (t->dead)
        return LATER;
    return length < 0 ? length : value_out(t, m->w[3], m->w[4], value, length, false);
}

int64_t linux_setsockopt(struct thread *t, struct message *m)
{
    struct conn_info c;
    char value[VALUE_MAX];
    int32_t length = m->w[4];
    int64_t result = socket_behind(t, m->w[0], &c);
    if (!result && length < 0)
        result = -EINVAL;
    if (!result && (uint32_t)m->w[1] != SOL_SOCKET)
        result = -EOPNOTSUPP;
    length = MIN(length, VALUE_MAX);
    if (!result && length)
        result = user_read(t, m->w[3], value, length);
    if (result)
        return result;
    return socket_ask(&c, SOCKET_OPTION_SET, (uint32_t)m->w[2], WINDOW_IN, value, length,
                      capable(t->process, CAP_NET_ADMIN));
}
