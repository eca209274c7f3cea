/* Sockets with addresses: binding, connecting, accepting; datagrams and seqpackets. */
#define _GNU_SOURCE
#include "oracle.h"
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

static char buffer[4096];
static struct sockaddr_un a;
static void *volatile bad = (void *)8;

static socklen_t path(const char *p)
{
    a = (struct sockaddr_un){ .sun_family = AF_UNIX };
    strcpy(a.sun_path, p);
    return offsetof(struct sockaddr_un, sun_path) + strlen(p) + 1;
}
static socklen_t abstract(const char *p)
{
    a = (struct sockaddr_un){ .sun_family = AF_UNIX };
    strcpy(a.sun_path + 1, p);
    return offsetof(struct sockaddr_un, sun_path) + strlen(p) + 1;
}
static int binds(int s, socklen_t n) { return bind(s, (void *)&a, n); }
static int connects(int s, socklen_t n) { return connect(s, (void *)&a, n); }
static int new (int type) { return socket(AF_UNIX, type, 0); }
static void tell(int s, int peer)
{
    struct sockaddr_un n;
    socklen_t length = sizeof n;
    memset(&n, 'x', sizeof n);
    int r = peer ? getpeername(s, (void *)&n, &length) : getsockname(s, (void *)&n, &length);
    int path_bytes = (int)length - 2;
    printf("name %d, length %d, family %d:", r, length, n.sun_family);
    for (int i = 0; !r && i < path_bytes; i++)
        printf(" %02x", n.sun_path[i]);
    printf("\n");
}
static int events(int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };
    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static void binding(void)
{
    struct stat st;
    int s = new (SOCK_STREAM), z = new (SOCK_STREAM);
    SHOW(binds(s, 1));
    SHOW(binds(s, 200));
    SHOW(binds(s, 111));
    SHOW(bind(s, bad, 20));
    SHOW(bind(1, (void *)&a, 20));
    SHOW(binds(s, path("nowhere/x")));
    socklen_t n = path("s");
    a.sun_family = 3;
    SHOW(binds(s, n));
    tell(s, 0);
    umask(022);
    SHOW(listen(s, 1));
    SHOW(binds(s, path("s")));
    tell(s, 0);
    SHOW(stat("s", &st));
    SAY("mode %o", st.st_mode);
    SHOW(open("s", O_RDWR));
    SHOW(binds(s, path("t")));
    SHOW(stat("t", &st));
    SHOW(binds(z, path("s")));
    SHOW(connects(z, path("s")));
    SHOW(connects(z, path("absent")));
    close(open("file", O_CREAT | O_RDWR, 0600));
    SHOW(connects(z, path("file")));
    SHOW(connects(z, path(".")));
    SHOW(unlink("file"));
    close(s);
    SHOW(connects(z, path("s")));
    SHOW(binds(z, path("s")));
    SHOW(unlink("s"));
    SHOW(binds(z, abstract("one")));
    tell(z, 0);
    s = new (SOCK_STREAM);
    SHOW(binds(s, abstract("one")));
    close(z);
    SHOW(binds(s, abstract("one")));
    close(s);
    s = new (SOCK_DGRAM);
    a.sun_family = AF_UNIX;
    SHOW(binds(s, 2));
    struct sockaddr_un own;
    socklen_t length = sizeof own;
    getsockname(s, (void *)&own, &length);
    SAY("length %d, first %d", length, own.sun_path[0]);
    SHOW(listen(s, 1));
    SHOW(accept(s, NULL, NULL));
    close(s);
    SHOW(listen(1, 1));
    SHOW(listen(99, 1));
    char longest[109];
    memset(longest, 'l', 108);
    longest[108] = 0;
    a.sun_family = AF_UNIX;
    memcpy(a.sun_path, longest, 108);
    s = new (SOCK_STREAM);
    SHOW(binds(s, 110));
    SHOW(unlink(longest));
    close(s);
}

