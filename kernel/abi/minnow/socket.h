/* Sockets as the protocols speak of them, with Linux's values (linux/socket.h, asm-generic/
 * socket.h, linux/un.h). */
#ifndef MINNOW_SOCKET_H
#define MINNOW_SOCKET_H

#include <minnow/types.h>

enum { AF_UNSPEC = 0, AF_UNIX = 1, AF_NETLINK = 16, AF_FAMILIES = 46 };
enum { SOCK_STREAM = 1, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET = 5, SOCK_TYPES = 11 };
enum { SHUT_RD, SHUT_WR, SHUT_RDWR };

/* of a send or a receive */
enum {
    MSG_OOB = 1,
    MSG_PEEK = 2,
    MSG_CTRUNC = 8,
    MSG_TRUNC = 0x20,
    MSG_DONTWAIT = 0x40,
    MSG_EOR = 0x80,
    MSG_WAITALL = 0x100,
    MSG_NOSIGNAL = 0x4000,
    MSG_CMSG_CLOEXEC = 0x40000000,
};
#define MSG_CMSG_COMPAT 0x80000000u /* of calls of 32 bits */

/* A send tells who sends it, for whoever reads it: another than it is, maybe (SCM_CREDENTIALS). */
#define SEND_CRED (1ul << 32)

/* The send or receive is one of many (sendmmsg, recvmmsg); from MESSAGE_DONE_SHIFT on stands how
 * many are done. Its end is handed up to POSIX, an error too; of a send with MSG_TRUNC among the
 * flags if not all bytes were sent, and MSG_NOSIGNAL if -EPIPE comes without its signal. What is
 * told as moved (SYS_MOVED) has bytes of this message in the lower half, and above them which one
 * it is, from 1 on. */
#define MESSAGE_MANY (1ul << 33)
enum { MESSAGE_DONE_SHIFT = 40 };
#define MESSAGE_FLAGS (~0ul << 33)

/* options at the level SOL_SOCKET */
enum {
    SOL_SOCKET = 1,
    SO_DEBUG = 1,
    SO_REUSEADDR,
    SO_TYPE,
    SO_ERROR,
    SO_DONTROUTE,
    SO_BROADCAST,
    SO_SNDBUF,
    SO_RCVBUF,
    SO_KEEPALIVE,
    SO_OOBINLINE,
    SO_LINGER = 13,
    SO_REUSEPORT = 15,
    SO_PASSCRED,
    SO_PEERCRED,
    SO_RCVLOWAT,
    SO_SNDLOWAT,
    SO_RCVTIMEO,
    SO_SNDTIMEO,
    SO_ACCEPTCONN = 30,
    SO_SNDBUFFORCE = 32,
    SO_RCVBUFFORCE,
    SO_PROTOCOL = 38,
    SO_DOMAIN,
    SO_RCVTIMEO_NEW = 66, /* which have 64 bits everywhere, as the older ones have here */
    SO_SNDTIMEO_NEW,
};

/* who somebody is (Linux: struct ucred) */
struct socket_cred {
    int32_t pid;
    uint32_t uid, gid;
};

/* An address: none, a socket's inode, or bytes (Linux: abstract; none of them: the service chooses
 * some). */
enum socket_name { NAME_NONE, NAME_FILE, NAME_ABSTRACT };
enum { SOCKET_PATH = 108 };

struct socket_address {
    uint64_t service, object; /* NAME_FILE: where its inode is */
    uint8_t kind;             /* enum socket_name */
    uint8_t length;           /* bytes of `path` */
    char path[SOCKET_PATH];   /* not terminated */
};

/* What goes beside the bytes of a send or receive: SOCKET_BESIDE and SOCKET_REST. Only those
 * `rights` are sent that there are. */
enum { RIGHTS_MOST = 253 };
struct socket_beside {
    struct socket_address name; /* of the other end */
    struct socket_cred cred;    /* of who has sent it, */
    uint32_t known;             /* if this is 1 */
    uint32_t count;
    int32_t rights[RIGHTS_MOST]; /* descriptors of the program (Linux: SCM_RIGHTS) */
};
/* The bytes of b that are sent. */
static inline size_t beside_bytes(const struct socket_beside *b)
{
    return offsetof(struct socket_beside, rights) + b->count * sizeof b->rights[0];
}

#endif
