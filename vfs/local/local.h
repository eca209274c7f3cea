/* Sockets of one machine (AF_UNIX) inside. A socket is one open file: fork and dup share it,
 * nothing else can. No function here waits: a call that cannot end yet is left with LATER, in a
 * list of its socket. One thread serves. */
#ifndef LOCAL_H
#define LOCAL_H

#include "fs.h"
#include "pollable.h"
#include "share.h"

#include <minnow/socket.h>

enum {
    SOCKETS = 1024,
    GENERATIONS = 1 << 24,
    SOCKET_DEV = 8,
    /* bytes on their way from one socket, at first, at least and at most (SO_SNDBUF) */
    BUFFER_FIRST = 212992,
    SEND_BUFFER_LEAST = 4608,
    RECEIVE_BUFFER_LEAST = 2304,
    BUFFER_MOST = 425984,
};

/* A page of bytes. Its first byte stands at `begin`, the last before `end`. */
struct block {
    struct block *next;
    uint8_t *base;
    uint32_t begin, end;
};

/* Bytes on their way, from one sender. */
struct packet {
    struct packet *next;
    struct block *first, *last;
    uint32_t length;
    uint32_t sender;         /* number and */
    uint32_t sender_serial;  /* generation of the socket whose `sent` the bytes count in */
    uint32_t user;           /* the user charged for the blocks */
    struct address *name;    /* of the socket that has sent the bytes; NULL: it has none */
    struct flight *rights;   /* descriptors that go with the first byte; NULL: none */
    struct socket_cred cred; /* of who has sent them, */
    bool known;              /* if one of both ends wanted to know (SO_PASSCRED) */
};

/* A result: the call is to wait. */
#define WAITS (INT64_MIN + 2)

struct address {
    uint32_t refs;
    struct socket_address name;
};

enum { GONE_READ = 1, GONE_WRITE = 2, GONE_BOTH = 3 };

struct socket {
    bool used_now;  /* the socket exists */
    bool connected; /* it has a peer, or has had one */
    bool pass_cred; /* SO_PASSCRED */
    uint8_t type;   /* SOCK_... */
    uint8_t gone;   /* GONE_...: no more is received, or sent */
    int32_t error;  /* SO_ERROR: an errno that the next call gets; 0: none */
    uint32_t flags; /* options without effect, a bit for each: 1 << SO_... */
    int32_t linger; /* SO_LINGER: without effect */
    uint32_t number, generation;
    uint32_t user; /* the user who made the socket, and is charged for what it sends */
    /* The other end. Of datagram sockets: where to send what has no address; that one's may be
     * another. */
    struct socket *peer;
    struct address *name, *peer_name; /* peer_name: when the peer has gone */
    bool bound;                       /* the socket is found by its name */
    bool listens;
    bool awaited;     /* datagrams, or a poll, wait for room in here */
    uint32_t backlog; /* of a socket that listens: connections that may wait, less 1; */
    uint32_t ends;    /* how many there are, */
    struct socket *first_end, *last_end; /* and these */
    struct socket *next_end, *waits_for; /* nobody has accepted this one yet */
    struct packet *first, *last;         /* received, not read yet */
    uint32_t received;                   /* bytes in these */
    uint32_t packets;                    /* how many these are */
    uint32_t sent; /* bytes that this socket has sent and nobody has read yet */
    uint32_t send_buffer, receive_buffer;
    uint32_t lowest;                /* SO_RCVLOWAT: fewer bytes end no read */
    uint64_t read_time, write_time; /* ns that a call waits at most; 0: for ever */
    /* Calls that wait: see transfer.c. Of a socket that listens: to accept, and to connect. */
    struct pending_list reads, writes;
    struct pollable poll;
    struct socket_cred owner;     /* of the socket's file */
    struct socket_cred peer_cred; /* who has made the other end, or connected to it */
    struct timespec64 born;
    struct socket *next_free;
    /* for rights_collect() */
    struct socket *next_reached;
    uint32_t flights;   /* descriptors of it in flight, */
    uint32_t flying_as; /* and one of them in this service's table */
    bool reached;
};

/* The descriptors that the call m is to send; NULL: none. */
static inline struct flight **carried_at(struct message *m) { return (struct flight **)&m->w[1]; }
static inline struct flight *carried(struct message *m)
{
    return m->op == SOCKET_SEND ? *carried_at(m) : NULL;
}

/* Of a waiting call: the bytes that are done, and when the call is to end at the latest, in ns
 * since boot (0: never). */
