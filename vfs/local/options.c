/* Options of sockets. (Linux: net/core/sock.c.) */
#include "local.h"

struct timeval {
    int64_t sec, usec;
};

/* An option's value on its way: `length` bytes, which POSIX cuts to what the program has room
 * for. */
union value {
    int32_t number;
    struct timeval time;
    struct socket_cred cred;
    struct {
        int32_t on, seconds;
    } linger;
};

static struct timeval time_of(uint64_t ns)
{
    return (struct timeval){ ns / SECOND, ns % SECOND / 1000 };
}

/* The value of an option; its bytes, or -ENOPROTOOPT. */
static int64_t option_get(struct socket *s, unsigned option, union value *v)
{
    v->number = 0;
    switch (option) {
    case SO_TYPE: v->number = s->type; break;
    case SO_DOMAIN: v->number = AF_UNIX; break;
    case SO_ERROR:
        v->number = s->error;
        s->error = 0;
        break;
    case SO_SNDBUF: v->number = s->send_buffer; break;
    case SO_RCVBUF: v->number = s->receive_buffer; break;
    case SO_RCVLOWAT: v->number = s->lowest; break;
    case SO_SNDLOWAT: v->number = 1; break;
    case SO_ACCEPTCONN: v->number = s->listens; break;
    case SO_PROTOCOL: break;
    case SO_PASSCRED: v->number = s->pass_cred; break;
    case SO_DEBUG:
    case SO_REUSEADDR:
    case SO_DONTROUTE:
    case SO_BROADCAST:
    case SO_KEEPALIVE:
    case SO_OOBINLINE:
    case SO_REUSEPORT: v->number = s->flags >> option & 1; break;
    case SO_LINGER:
        v->linger.on = s->flags >> option & 1;
        v->linger.seconds = s->linger;
        return sizeof v->linger;
    case SO_RCVTIMEO:
    case SO_RCVTIMEO_NEW: v->time = time_of(s->read_time); return sizeof v->time;
    case SO_SNDTIMEO:
    case SO_SNDTIMEO_NEW: v->time = time_of(s->write_time); return sizeof v->time;
    case SO_PEERCRED: v->cred = s->peer_cred; return sizeof v->cred;
    default: return -ENOPROTOOPT;
    }
    return sizeof v->number;
}

int64_t do_option_get(struct message *m)
{
    struct socket *s = socket_of(m->object);
    union value v;
    if (!s)
        return -EBADF;
    int64_t length = option_get(s, m->w[0], &v);
    if (length < 0)
        return length;
    return copy_out(m, 0, &v, MIN(length, (int64_t)m->w[2])) ? -EFAULT : length;
}

/* A limit of time in ns; 0: none. -EDOM, -EINVAL. */
static int64_t time_set(uint64_t *to, const struct timeval *t)
{
    if (t->usec < 0 || t->usec >= 1000000)
        return -EDOM;
    uint64_t most = INT64_MAX / SECOND - 1;
    if (t->sec < 0)
        *to = 1;
    else
        *to = (uint64_t)t->sec > most ? 0 : t->sec * SECOND + t->usec * 1000;
    return 0;
}

/* The size of a buffer, which Linux doubles. */
static uint32_t buffer_size(int32_t wanted, uint32_t least)
{
    uint32_t size = wanted < 0 || wanted > BUFFER_MOST / 2 ? BUFFER_MOST : wanted * 2;
    return MAX(size, least);
}

static int64_t option_set(struct socket *s, unsigned option, const union value *v, bool privileged)
{
    switch (option) {
    case SO_RCVTIMEO:
    case SO_RCVTIMEO_NEW: return time_set(&s->read_time, &v->time);
    case SO_SNDTIMEO:
    case SO_SNDTIMEO_NEW: return time_set(&s->write_time, &v->time);
    case SO_SNDBUFFORCE:
        if (!privileged)
            return -EPERM;
        /* fall through */
    case SO_SNDBUF: s->send_buffer = buffer_size(v->number, SEND_BUFFER_LEAST); return 0;
    case SO_RCVBUFFORCE:
        if (!privileged)
            return -EPERM;
        /* fall through */
    case SO_RCVBUF: s->receive_buffer = buffer_size(v->number, RECEIVE_BUFFER_LEAST); return 0;
    case SO_RCVLOWAT: s->lowest = v->number < 0 ? INT32_MAX : MAX(v->number, 1); return 0;
    case SO_DEBUG:
        if (!privileged && v->number)
            return -EACCES;
        /* fall through */
    case SO_REUSEADDR:
    case SO_DONTROUTE:
    case SO_BROADCAST:
    case SO_KEEPALIVE:
    case SO_OOBINLINE: break;
    case SO_PASSCRED: s->pass_cred = v->number; return 0;
    case SO_LINGER: s->linger = v->linger.seconds; break;
    case SO_REUSEPORT: return v->number ? -EOPNOTSUPP : 0;
    default: return -ENOPROTOOPT; /* or one that cannot be set */
    }
    s->flags = (s->flags & ~(1u << option)) | (uint32_t)(v->number != 0) << option;
    return 0;
}

/* The least bytes that an option's value has. */
static size_t least(unsigned option)
{
    switch (option) {
    case SO_RCVTIMEO:
    case SO_SNDTIMEO:
    case SO_RCVTIMEO_NEW:
    case SO_SNDTIMEO_NEW: return sizeof(struct timeval);
    case SO_LINGER: return sizeof((union value *)0)->linger;
    default: return sizeof(int32_t);
    }
}

int64_t do_option_set(struct message *m)
{
    struct socket *s = socket_of(m->object);
    union value v = { 0 };
    unsigned option = m->w[0];
    if (!s)
        return -EBADF;
    if (m->w[2] < least(option))
        return -EINVAL;
    if (copy_in(m, 0, &v, MIN(m->w[2], sizeof v)))
        return -EFAULT;
    return option_set(s, option, &v, m->w[3]);
}
