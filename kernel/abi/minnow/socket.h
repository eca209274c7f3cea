/* Sockets as the protocols speak of them, with Linux's values (linux/socket.h, asm-generic/
 * socket.h, linux/un.h). */
#ifndef MINNOW_SOCKET_H
#define MINNOW_SOCKET_H

#include <minnow/types.h>

enum { AF_UNSPEC = 0, AF_UNIX = 1, AF_FAMILIES = 46 };
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

/* What goes beside the bytes of a send or receive, or names the other end: SOCKET_BESIDE and
 * SOCKET_REST. */
struct socket_beside {
    uint64_t service, object; /* NAME_FILE: where its inode is */
    uint8_t kind;             /* enum socket_name */
    uint8_t length;           /* bytes of `path` */
    char path[SOCKET_PATH];   /* not terminated */
};

#endif
