/* How much a pipe holds: F_SETPIPE_SZ and F_GETPIPE_SZ, what stays in the pipe, and who goes on. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/ioctl.h>
#include <sys/stat.h>

static char out[1 << 20], in[1 << 20];

static void fill(void)
{
    for (unsigned i = 0; i < sizeof out; i++)
        out[i] = i * 31 >> 3;
}

/* How many bytes go into the pipe without a wait. */
static long room(int fd)
{
    long all = 0, n;
    while ((n = write(fd, out + all % 4096, 4096)) > 0)
        all += n;
    return all;
}

static void sizes(void)
{
    static const unsigned asked[] = { 0,     1,      4095,    4096,   4097,  8192,         8193,
                                      65535, 100000, 1 << 20, 524289, 65536, 1u << 31 | 1, ~0u };
    int p[2], file = open("plain", O_CREAT | O_RDWR, 0600);
    SHOW(pipe2(p, O_NONBLOCK));
    SHOW(fcntl(p[0], F_GETPIPE_SZ));
    SHOW(fcntl(p[1], F_GETPIPE_SZ));
    for (unsigned i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        int end = i % 2;
        errno = 0;
        int size = fcntl(p[end], F_SETPIPE_SZ, asked[i]);
        SAY("%u: %d %s, now %d", asked[i], size, error_name(errno), fcntl(p[!end], F_GETPIPE_SZ));
    }
    SHOW(fcntl(file, F_GETPIPE_SZ));
    SHOW(fcntl(file, F_SETPIPE_SZ, 4096));
    SHOW(fcntl(99, F_GETPIPE_SZ));
    close(file);
    file = open(".", O_PATH);
    SHOW(fcntl(file, F_GETPIPE_SZ));
    close(file);
    close(p[0]);
    close(p[1]);
}

static void contents(void)
{
    int p[2], bytes;
    struct pollfd poll_out;
    pipe2(p, O_NONBLOCK);
    for (unsigned size = 4096; size <= 1 << 20; size *= 4) {
        SHOW(fcntl(p[0], F_SETPIPE_SZ, size));
        long n = room(p[1]);
        ioctl(p[0], FIONREAD, &bytes);
        SAY("%ld bytes, FIONREAD %d", n, bytes);
        poll_out = (struct pollfd){ .fd = p[1], .events = POLLOUT };
        SHOW(poll(&poll_out, 1, 0));
    }
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 1 << 19));
    long n = 0, k;
    while ((k = read(p[0], in, 65536)) > 0)
        n += k;
    SAY("%ld bytes came out", n);
    SHOW(write(p[1], out, 10000));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 8192));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 4096));
    SHOW(fcntl(p[0], F_GETPIPE_SZ));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 16384));
    SHOW(read(p[0], in, 20000));
    SHOW(memcmp(in, out, 10000));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 4096));
    SHOW(write(p[1], out, 4096));
    SHOW(write(p[1], out, 1));
    close(p[0]);
    close(p[1]);
}

/* The bytes are the same after the ring has become larger, and smaller, wherever its begin stood.
 */
static void order(void)
{
    int p[2];
    long written = 0, read_so_far = 0, wrong = 0;
    pipe2(p, O_NONBLOCK);
    fcntl(p[0], F_SETPIPE_SZ, 1 << 18);
    for (int round = 0; round < 200; round++) {
        long length = 4096 * (1 + round * 7 % 40), at = written % (1 << 19);
        long n = write(p[1], out + at, length);
        written += n > 0 ? n : 0;
        n = read(p[0], in, 4096 * (1 + round * 11 % 36));
        if (n > 0)
            wrong += memcmp(in, out + read_so_far % (1 << 19), n) != 0;
        read_so_far += n > 0 ? n : 0;
        if (read_so_far >= 1 << 19 && read_so_far % (1 << 19) > (1 << 19) - (1 << 18)) {
            while (read(p[0], in, sizeof in) > 0)
                ;
            written = read_so_far = 0;
        }
        if (round % 10 == 0)
            fcntl(p[0], F_SETPIPE_SZ, round % 20 ? 1 << 18 : 1 << 19);
    }
    SAY("%ld pieces are wrong", wrong);
    close(p[0]);
    close(p[1]);
}

/* A writer that waits goes on when there is more room. */
static void writer_waits(void)
{
    int p[2], status;
    pipe2(p, 0);
    fcntl(p[0], F_SETPIPE_SZ, 4096);
    SHOW(write(p[1], out, 4096));
    pid_t child = fork();
    if (!child) {
        close(p[0]);
        _exit(write(p[1], out, 100) == 100 ? 7 : 1);
    }
    pause_ms(100);
    SHOW(waitpid(child, &status, WNOHANG));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, 8192));
    waitpid(child, &status, 0);
    show_status("writer", status);
    SHOW(read(p[0], in, 10000));
    close(p[0]);
    close(p[1]);
}

static void fifo(void)
{
    mkfifo("fifo", 0600);
    int fd = open("fifo", O_RDWR | O_NONBLOCK), again;
    SHOW(fcntl(fd, F_GETPIPE_SZ));
    SHOW(fcntl(fd, F_SETPIPE_SZ, 5000));
    again = open("fifo", O_RDONLY | O_NONBLOCK);
    SHOW(fcntl(again, F_GETPIPE_SZ));
    SHOW(room(fd));
    close(fd);
    close(again);
    fd = open("fifo", O_RDWR | O_NONBLOCK);
    SHOW(fcntl(fd, F_GETPIPE_SZ));
    close(fd);
    unlink("fifo");
}

static void another_user(void)
{
    int status;
    pid_t child = fork();
    if (child) {
        waitpid(child, &status, 0);
        show_status("another user", status);
        return;
    }
    int p[2];
    if (setgid(1000) || setuid(1000))
        _exit(1);
    SHOW(pipe2(p, O_NONBLOCK));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 1 << 18));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 1 << 21));
    SHOW(fcntl(p[0], F_GETPIPE_SZ));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 4096));
    SHOW(open("/proc/sys/fs/pipe-max-size", O_WRONLY));
    _exit(0);
}

int main(void)
{
    char text[32] = "";
    fill();
    int fd = open("/proc/sys/fs/pipe-max-size", O_RDONLY);
    SHOW(read(fd, text, sizeof text - 1));
    SAY("%s", text);
    sizes();
    contents();
    order();
    writer_waits();
    fifo();
    another_user();
    return 0;
}
