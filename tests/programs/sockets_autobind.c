/* Sockets that get an address because others are to know who they are (SO_PASSCRED); sockets that
 * are bound twice; headers of messages that make no sense; time limits by their younger names. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

static int made(int type)
{
    int on = 1, fd = socket(AF_UNIX, type, 0);
    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    return fd;
}

static struct sockaddr_un path_of(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    strcpy(a.sun_path, path);
    return a;
}

static int bind_to(int fd, const char *path)
{
    struct sockaddr_un a = path_of(path);
    return bind(fd, (struct sockaddr *)&a, sizeof a);
}

static int connect_to(int fd, const char *path)
{
    struct sockaddr_un a = path_of(path);
    return connect(fd, (struct sockaddr *)&a, sizeof a);
}

static int send_to(int fd, const char *path)
{
    struct sockaddr_un a = path_of(path);
    return sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof a);
}

/* Which address a socket has: its length tells whether the kernel has chosen one. */
static void address(const char *what, int fd, int (*get)(int, struct sockaddr *, socklen_t *))
{
    struct sockaddr_un a = { .sun_path = "?" };
    socklen_t n = sizeof a;
    int error = get(fd, (struct sockaddr *)&a, &n);
    SAY("%s: %d, %d bytes, first %d", what, error, (int)n, n > 2 ? a.sun_path[0] : -1);
}

static void chosen(void)
{
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), receiver = socket(AF_UNIX, SOCK_DGRAM, 0);
    int pair[2], accepted;
    SHOW(bind_to(listener, "stream"));
    SHOW(listen(listener, 4));
    SHOW(bind_to(receiver, "datagram"));

    int s = made(SOCK_STREAM);
    address("new", s, getsockname);
    SHOW(connect_to(s, "stream"));
    address("connected", s, getsockname);
    accepted = accept(listener, NULL, NULL);
    address("seen from the other end", accepted, getpeername);
    close(accepted), close(s);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(connect_to(s, "stream"));
    address("without the option", s, getsockname);
    close(s);

    int d = made(SOCK_DGRAM);
    SHOW(send_to(d, "datagram"));
    address("has sent", d, getsockname);
    struct sockaddr_un from;
    socklen_t n = sizeof from;
    char byte;
    SHOW(recvfrom(receiver, &byte, 1, 0, (struct sockaddr *)&from, &n));
    SAY("from %d bytes", (int)n);
    SHOW(sendto(receiver, "y", 1, 0, (struct sockaddr *)&from, n));
    SHOW(recv(d, &byte, 1, 0));
    close(d);
    d = made(SOCK_DGRAM);
    SHOW(connect_to(d, "datagram"));
    address("connected for datagrams", d, getsockname);
    close(d);
    d = made(SOCK_DGRAM);
    SHOW(connect(d, &(struct sockaddr){ .sa_family = AF_UNSPEC }, sizeof(sa_family_t)));
    address("connected to none", d, getsockname);
    close(d);

    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
    setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int));
    SHOW(write(pair[0], "x", 1));
    address("one of a pair, for packets", pair[0], getsockname);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int));
    SHOW(write(pair[0], "x", 1));
    address("one of a pair", pair[0], getsockname);

    SHOW(bind_to(listener, "stream"));
    SHOW(bind_to(listener, "fresh"));
    SHOW(access("fresh", F_OK));
    SHOW(bind_to(listener, "stream/under"));
    unlink("stream"), unlink("datagram");
}

static void headers(void)
{
    int pair[2];
    char text[] = "abc";
    struct iovec v = { text, 3 };
    struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1 };
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    h.msg_controllen = 100;
    SHOW(syscall(SYS_sendmsg, pair[0], &h, 0));
    h.msg_controllen = 8;
    SHOW(syscall(SYS_sendmsg, pair[0], &h, 0));
    h.msg_controllen = 0;
    h.msg_namelen = -1;
    SHOW(syscall(SYS_sendmsg, pair[0], &h, 0));
    SHOW(syscall(SYS_recvmsg, pair[1], &h, 0));
    h.msg_name = &pair;
    h.msg_namelen = -1;
    SHOW(syscall(SYS_sendmsg, pair[0], &h, 0));
    h.msg_iovlen = 2000;
    SHOW(syscall(SYS_sendmsg, pair[0], &h, 0));
    h.msg_namelen = 0;
    SHOW(syscall(SYS_sendmsg, pair[0], &h, 0));
    h = (struct msghdr){ .msg_iov = &v, .msg_iovlen = 1 };
    enum { OF_32_BITS = (int)0x80000000 };
    SHOW(syscall(SYS_sendmsg, pair[0], &h, OF_32_BITS));
    SHOW(syscall(SYS_recvmsg, pair[1], &h, OF_32_BITS | MSG_DONTWAIT));
    SHOW(syscall(SYS_sendmsg, 99, &h, OF_32_BITS));
    SHOW(syscall(SYS_sendmmsg, pair[0], &h, 1, OF_32_BITS));
    SHOW(syscall(SYS_recvmmsg, pair[1], &h, 1, OF_32_BITS, NULL));
    SHOW(sendto(pair[0], "x", 1, OF_32_BITS, NULL, 0));
    SHOW(recv(pair[1], text, sizeof text, OF_32_BITS | MSG_PEEK));
    SHOW(recv(pair[1], text, sizeof text, OF_32_BITS));
    SHOW(recv(pair[1], text, sizeof text, OF_32_BITS | MSG_DONTWAIT));
    /* the upper half of a register is no flag */
    SHOW(syscall(SYS_sendto, pair[0], "yz", 2, ~0xffffffffl, NULL, 0));
    SHOW(syscall(SYS_recvfrom, pair[1], text, 1, ~0xffffffffl, NULL, NULL));
    SHOW(syscall(SYS_recvfrom, pair[1], text, 1, 1l << 33 | MSG_DONTWAIT, NULL, NULL));
    SHOW(syscall(SYS_recvfrom, pair[1], text, 1, 1l << 33 | MSG_DONTWAIT, NULL, NULL));
}

static void limits(void)
{
    enum { RECEIVE = 66, SEND };
    int s = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct timeval t = { 5, 200000 };
    socklen_t n = sizeof t;
    SHOW(setsockopt(s, SOL_SOCKET, RECEIVE, &t, sizeof t));
    memset(&t, 0, sizeof t);
    SHOW(syscall(SYS_getsockopt, s, SOL_SOCKET, SO_RCVTIMEO, &t, &n));
    SAY("%ld %ld", (long)t.tv_sec, (long)t.tv_usec);
    t = (struct timeval){ 7, 0 };
    SHOW(syscall(SYS_setsockopt, s, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t));
    memset(&t, 0, sizeof t);
    SHOW(syscall(SYS_getsockopt, s, SOL_SOCKET, SEND, &t, &n));
    SAY("%ld %ld", (long)t.tv_sec, (long)t.tv_usec);
    t = (struct timeval){ 0, 20000 };
    SHOW(setsockopt(s, SOL_SOCKET, RECEIVE, &t, sizeof t));
    SHOW(recv(s, &n, 1, 0));
    t.tv_usec = 1000000;
    SHOW(setsockopt(s, SOL_SOCKET, RECEIVE, &t, sizeof t));
    SHOW(setsockopt(s, SOL_SOCKET, SEND, &t, 8));
}

int main(void)
{
    chosen();
    headers();
    limits();
    return 0;
}
