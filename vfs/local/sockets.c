/* The table of sockets: making, pairing, shutting down and closing them. */
#include "local.h"

struct socket *sockets[SOCKETS];
unsigned sockets_count;

static struct socket *free_sockets;
static struct share socket_share = SHARE(SOCKETS, SOCKETS / 8, SOCKETS / 2);

struct socket *socket_of(uint64_t object)
{
    uint32_t number = object;
    struct socket *s = number < sockets_count ? sockets[number] : NULL;
    return s && s->used_now && s->generation == object >> 32 ? s : NULL;
}

/* A place for a socket, zeroed but for what it keeps for ever. NULL: no memory. */
static struct socket *place_take(void)
{
    struct socket *s = free_sockets;
    if (s) {
        free_sockets = s->next_free;
    } else if ((s = memory_zalloc(sizeof *s))) {
        s->number = s->poll.object = sockets_count;
        sockets[sockets_count++] = s;
    } else {
        return NULL;
    }
    *s = (struct socket){ .number = s->number,
                          .generation = (s->generation + 1) % GENERATIONS,
                          .poll = s->poll };
    return s;
}

struct socket *socket_new(const struct message *m)
{
    uint32_t user = call_user(m->call);
    if (share_take(&socket_share, user, 1, -ENFILE))
        return NULL;
    struct socket *s = place_take();
    if (!s) {
        share_give(&socket_share, user, 1);
        return NULL;
    }
    s->used_now = true;
    s->type = m->w[0];
    s->user = user;
    s->owner = (struct socket_cred){ m->w[4], m->w[5] >> 32, m->w[5] };
    s->peer_cred = (struct socket_cred){ 0, ~0u, ~0u };
    s->send_buffer = s->receive_buffer = BUFFER_FIRST;
    s->lowest = 1;
    s->born = fs_now();
    return s;
}

static void socket_free(struct socket *s)
{
    share_give(&socket_share, s->user, 1);
    s->used_now = false;
    s->next_free = free_sockets;
    free_sockets = s;
}

static int64_t socket_connect(struct message *m, const struct socket *s)
{
    return connect(m, socket_object(s), O_RDWR | (m->w[3] & (O_NONBLOCK | O_CLOEXEC)));
}

int64_t do_create(struct message *m)
{
    struct socket *s = socket_new(m);
    if (!s)
        return -ENFILE;
    int64_t descriptor = socket_connect(m, s);
    if (descriptor < 0)
        socket_free(s);
    return descriptor;
}

static void join(struct socket *a, struct socket *b)
{
    a->peer = b;
    b->peer = a;
    a->connected = b->connected = true;
    a->peer_cred = b->owner;
    b->peer_cred = a->owner;
}

int64_t do_pair(struct message *m)
{
    int32_t ends[2];
    /* Finds a missing page before anything has changed; if the call fails, the array is as it
     * was. */
    if (copy_in(m, 0, ends, sizeof ends) || copy_out(m, 0, ends, sizeof ends))
        return -EFAULT;
    struct socket *a = socket_new(m), *b = a ? socket_new(m) : NULL;
    if (!b) {
        if (a)
            socket_free(a);
        return -ENFILE;
    }
    ends[0] = socket_connect(m, a);
    ends[1] = ends[0] < 0 ? ends[0] : socket_connect(m, b);
    if (ends[1] < 0) {
        if (ends[0] < 0) /* else the kernel has taken a's descriptor back, and releases a */
            socket_free(a);
        socket_free(b);
        return ends[1];
    }
    join(a, b);
    return copy_out(m, 0, ends, sizeof ends) ? -EFAULT : 0;
}

/* Whoever waits for s goes on and finds out what has become of it. */
static void look_again(struct socket *s)
{
    if (s->listens) {
        serve_accepts(s);
    } else {
        serve_reads(s);
        serve_writes(s);
    }
    socket_happened(s, NEWS_STATE);
}

int64_t do_shutdown(struct message *m)
{
    static const uint8_t ends[] = { GONE_READ, GONE_WRITE, GONE_BOTH };
    static const uint8_t other[] = { GONE_WRITE, GONE_READ, GONE_BOTH };
    struct socket *s = socket_of(m->object), *peer;
    uint32_t how = m->w[1];
    if (!s)
        return -EBADF;
    if (how > SHUT_RDWR)
        return -EINVAL;
    s->gone |= ends[how];
    peer = s->type == SOCK_DGRAM ? NULL : s->peer;
    if (peer) {
        peer->gone |= other[how];
        look_again(peer);
    }
    look_again(s);
    return 0;
}

/* The peer of s is left alone. */
static void peer_leave(struct socket *s, bool unaccepted)
{
    struct socket *peer = s->peer;
    s->peer = NULL;
    if (!peer || peer->peer != s || s->type == SOCK_DGRAM)
        return;
    peer->peer = NULL;
    peer->peer_name = s->name;
    if (s->name)
        s->name->refs++;
    peer->gone = GONE_BOTH;
    if (s->first || unaccepted)
        peer->error = ECONNRESET;
}

/* Datagram sockets that send to s: they have no peer any more, and what waits fails. */
static void senders_leave(struct socket *s)
{
    for (unsigned i = 0; i < sockets_count; i++) {
        struct socket *x = sockets[i];
        if (!x->used_now || x->type != SOCK_DGRAM || x == s)
            continue;
        if (x->peer == s) {
            x->peer = NULL;
            socket_happened(x, NEWS_ROOM);
        }
        if (x->writes.first)
            serve_writes(x);
    }
}

static void pending_drop(struct pending_list *list)
{
    while (list->first) /* another thread has closed the descriptor */
        pending_remove(list, list->first);
}

void socket_end(struct socket *s, bool unaccepted)
{
    struct socket *peer = s->type == SOCK_DGRAM ? NULL : s->peer;
    if (s->listens)
        listener_end(s);
    s->used_now = false;
    if (s->type == SOCK_DGRAM)
        senders_leave(s);
    peer_leave(s, unaccepted);
    packets_drop(s);
    pending_drop(&s->reads);
    writes_drop(s);
    address_drop(s->name);
    address_drop(s->peer_name);
    pollable_changed(&s->poll, ~0ul);
    socket_free(s);
    if (peer)
        look_again(peer);
}

void do_release(const struct message *m)
{
    struct socket *s = socket_of(m->object);
    if (s)
        socket_end(s, false);
    rights_collect(true);
}
