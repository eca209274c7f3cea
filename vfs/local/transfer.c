/* Sending and receiving, and the calls that wait.
 *
 * A call that cannot end waits in a list of its socket, with the bytes that are done already
 * (done_of); the kernel knows this number too (call_moved), and it is the call's result when a
 * signal ends the call. What ends one otherwise:
 *
 *     the call        has moved bytes            has moved none
 *     peer gone       these                      0, or -ECONNRESET, -EPIPE
 *     time over       these                      -EAGAIN
 *     page missing    FS_WRITE is made again     made again when the page is there
 *                     behind these; else these
 *
 * Bytes are taken from a socket when the kernel has accepted the reply: if the reader was
 * interrupted meanwhile, they stay. And a reader is answered, which commits, before the pages of
 * what it has read may be filled again: see do_receive(). */
#include "local.h"

#include "syscalls.h"

enum {
    NOBODY = 65534,
    ROUND_BYTES = 1024, /* a read that waits gets more in most rounds of pump() */
};

static uint64_t alarm_next; /* when the alarm rings; 0: it is not set */

/* ---- one of many messages (sendmmsg, recvmmsg) ---- */

static bool one_of_many(const struct message *m) { return m->w[3] & MESSAGE_MANY; }

/* Hands it up with its result. quiet: an error comes without a signal. false: the caller is gone.
 */
static bool many_ends(const struct message *m, int64_t result, bool quiet)
{
    struct message up = *m; /* what m carries still is in its words */
    bool part = m->op == SOCKET_SEND && result >= 0 && (uint64_t)result < m->w[2];
    return hand_up(&up, result, (part ? MSG_TRUNC : 0) | (quiet ? MSG_NOSIGNAL : 0));
}

/* The handler's result for a call that ends with this one. */
static int64_t ends(struct message *m, int64_t result, bool quiet)
{
    return result != LATER && one_of_many(m) && many_ends(m, result, quiet) ? LATER : result;
}

/* ---- calls that wait ---- */

static void alarm_by(uint64_t when)
{
    if (alarm_next && alarm_next <= when)
        return;
    alarm_next = when;
    alarm_at(when);
}

int64_t wait_in(struct pending_list *list, struct message *m, uint64_t limit)
{
    *deadline_of(m) = limit ? time_now() + limit : 0;
    if (limit)
        ask_slow(m->call, true);
    if (!pending_add(list, m))
        return *done_of(m) ? (int64_t)*done_of(m) : -ENOMEM;
    if (limit)
        alarm_by(*deadline_of(m));
    return LATER;
}

/* Ends the calls of a list whose time is over. Returns the next time of one; 0: none has one. */
static uint64_t expire(struct pending_list *list, uint64_t now)
{
    uint64_t next = 0;
    for (struct pending *p = list->first, *after; p; p = after) {
        uint64_t end = *deadline_of(&p->m), done = *done_of(&p->m);
        after = p->next;
        if (end > now) {
            next = next && next < end ? next : end;
        } else if (end) {
            struct flight *r = carried(&p->m);
            int64_t result = done ? (int64_t)done : -EAGAIN;
            if (!one_of_many(&p->m) || !many_ends(&p->m, result, false))
                reply(p->m.call, result);
            pending_remove(list, p);
            rights_drop(r);
        }
    }
    return next;
}

void notified(uint64_t bits)
{
    uint64_t now = time_now();
    if (!(bits & 1ul << NOTIFY_ALARM))
        return;
    alarm_next = 0;
    for (unsigned i = 0; i < sockets_count; i++) {
        uint64_t read = expire(&sockets[i]->reads, now), write = expire(&sockets[i]->writes, now);
        if (read)
            alarm_by(read);
        if (write)
            alarm_by(write);
    }
}

bool may_wait(const struct message *m)
{
    return !(m->flags & O_NONBLOCK) && !(m->w[3] & MSG_DONTWAIT);
}

/* ---- receiving ---- */

