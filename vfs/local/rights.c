/* Descriptors in flight (SCM_RIGHTS): sent, and not received yet. The service holds the open files
 * in a table of its own (SYS_CONN_TAKE), so they stay open whatever becomes of their sender.
 *
 * Rights belong to the call that sends them while it waits, and then to a packet. They go with it:
 * to its reader, or they are closed. What nobody can ever receive is found by rights_collect():
 *
 *     roots       sockets that a descriptor of a program names, or a call that waits
 *     edges       from a socket to those that its packets carry, and from one that listens to
 *                 the connections that nobody has accepted
 *     collected   the rights in packets of sockets that no root leads to (a socket that was sent
 *                 over itself and closed), and rights that a failed request has left behind
 *
 * That runs when a socket has ended while sockets are in flight, and before a user is refused. */
#include "local.h"

#include "list.h"
#include "syscalls.h"

#define NO_SOCKET (~0ul)

struct flight {
    struct link link; /* in `flights` */
    uint32_t user;    /* who is charged */
    uint32_t count;   /* how many of `right` there are */
    bool reached;     /* by rights_collect() */
    struct right {
        uint32_t own;    /* descriptor of this service */
        uint64_t object; /* the socket behind it, or NO_SOCKET */
    } right[];
};

static struct list flights;     /* all of them */
static uint32_t sockets_flying; /* rights that are sockets of this service */
static struct share rights_share = SHARE(DESCRIPTORS_MAX, DESCRIPTORS_MAX / 8, 1024);

/* ---- taking and giving ---- */

static struct flight *rights_new(uint32_t user, unsigned count)
{
    struct flight *r = memory_zalloc(sizeof *r + count * sizeof r->right[0]);
    if (!r)
        return NULL;
    r->user = user;
    list_prepend(&flights, &r->link);
    return r;
}

void rights_drop(struct flight *r)
{
    if (!r)
        return;
    while (r->count) {
        struct right last = r->right[--r->count];
        sockets_flying -= last.object != NO_SOCKET;
        share_give(&rights_share, r->user, 1);
        sys_conn_drop(last.own);
    }
    list_remove(&flights, &r->link);
    memory_free(r);
}

/* Adds the caller's descriptor to r. 0 or an error. */
static int64_t right_take(struct flight *r, call_t call, uint32_t descriptor)
{
    struct conn_info info = { 0 };
    int64_t error = share_take(&rights_share, r->user, 1, -ETOOMANYREFS);
    int64_t own = error ? error : sys_conn_take(call, descriptor);
    if (own < 0) {
        if (!error)
            share_give(&rights_share, r->user, 1);
        return own == -EMFILE ? -ETOOMANYREFS : own;
    }
    ask_conn_get(service_self(), own, &info);
    bool ours = info.service == service_self();
    r->right[r->count++] = (struct right){ own, ours ? info.object : NO_SOCKET };
    sockets_flying += ours;
    return 0;
}

int64_t rights_take(call_t call, const int32_t *descriptors, unsigned count, struct flight **to)
{
    uint32_t user = call_user(call);
    if (rights_share.taken + count > rights_share.capacity ||
        (user && share_held(&rights_share, user) + count > rights_share.each))
        rights_collect(false);
    struct flight *r = rights_new(user, count);
    int64_t error = r ? 0 : -ENOBUFS;
    for (unsigned i = 0; i < count && !error; i++)
        error = right_take(r, call, descriptors[i]);
    if (error) {
        rights_drop(r);
        r = NULL;
    }
    *to = r;
    return error;
}

uint32_t rights_give(const struct flight *r, call_t call, int32_t *to, uint32_t room, bool cloexec)
{
    uint32_t n = 0;
    for (; n < MIN(room, r->count); n++) {
        int64_t descriptor = sys_conn_give(call, r->right[n].own, cloexec ? O_CLOEXEC : 0);
        if (descriptor < 0)
            break;
        to[n] = descriptor;
    }
    return n;
}

uint32_t rights_count(const struct flight *r) { return r->count; }

/* ---- what nobody can receive ---- */

static struct socket *reached_last; /* reached, and what its packets carry not looked at yet */

static void reach(struct socket *s)
{
    if (s->reached)
        return;
    s->reached = true;
    s->next_reached = reached_last;
    reached_last = s;
}

static void reach_rights(struct flight *r)
{
    if (!r || r->reached)
        return;
    r->reached = true;
    for (unsigned i = 0; i < r->count; i++) {
        struct socket *s = socket_of(r->right[i].object);
        if (s)
            reach(s);
    }
}

/* Begins with what programs can get at by themselves. */
static void reach_roots(void)
{
    struct conn_info info;
    for (unsigned i = 0; i < sockets_count; i++) {
        sockets[i]->reached = false;
        sockets[i]->flights = 0;
    }
    for (struct link *l = flights.first; l; l = l->next) {
        struct flight *r = CONTAINER(l, struct flight, link);
        r->reached = false;
        for (unsigned i = 0; i < r->count; i++) {
            struct socket *s = socket_of(r->right[i].object);
            if (s && !s->flights++)
                s->flying_as = r->right[i].own;
        }
    }
    for (unsigned i = 0; i < sockets_count; i++) {
        struct socket *s = sockets[i];
        if (!s->used_now || s->waits_for)
            continue;
        bool only_flies = s->flights && ask_conn_get(service_self(), s->flying_as, &info) == 0 &&
                          info.refs == s->flights;
        if (!only_flies || s->reads.first || s->writes.first)
            reach(s);
    }
}

static void reach_on(struct socket *s)
{
    for (struct packet *p = s->first; p; p = p->next)
        reach_rights(p->rights);
    for (struct pending *p = s->writes.first; p; p = p->next)
        reach_rights(carried(&p->m));
    for (struct socket *end = s->first_end; end; end = end->next_end)
        reach(end);
}

void rights_collect(bool socket_ended)
{
    if (socket_ended && !sockets_flying)
        return;
    reach_roots();
    while (reached_last) {
        struct socket *s = reached_last;
        reached_last = s->next_reached;
        reach_on(s);
    }
    for (unsigned i = 0; i < sockets_count; i++)
        for (struct packet *p = sockets[i]->first; p && !sockets[i]->reached; p = p->next) {
            struct flight *r = p->rights;
            p->rights = NULL;
            rights_drop(r);
        }
    for (struct link *l = flights.first, *next; l; l = next) {
        struct flight *r = CONTAINER(l, struct flight, link);
        next = l->next;
        if (!r->reached)
            rights_drop(r);
    }
}