static void connections(void)
{
    int s = new (SOCK_STREAM), c = new (SOCK_STREAM), d = new (SOCK_STREAM | SOCK_NONBLOCK), e;
    struct sockaddr_un peer;
    socklen_t length = sizeof peer;
    binds(s, path("listener"));
    SHOW(accept(s, NULL, NULL));
    SHOW(listen(s, 0));
    SHOW(listen(s, 0));
    int value = 0;
    length = sizeof value;
    getsockopt(s, SOL_SOCKET, SO_ACCEPTCONN, &value, &length);
    SAY("accepts %d, events %x", value, events(s));
    SHOW(connects(c, path("listener")));
    SAY("events %x %x", events(s), events(c));
    SHOW(connects(d, path("listener")));
    SHOW(write(c, "early", 5));
    SHOW(ioctl(s, FIONREAD, &value));
    length = sizeof peer;
    SHOW((e = accept4(s, (void *)&peer, &length, SOCK_CLOEXEC | SOCK_NONBLOCK)) < 0);
    SAY("length %d, family %d, flags %x %x", length, peer.sun_family, fcntl(e, F_GETFL),
        fcntl(e, F_GETFD));
    SHOW(read(e, buffer, 9));
    SHOW(read(e, buffer, 9));
    SHOW(connects(c, path("listener")));
    SHOW(connects(s, path("listener")));
    tell(c, 0);
    tell(c, 1);
    tell(e, 0);
    tell(e, 1);
    struct ucred cred = { 0 };
    length = sizeof cred;
    getsockopt(c, SOL_SOCKET, SO_PEERCRED, &cred, &length);
    SAY("%d %d", cred.pid == getpid(), cred.uid == getuid());
    close(c);
    SHOW(read(e, buffer, 9));
    tell(e, 1);
    close(e);
    fcntl(s, F_SETFL, O_NONBLOCK);
    SHOW(accept(s, NULL, NULL));
    fcntl(s, F_SETFL, 0);
    c = new (SOCK_STREAM);
    binds(c, abstract("client"));
    connects(c, path("listener"));
    length = 6;
    SHOW((e = accept(s, (void *)&peer, &length)) < 0);
    SAY("length %d, %s", length, peer.sun_path + 1);
    close(c);
    close(e);
    if (!fork()) { /* waits in accept */
        SHOW((e = accept(s, (void *)&peer, &length)) < 0);
        SHOW(read(e, buffer, 9));
        fflush(stdout);
        _exit(0);
    }
    usleep(20000);
    c = new (SOCK_STREAM);
    connects(c, path("listener"));
    write(c, "x", 1);
    wait(NULL);
    close(c);
    c = new (SOCK_STREAM);
    SHOW(connects(c, path("listener")));
    if (!fork()) { /* waits in connect */
        int f = new (SOCK_STREAM);
        SHOW(connects(f, path("listener")));
        SHOW(read(f, buffer, 9));
        fflush(stdout);
        _exit(0);
    }
    usleep(20000);
    e = accept(s, NULL, NULL);
    close(e);
    e = accept(s, NULL, NULL);
    write(e, "yes", 3);
    wait(NULL);
    close(e);
    close(c);
    c = new (SOCK_STREAM);
    connects(c, path("listener"));
    if (!fork()) {
        int f = new (SOCK_STREAM);
        close(s);
        SHOW(connects(f, path("listener")));
        fflush(stdout);
        _exit(0);
    }
    usleep(20000);
    close(s); /* the last one that listens */
    wait(NULL);
    SAY("events %x", events(c));
    SHOW(read(c, buffer, 9));
    SHOW(read(c, buffer, 9));
    close(c);
    close(d);
    s = new (SOCK_STREAM);
    binds(s, abstract("shut"));
    listen(s, 3);
    SHOW(shutdown(s, SHUT_RD));
    c = new (SOCK_STREAM);
    SHOW(connects(c, abstract("shut")));
    SHOW(accept(s, NULL, NULL));
    close(s);
    close(c);
    SHOW(unlink("listener"));
}

