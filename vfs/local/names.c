/* Addresses of sockets, and finding a socket by one. A socket shares its address with the sockets
 * that it accepts, and with its packets, which outlive it; found by it is only the one that was
 * bound. */
#include "local.h"

static struct address *address_make(const struct socket_address *b)
{
    struct address *a = memory_alloc(sizeof *a);
    if (a)
        *a = (struct address){ .refs = 1, .name = *b };
    return a;
}

void address_drop(struct address *a)
{
    if (a && --a->refs == 0)
        memory_free(a);
}

static bool name_same(const struct socket_address *a, const struct socket_address *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == NAME_FILE)
        return a->service == b->service && a->object == b->object;
    return a->length == b->length && memcmp(a->path, b->path, a->length) == 0;
}

struct socket *socket_named(const struct socket_address *name, unsigned type)
{
    for (unsigned i = 0; i < sockets_count; i++) {
        struct socket *s = sockets[i];
        if (s->used_now && s->bound && (name->kind == NAME_FILE || s->type == type) &&
            name_same(&s->name->name, name))
            return s;
    }
    return NULL;
}

/* Gives s an address that no socket has: five hexadecimal digits (Linux: autobind). */
static int choose(struct socket_address *name, unsigned type)
{
    static uint32_t next;
    for (unsigned tries = 0; tries <= SOCKETS; tries++) {
        name->length = 6;
        format(name->path + 1, 6, "%05x", next++ & 0xfffff);
        if (!socket_named(name, type))
            return 0;
    }
    return -ENOSPC;
}

int name_give(struct socket *s, struct socket_address *name)
{
    struct socket *other;
    bool free = name->kind == NAME_ABSTRACT && !name->length;
    int error = free ? choose(name, s->type) : 0;
    if (error)
        return error;
    if (!free && (other = socket_named(name, s->type))) {
        if (name->kind != NAME_FILE)
            return -EADDRINUSE;
        other->bound = false; /* the inode is new: what had this number has gone */
    }
    s->name = address_make(name);
    if (!s->name)
        return -ENOMEM;
    s->bound = true;
    return 0;
}

int name_choose(struct socket *s)
{
    return s->pass_cred && !s->name
               ? name_give(s, &(struct socket_address){ .kind = NAME_ABSTRACT })
               : 0;
}

int64_t do_bind(struct message *m)
{
    struct socket *s = socket_of(m->object);
    struct socket_address name = { 0 };
    if (!s || m->w[2] != sizeof name)
        return -EBADF;
    if (copy_in(m, 0, &name, sizeof name))
        return -EFAULT;
    if (name.kind == NAME_NONE || name.length > SOCKET_PATH)
        return -EINVAL;
    if (s->name)
        return name.kind == NAME_ABSTRACT && !name.length ? 0 : -EINVAL;
    return name_give(s, &name);
}

int64_t do_name(struct message *m)
{
    struct socket *s = socket_of(m->object);
    struct socket_address none = { 0 };
    if (!s)
        return -EBADF;
    if (m->w[0] && (!s->connected || (s->type == SOCK_DGRAM && !s->peer)))
        return -ENOTCONN;
    const struct address *a = !m->w[0] ? s->name : s->peer ? s->peer->name : s->peer_name;
    return copy_out(m, 0, a ? &a->name : &none, MIN(m->w[2], sizeof none)) ? -EFAULT : 0;
}
