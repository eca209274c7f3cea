/* Pairs of stream sockets: transfer, waiting, ends, shutdown, options, poll, errors. */
#define _GNU_SOURCE
#include "oracle.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

static int s[2];
static char buffer[4096];
static volatile int pipes;
static void *volatile bad = (void *)8;

static void pair(int flags) { socketpair(AF_UNIX, SOCK_STREAM | flags, 0, s); }
static void both(void)
{
    close(s[0]);
    close(s[1]);
}
static int events(int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0 };
    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}
static void on_pipe(int sig) { pipes += sig == SIGPIPE; }

static void making(void)
{
    int fd;
    SHOW(socket(AF_UNIX, SOCK_STREAM, 2));
    SHOW(socket(AF_UNIX, 7, 0));
    SHOW(socket(AF_UNIX, 4, 0));
    SHOW(socket(AF_UNIX, 0, 0));
    SHOW(socket(AF_UNIX, 11, 0));
    SHOW(socket(AF_UNIX, SOCK_STREAM | 1 << 20, 0));
    SHOW(socket(46, SOCK_STREAM, 0));
    SHOW(socket(-1, SOCK_STREAM, 0));
    SHOW(socket(0, SOCK_STREAM, 0));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, bad));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 9, s));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 1);
    SAY("flags %x %x", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    SAY("events %x", events(fd));
    SHOW(read(fd, buffer, 1));
    SHOW(write(fd, buffer, 1));
    SHOW(recv(fd, buffer, 1, 0));
    SHOW(send(fd, buffer, 1, 0));
    SHOW(shutdown(fd, 5));
    SHOW(shutdown(fd, SHUT_WR));
    SHOW(write(fd, buffer, 1));
    SHOW(shutdown(fd, SHUT_RD));
    SHOW(read(fd, buffer, 1));
    SAY("events %x", events(fd));
    close(fd);
    SHOW(shutdown(0x7fff, SHUT_RD));
    SHOW(shutdown(1, SHUT_RD));
    SHOW(send(1, buffer, 1, 0));
    SHOW(recv(99, buffer, 1, 0));
    int path = open("/", O_PATH);
    SHOW(send(path, buffer, 1, 0));
    SHOW(shutdown(path, SHUT_RD));
    close(path);
}

static void moving(void)
{
    pair(0);
    struct iovec out[3] = { { "ab", 2 }, { "", 0 }, { "cdef", 4 } };
    char a[3], b[8];
    struct iovec in[2] = { { a, 3 }, { b, 8 } };
    int n = -1;
    struct stat st;
    SHOW(writev(s[0], out, 3));
    SHOW(ioctl(s[1], FIONREAD, &n));
    SAY("unread %d", n);
    SHOW(readv(s[1], in, 2));
    SAY("%.3s %.3s", a, b);
    SHOW(write(s[1], "hello", 5));
    SHOW(recv(s[0], buffer, 2, MSG_PEEK));
    SHOW(recv(s[0], buffer, 99, MSG_PEEK | MSG_DONTWAIT));
    SHOW(recv(s[0], buffer, 3, 0));
    SHOW(recv(s[0], buffer, 3, MSG_DONTWAIT));
    SHOW(recv(s[0], buffer, 3, MSG_DONTWAIT));
    SHOW(read(s[0], buffer, 0));
    SHOW(write(s[0], buffer, 0));
    SHOW(send(s[0], buffer, 0, 0));
    SHOW(recv(s[0], buffer, 3, MSG_OOB));
    SHOW(send(s[0], bad, 3, 0));
    SHOW(write(s[0], bad, 3));
    write(s[0], "xyz", 3);
    SHOW(read(s[1], bad, 3));
    SHOW(read(s[1], buffer, 9));
    SHOW(lseek(s[0], 0, SEEK_CUR));
    SHOW(pread(s[0], buffer, 1, 0));
    SHOW(ftruncate(s[0], 0));
    SHOW(fsync(s[0]));
    SHOW(fstat(s[0], &st));
    SAY("mode %o links %d size %d %d", st.st_mode, (int)st.st_nlink, (int)st.st_size,
        st.st_uid == getuid());
    SHOW(open("/proc/self/fd/3", O_RDWR));
    char *fresh = mmap(NULL, 3 * 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(write(s[0], fresh, 100000));
    SHOW(recv(s[1], fresh + 70000, 100000, MSG_WAITALL));
    both();
}

static void ends(void)
{
    signal(SIGPIPE, on_pipe);
    pair(0);
    SAY("events %x %x", events(s[0]), events(s[1]));
    SHOW(shutdown(s[0], SHUT_WR));
    SAY("events %x %x", events(s[0]), events(s[1]));
    SHOW(read(s[1], buffer, 1));
    SHOW(write(s[0], "a", 1));
    SAY("signals %d", pipes);
    SHOW(send(s[0], "a", 1, MSG_NOSIGNAL));
    SHOW(write(s[0], "", 0));
    SAY("signals %d", pipes);
    SHOW(write(s[1], "back", 4));
    SHOW(read(s[0], buffer, 9));
    SHOW(shutdown(s[1], SHUT_RDWR));
    SAY("events %x %x", events(s[0]), events(s[1]));
    both();
    pair(0);
    write(s[0], "abc", 3);
    write(s[1], "def", 3);
    close(s[1]);
    SAY("events %x", events(s[0]));
    SHOW(read(s[0], buffer, 9));
    SHOW(read(s[0], buffer, 9));
    SHOW(read(s[0], buffer, 9));
    SAY("events %x", events(s[0]));
    SHOW(write(s[0], "a", 1));
    SHOW(send(s[0], "a", 1, MSG_NOSIGNAL));
    SAY("signals %d", pipes);
    close(s[0]);
    pair(0);
    write(s[0], "abc", 3);
    close(s[1]);
    int error = -1;
    socklen_t length = sizeof error;
    SHOW(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &error, &length));
    SAY("error %d", error);
    SHOW(read(s[0], buffer, 9));
    close(s[0]);
    pair(0);
    write(s[0], "abc", 3);
    SHOW(shutdown(s[1], SHUT_RD));
    SHOW(write(s[0], "abc", 3));
    SHOW(read(s[1], buffer, 9));
    SHOW(read(s[1], buffer, 9));
    both();
    signal(SIGPIPE, SIG_DFL);
}

