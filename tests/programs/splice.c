/* splice, tee, vmsplice and sendfile: bytes between pipes and files, waits, and what is refused. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

static char big[300000], text[300000];

static int make_pipe(int ends[2], int flags) { return pipe2(ends, flags); }

static void show_text(long n)
{
    text[n < 0 ? 0 : n] = 0;
    SAY("%ld \"%.40s\"", n, text);
}

static void file_pipe(void)
{
    int p[2], fd = open("s", O_CREAT | O_RDWR | O_TRUNC, 0600),
              out = open("t", O_CREAT | O_RDWR, 0600);
    off_t at = 6;
    SHOW(make_pipe(p, 0));
    SHOW(write(fd, "Hello splice world", 18));
    SHOW(splice(fd, NULL, p[1], NULL, 10, 0));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(splice(fd, NULL, p[1], NULL, 5, 0));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(splice(fd, &at, p[1], NULL, 100, SPLICE_F_MOVE | SPLICE_F_MORE));
    SAY("at %ld, position %ld", (long)at, (long)lseek(fd, 0, SEEK_CUR));
    SHOW(splice(p[0], NULL, out, NULL, 4, 0));
    at = 10;
    SHOW(splice(p[0], NULL, out, &at, 100, 0));
    SAY("at %ld, position %ld", (long)at, (long)lseek(out, 0, SEEK_CUR));
    long n = pread(out, text, 100, 0);
    for (long k = 0; k < n; k++)
        text[k] = text[k] ? text[k] : '0';
    show_text(n);
    SHOW(splice(p[0], NULL, out, NULL, 10, SPLICE_F_NONBLOCK));
    close(p[1]);
    SHOW(splice(p[0], NULL, out, NULL, 10, 0));
    close(p[0]);
    close(fd);
    close(out);
}

static void pipe_pipe(void)
{
    int a[2], b[2];
    make_pipe(a, 0);
    make_pipe(b, 0);
    SHOW(write(a[1], "one two three", 13));
    SHOW(tee(a[0], b[1], 7, 0));
    SHOW(tee(a[0], b[1], 100, SPLICE_F_NONBLOCK));
    show_text(read(b[0], text, 100));
    SHOW(splice(a[0], NULL, b[1], NULL, 4, 0));
    show_text(read(b[0], text, 100));
    show_text(read(a[0], text, 100));
    SHOW(tee(a[0], b[1], 10, SPLICE_F_NONBLOCK));
    SHOW(splice(a[0], NULL, b[1], NULL, 10, SPLICE_F_NONBLOCK));
    SHOW(splice(a[0], NULL, a[1], NULL, 10, SPLICE_F_NONBLOCK));
    SHOW(tee(a[0], a[1], 10, SPLICE_F_NONBLOCK));
    close(a[1]);
    SHOW(tee(a[0], b[1], 10, 0));
    SHOW(splice(a[0], NULL, b[1], NULL, 10, 0));
    close(a[0]);
    make_pipe(a, 0);
    SHOW(write(a[1], "x", 1));
    close(b[0]);
    signal(SIGPIPE, SIG_IGN);
    SHOW(splice(a[0], NULL, b[1], NULL, 10, 0));
    SHOW(tee(a[0], b[1], 10, 0));
    show_text(read(a[0], text, 100));
    close(b[1]);
    close(a[0]);
    close(a[1]);
}

/* A child sends late, in pieces; all of it comes out of a chain of splices. */
static void waits(void)
{
    int a[2], b[2], status, fd = open("s", O_RDWR | O_CREAT | O_TRUNC, 0600);
    make_pipe(a, 0);
    make_pipe(b, 0);
    for (unsigned k = 0; k < sizeof big; k++)
        big[k] = k * 7 + k / 251;
    if (!fork()) {
        close(a[0]);
        pause_ms(30);
        for (unsigned at = 0; at < sizeof big; at += 50000) {
            write(a[1], big + at, 50000);
            pause_ms(3);
        }
        _exit(0);
    }
    close(a[1]);
    if (!fork()) {
        close(b[0]);
        while (splice(a[0], NULL, b[1], NULL, 100000, 0) > 0)
            ;
        _exit(0);
    }
    close(b[1]);
    long total = 0, n;
    while ((n = splice(b[0], NULL, fd, NULL, 70000, 0)) > 0)
        total += n;
    SAY("total %ld, last %ld", total, n);
    pread(fd, text, sizeof text, 0);
    SAY("the same %d", !memcmp(big, text, sizeof big));
    wait(&status);
    wait(&status);
    close(a[0]);
    close(b[0]);
    /* to a pipe that is full until a child reads */
    make_pipe(a, 0);
    if (!fork()) {
        close(a[1]);
        pause_ms(30);
        long got = 0, bad = 0;
        while ((n = read(a[0], text, 10000)) > 0) {
            bad += memcmp(text, big + got, n) != 0;
            got += n;
        }
        SAY("child got %ld, bad %ld", got, bad);
        _exit(0);
    }
    close(a[0]);
    off_t at = 0;
    for (total = 0; total < (long)sizeof big; total += n)
        if ((n = sendfile(a[1], fd, &at, sizeof big - total)) <= 0)
            break;
    SAY("sent %ld", total);
    close(a[1]);
    wait(&status);
    close(fd);
}

