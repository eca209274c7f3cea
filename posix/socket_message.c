/* Sending and receiving: the bytes go straight between program and service, and this file reads
 * and writes what stands around them (struct msghdr, control messages, addresses). */
#include "socket_message.h"

#include "capability.h"
#include "handlers.h"
#include "netlink.h"
#include "socket.h"
#include "socket_address.h"
#include "socket_file.h"
#include "syscalls.h"
#include "user_memory.h"
#include "vectors.h"

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

/* ---- sending ---- */

/* Passes a send on, whose first word says whether there is a BESIDE; it tells the real user. */
static int64_t pass_send(struct thread *t, struct message *m, const struct conn_info *c,
                         enum window window)
{
    const struct posix_proc *i = &t->process->i;
    m->w[0] |= (uint64_t)i->uid << 32;
    m->w[4] = i->pid | (uint64_t)i->gid << 32;
    return socket_pass(t, m, SOCKET_SEND, c, window);
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
        error = socket_send_beside(t, c, &b);
    if (error)
        return error == -EAFNOSUPPORT ? -EINVAL : error;
    return pass_send(t, m, c, window);
}

int64_t linux_sendto(struct thread *t, struct message *m)
{
    struct conn_info c;
    int64_t error = socket_behind(t, m->w[0], &c);
    if (error)
        return error;
    m->w[2] = MIN(m->w[2], (uint64_t)TRANSFER_MAX);
    m->w[3] = (uint32_t)m->w[3]; /* the others are MESSAGE_FLAGS */
    struct msghdr h = { .name = m->w[4], .name_length = m->w[5] };
    return send_window(t, m, &c, &h, WINDOW_IN);
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

int64_t socket_send_message(struct thread *t, struct message *m, const struct conn_info *c,
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
    int64_t error = socket_behind(t, m->w[0], &c);
    return error ? error : socket_send_message(t, m, &c, m->w[1], (uint32_t)m->w[2]);
}

int64_t socket_send(struct thread *t, struct message *m)
{
    struct conn_info c = { .service = m->w[0], .object = m->object, .flags = m->flags };
    m->w[0] = m->w[3] = 0;
    return pass_send(t, m, &c, WINDOW_NONE);
}

/* ---- receiving ---- */

/* Passes a receive on whose window is over w1, w2. rest: as w0 of SOCKET_RECEIVE. If it is not 0
 * POSIX is to write the end of the answer, for which it gets w4 and w5 back. */
static int64_t receive_window(struct thread *t, struct message *m, const struct conn_info *c,
                              uint64_t rest, enum window window)
{
    m->w[0] = rest;
    return socket_pass(t, m, SOCKET_RECEIVE, c, window);
}

int64_t linux_recvfrom(struct thread *t, struct message *m)
{
    struct conn_info c;
    int64_t error = socket_behind(t, m->w[0], &c);
    m->w[2] = MIN(m->w[2], (uint64_t)TRANSFER_MAX);
    if (error == -EOPNOTSUPP)
        return netlink_receive(t, m, &c);
    if (!error)
        error = address_probe(t, m->w[4], m->w[5]);
    if (error)
        return error;
    m->w[3] = (uint32_t)m->w[3];
    return receive_window(t, m, &c, m->w[4] != 0, WINDOW_OUT);
}

int64_t socket_receive_message(struct thread *t, struct message *m, const struct conn_info *c,
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
    int64_t error = socket_behind(t, m->w[0], &c);
    return error ? error
                 : socket_receive_message(t, m, &c, at, (uint32_t)m->w[2], (uint64_t[2]){ 0, at });
}

/* ---- what has been received ---- */

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

int64_t socket_header_poke(struct thread *t, caller_t at, uint32_t flags,
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

void socket_rest(struct thread *t, const struct conn_info *c, struct socket_beside *b)
{
    b->name = (struct socket_address){ 0 };
    b->known = b->count = 0;
    socket_ask(c, SOCKET_REST, t->index, WINDOW_OUT, b, sizeof *b, 0);
}

int64_t socket_received(struct thread *t, struct message *m)
{
    int64_t result = m->w[0], error;
    struct conn_info c = { .service = m->w[2], .object = m->object, .flags = m->flags };
    struct socket_beside b;
    socket_rest(t, &c, &b);
    if (t->dead)
        return LATER;
    if (!m->w[4])
        error = socket_header_poke(t, m->w[5], m->w[3], &b);
    else if (b.name.kind == NAME_NONE)
        error = user_poke(t, m->w[5], &(int32_t){ 0 }, sizeof(int32_t));
    else
        error = address_poke(t, m->w[4], m->w[5], &b.name);
    return error ? error : result;
}