/* The first bytes with which a read ends. */
static uint64_t read_least(const struct socket *s, const struct message *m)
{
    uint64_t least = m->w[3] & MSG_WAITALL ? m->w[2] : MIN(m->w[2], (uint64_t)s->lowest);
    return MAX(least, 1ul);
}

/* Copies what the read m of s can have now, *bytes more than are done. Its result; -EFAULT: a page
 * is missing; WAITS: it is to wait, and *bytes are done. */
static int64_t read_now(struct socket *s, struct message *m, uint32_t *bytes)
{
    uint64_t done = *done_of(m);
    if (s->type != SOCK_STREAM)
        return datagram_read(s, m, bytes);
    bool stops;
    *bytes = packets_together(s, MIN(m->w[2] - done, (uint64_t)s->received), &stops);
    if (packets_copy(s, m->call, done, *bytes)) {
        *bytes = done ? 0 : *bytes;
        return done ? (int64_t)done : -EFAULT;
    }
    done += *bytes;
    if (done >= read_least(s, m) || (done && (stops || m->w[3] & MSG_PEEK)))
        return done;
    if (!done && s->error)
        return -s->error;
    if (s->gone & GONE_READ)
        return done;
    if (!may_wait(m))
        return done ? (int64_t)done : -EAGAIN;
    return WAITS;
}

/* A read has got its result, and so these bytes; it has had only a look, if it `peeks`. */
static void read_ends(struct socket *s, int64_t result, uint32_t bytes, bool peeks)
{
    if (result < 0 && result == -s->error)
        s->error = 0;
    if (result < 0 || peeks)
        return;
    if (s->type == SOCK_STREAM)
        packets_take(s, bytes);
    else if (s->first)
        packet_take(s);
}

/* Whether POSIX writes the end of the answer to the read m. */
static bool wants_rest(const struct message *m) { return m->op == SOCKET_RECEIVE && m->w[0]; }

/* The descriptors that a read of so many bytes gets; NULL: none. */
static const struct flight *rights_within(const struct socket *s, uint32_t bytes)
{
    const struct packet *p = s->first;
    if (s->type == SOCK_STREAM)
        while (p && !p->rights && bytes) {
            bytes -= MIN(bytes, p->length);
            p = p->next;
        }
    return p && (bytes || s->type != SOCK_STREAM) ? p->rights : NULL;
}

/* For how many descriptors the read m has room beside what else it gets. (Linux: struct cmsghdr has
 * 16 bytes; SCM_CREDENTIALS takes 32.) */
static uint32_t rights_room(const struct socket *s, const struct message *m)
{
    enum { HEADER = 16, CREDENTIALS = 32 };
    uint64_t room = m->w[0] >> 1, used = HEADER + (s->pass_cred ? CREDENTIALS : 0);
    return room > used ? MIN((room - used) / sizeof(int32_t), (uint64_t)RIGHTS_MOST) : 0;
}

/* Leaves for POSIX what goes beside the bytes of the read m, and gives the caller its descriptors.
 * MSG_... of the answer. */
static uint32_t rest_put(struct socket *s, struct message *m, uint32_t bytes)
{
    const struct packet *p = bytes || s->type != SOCK_STREAM ? s->first : NULL;
    const struct flight *r = rights_within(s, bytes);
    uint32_t flags = p && s->type != SOCK_STREAM && bytes < p->length ? MSG_TRUNC : 0;
    if (!p || (!p->name && !r && !s->pass_cred))
        return flags;
    uint32_t count = r ? MIN(rights_count(r), rights_room(s, m)) : 0;
    struct socket_beside *b = beside_place(m->call, count);
    if (!b)
        return flags | (r ? MSG_CTRUNC : 0);
    if (p->name)
        b->name = p->name->name;
    b->known = s->pass_cred;
    b->cred = p->known ? p->cred : (struct socket_cred){ 0, NOBODY, NOBODY };
    if (count)
        b->count = rights_give(r, m->call, b->rights, count, m->w[3] & MSG_CMSG_CLOEXEC);
    return flags | (r && b->count < rights_count(r) ? MSG_CTRUNC : 0);
}