static void on_alarm(int sig) { (void)sig; }

static void interrupted(void)
{
    int a[2], b[2];
    struct sigaction action = { .sa_handler = on_alarm };
    make_pipe(a, 0);
    make_pipe(b, 0);
    sigaction(SIGALRM, &action, NULL);
    SHOW_INTERRUPTED(splice(a[0], NULL, b[1], NULL, 10, 0));
    SHOW_INTERRUPTED(tee(a[0], b[1], 10, 0));
    int out = open("t", O_RDWR);
    SHOW_INTERRUPTED(splice(a[0], NULL, out, NULL, 10, 0));
}

static void memory(void)
{
    int p[2];
    struct iovec v[2] = { { "from ", 5 }, { "memory", 6 } },
                 in[2] = { { text, 3 }, { text + 3, 50 } };
    make_pipe(p, 0);
    SHOW(vmsplice(p[1], v, 2, 0));
    SHOW(vmsplice(p[0], in, 2, 0));
    show_text(11);
    SHOW(vmsplice(p[0], in, 2, SPLICE_F_NONBLOCK));
    SHOW(vmsplice(p[1], v, 0, 0));
    SHOW(vmsplice(p[1], v, 2, 0x100));
    SHOW(vmsplice(p[1], v, 1025, 0));
    SHOW(vmsplice(open("t", O_RDWR), v, 2, 0));
    SHOW(vmsplice(99, v, 2, 0));
    SHOW(vmsplice(p[1], (void *)8, 1, 0));
}

static void refused(void)
{
    int p[2], q[2], fd = open("s", O_RDWR | O_TRUNC), append = open("t", O_WRONLY | O_APPEND);
    off_t at = 0, bad = -1;
    make_pipe(p, 0);
    make_pipe(q, 0);
    write(p[1], "bytes", 5);
    write(fd, "bytes", 5);
    SHOW(splice(fd, NULL, append, NULL, 5, 0));
    SHOW(splice(p[0], NULL, append, NULL, 5, 0));
    SHOW(splice(p[0], &at, fd, NULL, 5, 0));
    SHOW(splice(fd, NULL, p[1], &at, 5, 0));
    SHOW(splice(p[0], NULL, q[1], &at, 5, 0));
    SHOW(splice(p[1], NULL, fd, NULL, 5, 0));
    SHOW(splice(p[0], NULL, q[0], NULL, 5, 0));
    SHOW(splice(99, NULL, fd, NULL, 5, 0));
    SHOW(splice(p[0], NULL, 99, NULL, 5, 0));
    SHOW(splice(p[0], NULL, fd, NULL, 5, 0x40));
    SHOW(splice(p[0], NULL, fd, NULL, 0, 0));
    SHOW(splice(fd, &bad, q[1], NULL, 5, 0));
    SHOW(splice(fd, (void *)8, q[1], NULL, 5, 0));
    SHOW(tee(p[0], fd, 5, 0));
    SHOW(tee(fd, p[1], 5, 0));
    SHOW(tee(p[0], q[1], 0, 0));
    SHOW(tee(p[0], q[1], 5, 0x40));
    SHOW(tee(99, q[1], 5, 0));
    SHOW(tee(p[1], q[1], 5, 0));
    show_text(read(p[0], text, 100));
    SHOW(sendfile(fd, p[0], NULL, 5));
    int directory = open(".", O_RDONLY);
    SHOW(splice(directory, NULL, q[1], NULL, 5, 0));
    SHOW(splice(p[0], NULL, directory, NULL, 5, 0));
    SHOW(sendfile(fd, directory, NULL, 5));
    SHOW(sendfile(append, fd, &at, 5));
    SHOW(sendfile(append, fd, &at, 0));
    SHOW(splice(99, NULL, 99, NULL, 0, 99));
    SHOW(splice(99, NULL, 99, NULL, 1, 99));
    SHOW(tee(99, 99, 0, 99));
    at = 0;
    SHOW(sendfile(open("/dev/null", O_WRONLY), fd, &at, 5));
}

