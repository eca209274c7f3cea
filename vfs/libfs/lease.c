/* Leases: see lease.h. */
#include "lease.h"

int64_t lease_hand_up(struct message *m, uint64_t flags)
{
    m->op = POSIX_LEASE;
    m->w[0] = flags;
    m->w[1] = service_self();
    m->position = 0;
    return forward(m, service_find("posix")) < 0 ? -EIO : LATER;
}

/* Whether the file is open in a way that forbids a new lease of this kind. */
static bool in_use(const struct fs_node *n, unsigned kind)
{
    return kind == LEASE_READ ? n->writers : kind == LEASE_WRITE && n->opens - n->paths != 1;
}

int64_t fs_do_lease(struct message *m)
{
    uint64_t kind = m->w[1];
    bool fresh = m->w[2];
    if (m->from >= MAX_SERVICE)
        return -EPERM;
    if (fs_ops.forgets || kind > LEASE_WRITE)
        return -EINVAL;
    struct fs_node *n = fs_ops.get(m->object);
    int error = fs_error(n);
    if (error)
        return error;
    if (!S_ISREG(n->mode))
        error = -EINVAL;
    else if (fresh && in_use(n, kind))
        error = -EAGAIN;
    else
        n->lease = kind;
    fs_put(n);
    return error;
}