/* Answers the read m of s, and takes what it has got. */
static void read_answer(struct socket *s, struct message *m, int64_t result, uint32_t bytes)
{
    bool peeks = m->w[3] & MSG_PEEK, told;
    if (result >= 0 && wants_rest(m)) {
        told = hand_up(m, result, rest_put(s, m, bytes) | (m->w[3] & MSG_CMSG_CLOEXEC));
    } else if (one_of_many(m)) {
        /* an error behind messages that were received is for the next call */
        told = many_ends(m, result, true) && !(m->w[3] >> MESSAGE_DONE_SHIFT);
    } else {
        told = reply(m->call, result) == 0;
    }
    if (told)
        read_ends(s, result, bytes, peeks);
}

/* The read m, which waits on, has got these bytes. */
static void read_goes_on(struct socket *s, struct message *m, uint32_t bytes)
{
    if (!bytes)
        return;
    *done_of(m) += bytes;
    call_moved(m->call, moved_as(m, *done_of(m)));
    packets_take(s, bytes);
}

/* Makes the reads that wait again, in their order. true: bytes were taken. */
static bool reads_again(struct socket *s)
{
    uint32_t before = s->received, packets = s->packets, bytes = 0;
    for (struct pending *p; (p = s->reads.first);) {
        int64_t result = call_alive(p->m.call) ? read_now(s, &p->m, &bytes) : -ESRCH;
        if (result == WAITS) {
            read_goes_on(s, &p->m, bytes);
            break;
        }
        if (result == -EFAULT)
            throw_back(p->m.call, 0, bytes);
        else
            read_answer(s, &p->m, result, bytes);
        pending_remove(&s->reads, p);
    }
    return s->received != before || s->packets != packets;
}

/* ---- sending ---- */

static int64_t write_refusal(const struct socket *s)
{
    if (!s->connected)
        return -ENOTCONN;
    return s->gone & GONE_WRITE || !s->peer ? -EPIPE : 0;
}

/* Likewise for a send on a stream to `name`: a stream has its peer, and takes no name. */
static int64_t stream_refusal(const struct socket *s, const struct socket_address *name)
{
    if (name->kind != NAME_NONE)
        return s->connected ? -EISCONN : -EOPNOTSUPP;
    return write_refusal(s);
}

/* How many of the bytes that the write m of s has left can go now. */
static uint32_t write_room(const struct socket *s, struct message *m)
{
    uint32_t room = s->send_buffer > s->sent ? s->send_buffer - s->sent : 0;
    return MIN(m->w[2] - *done_of(m), (uint64_t)room);
}

/* Sends what can go now of the write m of s. Its result; -EFAULT: a page is missing; WAITS: it is
 * to wait. *moved: bytes were sent. */
static int64_t write_now(struct socket *s, struct message *m, bool *moved)
{
    if (s->type != SOCK_STREAM)
        return datagram_write(s, m, moved);
    int64_t error = write_refusal(s), n = 0;
    uint64_t *done = done_of(m);
    uint32_t room = error ? 0 : write_room(s, m);
    *moved = false;
    if (error)
        return *done ? (int64_t)*done : error;
    if (room)
        n = packet_append(s, s->peer, m, *done, room);
    if (n == -ENOBUFS && s->sent)
        n = 0; /* there is memory again when that has been read */
    if (n < 0)
        return *done && (n != -EFAULT || m->op != FS_WRITE) ? (int64_t)*done : n;
    *moved = n > 0;
    *done += n;
    if (*done == m->w[2])
        return *done;
    if (!may_wait(m))
        return *done ? (int64_t)*done : -EAGAIN;
    return WAITS;
}

/* Whether the error of a write comes without its signal. */
static bool quiet(const struct socket *s, const struct message *m)
{
    return m->w[3] & MSG_NOSIGNAL || s->type != SOCK_STREAM;
}

static void write_answer(const struct socket *s, struct message *m, int64_t result)
{
    if (result == -EFAULT)
        throw_back(m->call, *done_of(m), m->w[2] - *done_of(m));
    else if (one_of_many(m))
        many_ends(m, result, quiet(s, m));
    else
        reply_full(m->call, result, &(struct reply){ .flags = quiet(s, m) ? REPLY_QUIET : 0 });
}

