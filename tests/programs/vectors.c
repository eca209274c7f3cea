/* preadv, pwritev and their successors with flags. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/syscall.h>
#include <sys/uio.h>

enum { HIPRI = 1, DSYNC = 2, SYNC = 4, APPEND = 16 };
static char a[4], b[8];

static long get(int fd, int count, long offset, int flags)
{
    struct iovec v[2] = { { a, 4 }, { b, 8 } };
    memset(a, '.', 4);
    memset(b, '.', 8);
    return syscall(SYS_preadv2, fd, v, count, offset, 0, flags);
}
static long put(int fd, const char *one, const char *two, long offset, int flags)
{
    struct iovec v[2] = { { (void *)one, strlen(one) }, { (void *)two, strlen(two) } };
    return syscall(SYS_pwritev2, fd, v, 2, offset, 0, flags);
}
static void contents(int fd)
{
    char all[64];
    ssize_t n = pread(fd, all, sizeof all - 1, 0);
    all[n < 0 ? 0 : n] = 0;
    for (ssize_t k = 0; k < n; k++)
        all[k] = all[k] ? all[k] : '0';
    SAY("\"%s\", at %ld", all, (long)lseek(fd, 0, SEEK_CUR));
}

int main(void)
{
    int fd = open("v", O_CREAT | O_RDWR | O_TRUNC, 0600), ends[2];
    SHOW(put(fd, "one", "two", 0, 0));
    contents(fd);
    SHOW(put(fd, "X", "YZ", -1, 0));
    contents(fd);
    SHOW(put(fd, "three", "four", 10, HIPRI));
    SHOW(put(fd, "!", "?", 4, DSYNC));
    SHOW(put(fd, "-", "-", 7, SYNC));
    SHOW(put(fd, "end", "", 0, APPEND));
    contents(fd);
    SHOW(get(fd, 2, 2, 0));
    SAY("%.4s %.8s", a, b);
    SHOW(get(fd, 1, -1, 0));
    SHOW(get(fd, 2, -1, HIPRI));
    SAY("%.4s %.8s", a, b);
    contents(fd);
    SHOW(get(fd, 0, 0, 0));
    SHOW(get(fd, 2, 1000, 0));
    SHOW(get(fd, 2, -2, 0));
    SHOW(get(fd, -1, 0, 0));
    SHOW(get(fd, 1025, 0, 0));
    SHOW(get(fd, 2, 0, 0x40000000));
    SHOW(get(99, 2, 0, 0));
    SHOW(put(fd, "x", "", -2, SYNC));
    SHOW(put(fd, "x", "", 0, 0x40000000));
    SHOW(put(99, "x", "", 0, SYNC));
    SHOW(syscall(SYS_pwritev2, fd, (void *)8, 1, 0L, 0, SYNC));
    SHOW(syscall(SYS_preadv2, fd, (void *)8, 1, 0L, 0, 0));
    SHOW(syscall(SYS_pwritev2, fd, &(struct iovec){ (void *)8, 4 }, 1, 0L, 0, SYNC));
    SHOW(syscall(SYS_pwritev2, fd, &(struct iovec){ a, -1 }, 1, 0L, 0, SYNC));
    int reader = open("v", O_RDONLY), writer = open("v", O_WRONLY);
    SHOW(put(reader, "x", "y", 0, SYNC));
    SHOW(put(reader, "x", "y", -1, 0));
    SHOW(get(writer, 2, 0, 0));
    SHOW(pipe(ends));
    SHOW(put(ends[1], "through", "pipe", -1, 0));
    SHOW(get(ends[0], 2, -1, 0));
    SAY("%.4s %.7s", a, b);
    SHOW(put(ends[1], "x", "y", 0, 0));
    SHOW(put(ends[1], "x", "y", 0, SYNC));
    SHOW(get(ends[0], 2, 0, 0));
    unlink("v");
    return 0;
}
