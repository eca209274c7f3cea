/* Reads and writes whose memory ends, or whose caller is interrupted, in the middle: the result is
 * the bytes that have been moved. */
#define _GNU_SOURCE
#include "oracle.h"

#include <dirent.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum { PAGE = 4096, GOOD = 8 * PAGE, FILE_BYTES = 3 * GOOD };

static const char *why(long result) { return result < 0 ? error_name(errno) : ""; }

static char *edge; /* the first unmapped byte, behind GOOD bytes of memory */

static void make_edge(void)
{
    char *area = mmap(NULL, GOOD + 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                      -1, 0);
    munmap(area + GOOD, 4 * PAGE);
    edge = area + GOOD;
}

/* None of the pages before the edge is there. */
static void fresh(void) { madvise(edge - GOOD, GOOD, MADV_DONTNEED); }

static const int before_edge[] = { 0,        1,    100,      PAGE - 1,      PAGE,
                                   PAGE + 1, 6000, 2 * PAGE, 5 * PAGE + 77, GOOD };
#define EACH_LENGTH(n)           \
    for (unsigned i_ = 0, n = 0; \
         i_ < sizeof before_edge / sizeof before_edge[0] && (n = before_edge[i_], 1); i_++)

static void fill(char *to, unsigned bytes, unsigned seed)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (i + seed) * 31 >> 2;
}

/* ---- files ---- */

