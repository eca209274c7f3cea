/* Connections: listening, connecting, accepting.
 *
 * A connection is there, for the one who connects, as soon as it stands in the queue of the
 * listening socket: its other end is a socket that has no descriptor yet, and receives already.
 * accept() gives it one. */
#include "local.h"

#include "syscalls.h"

enum { BACKLOG_MOST = 4096 };

int64_t do_listen(struct message *m)
{
    struct socket *s = socket_of(m->object);
    if (!s)
        return -EBADF;
    if (s->type == SOCK_DGRAM)
        return -EOPNOTSUPP;
    if (!s->name || s->connected)
        return -EINVAL;
    s->backlog = MIN((uint32_t)m->w[0], (uint32_t)BACKLOG_MOST);
    s->listens = true;
    s->peer_cred = (struct socket_cred){ m->w[4], m->w[5] >> 32, m->w[5] };
    serve_connects(s);
    socket_changed(s);
    return 0;
}

/* ---- connecting ---- */

static void queue_put(struct socket *listener, struct socket *end)
{
    *(listener->last_end ? &listener->last_end->next_end : &listener->first_end) = end;
    listener->last_end = end;
    end->next_end = NULL;
    end->waits_for = listener;
    listener->ends++;
}

static struct socket *queue_take(struct socket *listener)
{
    struct socket *end = listener->first_end;
    listener->first_end = end->next_end;
    if (!listener->first_end)
        listener->last_end = NULL;
    end->waits_for = NULL;
    listener->ends--;
    return end;
}

/* Connects s, for the call m, to a listening socket. 0 or an error; WAITS: its queue is full. */
static int64_t connect_now(struct socket *s, struct socket *to, const struct message *m)
{
    if (to->type != s->type)
        return -EPROTOTYPE;
    if (!to->listens || to->gone & GONE_READ)
        return -ECONNREFUSED;
    if (to->ends > to->backlog)
        return m->flags & O_NONBLOCK ? -EAGAIN : WAITS;
    if (s->connected)
        return -EISCONN;
    if (s->listens)
        return -EINVAL;
    struct socket *end = socket_new(m);
    if (!end)
        return -ENFILE;
    s->peer_cred = to->peer_cred;
    end->peer_cred = end->owner;
    end->owner = to->owner;
    end->pass_cred = to->pass_cred;
    end->name = to->name;
    end->name->refs++;
    end->peer = s;
    s->peer = end;
    s->connected = end->connected = true;
    queue_put(to, end);
    return 0;
}

void serve_connects(struct socket *listener)
{
    for (struct pending *p; (p = listener->writes.first);) {
        struct socket *s = socket_of(p->m.object);
        int64_t result = -EBADF;
        if (s && call_alive(p->m.call))
            result = connect_now(s, listener, &p->m);
        if (result == WAITS)
            return;
        reply(p->m.call, result);
        pending_remove(&listener->writes, p);
        if (s)
            socket_changed(s);
        serve_accepts(listener);
    }
}

static int64_t connect_datagrams(struct socket *s, const struct socket_address *name)
{
    struct socket *to = NULL;
    int error = name->kind != NAME_NONE ? name_choose(s) : 0;
    if (error)
        return error;
    if (name->kind != NAME_NONE) {
        if (!(to = socket_named(name, s->type)) || to->gone & GONE_READ)
            return -ECONNREFUSED;
        if (to->type != SOCK_DGRAM)
            return -EPROTOTYPE;
        if (to->peer && to->peer != s)
            return -EPERM;
    }
    if (s->peer && s->peer != to && s->first) { /* what the former peer has sent is lost */
        packets_drop(s);
        if (s->peer->peer == s)
            s->peer->error = ECONNRESET;
        socket_happened(s->peer, POLLERR);
    }
    s->peer = to;
    s->connected = to != NULL;
    socket_changed(s);
    return 0;
}

int64_t do_connect(struct message *m)
{
    struct socket *s = socket_of(m->object), *to;
    const struct socket_beside *b = beside_of(m->call);
    if (!s)
        return -EBADF;
    if (!b) {
        sys_retry(m->call); /* it was forgotten meanwhile */
        return LATER;
    }
    struct socket_address name = b->name;
    beside_forget(m->call);
    if (s->type == SOCK_DGRAM)
        return connect_datagrams(s, &name);
    if (name.kind == NAME_NONE)
        return -EINVAL;
    int error = name_choose(s);
    if (error)
        return error;
    to = socket_named(&name, s->type);
    if (!to)
        return -ECONNREFUSED;
    m->w[0] = s->type; /* as socket_new() wants it */
    int64_t result = connect_now(s, to, m);
    if (result == WAITS)
        return wait_in(&to->writes, m, s->write_time);
    if (result)
        return result;
    socket_changed(s);
    serve_accepts(to);
    return 0;
}

/* ---- accepting ---- */

/* Gives the caller of m the next connection. The descriptor or an error. */
static int64_t accept_now(struct socket *s, struct message *m)
{
    struct socket *end = s->first_end;
    int64_t descriptor = connect(m, socket_object(end), O_RDWR | m->w[0]);
    if (descriptor >= 0)
        queue_take(s);
    return descriptor;
}

void serve_accepts(struct socket *s)
{
    while (s->reads.first && s->first_end) {
        struct pending *p = s->reads.first;
        if (call_alive(p->m.call)) {
            int64_t descriptor = accept_now(s, &p->m);
            if (descriptor < 0 || !p->m.w[5] || !hand_up(&p->m, descriptor, 0))
                reply(p->m.call, descriptor);
        }
        pending_remove(&s->reads, p);
    }
    if (s->gone & GONE_READ)
        while (s->reads.first) {
            reply(s->reads.first->m.call, -EINVAL);
            pending_remove(&s->reads, s->reads.first);
        }
    socket_happened(s, NEWS_COME);
}

int64_t do_accept(struct message *m)
{
    struct socket *s = socket_of(m->object);
    if (!s)
        return -EBADF;
    if (s->type == SOCK_DGRAM)
        return -EOPNOTSUPP;
    if (!s->listens || s->gone & GONE_READ)
        return -EINVAL;
    if (!s->first_end)
        return m->flags & O_NONBLOCK ? -EAGAIN : wait_in(&s->reads, m, s->read_time);
    int64_t descriptor = accept_now(s, m);
    if (descriptor >= 0 && m->w[5] && hand_up(m, descriptor, 0))
        descriptor = LATER;
    serve_connects(s);
    socket_changed(s);
    return descriptor;
}

/* A listening socket ends: so do the connections that nobody has accepted. */
void listener_end(struct socket *s)
{
    while (s->first_end)
        socket_end(queue_take(s), true);
    while (s->writes.first) {
        reply(s->writes.first->m.call, -ECONNREFUSED);
        pending_remove(&s->writes, s->writes.first);
    }
}
