/* lseek: every whence, on files, directories, devices and pipes; positions that descriptors share;
 * and what cannot be. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SHOW(call)                                            \
    do {                                                      \
        errno = 0;                                            \
        long long r_ = (long long)(call);                     \
        printf("%s = %lld %s\n", #call, r_, strerror(errno)); \
    } while (0)

static void on_a_file(void)
{
    char c = 0;
    int fd = open("seeks.x", O_RDWR | O_CREAT | O_TRUNC, 0644), other, again;
    SHOW(write(fd, "0123456789", 10));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, 3, SEEK_SET));
    SHOW(read(fd, &c, 1) == 1 && c == '3');
    SHOW(lseek(fd, -2, SEEK_CUR));
    SHOW(read(fd, &c, 1) == 1 && c == '2');
    SHOW(lseek(fd, -4, SEEK_CUR));
    SHOW(lseek(fd, -1, SEEK_SET));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, 7, SEEK_SET));
    SHOW(lseek(fd, LLONG_MIN, SEEK_CUR));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, 5, 17));
    SHOW(lseek(fd, -3, SEEK_END));
    SHOW(lseek(fd, 100, SEEK_END));
    SHOW(read(fd, &c, 1));
    SHOW(write(fd, "x", 1));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(lseek(fd, 4, SEEK_DATA));
    SHOW(lseek(fd, 4000, SEEK_HOLE));
    other = dup(fd), again = open("seeks.x", O_RDONLY);
    SHOW(lseek(other, 2, SEEK_SET));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(again, 0, SEEK_CUR));
    SHOW(fcntl(fd, F_SETFL, O_APPEND));
    SHOW(write(fd, "y", 1));
    SHOW(lseek(other, 0, SEEK_CUR));
    /* whence and descriptors are ints: what stands above their bits does not count */
    SHOW(syscall(SYS_lseek, fd, 1L, 0x700000000L | SEEK_SET));
    SHOW(syscall(SYS_lseek, 0x500000000L | fd, 1L, (long)SEEK_CUR));
    SHOW(syscall(SYS_dup2, 0x500000000L | fd, 0x500000000L | other) == other);
    SHOW(syscall(SYS_dup3, 0x500000000L | fd, 0x900000000L | other, 0x500000000L) == other);
    SHOW(syscall(SYS_dup2, 0x500000000L | fd, 0x700000000L | fd) == fd);
    SHOW(syscall(SYS_close, 0x500000000L | other));
    SHOW(syscall(SYS_fcntl, 0x500000000L | again, 0x500000000L | F_GETFD, 0L));
    close(again);
    SHOW(lseek(other, 0, SEEK_SET));
    close(fd);
    int path = open("seeks.x", O_PATH);
    SHOW(lseek(path, 0, SEEK_SET));
    close(path);
    SHOW(unlink("seeks.x"));
}

static void elsewhere(void)
{
    int p[2], null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDONLY);
    SHOW(pipe(p));
    SHOW(lseek(p[0], 0, SEEK_SET));
    SHOW(lseek(p[1], 0, SEEK_CUR));
    SHOW(lseek(null, 5, SEEK_SET));
    SHOW(lseek(null, 0, SEEK_CUR));
    SHOW(lseek(zero, -5, SEEK_CUR));
    SHOW(lseek(99, 0, SEEK_SET));
    DIR *d = opendir("/");
    unsigned first = 0, second = 0;
    while (readdir(d))
        first++;
    SHOW(lseek(dirfd(d), 0, SEEK_SET));
    rewinddir(d);
    while (readdir(d))
        second++;
    SHOW(first == second && first > 2);
    SHOW(lseek(dirfd(d), -1, SEEK_SET));
}