static void waiting(void)
{
    int status;
    pair(0);
    if (!fork()) {
        close(s[1]);
        char *big = malloc(700000);
        memset(big, 'x', 700000);
        _exit(write(s[0], big, 700000) == 700000 && send(s[0], big, 600000, 0) == 600000 ? 7 : 8);
    }
    close(s[0]);
    long total = 0, n;
    usleep(10000);
    while ((n = read(s[1], buffer, sizeof buffer)) > 0)
        total += n;
    SAY("total %ld, then %ld", total, n);
    wait(&status);
    SAY("status %x", status);
    close(s[1]);
    pair(SOCK_NONBLOCK);
    total = 0;
    while ((n = write(s[0], buffer, sizeof buffer)) > 0)
        total += n;
    SAY("full %d, %ld %d", total > 20000 && total < 1000000, n, errno);
    SAY("events %x", events(s[0]));
    while (total > 0)
        total -= read(s[1], buffer, sizeof buffer);
    SAY("left %ld, events %x", total, events(s[0]));
    both();
    pair(0);
    if (!fork()) {
        usleep(10000);
        write(s[0], "ab", 2);
        usleep(10000);
        write(s[0], "cde", 3);
        _exit(0);
    }
    SHOW(recv(s[1], buffer, 5, MSG_WAITALL));
    SAY("%.5s", buffer);
    wait(&status);
    if (!fork()) {
        close(s[1]);
        usleep(10000);
        write(s[0], "ab", 2);
        _exit(0);
    }
    close(s[0]);
    SHOW(recv(s[1], buffer, 5, MSG_WAITALL));
    wait(&status);
    close(s[1]);
}

static void *reader(void *result)
{
    *(long *)result = read(s[1], buffer, 9);
    return NULL;
}
static void nothing(int sig) { (void)sig; }

static void interrupted(void)
{
    pthread_t t;
    long result;
    pair(0);
    signal(SIGALRM, SIG_DFL);
    struct sigaction a = { .sa_handler = nothing };
    sigaction(SIGALRM, &a, NULL);
    SHOW_INTERRUPTED(read(s[0], buffer, 1));
    SHOW_INTERRUPTED(recv(s[0], buffer, 1, 0));
    write(s[1], "ab", 2);
    SHOW_INTERRUPTED(recv(s[0], buffer, 5, MSG_WAITALL));
    char *big = calloc(1, 1000000);
    alarms(1);
    long n = write(s[0], big, 1000000);
    alarms(0);
    SAY("part %d", n > 20000 && n < 1000000);
    both();
    pair(0);
    pthread_create(&t, NULL, reader, &result);
    usleep(10000);
    close(s[0]);
    pthread_join(t, NULL);
    SAY("end %ld", result);
    close(s[1]);
    pair(0);
    pthread_create(&t, NULL, reader, &result);
    usleep(10000);
    shutdown(s[1], SHUT_RD);
    pthread_join(t, NULL);
    SAY("end %ld", result);
    both();
    struct timeval limit = { 0, 30000 };
    pair(0);
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit));
    SHOW(read(s[0], buffer, 1));
    n = write(s[0], big, 1000000);
    SAY("part %d", n > 20000 && n < 1000000);
    SHOW(write(s[0], big, 1000000));
    free(big);
    both();
}

