/* What all calls on sockets have in common: which service serves a socket, and how a call reaches
 * it. */
#include "socket_file.h"

#include "anon.h"
#include "syscalls.h"

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

int64_t socket_family(const struct message *m, endpoint_t *service)
{
    uint32_t family = m->w[0], type = m->w[1] & TYPE_MASK, protocol = m->w[2];
    const struct family *f = families;
    if ((uint32_t)m->w[1] & ~(uint32_t)(TYPE_MASK | SOCKET_FLAGS))
        return -EINVAL;
    if (family >= AF_FAMILIES)
        return -EAFNOSUPPORT;
    if (type >= SOCK_TYPES)
        return -EINVAL;
    while (f < families + ARRAY_SIZE(families) && f->number != family)
        f++;
    if (f == families + ARRAY_SIZE(families))
        return -EAFNOSUPPORT;
    if (protocol && protocol != f->protocol)
        return -EPROTONOSUPPORT;
    *service = service_find(f->service);
    return f->types >> type & 1 ? 0 : -ESOCKTNOSUPPORT;
}

int64_t socket_behind(struct thread *t, uint32_t descriptor, struct conn_info *c)
{
    if (ask_conn_get(t->call, descriptor, c) < 0 || c->flags & O_PATH)
        return -EBADF;
    for (unsigned i = 0; i < ARRAY_SIZE(families); i++)
        if (service_find(families[i].service) == c->service)
            return 0;
    return anon_of(c->service, c->object, ANON_NETLINK) ? -EOPNOTSUPP : -ENOTSOCK;
}

int64_t socket_forward(struct thread *t, struct message *m, uint64_t op, endpoint_t to,
                       enum window window)
{
    m->op = op;
    m->position = 0;
    thread_gone(t);
    return hand_over(m, to, window);
}

int64_t socket_pass(struct thread *t, struct message *m, uint64_t op, const struct conn_info *c,
                    enum window window)
{
    m->object = c->object;
    m->flags = c->flags;
    return socket_forward(t, m, op, c->service, window);
}

void socket_name_maker(struct message *m, const struct process *p, uint32_t uid, uint32_t gid)
{
    m->w[4] = p->i.pid;
    m->w[5] = (uint64_t)uid << 32 | gid;
}

int64_t socket_pass_named(struct thread *t, struct message *m, uint64_t op,
                          const struct conn_info *c, enum window window)
{
    socket_name_maker(m, t->process, t->process->i.euid, t->process->i.egid);
    return socket_pass(t, m, op, c, window);
}

int64_t socket_ask(const struct conn_info *c, uint64_t op, uint64_t what, enum window window,
                   void *buffer, size_t length, uint64_t w3)
{
    return call_window(c->service,
                       &(struct call_args){
                           .op = op, .w0 = what, .w3 = w3, .object = c->object, .flags = c->flags },
                       window, buffer, length, NULL);
}

int64_t socket_send_beside(struct thread *t, const struct conn_info *c, struct socket_beside *b)
{
    int64_t error = socket_ask(c, SOCKET_BESIDE, t->index, WINDOW_IN, b, beside_bytes(b),
                               t->process->i.uid);
    return t->dead ? LATER : error;
}
