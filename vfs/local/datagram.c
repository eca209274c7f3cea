/* Datagrams and seqpackets: messages with borders. A message is sent as a whole or not at all. */
#include "local.h"

int64_t datagram_read(struct socket *s, struct message *m, uint32_t *bytes)
{
    const struct packet *p = s->first;
    if (p) {
        *bytes = MIN(m->w[2], (uint64_t)p->length);
        if (packets_copy(s, m->call, 0, *bytes))
            return -EFAULT;
        return m->w[3] & MSG_TRUNC ? p->length : *bytes;
    }
    *bytes = 0;
    if (s->error)
        return -s->error;
    if (s->gone & GONE_READ && (s->type != SOCK_DGRAM || may_wait(m)))
        return 0;
    return may_wait(m) ? WAITS : -EAGAIN;
}

int64_t datagram_address(struct socket *s, struct message *m, const struct socket_address *name)
{
    struct socket *to = s->peer;
    if (s->type != SOCK_DGRAM && !s->connected)
        return -ENOTCONN;
    if (s->error) {
        int told = s->error;
        s->error = 0;
        return -told;
    }
    if (s->type == SOCK_DGRAM && name->kind == NAME_NONE && !s->connected)
        return -ENOTCONN;
    int error = name_choose(s);
    if (error)
        return error;
    if (s->type == SOCK_DGRAM && name->kind != NAME_NONE)
        to = socket_named(name, s->type);
    if (!to) {
        s->connected = s->connected && (s->type != SOCK_DGRAM || name->kind != NAME_NONE);
        return s->type == SOCK_DGRAM ? -ECONNREFUSED : -EPIPE;
    }
    if (to->type != s->type)
        return -EPROTOTYPE;
    if (to->peer && to->peer != s)
        return -EPERM;
    m->w[0] = socket_object(to);
    return 0;
}

bool datagram_full(const struct socket *s, const struct socket *to)
{
    return s->type == SOCK_DGRAM && to && to->peer != s && to->packets > QUEUE_MOST;
}

int64_t datagram_write(struct socket *s, struct message *m, bool *moved)
{
    struct socket *to = socket_of(m->w[0]);
    *moved = false;
    if (!to)
        return s->type == SOCK_DGRAM ? -ECONNREFUSED : -EPIPE;
    if (s->gone & GONE_WRITE || to->gone & GONE_READ)
        return -EPIPE;
    if (m->w[2] > s->send_buffer - 32)
        return -EMSGSIZE;
    bool full = datagram_full(s, to) || s->sent >= s->send_buffer;
    int64_t error = full ? -ENOBUFS : packet_put(s, to, m, m->w[2]);
    /* there is memory again when that has been read */
    if (full || (error == -ENOBUFS && s->sent)) {
        to->awaited = true;
        return may_wait(m) ? WAITS : -EAGAIN;
    }
    if (error)
        return error;
    *moved = true;
    return m->w[2];
}
