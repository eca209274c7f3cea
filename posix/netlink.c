/* Netlink sockets, as far as mq_notify needs them: by one of those a C library learns that a queue
 * has a message, and then starts a thread (SIGEV_THREAD). They receive notes from this service.
 * There is nobody to send anything to: what a program would ask by them, about networks, is not
 * here. (Linux: net/netlink/af_netlink.c.) */
#include "netlink.h"

#include "anon.h"
#include "socket_file.h"
#include "syscalls.h"
#include "user_memory.h"

enum { NOTES = 16, NETLINK_ROUTE = 0, FLAGS = MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL };

struct netlink {
    struct anon a;
    unsigned first, count; /* of the notes in the ring */
    unsigned reserved;     /* that are to come */
    uint8_t notes[NOTES][NOTE_SIZE];
};

/* Whom a note is from: the kernel. */
struct sockaddr_nl {
    uint16_t family, pad;
    uint32_t pid, groups;
};

static uint64_t events(struct anon *a, struct thread *asker)
{
    (void)asker;
    return (((const struct netlink *)a)->count ? POLLIN | POLLRDNORM : 0) | POLLOUT | POLLWRNORM;
}

/* One note, cut to the length, as of all datagrams. */
static int64_t read(struct anon *a, call_t call, uint64_t length)
{
    struct netlink *n = (struct netlink *)a;
    length = MIN(length, (uint64_t)NOTE_SIZE);
    if (!n->count)
        return -EAGAIN;
    int error = copy_out_call(call, 0, n->notes[n->first], length);
    if (error)
        return anon_copy_failed(error);
    n->first = (n->first + 1) % NOTES;
    n->count--;
    return length;
}

static uint64_t readable(const struct anon *a)
{
    return ((const struct netlink *)a)->count ? NOTE_SIZE : 0;
}

static void stat(const struct anon *a, struct stat *s)
{
    (void)a;
    s->mode = S_IFSOCK | 0777;
}

static const struct anon_ops ops = {
    .events = events, .read = read, .readable = readable, .stat = stat
};

int64_t netlink_socket(struct thread *t, struct message *m)
{
    uint32_t kind = m->w[1] & TYPE_MASK, flags = m->w[1] & SOCKET_FLAGS;
    int64_t descriptor;
    if ((uint32_t)m->w[1] & ~(uint32_t)(TYPE_MASK | SOCKET_FLAGS))
        return -EINVAL;
    if (kind != SOCK_RAW && kind != SOCK_DGRAM)
        return kind < SOCK_TYPES ? -ESOCKTNOSUPPORT : -EINVAL;
    if ((uint32_t)m->w[2] != NETLINK_ROUTE)
        return -EPROTONOSUPPORT;
    anon_make(m, ANON_NETLINK, &ops, sizeof(struct netlink), t->process->i.uid, O_RDWR | flags,
              &descriptor);
    return descriptor;
}

struct netlink *netlink_behind(struct thread *t, uint32_t descriptor, int64_t *error)
{
    struct conn_info c;
    *error = socket_behind(t, descriptor, &c);
    if (!*error)
        *error = -EINVAL;
    return *error == -EOPNOTSUPP ? anon_of(c.service, c.object, ANON_NETLINK) : NULL;
}

int64_t netlink_receive(struct thread *t, struct message *m, const struct conn_info *c)
{
    static const struct sockaddr_nl kernel = { .family = AF_NETLINK };
    int32_t room, length = sizeof kernel;
    if ((uint32_t)m->w[3] & ~(uint32_t)FLAGS)
        return -EOPNOTSUPP;
    int64_t error = m->w[4] ? user_read(t, m->w[5], &room, sizeof room) : 0;
    if (!error && m->w[4] && room < 0)
        error = -EINVAL;
    if (!error && m->w[4])
        error = user_write(t, m->w[4], &kernel, MIN(room, length));
    /* A shorter room stays: a call that is made again would take the length for its room. */
    if (!error && m->w[4] && room > length)
        error = user_write(t, m->w[5], &length, sizeof length);
    if (error)
        return error;
    struct conn_info to = *c;
    to.flags |= m->w[3] & MSG_DONTWAIT ? O_NONBLOCK : 0;
    return socket_pass(t, m, FS_READ, &to, WINDOW_OUT);
}

int netlink_reserve(struct netlink *n)
{
    if (n->count + n->reserved == NOTES)
        return -EAGAIN;
    n->reserved++;
    anon_hold(&n->a);
    return 0;
}

void netlink_send(struct netlink *n, const void *note)
{
    n->reserved--;
    memcpy(n->notes[(n->first + n->count++) % NOTES], note, NOTE_SIZE);
    if (!n->a.gone)
        anon_changed(&n->a, POLLIN | POLLRDNORM);
    anon_drop(&n->a);
}