static int file_of(const char *name)
{
    static char data[FILE_BYTES];
    int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
    fill(data, sizeof data, 0);
    if (fd < 0 || write(fd, data, sizeof data) != sizeof data)
        SAY("no file");
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void reads(const char *what, int fd)
{
    EACH_LENGTH(n)
    {
        for (int shift = 0; shift < 2; shift++) {
            fresh();
            lseek(fd, shift * 123, SEEK_SET);
            long got = read(fd, edge - n, n + 2 * PAGE);
            SAY("%s: read of %u + bad from %d: %ld %s, position %ld, sum %u", what, n, shift * 123,
                got, why(got), (long)lseek(fd, 0, SEEK_CUR),
                n && got > 0 ? (unsigned char)edge[-1] : 0);
        }
        struct iovec v[3] = { { edge - n, n }, { edge, PAGE }, { edge - GOOD, 10 } };
        fresh();
        lseek(fd, 0, SEEK_SET);
        long got = readv(fd, v, 3);
        SAY("%s: readv %u, bad, 10: %ld %s", what, n, got, why(got));
        fresh();
        got = preadv(fd, v, 3, 4000);
        SAY("%s: preadv %u, bad, 10: %ld %s", what, n, got, why(got));
        fresh();
        got = pread(fd, edge - n, n + 1, 10);
        SAY("%s: pread %u + 1: %ld %s", what, n, got, why(got));
    }
}

static void writes(const char *what, const char *name)
{
    int fd = file_of(name);
    EACH_LENGTH(n)
    {
        struct iovec v[3] = { { edge - n, n }, { edge, PAGE }, { edge - GOOD, 10 } };
        char c = 0;
        fill(edge - n, n, n);
        lseek(fd, 50, SEEK_SET);
        long got = write(fd, edge - n, n + 2 * PAGE);
        SAY("%s: write of %u + bad: %ld %s, position %ld", what, n, got, why(got),
            (long)lseek(fd, 0, SEEK_CUR));
        pread(fd, &c, 1, 50 + n);
        SAY("%s: byte behind is %d", what, c);
        got = writev(fd, v, 3);
        SAY("%s: writev %u, bad, 10: %ld %s", what, n, got, why(got));
        ftruncate(fd, 60);
        got = pwrite(fd, edge - n, n + PAGE, 55);
        SAY("%s: pwrite over the end: %ld %s, size %ld", what, got, why(got),
            (long)lseek(fd, 0, SEEK_END));
    }
    close(fd);
    unlink(name);
}

static void file(const char *what, const char *name)
{
    int fd = file_of(name);
    reads(what, fd);
    close(fd);
    writes(what, name);
}

static void device(const char *name, int flags)
{
    int fd = open(name, flags);
    EACH_LENGTH(n)
    {
        fresh();
        long got = flags == O_RDONLY ? read(fd, edge - n, n + PAGE) : write(fd, edge - n, n + PAGE);
        SAY("%s: %u + bad: %ld %s", name, n, got, why(got));
        struct iovec v[2] = { { edge - n, n }, { edge, PAGE } };
        got = flags == O_RDONLY ? readv(fd, v, 2) : writev(fd, v, 2);
        SAY("%s: vector %u, bad: %ld %s", name, n, got, why(got));
    }
    close(fd);
}

/* Files whose text is made by the read. */
static void text(const char *name)
{
    for (unsigned n = 0; n <= 60; n += 30) {
        int fd = open(name, O_RDONLY);
        fresh();
        long got = read(fd, edge - n, n + PAGE);
        SAY("%s: %u + bad: %ld %s, position %ld", name, n, got, why(got),
            (long)lseek(fd, 0, SEEK_CUR));
        fresh();
        got = read(fd, edge - n, n);
        SAY("%s: %u more: %ld", name, n, got);
        close(fd);
    }
}

static void directory(void)
{
    mkdir("partial.d", 0700);
    for (int i = 0; i < 300; i++) {
        char name[100];
        snprintf(name, sizeof name, "partial.d/a-name-of-some-length-%d", i);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
    int fd = open("partial.d", O_RDONLY | O_DIRECTORY), all = 0;
    for (int n = PAGE; n <= 3 * PAGE; n += PAGE) {
        lseek(fd, 0, SEEK_SET);
        fresh();
        long got = syscall(SYS_getdents64, fd, edge - n, n + PAGE);
        SAY("getdents of %d + bad: %s", n, got > n / 2 && got <= n ? "a part" : why(got));
        if (got < 0)
            continue;
        all = 0;
        do {
            for (long at = 0; at < got; all++)
                at += ((struct dirent *)(edge - n + at))->d_reclen;
            got = syscall(SYS_getdents64, fd, edge - n, n);
        } while (got > 0);
        SAY("entries: %d", all);
    }
    lseek(fd, 0, SEEK_SET);
    SAY("getdents of 10 + bad: %s", why(syscall(SYS_getdents64, fd, edge - 10, PAGE)));
    close(fd);
    for (int i = 0; i < 300; i++) {
        char name[100];
        snprintf(name, sizeof name, "partial.d/a-name-of-some-length-%d", i);
        unlink(name);
    }
    rmdir("partial.d");
}

/* ---- pipes ---- */

static void pipes(void)
{
    static char data[GOOD], back[4 * GOOD];
    int end[2];
    pipe(end);
    fcntl(end[0], F_SETFL, O_NONBLOCK);
    EACH_LENGTH(n)
    {
        fill(data, sizeof data, n);
        write(end[1], data, GOOD);
        fresh();
        long got = read(end[0], edge - n, n + PAGE);
        SAY("pipe: read %u + bad of many: %ld %s", n, got, why(got));
        while (read(end[0], back, sizeof back) > 0)
            ;
        write(end[1], data, 1000);
        fresh();
        got = read(end[0], edge - n, n + PAGE);
        SAY("pipe: read %u + bad of 1000: %ld %s", n, got, why(got));
        long rest = read(end[0], back, sizeof back);
        SAY("pipe: left %ld", rest);
        fill(edge - n, n, n);
        got = write(end[1], edge - n, n + PAGE);
        rest = read(end[0], back, sizeof back);
        SAY("pipe: write %u + bad: %ld %s, in it %ld %s", n, got, why(got), rest,
            rest > 0 ? memcmp(back, edge - n, rest) ? "wrong" : "right" : "");
        struct iovec v[3] = { { edge - n, n }, { edge, PAGE }, { edge - GOOD, 10 } };
        got = writev(end[1], v, 3);
        rest = read(end[0], back, sizeof back);
        SAY("pipe: writev %u, bad, 10: %ld %s, in it %ld", n, got, why(got), rest);
    }
    close(end[0]);
    close(end[1]);
}

/* ---- interruptions ---- */

static void handler(int sig) { (void)sig; }

/* what a pipe holds */
enum { FULL = 65536 };

/* Waits until the writer has put so much into the pipe. */
static void wait_for(int fd, int bytes)
{
    for (int held = 0; held < bytes; usleep(1000))
        ioctl(fd, FIONREAD, &held);
}

/* A child reads so much when the pipe is full, and interrupts us when it is full again. */
static void interrupt_when_full(int fd, unsigned read_first)
{
    static char bytes[FULL];
    if (fork())
        return;
    wait_for(fd, FULL);
    if (read_first) {
        read(fd, bytes, read_first);
        wait_for(fd, FULL - (int)PAGE + 1); /* Linux' pipe takes whole pages */
    }
    kill(getppid(), SIGALRM);
    _exit(0);
}

static void interrupted(int flags)
{
    static char data[200000], back[200000];
    struct sigaction a = { .sa_handler = handler, .sa_flags = flags };
    int end[2];
    sigaction(SIGALRM, &a, NULL);
    pipe(end);
    fill(data, sizeof data, 7);
    interrupt_when_full(end[0], 0);
    long got = write(end[1], data, sizeof data);
    wait(NULL);
    SAY("interrupted write: %ld %s", got, why(got));
    long rest = read(end[0], back, sizeof back);
    SAY("in the pipe: %ld, %s", rest, memcmp(data, back, rest) ? "wrong" : "right");
    /* Some of it is read before the signal comes. */
    interrupt_when_full(end[0], 10000);
    got = write(end[1], data, sizeof data);
    wait(NULL);
    rest = read(end[0], back, sizeof back);
    SAY("in part read, then interrupted: %s",
        got - 10000 == rest && got > 65536 ? "counted" : "miscounted");
    /* The same call again is another call. */
    interrupt_when_full(end[0], 0);
    got = write(end[1], data, sizeof data);
    wait(NULL);
    read(end[0], back, 8192);
    interrupt_when_full(end[0], 0);
    long more = write(end[1], data, sizeof data);
    wait(NULL);
    SAY("twice: %ld, %ld %s", got, more, why(more));
    while (fcntl(end[0], F_SETFL, O_NONBLOCK), read(end[0], back, sizeof back) > 0)
        ;
    /* The reader goes away in the middle. */
    signal(SIGPIPE, SIG_IGN);
    if (!fork()) {
        close(end[1]);
        wait_for(end[0], FULL);
        _exit(0);
    }
    close(end[0]);
    got = write(end[1], data, sizeof data);
    SAY("the reader goes: %ld %s", got, why(got));
    wait(NULL);
    got = write(end[1], data, 0);
    SAY("nothing to nobody: %ld %s", got, why(got));
    close(end[1]);
    /* Interrupted when the memory of the rest is bad. */
    pipe(end);
    if (!fork()) {
        long sum = 0, n;
        close(end[1]);
        wait_for(end[0], FULL);
        while ((n = read(end[0], back, 3000)) > 0)
            sum += n;
        SAY("reader got %ld", sum);
        _exit(0);
    }
    close(end[0]);
    char *area = mmap(NULL, 21 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(area + 20 * PAGE, PAGE);
    got = write(end[1], area, 40 * PAGE);
    close(end[1]);
    wait(NULL);
    SAY("20 pages, then bad ones, through a pipe of 16: %ld %s", got, why(got));
    munmap(area, 20 * PAGE);
}

int main(void)
{
    make_edge();
    file("file", "partial.tmp");
    file("tmpfs", "/tmp/partial.tmp");
    device("/dev/zero", O_RDONLY);
    device("/dev/urandom", O_RDONLY);
    device("/dev/null", O_WRONLY);
    text("/proc/self/maps");
    text("/proc/self/status");
    text("/proc/mounts");
    directory();
    pipes();
    interrupted(0);
    interrupted(SA_RESTART);
    return 0;
}