static void option(int fd, int level, int name, socklen_t room)
{
    int value[8] = { 0 };
    socklen_t length = room;
    int result = getsockopt(fd, level, name, value, &length);
    printf("option %d.%d: %d, errno %d, length %d, %d %d\n", level, name, result,
           result ? errno : 0, length, value[0], name == SO_PEERCRED ? 0 : value[1]);
}

static void options(void)
{
    pair(0);
    static const int names[] = { SO_DEBUG,     SO_REUSEADDR, SO_TYPE,      SO_ERROR,
                                 SO_DONTROUTE, SO_SNDBUF,    SO_RCVBUF,    SO_KEEPALIVE,
                                 SO_OOBINLINE, SO_LINGER,    SO_BROADCAST, SO_RCVLOWAT,
                                 SO_SNDLOWAT,  SO_RCVTIMEO,  SO_SNDTIMEO,  SO_ACCEPTCONN,
                                 SO_PROTOCOL,  SO_DOMAIN };
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        option(s[0], SOL_SOCKET, names[i], 32);
    option(s[0], SOL_SOCKET, SO_TYPE, 2);
    option(s[0], SOL_SOCKET, SO_TYPE, 0);
    option(s[0], SOL_SOCKET, SO_TYPE, -1);
    option(s[0], SOL_SOCKET, 999, 4);
    option(s[0], 6, 1, 4);
    option(1, SOL_SOCKET, SO_TYPE, 4);
    option(99, SOL_SOCKET, SO_TYPE, 4);
    SHOW(getsockopt(s[0], SOL_SOCKET, SO_TYPE, buffer, bad));
    int sizes[] = { 0, 1000, 5000, 100000 };
    for (unsigned i = 0; i < 4; i++) {
        SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &sizes[i], 4));
        SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVBUF, &sizes[i], 4));
        option(s[0], SOL_SOCKET, SO_SNDBUF, 4);
        option(s[0], SOL_SOCKET, SO_RCVBUF, 4);
    }
    int one = 1;
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_REUSEADDR, &one, 4));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_KEEPALIVE, &one, 4));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_BROADCAST, &one, 3));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_BROADCAST, bad, 4));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_BROADCAST, &one, -1));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_TYPE, &one, 4));
    SHOW(setsockopt(s[0], SOL_SOCKET, 999, &one, 4));
    SHOW(setsockopt(s[0], 6, 1, &one, 4));
    option(s[0], SOL_SOCKET, SO_REUSEADDR, 4);
    option(s[0], SOL_SOCKET, SO_BROADCAST, 4);
    struct timeval t = { 1, 500000 };
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
    option(s[0], SOL_SOCKET, SO_RCVTIMEO, 16);
    t.tv_usec = 1000000;
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, 8));
    struct linger l = { 1, 5 };
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &l, sizeof l));
    option(s[0], SOL_SOCKET, SO_LINGER, 8);
    struct ucred c = { 0 };
    socklen_t length = sizeof c;
    SHOW(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &c, &length));
    SAY("%d %d %d %d", c.pid == getpid(), c.uid == geteuid(), c.gid == getegid(), length);
    struct sockaddr_un a;
    length = sizeof a;
    a.sun_family = 77;
    SHOW(getsockname(s[0], (void *)&a, &length));
    SAY("family %d length %d", a.sun_family, length);
    length = 1;
    a.sun_family = 0;
    SHOW(getpeername(s[0], (void *)&a, &length));
    SAY("family %d length %d", a.sun_family, length);
    length = -1;
    SHOW(getpeername(s[0], (void *)&a, &length));
    close(s[1]);
    length = sizeof a;
    SHOW(getpeername(s[0], (void *)&a, &length));
    close(s[0]);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(getpeername(fd, (void *)&a, &length));
    length = sizeof c;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &length));
    SAY("%d %d %d", c.pid, c.uid, c.gid);
    close(fd);
    SHOW(getsockname(1, (void *)&a, &length));
}

int main(void)
{
    making();
    moving();
    ends();
    waiting();
    interrupted();
    options();
    return 0;
}
