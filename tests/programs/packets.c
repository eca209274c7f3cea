/* packets: pipes whose writes are packets (O_DIRECT). */
#define _GNU_SOURCE
#include "oracle.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

static char large[70000];

static void got(int fd, size_t room)
{
    char text[5000];
    ssize_t n = read(fd, text, room);
    SAY("read %zu: %zd '%.*s'", room, n, n > 0 ? (int)(n < 20 ? n : 20) : 0, text);
}

static int bytes(int fd)
{
    int n = -1;
    ioctl(fd, FIONREAD, &n);
    return n;
}

static int writable(int fd)
{
    struct pollfd f = { fd, POLLOUT, 0 };
    poll(&f, 1, 0);
    return f.revents;
}

static void *writer(void *fd) { return (void *)write(*(int *)fd, large, 30000); }

int main(void)
{
    int p[2], q[2];
    SHOW(pipe2(p, O_DIRECT | O_NONBLOCK));
    SAY("flags %o %o", fcntl(p[0], F_GETFL), fcntl(p[1], F_GETFL));
    write(p[1], "one", 3);
    write(p[1], "second", 6);
    write(p[1], "3", 1);
    SAY("%d bytes", bytes(p[0]));
    got(p[0], 100);
    got(p[0], 2); /* the rest of it is lost */
    SAY("%d bytes", bytes(p[0]));
    got(p[0], 0);
    got(p[0], 1);
    got(p[0], 100);
    /* no packet of no bytes */
    SHOW(write(p[1], "", 0));
    got(p[0], 100);
    /* a long write is packets of a page */
    memset(large, 'x', sizeof large);
    SHOW(write(p[1], large, 10000));
    got(p[0], 5000);
    got(p[0], 5000);
    got(p[0], 5000);
    got(p[0], 5000);
    /* as many as the pipe has pages, however short */
    int count = 0;
    while (write(p[1], "abc", 3) == 3)
        count++;
    SAY("%d packets, %d bytes, writable %d", count, bytes(p[0]), writable(p[1]));
    got(p[0], 1);
    SAY("writable %d", writable(p[1]));
    SHOW(write(p[1], large, 9000));
    SHOW(write(p[1], large, 9000));
    for (int k = 0; k < count; k++)
        read(p[0], large, 100);
    got(p[0], 1);
    SHOW(write(p[1], large, sizeof large));
    SAY("%d bytes", bytes(p[0]));
    while (read(p[0], large, 4096) > 0)
        ;
    /* bytes between packets */
    write(p[1], "pack", 4);
    SHOW(fcntl(p[1], F_SETFL, O_NONBLOCK));
    write(p[1], "stream", 6);
    SHOW(fcntl(p[1], F_SETFL, O_NONBLOCK | O_DIRECT));
    memset(large, 'y', 4096);
    write(p[1], large, 4096);
    write(p[1], "end", 3);
    got(p[0], 100);
    got(p[0], 3);
    got(p[0], 10);
    got(p[0], 100);
    got(p[0], 100);
    /* in parts by splice; a packet stays one in another pipe */
    pipe2(q, O_NONBLOCK);
    write(p[1], "abcdef", 6);
    write(p[1], "ghi", 3);
    SHOW(tee(p[0], q[1], 2, SPLICE_F_NONBLOCK));
    got(q[0], 1);
    got(q[0], 100);
    SHOW(splice(p[0], NULL, q[1], NULL, 4, SPLICE_F_NONBLOCK));
    got(q[0], 1);
    got(q[0], 100);
    got(p[0], 1);
    got(p[0], 100);
    /* the table goes with the size */
    SHOW(fcntl(p[1], F_SETPIPE_SZ, 4096));
    SHOW(write(p[1], "a", 1));
    SHOW(write(p[1], "b", 1));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, 16384));
    SHOW(write(p[1], "c", 1));
    SHOW(write(p[1], "d", 1));
    SHOW(write(p[1], "e", 1));
    SHOW(write(p[1], "f", 1));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, 8192));
    for (int k = 0; k < 5; k++)
        got(p[0], 10);
    /* a write that waits */
    fcntl(p[1], F_SETFL, O_DIRECT);
    fcntl(p[0], F_SETFL, 0);
    pthread_t other;
    memset(large, 'z', 30000);
    pthread_create(&other, NULL, writer, &p[1]);
    for (int k = 0; k < 8; k++)
        got(p[0], 5000);
    void *written;
    pthread_join(other, &written);
    SAY("a write that waited: %zd", (ssize_t)written);
    /* a FIFO; and what has no packets */
    mkfifo("fifo", 0600);
    int fifo = open("fifo", O_RDWR | O_NONBLOCK);
    SHOW(fcntl(fifo, F_SETFL, O_NONBLOCK | O_DIRECT));
    write(fifo, "one", 3);
    write(fifo, "two", 3);
    got(fifo, 100);
    got(fifo, 100);
    unlink("fifo");
    int pair[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    SHOW(fcntl(pair[0], F_SETFL, O_DIRECT));
    return 0;
}