static void datagrams(void)
{
    int s[2], x = new (SOCK_DGRAM), y = new (SOCK_DGRAM), n;
    struct sockaddr_un from;
    socklen_t length = sizeof from;
    SHOW(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    SHOW(write(s[0], "one", 3));
    SHOW(write(s[0], "", 0));
    SHOW(send(s[0], "three", 5, 0));
    SHOW(ioctl(s[1], FIONREAD, &n));
    SAY("first %d, events %x %x", n, events(s[0]), events(s[1]));
    SHOW(recv(s[1], buffer, 2, MSG_PEEK));
    SHOW(recv(s[1], buffer, 2, MSG_PEEK | MSG_TRUNC));
    SHOW(recv(s[1], buffer, 9, 0));
    SHOW(recv(s[1], buffer, 9, 0));
    SHOW(recv(s[1], buffer, 2, 0));
    SHOW(recv(s[1], buffer, 9, MSG_DONTWAIT));
    SHOW(recvfrom(s[1], buffer, 9, MSG_DONTWAIT, (void *)&from, &length));
    write(s[0], "four", 4);
    SHOW(recvfrom(s[1], buffer, 9, 0, (void *)&from, &length));
    SAY("length %d", length);
    char *big = calloc(1, 300000);
    SHOW(write(s[0], big, 300000));
    SHOW(write(s[0], big, 100000));
    SHOW(read(s[1], big, 300000));
    close(s[1]);
    SAY("events %x", events(s[0]));
    SHOW(write(s[0], "x", 1));
    SHOW(write(s[0], "x", 1));
    SHOW(read(s[0], buffer, 0));
    close(s[0]);
    SHOW(send(x, "x", 1, 0));
    SHOW(sendto(x, "x", 1, 0, (void *)&a, abstract("nobody")));
    SHOW(binds(y, abstract("y")));
    SHOW(sendto(x, "x", 1, 0, (void *)&a, abstract("y")));
    length = sizeof from;
    SHOW(recvfrom(y, buffer, 9, 0, (void *)&from, &length));
    SAY("length %d", length);
    SHOW(binds(x, path("x")));
    SHOW(sendto(x, "xyz", 3, 0, (void *)&a, abstract("y")));
    length = sizeof from;
    SHOW(recvfrom(y, buffer, 2, MSG_TRUNC, (void *)&from, &length));
    SAY("length %d, %s", length, from.sun_path);
    SHOW(sendto(y, "back", 4, 0, (void *)&from, length));
    struct iovec in[2] = { { buffer, 1 }, { buffer + 10, 2 } };
    struct msghdr h = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = in };
    h.msg_iovlen = 2;
    SHOW(recvmsg(x, &h, 0));
    SAY("name %d, flags %x, control %d, %.1s %.2s", h.msg_namelen, h.msg_flags,
        (int)h.msg_controllen, buffer, buffer + 10);
    h.msg_namelen = length = abstract("y");
    h.msg_name = &a;
    SHOW(sendmsg(x, &h, 0));
    SHOW(recv(y, buffer, 99, 0));
    SHOW(connects(x, abstract("y")));
    tell(x, 1);
    SHOW(send(x, "c", 1, 0));
    SHOW(connects(y, path("x")));
    int z = new (SOCK_DGRAM);
    SHOW(connects(z, abstract("y")));
    SHOW(sendto(z, "c", 1, 0, (void *)&a, abstract("y")));
    a.sun_family = AF_UNSPEC;
    SHOW(connects(y, sizeof a));
    SHOW(connects(z, abstract("y")));
    int t = new (SOCK_STREAM);
    SHOW(connects(t, abstract("y")));
    SHOW(shutdown(y, SHUT_RD));
    SHOW(send(z, "x", 1, 0));
    SHOW(shutdown(z, SHUT_WR));
    SHOW(send(z, "x", 1, 0));
    close(y);
    close(z);
    close(t);
    SHOW(send(x, "x", 1, 0));
    SHOW(send(x, "x", 1, 0));
    close(x);
    unlink("x");
    free(big);
    h.msg_iovlen = 1025;
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    SHOW(sendmsg(s[0], &h, 0));
    SHOW(syscall(SYS_sendmsg, s[0], bad, 0));
    SHOW(syscall(SYS_recvmsg, s[0], bad, MSG_DONTWAIT));
    if (!fork()) {
        for (int i = 0; i < 40; i++)
            write(s[0], "0123456789", i % 10 + 1);
        _exit(0);
    }
    int total = 0;
    usleep(20000);
    for (int i = 0; i < 40; i++)
        total += read(s[1], buffer, 99);
    SAY("total %d", total);
    wait(NULL);
    close(s[0]);
    close(s[1]);
}

static void packets(void)
{
    int s[2], l = new (SOCK_SEQPACKET), c = new (SOCK_SEQPACKET), e;
    SHOW(read(l, buffer, 1));
    SHOW(write(l, buffer, 1));
    SAY("events %x", events(l));
    binds(l, abstract("packets"));
    SHOW(listen(l, 4));
    SHOW(connects(c, abstract("packets")));
    SHOW((e = accept(l, NULL, NULL)) < 0);
    SHOW(write(c, "abc", 3));
    SHOW(write(c, "defg", 4));
    SHOW(read(e, buffer, 2));
    SHOW(read(e, buffer, 9));
    struct iovec in = { buffer, 2 };
    struct msghdr h = { .msg_iov = &in, .msg_iovlen = 1 };
    write(c, "hij", 3);
    SHOW(recvmsg(e, &h, 0));
    SAY("flags %x", h.msg_flags);
    SHOW(sendto(c, "kl", 2, 0, (void *)&a, abstract("ignored")));
    SHOW(read(e, buffer, 9));
    write(e, "unread", 6);
    close(c);
    SHOW(write(e, "x", 1));
    SHOW(read(e, buffer, 9));
    SAY("events %x", events(e));
    close(e);
    close(l);
    SHOW(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
    write(s[0], "last", 4);
    close(s[0]);
    SHOW(read(s[1], buffer, 9));
    SHOW(read(s[1], buffer, 9));
    close(s[1]);
}

int main(void)
{
    binding();
    connections();
    datagrams();
    packets();
    return 0;
}
