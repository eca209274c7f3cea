/* fadvise, readahead, sync_file_range, syncfs; and the older calls that set times. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/stat.h>
#include <sys/syscall.h>

static void times_of(const char *path)
{
    struct stat s;
    stat(path, &s);
    SAY("%ld.%09ld %ld.%09ld", (long)s.st_atim.tv_sec, s.st_atim.tv_nsec, (long)s.st_mtim.tv_sec,
        s.st_mtim.tv_nsec);
}

static void advice(void)
{
    int fd = open("a", O_CREAT | O_RDWR, 0600), writer = open("a", O_WRONLY),
        path = open("a", O_PATH), dir = open(".", O_RDONLY), p[2];
    pipe(p);
    for (int k = 0; k < 7; k++)
        SHOW(syscall(SYS_fadvise64, fd, 0l, 100l, k));
    SHOW(syscall(SYS_fadvise64, fd, 0l, -1l, 0));
    SHOW(syscall(SYS_fadvise64, p[0], 0l, 0l, 0));
    SHOW(syscall(SYS_fadvise64, 99, 0l, 0l, 0));
    SHOW(syscall(SYS_fadvise64, path, 0l, 0l, 0));
    SHOW(readahead(fd, 0, 4096));
    SHOW(readahead(writer, 0, 4096));
    SHOW(readahead(p[0], 0, 4096));
    SHOW(readahead(dir, 0, 4096));
    SHOW(readahead(99, 0, 4096));
    SHOW(sync_file_range(fd, 0, 100, 7));
    SHOW(sync_file_range(fd, 0, 0, 0));
    SHOW(sync_file_range(fd, 0, 100, 8));
    SHOW(sync_file_range(fd, -1, 100, 2));
    SHOW(sync_file_range(fd, 0, -1, 2));
    SHOW(sync_file_range(p[1], 0, 100, 2));
    SHOW(sync_file_range(99, 0, 100, 2));
    SHOW(sync_file_range(open("/dev/null", O_RDWR), 0, 100, 4));
    SHOW(sync_file_range(open(".", O_RDONLY), 0, 100, 4));
    SHOW(syncfs(fd));
    SHOW(syncfs(dir));
    SHOW(syncfs(p[0]));
    SHOW(syncfs(path));
    SHOW(syncfs(99));
}

static void times_set(void)
{
    long buf[2] = { 1000, 2000 }, tv[4] = { 3000, 123456, 4000, 999999 };
    int fd = open("a", O_RDONLY);
    SHOW(syscall(SYS_utime, "a", buf));
    times_of("a");
    SHOW(syscall(SYS_utimes, "a", tv));
    times_of("a");
    tv[0] = 5000;
    SHOW(syscall(SYS_futimesat, AT_FDCWD, "a", tv));
    times_of("a");
    tv[0] = 6000;
    SHOW(syscall(SYS_futimesat, fd, NULL, tv));
    times_of("a");
    tv[1] = 1000000;
    SHOW(syscall(SYS_utimes, "a", tv));
    tv[1] = -1;
    SHOW(syscall(SYS_utimes, "a", tv));
    SHOW(syscall(SYS_utimes, "none", NULL));
    SHOW(syscall(SYS_utime, "none", buf));
    SHOW(syscall(SYS_utime, "a", (void *)8));
    SHOW(syscall(SYS_utimes, "a", (void *)8));
    SHOW(syscall(SYS_utime, (void *)8, buf));
    times_of("a");
    SHOW(syscall(SYS_utime, "a", NULL));
    struct stat s;
    stat("a", &s);
    SAY("now %d", s.st_mtim.tv_sec > 1000000000);
}

int main(void)
{
    advice();
    times_set();
    unlink("a");
    return 0;
}