/* What a write that waits carries still is closed. */
static void write_remove(struct socket *s, struct pending *p)
{
    struct flight *r = carried(&p->m);
    pending_remove(&s->writes, p);
    rights_drop(r);
}

void writes_drop(struct socket *s)
{
    while (s->writes.first)
        write_remove(s, s->writes.first);
}

/* The thread of this call makes another one: the one of it that may stand here was interrupted. */
static void writes_forget(struct socket *s, call_t call)
{
    for (struct pending *p = s->writes.first, *next; p; p = next) {
        next = p->next;
        if (call_thread(p->m.call) == call_thread(call))
            write_remove(s, p);
    }
}

/* Makes the writes that wait again, in their order. true: bytes were sent. */
static bool writes_again(struct socket *s)
{
    bool any = false, moved;
    for (struct pending *p; (p = s->writes.first);) {
        moved = false;
        int64_t result = call_alive(p->m.call) ? write_now(s, &p->m, &moved) : -ESRCH;
        any |= moved;
        if (result == WAITS) {
            if (moved)
                call_moved(p->m.call, moved_as(&p->m, *done_of(&p->m)));
            break;
        }
        write_answer(s, &p->m, result);
        write_remove(s, p);
    }
    return any;
}

/* ---- both ---- */

/* Goes on with the writes that may wait for room in s. true: bytes were sent. */
static bool senders_again(struct socket *s)
{
    bool any = false;
    if (s->type != SOCK_DGRAM)
        return s->peer && writes_again(s->peer);
    if (!s->awaited)
        return false;
    s->awaited = false;
    for (unsigned i = 0; i < sockets_count; i++) {
        if (sockets[i]->type == SOCK_DGRAM && sockets[i]->writes.first)
            any |= writes_again(sockets[i]);
        if (sockets[i]->peer == s)
            socket_happened(sockets[i], NEWS_ROOM);
    }
    return any;
}

/* Goes on with the reads of `to` and the writes to it until no bytes move any more. sent: some have
 * come already. */
static void pump(struct socket *to, bool sent)
{
    for (bool taken = true, more = false; taken || more; sent |= more) {
        taken = reads_again(to);
        more = senders_again(to);
        struct pending *p = taken || more ? to->reads.first : NULL;
        if (p)
            give_way(STEPS(p->m.w[2] - *done_of(&p->m), ROUND_BYTES));
    }
    socket_happened(to, sent ? NEWS_COME : 0);
}

void serve_reads(struct socket *s) { pump(s, false); }

void serve_writes(struct socket *s)
{
    bool sent = writes_again(s);
    if (s->peer)
        pump(s->peer, sent);
}

/* The read m of s has been done with this result, for which it has got these bytes. The result of
 * the handler. A read is committed before a writer's bytes take the place of what was read. */
static int64_t read_done(struct socket *s, struct message *m, int64_t result, uint32_t bytes)
{
    struct socket *sender = s->first ? sender_of(s->first) : NULL;
    bool awaited = s->awaited || (sender && sender->writes.first);
    if (awaited || one_of_many(m) || (result >= 0 && wants_rest(m))) {
        read_answer(s, m, result, bytes);
        result = LATER;
    } else {
        read_ends(s, result, bytes, m->w[3] & MSG_PEEK);
    }
    if (awaited)
        pump(s, false);
    if (sender)
        socket_happened(sender, NEWS_ROOM);
    return result;
}

static int64_t receive(struct socket *s, struct message *m)
{
    uint32_t bytes = 0;
    *done_of(m) = 0;
    if (!s->connected && s->type != SOCK_DGRAM)
        return s->type == SOCK_STREAM ? -EINVAL : -ENOTCONN;
    int64_t result = s->reads.first && may_wait(m) ? WAITS : read_now(s, m, &bytes);
    if (result == -EFAULT) {
        throw_back(m->call, 0, bytes);
        return LATER;
    }
    if (result != WAITS)
        return read_done(s, m, result, bytes);
    *done_of(m) = bytes;
    result = wait_in(&s->reads, m, s->read_time);
    if (result != LATER || !bytes)
        return result;
    call_moved(m->call, moved_as(m, bytes));
    packets_take(s, bytes);
    pump(s, false);
    if (s->peer)
        socket_happened(s->peer, NEWS_ROOM);
    return LATER;
}