static inline uint64_t *done_of(struct message *m) { return &m->position; }
static inline uint64_t *deadline_of(struct message *m) { return &m->label; }

/* What the kernel is told that the call has moved, when so many bytes of it are done. */
static inline uint64_t moved_as(const struct message *m, uint64_t bytes)
{
    return m->w[3] & MESSAGE_MANY ? ((m->w[3] >> MESSAGE_DONE_SHIFT) + 1) << 32 | bytes : bytes;
}

/* ---- sockets.c ---- */
extern struct socket *sockets[SOCKETS];
extern unsigned sockets_count;             /* places of the table that were ever used */
struct socket *socket_of(uint64_t object); /* NULL: there is no such socket any more */
static inline uint64_t socket_object(const struct socket *s)
{
    return (uint64_t)s->generation << 32 | s->number;
}
/* The socket that has sent p; NULL: it is gone. */
static inline struct socket *sender_of(const struct packet *p)
{
    return socket_of((uint64_t)p->sender_serial << 32 | p->sender);
}
/* A new socket, charged to the caller's user, whom the message names (SOCKET_CREATE). NULL: the
 * user has its share of all sockets, or there is no memory. */
struct socket *socket_new(const struct message *m);
/* s ends, which nobody has `accepted` or has its last descriptor closed. */
void socket_end(struct socket *s, bool unaccepted);
int64_t do_create(struct message *m);     /* SOCKET_CREATE */
int64_t do_pair(struct message *m);       /* SOCKET_PAIR */
int64_t do_shutdown(struct message *m);   /* SOCKET_SHUTDOWN */
void do_release(const struct message *m); /* KERNEL_RELEASE */

/* ---- names.c ---- */
void address_drop(struct address *a); /* gives one reference up; harmless if a is NULL */
/* The socket that is bound to this name. Abstract names are one set for each type. NULL: none. */
struct socket *socket_named(const struct socket_address *name, unsigned type);
/* Binds s, which has no name. 0, -EADDRINUSE, -ENOMEM, -ENOSPC. */
int name_give(struct socket *s, struct socket_address *name);
/* Binds s, which connects or sends, to a name that nobody has, if it is to tell who it is
 * (SO_PASSCRED) and has none. As name_give(). */
int name_choose(struct socket *s);
int64_t do_bind(struct message *m); /* SOCKET_BIND */
int64_t do_name(struct message *m); /* SOCKET_NAME */

/* ---- beside.c ---- */
/* What came before this call, until it is forgotten. NULL: it was forgotten. */
const struct socket_beside *beside_of(call_t call);
void beside_forget(call_t call);
/* A place for what POSIX is to fetch after this call, zeroed, with room for so many rights. NULL:
 * no memory, or the user has its share. */
struct socket_beside *beside_place(call_t call, uint32_t rights);
/* Hands a RECEIVE or ACCEPT that has been done up to POSIX. false: the caller is gone. */
bool hand_up(struct message *m, int64_t result, uint32_t flags);
/* The end of a handler: the write m comes again as SOCKET_SEND, with who makes it. */
int64_t write_up(struct message *m);
int64_t do_beside(struct message *m); /* SOCKET_BESIDE */
int64_t do_rest(struct message *m);   /* SOCKET_REST */

/* ---- rights.c ---- */
/* Takes descriptors of the caller, for it to send. 0: *to belongs to the handler. -EBADF,
 * -ETOOMANYREFS, -ENOBUFS, -ESRCH; then *to is NULL. */
int64_t rights_take(call_t call, const int32_t *descriptors, unsigned count, struct flight **to);
/* Gives the caller copies, at most `room`, as far as it has room for descriptors. How many, whose
 * numbers are in to[]. */
uint32_t rights_give(const struct flight *r, call_t call, int32_t *to, uint32_t room, bool cloexec);
uint32_t rights_count(const struct flight *r);
void rights_drop(struct flight *r); /* closes and frees them; harmless if r is NULL */
/* Drops those that nobody can receive any more; socket_ended: if there can be some because a socket
 * has ended. */
void rights_collect(bool socket_ended);

/* ---- packets.c ---- */
/* How many of the first `most` bytes that s has received one read gets. It *stops behind
 * descriptors, and, if it tells who has sent the bytes, before another sender's. */
