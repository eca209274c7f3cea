/* Descriptors and credentials beside the bytes of sockets (SCM_RIGHTS, SCM_CREDENTIALS). */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

static int s[2], got[260], got_count, got_flags, got_cred[3];
static char control[4096] __attribute__((aligned(8))), bytes[64];

/* Sends `text` with n copies of fd. Without musl's sendmsg, which refuses much room for control. */
static long give(int to, const char *text, size_t length, int fd, int n, int flags)
{
    struct iovec v = { (void *)text, length };
    struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1 };
    memset(control, 0, sizeof control);
    if (n) {
        struct cmsghdr *c = (void *)control;
        c->cmsg_len = CMSG_LEN(n * sizeof(int));
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        for (int i = 0; i < n; i++)
            ((int *)CMSG_DATA(c))[i] = fd;
        h.msg_control = control;
        h.msg_controllen = CMSG_SPACE(n * sizeof(int));
    }
    return syscall(SYS_sendmsg, to, &h, flags);
}

static long take(int from, size_t length, size_t room, int flags)
{
    struct iovec v = { bytes, length };
    struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control };
    h.msg_controllen = room;
    memset(control, 0, sizeof control);
    memset(bytes, 0, sizeof bytes);
    got_count = 0;
    got_cred[0] = got_cred[1] = got_cred[2] = -2;
    long n = recvmsg(from, &h, flags);
    if (n < 0)
        return n;
    got_flags = h.msg_flags;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
        if (c->cmsg_type == SCM_RIGHTS) {
            got_count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(got, CMSG_DATA(c), got_count * sizeof(int));
        } else if (c->cmsg_len == CMSG_LEN(12)) {
            memcpy(got_cred, CMSG_DATA(c), 12);
        }
    }
    SAY("n %ld '%s' rights %d flags %x control %d", n, bytes, got_count, got_flags,
        (int)h.msg_controllen);
    return n;
}

static void close_got(void)
{
    for (int i = 0; i < got_count; i++)
        close(got[i]);
}

static void one(int fd)
{
    struct stat a, b;
    SHOW(give(s[0], "x", 1, fd, 1, 0));
    take(s[1], 8, 64, 0);
    SAY("same %d", fstat(fd, &a) == 0 && fstat(got[0], &b) == 0 && a.st_ino == b.st_ino);
    SAY("cloexec %d", fcntl(got[0], F_GETFD));
    close_got();
}

static void kinds(int type)
{
    int p[2], other[2];
    socketpair(AF_UNIX, type, 0, s);
    socketpair(AF_UNIX, SOCK_STREAM, 0, other);
    pipe(p);
    one(p[0]);
    one(other[0]);
    one(s[0]);
    int event = eventfd(5, 0), file = open("/", O_RDONLY | O_DIRECTORY), path = open("/", O_PATH);
    one(event);
    one(file);
    one(path);
    uint64_t v = 0;
    give(s[0], "e", 1, event, 1, 0);
    close(event);
    take(s[1], 8, 64, MSG_CMSG_CLOEXEC);
    SAY("cloexec %d", fcntl(got[0], F_GETFD));
    SHOW(read(got[0], &v, 8));
    SAY("value %d", (int)v);
    close_got();
    SHOW(give(s[0], "x", 1, 99, 1, 0));
    SHOW(give(s[0], "x", 1, -1, 1, 0));
    SHOW(give(s[0], "x", 1, file, 254, 0));
    SHOW(give(s[0], "x", 1, file, 253, 0));
    take(s[1], 8, sizeof control, 0);
    close_got();
    give(s[0], "abc", 3, p[0], 3, 0);
    take(s[1], 8, 64, MSG_PEEK);
    close_got();
    take(s[1], 8, CMSG_LEN(8), 0);
    close_got();
    give(s[0], "abc", 3, p[0], 3, 0);
    take(s[1], 8, 12, 0);
    give(s[0], "abc", 3, p[0], 1, 0);
    SHOW(read(s[1], bytes, 8));
    close(p[0]), close(file), close(path);
    /* the last descriptor of the pipe's reading end goes with the socket */
    pipe(other);
    give(s[0], "abc", 3, other[0], 1, 0);
    close(other[0]);
    SHOW(write(other[1], "a", 1));
    close(s[0]), close(s[1]);
    signal(SIGPIPE, SIG_IGN);
    SHOW(write(other[1], "a", 1));
}

static void stream(void)
{
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    write(s[0], "ab", 2);
    give(s[0], "cd", 2, 0, 1, 0);
    write(s[0], "ef", 2);
    take(s[1], 8, 64, 0);
    close_got();
    take(s[1], 8, 64, 0);
    give(s[0], "cdgh", 4, 0, 1, 0);
    write(s[0], "ef", 2);
    take(s[1], 2, 64, 0);
    close_got();
    take(s[1], 8, 64, MSG_WAITALL);
    give(s[0], "", 0, 0, 1, 0);
    SHOW(take(s[1], 8, 64, 0));
    close(s[0]), close(s[1]);
}

static void cycle(void)
{
    int p[2];
    pipe(p);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    give(s[0], "a", 1, s[1], 1, 0);
    give(s[0], "b", 1, p[0], 1, 0);
    close(p[0]), close(s[0]), close(s[1]);
    long n = 0;
    for (int i = 0; i < 100 && n >= 0; i++) {
        socketpair(AF_UNIX, SOCK_STREAM, 0, s);
        close(s[0]), close(s[1]);
        n = write(p[1], "x", 1);
        usleep(10000);
    }
    SHOW(n);
}

static long claim(int pid, int uid)
{
    struct iovec v = { "c", 1 };
    struct ucred u = { pid, uid, getgid() };
    struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control };
    struct cmsghdr *c = (void *)control;
    h.msg_controllen = CMSG_SPACE(sizeof u);
    c->cmsg_len = CMSG_LEN(sizeof u);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_CREDENTIALS;
    memcpy(CMSG_DATA(c), &u, sizeof u);
    return sendmsg(s[0], &h, 0);
}

static void say_cred(void)
{
    SAY("me %d uid %d gid %d", got_cred[0] == getpid(), got_cred[1], got_cred[2]);
}

static void credentials(void)
{
    int on = 1;
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    write(s[0], "old", 3);
    SHOW(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    write(s[0], "new", 3);
    take(s[1], 8, 128, 0);
    say_cred();
    take(s[1], 8, 128, 0);
    say_cred();
    SHOW(claim(getpid(), getuid()));
    take(s[1], 8, 128, 0);
    say_cred();
    give(s[0], "both", 4, 0, 1, 0);
    take(s[1], 8, 128, 0);
    say_cred();
    close_got();
    if (fork() == 0) {
        setuid(1234);
        SHOW(claim(getpid(), 1234));
        SHOW(claim(getpid(), 0));
        SHOW(claim(1, 1234));
        exit(0);
    }
    wait(NULL);
    close(s[0]), close(s[1]);
}

int main(void)
{
    kinds(SOCK_STREAM);
    kinds(SOCK_DGRAM);
    kinds(SOCK_SEQPACKET);
    stream();
    cycle();
    credentials();
    return 0;
}