/* Makes the send or write m, to `name` if it is not of NAME_NONE. The handler's result; what m
 * carries still is the caller's. */
static int64_t send(struct socket *s, struct message *m, const struct socket_address *name)
{
    bool moved = false;
    int64_t result = s->type == SOCK_STREAM ? stream_refusal(s, name)
                                            : datagram_address(s, m, name);
    if (!result)
        result = s->writes.first && may_wait(m) ? WAITS : write_now(s, m, &moved);
    if (result == -EFAULT) {
        write_answer(s, m, result);
        return LATER;
    }
    if (result == WAITS) {
        writes_forget(s, m->call);
        result = wait_in(&s->writes, m, s->write_time);
        if (result == LATER && m->op == SOCKET_SEND)
            *carried_at(m) = NULL;
        if (result == LATER && moved)
            call_moved(m->call, moved_as(m, *done_of(m)));
    }
    if (moved)
        pump(s->type == SOCK_STREAM ? s->peer : socket_of(m->w[0]), true);
    if (result == -EPIPE && quiet(s, m))
        reply_of(m)->flags |= REPLY_QUIET;
    return result;
}

int64_t do_read(struct message *m)
{
    struct socket *s = socket_of(m->object);
    m->w[0] = m->w[3] = 0;
    if (!s)
        return -EBADF;
    return m->w[2] ? receive(s, m) : 0;
}

int64_t do_write(struct message *m)
{
    static const struct socket_address none;
    struct socket *s = socket_of(m->object);
    m->w[0] = m->w[3] = 0;
    *done_of(m) = moved_before(m);
    if (!s)
        return -EBADF;
    if (!*done_of(m) && tells_senders(s, s->peer))
        return write_up(m);
    return send(s, m, &none);
}

int64_t do_receive(struct message *m)
{
    struct socket *s = socket_of(m->object);
    if (!s)
        return -EBADF;
    /* nothing is ever out of band */
    return ends(m, m->w[3] & MSG_OOB ? -EINVAL : receive(s, m), true);
}

/* Takes what came before the send m: m carries the descriptors, *name is where it goes. 0, LATER:
 * the call is made again, or an error. */
static int64_t take_beside(struct message *m, struct socket_address *name)
{
    const struct socket_beside *b = beside_of(m->call);
    if (!b && one_of_many(m))
        return -ENOBUFS;
    if (!b) {
        sys_retry(m->call); /* it was forgotten meanwhile */
        return LATER;
    }
    *name = b->name;
    if (b->known) {
        m->w[3] |= SEND_CRED;
        m->w[4] = b->cred.pid;
        m->w[5] = (uint64_t)b->cred.uid << 32 | b->cred.gid;
    }
    int64_t error = b->count ? rights_take(m->call, b->rights, b->count, carried_at(m)) : 0;
    beside_forget(m->call);
    return error;
}

int64_t do_send(struct message *m)
{
    struct socket_address name = { 0 };
    struct socket *s = socket_of(m->object);
    bool beside = m->w[0] & 1;
    m->w[5] = (m->w[0] & ~(uint64_t)UINT32_MAX) | m->w[4] >> 32; /* uid and gid, as elsewhere */
    m->w[4] = (uint32_t)m->w[4];
    *done_of(m) = 0;
    *carried_at(m) = NULL;
    m->w[0] = 0;
    if (!s)
        return -EBADF;
    int64_t result = beside ? take_beside(m, &name) : 0;
    if (!result)
        result = m->w[3] & MSG_OOB ? -EOPNOTSUPP : send(s, m, &name);
    rights_drop(carried(m));
    return ends(m, result, quiet(s, m));
}