uint32_t packets_together(const struct socket *s, uint32_t most, bool *stops);
/* Fills the memory that `bytes` of the call's window take, from `offset` on, charged to s's user,
 * and puts them behind s's peer's last packet, or into a packet of their own. The number of bytes
 * that have found memory; -EFAULT: nothing has changed; -ENOBUFS: no memory, or the user has its
 * share. */
int64_t packet_append(struct socket *from, struct socket *to, struct message *m, uint64_t offset,
                      uint32_t bytes);
/* Copies the first bytes that s has received to the window at `offset`, without taking them. 0 or
 * -EFAULT. */
int packets_copy(const struct socket *s, call_t call, uint64_t offset, uint32_t bytes);
/* Takes the first bytes, which have been copied, or all that s has received. */
void packets_take(struct socket *s, uint32_t bytes);
void packets_drop(struct socket *s);
/* Whether what `from` sends to `to` tells who has sent it (SO_PASSCRED). */
static inline bool tells_senders(const struct socket *from, const struct socket *to)
{
    return from->pass_cred || (to && (to->pass_cred || to->waits_for));
}
/* Puts `length` bytes of the window into a packet of their own. 0, -EFAULT, -ENOBUFS. */
int64_t packet_put(struct socket *from, struct socket *to, struct message *m, uint32_t length);
void packet_take(struct socket *s); /* the first one */

/* ---- datagram.c ---- */
enum { QUEUE_MOST = 10 };
/* As read_now() and write_now() in transfer.c, for datagrams and seqpackets. w0 of a write is the
 * object of the socket that it goes to. */
int64_t datagram_read(struct socket *s, struct message *m, uint32_t *bytes);
int64_t datagram_write(struct socket *s, struct message *m, bool *moved);
/* Whether datagrams of s have to wait for others' that `to` has not read. to may be NULL. */
bool datagram_full(const struct socket *s, const struct socket *to);
/* Finds where the send m goes, before it is made: to `name`, if it is not of NAME_NONE. 0 or an
 * error. */
int64_t datagram_address(struct socket *s, struct message *m, const struct socket_address *name);

/* ---- connect.c ---- */
/* Go on with the calls that wait for room in the queue of s, and for a connection. */
void serve_connects(struct socket *s);
void serve_accepts(struct socket *s);
void listener_end(struct socket *s);
int64_t do_listen(struct message *m);  /* SOCKET_LISTEN */
int64_t do_connect(struct message *m); /* SOCKET_CONNECT */
int64_t do_accept(struct message *m);  /* SOCKET_ACCEPT */

/* ---- transfer.c ---- */
/* Leaves m in the list, for `limit` ns at most (0: for ever). The handler's result. */
int64_t wait_in(struct pending_list *list, struct message *m, uint64_t limit);
bool may_wait(const struct message *m);
/* Go on with the calls that wait, in their order, as far as bytes and room allow. */
void serve_reads(struct socket *s);
void serve_writes(struct socket *s);
void writes_drop(struct socket *s);    /* they are not answered: the callers are gone */
int64_t do_read(struct message *m);    /* FS_READ */
int64_t do_write(struct message *m);   /* FS_WRITE */
int64_t do_receive(struct message *m); /* SOCKET_RECEIVE */
int64_t do_send(struct message *m);    /* SOCKET_SEND */
void notified(uint64_t bits);          /* the time of a call that waits may be over */

/* ---- status.c ---- */
/* What happens to a socket for those that wait for edges: bytes or connections have come; there is
 * room; it is in another state, so whatever holds is told again. (Linux: sk_data_ready,
 * sk_write_space, sk_state_change of struct sock.) */
enum { NEWS_COME = POLLIN | POLLRDNORM, NEWS_ROOM = POLLOUT | POLLWRNORM, NEWS_STATE = 0xffff };
void socket_tell(struct socket *s, uint16_t news);
/* The answer of poll may have changed. */
static inline void socket_changed(struct socket *s)
{
    if (s->poll.armed)
        socket_tell(s, 0);
}
/* Likewise, and there are these news. */
static inline void socket_happened(struct socket *s, uint16_t news)
{
    if (pollable_watched(&s->poll))
        socket_tell(s, news);
}
int64_t do_poll(struct message *m);
int64_t do_ioctl(struct message *m);
int64_t do_stat(struct message *m);
int64_t do_statfs(struct message *m);
int64_t do_open(struct message *m); /* -ENXIO */

/* ---- options.c ---- */
int64_t do_option_get(struct message *m); /* SOCKET_OPTION */
int64_t do_option_set(struct message *m); /* SOCKET_OPTION_SET */

#endif