/* Positions that no file system allows, and those that none has anything against. */
static void far(void)
{
    char c[4] = "";
    struct iovec part = { c, sizeof c };
    int fd = open("seeks.x", O_RDWR | O_CREAT | O_TRUNC, 0644);
    SHOW(lseek(fd, 0x80000000, SEEK_SET));
    SHOW(read(fd, c, 1));
    SHOW(lseek(fd, 0x7fffffff, SEEK_CUR));
    SHOW(lseek(fd, LLONG_MAX, SEEK_SET));
    SHOW(lseek(fd, LLONG_MAX, SEEK_CUR));
    SHOW(lseek(fd, LLONG_MAX, SEEK_END));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, -0xffffffff, SEEK_CUR));
    SHOW(pread(fd, c, 4, LLONG_MAX - 4));
    SHOW(pread(fd, c, 4, LLONG_MAX - 3));
    SHOW(pread(fd, c, 0, LLONG_MAX));
    SHOW(preadv(fd, &part, 1, LLONG_MAX));
    SHOW(pwrite(fd, c, 0, LLONG_MAX));
    SHOW(pwrite(fd, c, 1, LLONG_MAX));
    SHOW(pwritev(fd, &part, 1, LLONG_MAX));
    SHOW(lseek(fd, 0, SEEK_END));
    close(fd);
    SHOW(unlink("seeks.x"));
}

/* A device that has no position, but may be read and written at any. */
static void at_offsets(const char *device)
{
    static const int whences[] = { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 9, -1 };
    char c[4];
    struct iovec part = { c, sizeof c };
    int fd = open(device, O_RDWR);
    printf("%s\n", device);
    for (unsigned i = 0; i < sizeof whences / sizeof whences[0]; i++) {
        SHOW(lseek(fd, 7, whences[i]));
        SHOW(lseek(fd, -7, whences[i]));
    }
    SHOW(read(fd, c, 4));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(pread(fd, c, 4, 3));
    SHOW(pread(fd, c, 4, -1));
    SHOW(pread(fd, c, 4, LLONG_MAX));
    SHOW(preadv(fd, &part, 1, 1l << 50));
    SHOW(pwrite(fd, c, 4, 3));
    SHOW(pwrite(fd, c, 4, -1));
    SHOW(pwritev(fd, &part, 1, 3));
    close(fd);
}

/* Which error comes first. */
static void refusals(void)
{
    char c;
    int p[2], path = open("/", O_PATH), out = open("seeks.x", O_WRONLY | O_CREAT, 0644),
              in = open("seeks.x", O_RDONLY);
    SHOW(pipe(p));
    for (int end = 0; end < 2; end++) {
        SHOW(pread(p[end], &c, 1, 0));
        SHOW(pread(p[end], &c, 1, -1));
        SHOW(pread(p[end], (void *)8, 1, 0));
        SHOW(pwrite(p[end], &c, 1, 0));
        SHOW(pwrite(p[end], &c, 1, -1));
        SHOW(lseek(p[end], 0, SEEK_HOLE));
        SHOW(lseek(p[end], 0, 9));
    }
    SHOW(pread(out, &c, 1, 0));
    SHOW(pread(out, &c, 1, -1));
    SHOW(pwrite(in, &c, 1, 0));
    SHOW(pwrite(in, &c, 1, -1));
    SHOW(pread(path, &c, 1, 0));
    SHOW(pread(path, &c, 1, -1));
    SHOW(lseek(path, 0, 9));
    SHOW(pread(99, &c, 1, 0));
    SHOW(pread(99, &c, 1, -1));
    SHOW(lseek(99, 0, 9));
    close(p[0]), close(p[1]), close(path), close(out), close(in);
    SHOW(unlink("seeks.x"));
}

/* Files whose end nobody knows before they are read, and others. */
static void in_proc(void)
{
    static const char *const files[] = { "/proc/self/stat",    "/proc/meminfo",
                                         "/proc/self/maps",    "/proc/mounts",
                                         "/proc/self/cmdline", "/proc/sys/kernel/ostype",
                                         "/proc/self" };
    for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++) {
        int fd = open(files[i], O_RDONLY);
        printf("%s\n", files[i]);
        SHOW(lseek(fd, 3, SEEK_SET));
        SHOW(lseek(fd, -1, SEEK_SET));
        SHOW(lseek(fd, 0, SEEK_END));
        SHOW(lseek(fd, 0, SEEK_DATA));
        SHOW(lseek(fd, 0, SEEK_HOLE));
        SHOW(lseek(fd, 0, 9));
        close(fd);
    }
}

int main(void)
{
    chdir("/tmp");
    on_a_file();
    elsewhere();
    far();
    chdir("/var/tmp");
    far();
    at_offsets("/dev/null");
    at_offsets("/dev/zero");
    at_offsets("/dev/full");
    at_offsets("/dev/random");
    at_offsets("/dev/urandom");
    refusals();
    in_proc();
}
