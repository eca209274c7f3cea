/* Sockets at the edges: poll of a datagram socket whose peer is full, signals and time limits, the
 * flags of control messages, flags that are more than an int. */
#define _GNU_SOURCE
#include "oracle.h"
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

static int s[2];
static char bytes[4096];
static char control[256] __attribute__((aligned(8)));

static int events(int fd, int wait)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };
    return poll(&p, 1, wait) < 0 ? -1 : p.revents;
}

static struct sockaddr_un a = { AF_UNIX, "" };
static socklen_t named(const char *name)
{
    memset(a.sun_path, 0, sizeof a.sun_path);
    strcpy(a.sun_path + 1, name);
    return sizeof a.sun_family + 1 + strlen(name);
}

/* Connected to one that has a name and is nobody's: full, it is not ready for another. */
static void full_peer(void)
{
    int to = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), n = 0;
    int from = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), other;
    SHOW(bind(to, (void *)&a, named("edges")));
    SHOW(connect(from, (void *)&a, named("edges")));
    SAY("empty %x", events(from, 0));
    while (send(from, "x", 1, 0) == 1)
        n++;
    SAY("some %d, errno %d", n > 5, errno);
    SAY("full %x %x", events(from, 0), events(to, 0));
    other = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    SAY("other %x", events(other, 0));
    SHOW(sendto(other, "x", 1, 0, (void *)&a, named("edges")));
    if (fork() == 0) {
        usleep(50000);
        recv(to, bytes, 1, 0);
        exit(0);
    }
    SAY("again %x", events(from, 5000));
    wait(NULL);
    SHOW(send(from, "x", 1, 0));
    while (recv(to, bytes, 1, 0) == 1)
        ;
    SAY("empty %x", events(from, 0));
    close(to);
    SAY("gone %x", events(from, 0));
    SHOW(send(from, "x", 1, 0));
    close(from), close(other);
}

static void caught(int number) { (void)number; }

/* A call that waits with a time limit is not made again after a signal, whatever SA_RESTART says.
 */
static void limits(int type)
{
    struct sigaction action = { .sa_handler = caught, .sa_flags = SA_RESTART };
    struct timeval limit = { 5, 0 };
    sigaction(SIGALRM, &action, NULL);
    socketpair(AF_UNIX, type, 0, s);
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit));
    SHOW_INTERRUPTED(read(s[0], bytes, 1));
    SHOW_INTERRUPTED(recv(s[0], bytes, 1, 0));
    while (send(s[0], bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    SHOW_INTERRUPTED(write(s[0], bytes, sizeof bytes));
    limit = (struct timeval){ 0, 20000 };
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
    SHOW(read(s[0], bytes, 1));
    close(s[0]), close(s[1]);
}

static void flags(int type)
{
    struct iovec v = { bytes, 4 };
    struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control };
    socketpair(AF_UNIX, type, 0, s);
    SHOW(send(s[0], "ab", 2, MSG_EOR));
    SHOW(send(s[0], "cdefgh", 6, MSG_EOR));
    h.msg_controllen = sizeof control;
    SHOW(recvmsg(s[1], &h, 0));
    SAY("flags %x control %d", h.msg_flags, (int)h.msg_controllen);
    SHOW(recvmsg(s[1], &h, MSG_TRUNC));
    SAY("flags %x", h.msg_flags);
    int on = 1;
    setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    for (int room = 0; room <= 36; room += 4) {
        send(s[0], "abcd", 4, 0);
        h.msg_controllen = room;
        memset(control, 0, sizeof control);
        long n = recvmsg(s[1], &h, 0);
        struct cmsghdr *c = (void *)control;
        SAY("room %d: %ld flags %x control %d length %d", room, n, h.msg_flags,
            (int)h.msg_controllen, room < 16 ? 0 : (int)c->cmsg_len);
    }
    close(s[0]), close(s[1]);
}

/* The flags are an int; what else is in the register means nothing. */
static void wide_flags(int type)
{
    static const int bits[] = { 32, 33, 34, 40, 63 };
    socketpair(AF_UNIX, type, 0, s);
    for (unsigned i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        long wide = (long)(1ul << 33 | 1ul << bits[i]);
        memset(bytes, 0, sizeof bytes);
        long sent = syscall(SYS_sendto, s[0], "ab", 2, wide, NULL, 0);
        long got = syscall(SYS_recvfrom, s[1], bytes, 100, wide | MSG_DONTWAIT, NULL, NULL);
        SAY("with bit %d: %ld %ld %s", bits[i], sent, got, bytes);
    }
    close(s[0]), close(s[1]);
}

/* A stream takes no name with what is sent. */
static void named_stream(void)
{
    int alone = socket(AF_UNIX, SOCK_STREAM, 0);
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    SHOW(sendto(s[0], "x", 1, 0, (void *)&a, named("nobody")));
    SHOW(recv(s[1], bytes, 1, 0));
    close(s[1]);
    SHOW(sendto(s[0], "x", 1, 0, (void *)&a, named("nobody")));
    SHOW(sendto(alone, "x", 1, 0, (void *)&a, named("nobody")));
    close(s[0]), close(alone);
}

int main(void)
{
    full_peer();
    limits(SOCK_STREAM);
    limits(SOCK_DGRAM);
    limits(SOCK_SEQPACKET);
    flags(SOCK_STREAM);
    flags(SOCK_DGRAM);
    flags(SOCK_SEQPACKET);
    wide_flags(SOCK_STREAM);
    wide_flags(SOCK_DGRAM);
    named_stream();
    return 0;
}