/* Fills a socket or pipe that does not wait. */
static void fill(int fd)
{
    while (write(fd, big, 512) > 0)
        ;
}

static void sockets(void)
{
    int s[2], p[2], q[2], fd = open("s", O_CREAT | O_RDWR | O_TRUNC, 0600);
    off_t at = 0;
    write(fd, "bytes of a file", 15);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    make_pipe(p, 0);
    make_pipe(q, 0);
    SHOW(sendfile(s[0], fd, &at, 5));
    SHOW(sendfile(s[0], fd, &at, 100));
    show_text(read(s[1], text, 100));
    write(p[1], "through a pipe", 14);
    SHOW(splice(p[0], NULL, s[0], NULL, 7, 0));
    SHOW(splice(s[1], NULL, q[1], NULL, 4, 0));
    show_text(read(q[0], text, 100));
    SHOW(splice(s[1], NULL, q[1], NULL, 100, 0));
    show_text(read(q[0], text, 100));
    show_text(read(p[0], text, 100));
    SHOW(splice(s[1], NULL, q[1], NULL, 100, SPLICE_F_NONBLOCK));
    SHOW(splice(s[1], NULL, s[0], NULL, 100, 0));
    SHOW(splice(s[1], &at, q[1], NULL, 100, 0));
    SHOW(splice(p[0], NULL, s[0], &at, 100, 0));
    SHOW(sendfile(fd, s[1], NULL, 5));
    SHOW(copy_file_range(s[1], NULL, fd, NULL, 5, 0));
    /* a child sends later, and later reads */
    if (!fork()) {
        pause_ms(30);
        write(s[0], "later", 5);
        _exit(0);
    }
    SHOW(splice(s[1], NULL, q[1], NULL, 100, 0));
    show_text(read(q[0], text, 100));
    wait(NULL);
    fcntl(s[0], F_SETFL, O_NONBLOCK);
    fill(s[0]);
    SHOW(sendfile(s[0], fd, NULL, 5));
    at = 0;
    SHOW(sendfile(s[0], fd, &at, 5));
    SAY("at %ld", (long)at);
    fcntl(s[0], F_SETFL, 0);
    if (!fork()) {
        pause_ms(30);
        fcntl(s[1], F_SETFL, O_NONBLOCK);
        while (read(s[1], text, sizeof text) > 0)
            pause_ms(1);
        _exit(0);
    }
    SHOW(sendfile(s[0], fd, &at, 5));
    wait(NULL);
    SHOW(shutdown(s[0], SHUT_WR));
    while (read(s[1], text, sizeof text) > 0)
        ;
    SHOW(splice(s[1], NULL, q[1], NULL, 100, 0));
    at = 0;
    signal(SIGPIPE, SIG_IGN);
    SHOW(sendfile(s[0], fd, &at, 5));
    int status;
    if (!fork()) {
        signal(SIGPIPE, SIG_DFL);
        sendfile(s[0], fd, &at, 5);
        _exit(0);
    }
    wait(&status);
    show_status("broken", status);
    close(s[0]), close(s[1]);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    fcntl(s[0], F_SETFL, O_NONBLOCK);
    SHOW(sendfile(s[0], fd, &at, 5));
    show_text(read(s[1], text, 100));
    fill(s[0]);
    SHOW(sendfile(s[0], fd, &at, 5));
    close(s[0]), close(s[1]);
    close(fd);
}

int main(void)
{
    file_pipe();
    pipe_pipe();
    waits();
    interrupted();
    memory();
    refused();
    sockets();
    unlink("s");
    unlink("t");
    return 0;
}
