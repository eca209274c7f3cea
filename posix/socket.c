/* The system calls on sockets. Each family has a service of its own, behind whose descriptors read,
 * write, poll and close go straight there, as with pipes. What comes here is calls with structures
 * in structures, which this file reads, and calls for which the service must know who makes them.
 */
#include "socket.h"

#include "capability.h"
#include "clock.h"
#include "handlers.h"
#include "signal.h"
#include "syscalls.h"
#include "user_memory.h"
#include "vectors.h"
#include <minnow/file.h>
#include <minnow/socket.h>

enum { W_OK = 2 };
enum { SOCKET_FLAGS = O_CLOEXEC | O_NONBLOCK, TYPE_MASK = 15, VALUE_MAX = 64 };

struct family {
    uint32_t number;
    uint32_t protocol; /* the only one beside 0 */
    uint32_t types;    /* a bit for each SOCK_... that it has */
    const char *service;
};
static const struct family families[] = {
    { AF_UNIX, 1, 1 << SOCK_STREAM | 1 << SOCK_DGRAM | 1 << SOCK_RAW | 1 << SOCK_SEQPACKET,
      "local" },
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

/* Forwards t's call m, whose words are set, as operation op. */
static int64_t pass(struct thread *t, struct message *m, uint64_t op, endpoint_t to,
                    enum window window)
{
    m->op = op;
    m->position = 0;
    thread_gone(t);
    return hand_over(m, to, window);
}

/* Says in m who makes the call. */
static void tell_maker(struct message *m, const struct process *p, uint32_t uid, uint32_t gid)
{
    m->w[4] = p->i.pid;
    m->w[5] = (uint64_t)uid << 32 | gid;
}

static int64_t make(struct thread *t, struct message *m, uint64_t op, caller_t pair)
{
    int64_t error;
    const struct family *f = family_asked(m, &error);
    if (!f)
        return error;
    uint64_t flags = m->w[1] & SOCKET_FLAGS;
    m->w[0] = (m->w[1] & TYPE_MASK) == SOCK_RAW ? SOCK_DGRAM : m->w[1] & TYPE_MASK;
    m->w[1] = pair;
    m->w[2] = pair ? 2 * sizeof(int32_t) : 0;
    m->w[3] = flags;
    tell_maker(m, t->process, t->process->i.euid, t->process->i.egid);
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
static int64_t pass_words(struct thread *t, struct message *m, uint64_t op,
                          const struct conn_info *c, enum window window)
{
    m->object = c->object;
    m->flags = c->flags;
    return pass(t, m, op, c->service, window);
}

/* The same, with who makes the call. */
static int64_t pass_socket(struct thread *t, struct message *m, uint64_t op,
                           const struct conn_info *c, enum window window)
{
    tell_maker(m, t->process, t->process->i.euid, t->process->i.egid);
    return pass_words(t, m, op, c, window);
}

/* The same for a send, whose first word says whether there is a BESIDE; it tells the real user. */
static int64_t pass_send(struct thread *t, struct message *m, const struct conn_info *c,
                         enum window window)
{
    const struct posix_proc *i = &t->process->i;
    m->w[0] |= (uint64_t)i->uid << 32;
    m->w[4] = i->pid | (uint64_t)i->gid << 32;
    return pass_words(t, m, SOCKET_SEND, c, window);
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

/* ---- addresses ---- */

/* An address of AF_UNIX as programs have it (Linux: struct sockaddr_un). */
struct sockaddr_un {
    uint16_t family;
    char path[SOCKET_PATH];
};
enum { FAMILY_BYTES = offsetof(struct sockaddr_un, path), SOCKADDR_MAX = 128 };

/* The socket's inode at the path in b becomes its address; `make`: a new one is made. 0 or an
 * error. May wait. */
static int64_t resolve(struct thread *t, struct socket_address *b, bool make)
{
    struct call_result r;
    const struct process *p = t->process;
    char path[SOCKET_PATH + 1] = { 0 };
    memcpy(path, b->path, b->length);
    int64_t error = call_window(service_find("vfs"),
                                &(struct call_args){ .op = make ? VFS_BIND : VFS_RESOLVE,
                                                     .w0 = p->i.task,
                                                     .w3 = make ? 0777 : W_OK,
                                                     .w5 = (uint64_t)AT_FDCWD },
                                WINDOW_IN, path, b->length + 1, &r);
    if (t->dead)
        return LATER;
    if (error)
        return make && error == -EEXIST ? -EADDRINUSE : error;
    b->service = make ? r.r1 : resolved_service(r.r1);
    b->object = r.r2;
    return make || (resolved_mode(r.r1) & S_IFMT) == S_IFSOCK ? 0 : -ECONNREFUSED;
}

/* Reads an address of a program's, but for what resolve() finds out. 0, -EINVAL, or as
 * user_read(). */
static int64_t address_read(struct thread *t, caller_t at, int32_t length, struct socket_address *b)
{
    struct sockaddr_un a = { 0 };
    *b = (struct socket_address){ 0 };
    if (length < 0 || length > SOCKADDR_MAX)
        return -EINVAL;
    int64_t error = user_read(t, at, &a, MIN((size_t)length, sizeof a));
    if (error)
        return error;
    if (length < FAMILY_BYTES || (size_t)length > sizeof a || a.family != AF_UNIX)
        return a.family == AF_UNSPEC && length >= FAMILY_BYTES ? -EAFNOSUPPORT : -EINVAL;
    b->length = length - FAMILY_BYTES;
    b->kind = b->length && a.path[0] ? NAME_FILE : NAME_ABSTRACT;
    if (b->kind == NAME_FILE)
        b->length = strnlen(a.path, b->length);
    memcpy(b->path, a.path, b->length);
    return 0;
}

/* Reads the address of another socket. As address_read() and resolve(). May wait. */
static int64_t address_of_other(struct thread *t, caller_t at, int32_t length,
                                struct socket_address *b)
{
    int64_t error = address_read(t, at, length, b);
    if (!error && !b->length)
        error = -EINVAL;
    return error || b->kind != NAME_FILE ? error : resolve(t, b, false);
}

/* Makes an address as programs have it. Its bytes. */
static int32_t address_shown(const struct socket_address *b, struct sockaddr_un *a)
{
    *a = (struct sockaddr_un){ .family = AF_UNIX };
    memcpy(a->path, b->path, b->length);
    return FAMILY_BYTES + b->length + (b->kind == NAME_FILE);
}

/* Why a socket that has an address cannot be bound to a path: what is wrong with the path goes
 * first, as on Linux, where the inode is made first. May wait. */
static int64_t bound_already(struct thread *t, struct socket_address *b)
{
    int64_t there = resolve(t, b, false);
    return there == -ENOENT ? -EINVAL : !there || there == -ECONNREFUSED ? -EADDRINUSE : there;
}

int64_t linux_bind(struct thread *t, struct message *m)
{
    struct conn_info c;
    struct socket_address b, now = { 0 };
    int64_t error = behind(t, m->w[0], &c);
    if (!error && (error = address_read(t, m->w[1], m->w[2], &b)) == -EAFNOSUPPORT)
        error = -EINVAL;
    if (error)
        return error;
    if (b.kind == NAME_FILE) {
        error = ask(&c, SOCKET_NAME, 0, WINDOW_OUT, &now, sizeof now, 0);
        if (t->dead)
            return LATER;
        if (!error)
            error = now.kind == NAME_NONE ? resolve(t, &b, true) : bound_already(t, &b);
    }
    return error ? error : ask(&c, SOCKET_BIND, 0, WINDOW_IN, &b, sizeof b, 0);
}

/* Sends what goes beside t's next call to the socket. 0 or an error. May wait. */
static int64_t beside(struct thread *t, const struct conn_info *c, struct socket_beside *b)
{
    int64_t error = ask(c, SOCKET_BESIDE, t->index, WINDOW_IN, b, beside_bytes(b),
                        t->process->i.uid);
    return t->dead ? LATER : error;
}

int64_t linux_connect(struct thread *t, struct message *m)
{
    struct conn_info c;
    struct socket_beside b;
    b.known = b.count = 0;
    int64_t error = behind(t, m->w[0], &c);
    if (!error) {
        error = address_of_other(t, m->w[1], m->w[2], &b.name);
        if (error == -EAFNOSUPPORT)
            error = 0; /* datagrams only: to none */
    }
    if (!error)
        error = beside(t, &c, &b);
    if (error)
        return error;
    m->w[0] = 1;
    m->w[3] = 0;
    return pass_socket(t, m, SOCKET_CONNECT, &c, WINDOW_NONE);
}

int64_t linux_listen(struct thread *t, struct message *m)
{
    struct conn_info c;
    int64_t error = behind(t, m->w[0], &c);
    if (error)
        return error;
    m->w[0] = m->w[1];
    return pass_socket(t, m, SOCKET_LISTEN, &c, WINDOW_NONE);
}

/* ---- what comes back beside the result ---- */

/* Writes an address to where a program wants it, whose memory has been probed. 0 or -EFAULT. */
static int64_t address_poke(struct thread *t, caller_t to, caller_t room,
                            const struct socket_address *b)
{
    struct sockaddr_un a;
    int32_t have, length = address_shown(b, &a);
    if (user_peek(t, room, &have, sizeof have))
        return -EFAULT;
    if (have < 0)
        return -EINVAL;
    if (user_poke(t, to, &a, MIN(have, length)))
        return -EFAULT;
    return user_poke(t, room, &length, sizeof length);
}

/* Makes sure of the memory for an address. 0, -EINVAL, or as user_probe(). */
static int64_t address_probe(struct thread *t, caller_t to, caller_t room)
{
    int32_t have;
    if (!to)
        return 0;
    int64_t error = user_read(t, room, &have, sizeof have);
    if (!error && have < 0)
        error = -EINVAL;
    if (!error)
        error = user_probe(t, room, sizeof have);
    return error || !have ? error
                          : user_probe(t, to, MIN((size_t)have, sizeof(struct sockaddr_un)));
}

static int64_t name(struct thread *t, struct message *m, bool peer)
{
    struct conn_info c;
    struct socket_address b;
    struct sockaddr_un a;
    int64_t error = behind(t, m->w[0], &c);
    if (!error)
        error = ask(&c, SOCKET_NAME, peer, WINDOW_OUT, &b, sizeof b, 0);
    if (t->dead)
        return LATER;
    if (error)
        return error;
    int32_t length = address_shown(&b, &a);
    return value_out(t, m->w[1], m->w[2], &a, length, true);
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
               capable(t->process, CAP_NET_ADMIN));
}

/* ---- sending and receiving ---- */

/* What a program's struct msghdr is. */
struct msghdr {
    caller_t name;
    uint32_t name_length, pad0;
    caller_t iov;
    uint64_t iov_count;
    caller_t control;
    uint64_t control_length;
    uint32_t flags, pad1;
};

/* What stands before each control message (Linux: struct cmsghdr). The next one begins behind it,
 * at a multiple of 8 bytes. */
struct cmsghdr {
    uint64_t length; /* with this */
    int32_t level, type;
};
enum { SCM_RIGHTS = 1, SCM_CREDENTIALS, CONTROL_MOST = 20480, CONTROL_USED = 2048 };
static uint64_t control_space(uint64_t bytes)
{
    return sizeof(struct cmsghdr) + (bytes + 7) / 8 * 8;
}

/* Whether p may say that it is who `c` says. 0, -EPERM, -ESRCH. */
static int64_t cred_check(const struct process *p, const struct socket_cred *c)
{
    const struct posix_proc *i = &p->i;
    bool own = c->pid == (int32_t)i->pid;
    if (!own && !capable(p, CAP_SYS_ADMIN))
        return -EPERM;
    if (c->uid != i->uid && c->uid != i->euid && c->uid != i->suid && !capable(p, CAP_SETUID))
        return -EPERM;
    if (c->gid != i->gid && c->gid != i->egid && c->gid != i->sgid && !capable(p, CAP_SETGID))
        return -EPERM;
    return own || process_find(c->pid) ? 0 : -ESRCH;
}

/* Reads what stands at `at` behind the header h into b. 0 or an error. */
static int64_t control_one(struct thread *t, caller_t at, const struct cmsghdr *h,
                           struct socket_beside *b)
{
    uint64_t bytes = h->length - sizeof *h, count = bytes / sizeof(int32_t);
    if (h->type == SCM_CREDENTIALS) {
        b->known = 1;
        int64_t error = bytes == sizeof b->cred ? user_read(t, at, &b->cred, sizeof b->cred)
                                                : -EINVAL;
        return error ? error : cred_check(t->process, &b->cred);
    }
    if (h->type != SCM_RIGHTS || count > RIGHTS_MOST - b->count)
        return -EINVAL;
    int64_t error = count ? user_read(t, at, &b->rights[b->count], count * sizeof(int32_t)) : 0;
    b->count += count;
    return error;
}

/* Reads a program's control messages. 0 or an error. */
static int64_t control_read(struct thread *t, caller_t at, uint64_t left, struct socket_beside *b)
{
    struct cmsghdr h;
    if (left > CONTROL_MOST)
        return -ENOBUFS;
    if (!at)
        return -EFAULT;
    while (left >= sizeof h) {
        int64_t error = user_read(t, at, &h, sizeof h);
        if (!error && (h.length < sizeof h || h.length > left))
            error = -EINVAL;
        if (!error && h.level == SOL_SOCKET)
            error = control_one(t, at + sizeof h, &h, b);
        if (error)
            return error;
        uint64_t step = MIN(control_space(h.length - sizeof h), left);
        at += step;
        left -= step;
    }
    return 0;
}

/* Sends the window over w1, w2 as h says, whose bytes are not looked at. */
static int64_t send_window(struct thread *t, struct message *m, const struct conn_info *c,
                           const struct msghdr *h, enum window window)
{
    struct socket_beside b;
    bool to = h->name && h->name_length;
    int64_t error = 0;
    b.name = (struct socket_address){ 0 };
    b.known = b.count = 0;
    if (h->control_length)
        error = control_read(t, h->control, h->control_length, &b);
    if (!error && to)
        error = address_of_other(t, h->name, h->name_length, &b.name);
    m->w[0] = to || b.known || b.count;
    if (!error && m->w[0])
        error = beside(t, c, &b);
    if (error)
        return error == -EAFNOSUPPORT ? -EINVAL : error;
    return pass_send(t, m, c, window);
}

int64_t linux_sendto(struct thread *t, struct message *m)
{
    struct conn_info c;
    int64_t error = behind(t, m->w[0], &c);
    if (error)
        return error;
    m->w[2] = MIN(m->w[2], (uint64_t)TRANSFER_MAX);
    m->w[3] = (uint32_t)m->w[3]; /* the others are MESSAGE_FLAGS */
    struct msghdr h = { .name = m->w[4], .name_length = m->w[5] };
    return send_window(t, m, &c, &h, WINDOW_IN);
}

/* Passes a receive on whose window is over w1, w2. rest: as w0 of SOCKET_RECEIVE. If it is not 0
 * POSIX is to write the end of the answer, for which it gets w4 and w5 back. */
static int64_t receive_window(struct thread *t, struct message *m, const struct conn_info *c,
                              uint64_t rest, enum window window)
{
    m->w[0] = rest;
    return pass_words(t, m, SOCKET_RECEIVE, c, window);
}

int64_t linux_recvfrom(struct thread *t, struct message *m)
{
    struct conn_info c;
    int64_t error = behind(t, m->w[0], &c);
    if (!error)
        error = address_probe(t, m->w[4], m->w[5]);
    if (error)
        return error;
    m->w[2] = MIN(m->w[2], (uint64_t)TRANSFER_MAX);
    m->w[3] = (uint32_t)m->w[3];
    return receive_window(t, m, &c, m->w[4] != 0, WINDOW_OUT);
}

/* Reads the struct msghdr at `at`, and aims t's call at the bytes that it names, so that w1 and w2
 * are its window. 0 or an error. */
static int64_t header_read(struct thread *t, struct message *m, caller_t at, struct msghdr *h,
                           enum window window)
{
    int64_t error = user_read(t, at, h, sizeof *h);
    if (error)
        return error;
    if (h->name && (int32_t)h->name_length < 0)
        return -EINVAL;
    if (h->iov_count > IOV_MAX)
        return -EMSGSIZE;
    uint64_t bytes;
    error = vector_bytes(t, h->iov, h->iov_count, &bytes);
    if (!error && sys_aim(m->call, h->iov, h->iov_count, window | WINDOW_IOVEC) < 0)
        error = -EFAULT;
    m->w[1] = h->iov;
    m->w[2] = bytes;
    return error;
}

/* Sends what the struct msghdr at `at` says. flags: MSG_..., MESSAGE_.... */
static int64_t send_message(struct thread *t, struct message *m, const struct conn_info *c,
                            caller_t at, uint64_t flags)
{
    struct msghdr h;
    int64_t error = header_read(t, m, at, &h, WINDOW_IN);
    if (error)
        return error;
    m->w[3] = flags;
    return send_window(t, m, c, &h, WINDOW_NONE);
}

int64_t linux_sendmsg(struct thread *t, struct message *m)
{
    struct conn_info c;
    if ((uint32_t)m->w[2] & MSG_CMSG_COMPAT)
        return -EINVAL;
    int64_t error = behind(t, m->w[0], &c);
    return error ? error : send_message(t, m, &c, m->w[1], (uint32_t)m->w[2]);
}

/* Receives what the struct msghdr at `at` says; likewise. for_posix: two words that come back with
 * the end of the answer. */
static int64_t receive_message(struct thread *t, struct message *m, const struct conn_info *c,
                               caller_t at, uint64_t flags, const uint64_t for_posix[2])
{
    struct msghdr h;
    int64_t error = header_read(t, m, at, &h, WINDOW_OUT);
    if (!error)
        error = user_probe(t, at, sizeof h);
    if (!error && h.name && h.name_length)
        error = user_probe(t, h.name, MIN((size_t)h.name_length, sizeof(struct sockaddr_un)));
    uint64_t room = h.control ? MIN(h.control_length, (uint64_t)CONTROL_USED) : 0;
    if (!error && room)
        error = user_probe(t, h.control, room);
    if (error)
        return error;
    m->w[3] = flags;
    m->w[4] = for_posix[0];
    m->w[5] = for_posix[1];
    return receive_window(t, m, c, 1 | room << 1, WINDOW_NONE);
}

int64_t linux_recvmsg(struct thread *t, struct message *m)
{
    struct conn_info c;
    caller_t at = m->w[1];
    if ((uint32_t)m->w[2] & MSG_CMSG_COMPAT)
        return -EINVAL;
    int64_t error = behind(t, m->w[0], &c);
    return error ? error : receive_message(t, m, &c, at, (uint32_t)m->w[2], (uint64_t[2]){ 0, at });
}

static int64_t accept(struct thread *t, struct message *m, uint32_t flags)
{
    struct conn_info c;
    if (flags & ~(uint32_t)SOCKET_FLAGS)
        return -EINVAL;
    int64_t error = behind(t, m->w[0], &c);
    if (!error)
        error = address_probe(t, m->w[1], m->w[2]);
    if (error)
        return error;
    m->w[4] = m->w[2];
    m->w[5] = m->w[1];
    m->w[0] = flags;
    m->w[3] = 0;
    return pass_words(t, m, SOCKET_ACCEPT, &c, WINDOW_NONE);
}

int64_t linux_accept(struct thread *t, struct message *m) { return accept(t, m, 0); }
int64_t linux_accept4(struct thread *t, struct message *m) { return accept(t, m, m->w[3]); }

/* ---- what a service has done ---- */

/* Where the next control message goes, and the room that is left there. */
struct control {
    caller_t at;
    uint64_t left;
    uint32_t flags; /* MSG_CTRUNC: one did not fit */
};

/* Writes a control message, cut to the room. 0 or -EFAULT. */
static int64_t control_poke(struct thread *t, struct control *c, int32_t type, const void *data,
                            uint64_t bytes)
{
    struct cmsghdr h = { sizeof h + bytes, SOL_SOCKET, type };
    if (c->left < h.length)
        c->flags |= MSG_CTRUNC;
    if (c->left < sizeof h)
        return 0;
    h.length = MIN(h.length, c->left);
    if (user_poke(t, c->at, &h, sizeof h) ||
        user_poke(t, c->at + sizeof h, data, h.length - sizeof h))
        return -EFAULT;
    uint64_t step = MIN(control_space(bytes), c->left);
    c->at += step;
    c->left -= step;
    return 0;
}

/* Writes the address, and what else recvmsg tells, to the struct msghdr at `at`. 0 or -EFAULT. */
static int64_t header_poke(struct thread *t, caller_t at, uint32_t flags,
                           const struct socket_beside *b)
{
    struct msghdr h;
    struct sockaddr_un a;
    if (user_peek(t, at, &h, sizeof h))
        return -EFAULT;
    uint32_t length = b->name.kind == NAME_NONE ? 0 : address_shown(&b->name, &a);
    if (h.name && user_poke(t, h.name, &a, MIN(h.name_length, length)))
        return -EFAULT;
    h.name_length = h.name ? length : h.name_length;
    struct control c = { h.control, h.control ? h.control_length : 0, flags };
    if (b->known && control_poke(t, &c, SCM_CREDENTIALS, &b->cred, sizeof b->cred))
        return -EFAULT;
    if (b->count && control_poke(t, &c, SCM_RIGHTS, b->rights, b->count * sizeof b->rights[0]))
        return -EFAULT;
    h.control_length = c.at - h.control;
    h.flags = c.flags;
    return user_poke(t, at, &h, sizeof h);
}

/* Fetches what goes beside the bytes that t has received. May wait. */
static void rest_get(struct thread *t, const struct conn_info *c, struct socket_beside *b)
{
    b->name = (struct socket_address){ 0 };
    b->known = b->count = 0;
    ask(c, SOCKET_REST, t->index, WINDOW_OUT, b, sizeof *b, 0);
}

/* An accept has got this descriptor: writes the address. The result of the call. */
static int64_t accept_done(struct thread *t, struct message *m, int64_t descriptor)
{
    struct conn_info c;
    struct socket_address b = { 0 };
    int64_t error = behind(t, descriptor, &c);
    if (!error)
        error = ask(&c, SOCKET_NAME, 1, WINDOW_OUT, &b, sizeof b, 0);
    if (t->dead)
        return LATER;
    if ((error = address_poke(t, m->w[5], m->w[4], &b)))
        sys_conn_close(t->call, descriptor);
    return error ? error : descriptor;
}

/* ---- many messages ---- */

/* sendmmsg and recvmmsg are one call for each message, which comes back when that is done
 * (MESSAGE_MANY), and goes on with the next one. How many are done is told to the kernel as what
 * the call has moved (call_moved), before anything is done for the next one, and goes along with
 * that. So the number stands in the call itself, and whatever becomes of the call, no message is
 * sent or received twice, and none is lost:
 *
 *     what happens                          the result, or what follows
 *     a page is missing                     the call is made again, with the number (CALL_MOVED)
 *     and there is none                     the number, by the kernel; -EFAULT if it is 0
 *     a signal, before the message          the number, by the kernel; if it is 0, as for any call
 *     a signal, when a part of it is done   the number and one: messages_interrupted()
 *     an error of the message               the number, or the error if it is 0
 *     this service dies                     it goes on behind its last call_moved() or hand-over
 */

/* What a program's struct mmsghdr is. */
struct mmsghdr {
    struct msghdr header;
    uint32_t length, pad;
};
enum { NR_RECVMMSG = 299, MANY_MOST = 1024, MSG_ERRQUEUE = 0x2000, MSG_WAITFORONE = 0x10000 };

struct many {
    uint32_t descriptor, flags;
    int32_t count, done;
    caller_t at;      /* struct mmsghdr[] */
    caller_t timeout; /* of recvmmsg: struct timespec of the program, or 0; */
    uint64_t until;   /* when its time is over, ns since boot; 0: never */
    bool receives;
};

/* What the program asks for, from the registers of its call. */
static struct many many_asked(const struct regs *r, bool receives)
{
    return (struct many){ .descriptor = r->rdi,
                          .at = r->rsi,
                          .count = (int32_t)MIN((uint32_t)r->rdx, (uint32_t)MANY_MOST),
                          .flags = r->r10,
                          .timeout = receives ? r->r8 : 0,
                          .receives = receives };
}

/* Where the next message of k stands. */
static caller_t message_at(const struct many *k)
{
    return k->at + (uint64_t)k->done * sizeof(struct mmsghdr);
}

/* Passes the next message of k on. The result of the call if that fails. */
static int64_t many_next(struct thread *t, struct message *m, const struct many *k)
{
    struct conn_info c;
    uint64_t more = MESSAGE_MANY | (uint64_t)k->done << MESSAGE_DONE_SHIFT;
    uint32_t flags = k->flags & ~(uint32_t)MSG_WAITFORONE;
    if (k->receives && k->flags & MSG_WAITFORONE && k->done)
        flags |= MSG_DONTWAIT;
    int64_t result = behind(t, k->descriptor, &c);
    if (!result)
        result = user_probe(t, message_at(k), sizeof(struct mmsghdr));
    if (!result) {
        m->w[5] = k->done;
        result = k->receives ? receive_message(t, m, &c, message_at(k), flags | more,
                                               (uint64_t[2]){ k->until, k->done })
                             : send_message(t, m, &c, message_at(k), flags | more);
    }
    if (result == FORWARDED && k->done)
        m->flags |= CALL_MOVED;
    return result == LATER || result == FORWARDED || !k->done ? result : k->done;
}

/* Begins k, or goes on with it when the call is made again. */
static int64_t many_begin(struct thread *t, struct message *m, struct many *k)
{
    if (m->position & CALL_MOVED)
        call_moved(m->call, k->done = MIN(m->w[5], (uint64_t)k->count));
    if (k->done < k->count)
        return many_next(t, m, k);
    struct conn_info c;
    int64_t error = behind(t, k->descriptor, &c);
    return error ? error : k->done;
}

static struct many many_of(const struct message *m, bool receives)
{
    const struct regs r = {
        .rdi = m->w[0], .rsi = m->w[1], .rdx = m->w[2], .r10 = m->w[3], .r8 = m->w[4]
    };
    return many_asked(&r, receives);
}

int64_t linux_sendmmsg(struct thread *t, struct message *m)
{
    struct many k = many_of(m, false);
    if (k.flags & MSG_CMSG_COMPAT)
        return -EINVAL;
    return many_begin(t, m, &k);
}

int64_t linux_recvmmsg(struct thread *t, struct message *m)
{
    struct many k = many_of(m, true);
    struct timespec64 timeout;
    if (k.flags & MSG_CMSG_COMPAT)
        return -EINVAL;
    int64_t error = k.timeout ? timespec_read(t, k.timeout, &timeout) : 0;
    if (!error && k.timeout)
        error = user_probe(t, k.timeout, sizeof timeout);
    if (error)
        return error;
    if (k.timeout && __builtin_add_overflow(time_now(), timespec_ns(&timeout), &k.until))
        k.until = UINT64_MAX;
    return many_begin(t, m, &k);
}

/* recvmmsg tells how much of its time is left. true: none. */
static bool time_is_over(struct thread *t, const struct many *k)
{
    if (!k->timeout)
        return false;
    uint64_t now = time_now(), left = k->until > now ? k->until - now : 0;
    struct timespec64 rest = { left / SECOND, left % SECOND };
    user_poke(t, k->timeout, &rest, sizeof rest);
    return !left;
}

/* One of many messages has ended, with the result in m. The result of the call. */
static int64_t many_done(struct thread *t, struct message *m, bool receives)
{
    struct regs r;
    struct socket_beside b;
    int32_t length = m->w[0];
    uint64_t flags = m->w[3];
    struct conn_info c = { .service = m->w[2], .object = m->object, .flags = m->flags };
    if (ask_regs_get(t->index, &r, NULL) < 0)
        return -ESRCH;
    struct many k = many_asked(&r, receives);
    k.done = flags >> MESSAGE_DONE_SHIFT;
    k.until = receives ? m->w[4] : 0;
    caller_t at = message_at(&k);
    if (length < 0) {
        if (length == -EPIPE && k.done && !(flags & MSG_NOSIGNAL))
            signal_self(t, SIGPIPE);
        if (length == -EPIPE && flags & MSG_NOSIGNAL)
            reply_of(m)->flags |= REPLY_QUIET;
        return t->dead ? LATER : k.done ? k.done : length;
    }
    if (receives) {
        rest_get(t, &c, &b);
        if (t->dead)
            return LATER;
    }
    if ((receives && header_poke(t, at, flags, &b)) ||
        user_poke(t, at + offsetof(struct mmsghdr, length), &length, sizeof length))
        return k.done ? k.done : -EFAULT;
    k.done++;
    call_moved(t->call, k.done);
    bool over = receives ? time_is_over(t, &k) : flags & MSG_TRUNC;
    return over || k.done >= k.count ? k.done : many_next(t, m, &k);
}

void messages_interrupted(struct thread *t, uint64_t moved)
{
    struct regs r;
    uint32_t number = moved >> 32, bytes = moved;
    if (ask_regs_get(t->index, &r, NULL) < 0)
        return;
    user_poke(t, r.rsi + (number - 1ul) * sizeof(struct mmsghdr) + offsetof(struct mmsghdr, length),
              &bytes, sizeof bytes);
    r.rax = number;
    sys_regs_set(t->index, &r, 0);
}

/* ---- one message, and accept ---- */

int64_t socket_done(struct thread *t, struct message *m)
{
    if (m->w[3] & MESSAGE_MANY)
        return many_done(t, m, m->w[1] == SOCKET_RECEIVE);
    int64_t result = m->w[0], error;
    struct conn_info c = { .service = m->w[2], .object = m->object, .flags = m->flags };
    struct socket_beside b;
    if (m->w[1] == SOCKET_ACCEPT)
        return accept_done(t, m, result);
    rest_get(t, &c, &b);
    if (t->dead)
        return LATER;
    if (!m->w[4])
        error = header_poke(t, m->w[5], m->w[3], &b);
    else if (b.name.kind == NAME_NONE)
        error = user_poke(t, m->w[5], &(int32_t){ 0 }, sizeof(int32_t));
    else
        error = address_poke(t, m->w[4], m->w[5], &b.name);
    return error ? error : result;
}

int64_t socket_send(struct thread *t, struct message *m)
{
    struct conn_info c = { .service = m->w[0], .object = m->object, .flags = m->flags };
    m->w[0] = m->w[3] = 0;
    return pass_send(t, m, &c, WINDOW_NONE);
}
