/* lseek: every whence, on files, directories, devices and pipes; positions that descriptors share;
 * and what cannot be. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
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

int main(void)
{
    chdir("/tmp");
    on_a_file();
    elsewhere();
}
