/* statx: masks, flags, and what it says of files of each type beside what stat says. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

struct times {
    int64_t sec;
    uint32_t nsec, pad;
};
static struct {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, pad;
    uint64_t ino, size, blocks, attributes_mask;
    struct times atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t mount, spare[13];
} x;
enum { SYNC_TYPE = 0x6000, FORCE_SYNC = 0x2000, DONT_SYNC = 0x4000, NO_AUTOMOUNT_ = 0x800 };
enum { BASIC = 0x7ff, BIRTH = 0x800, ALL = 0xfff };

static long ask(int dir, const char *path, int flags, unsigned mask)
{
    memset(&x, 0xa5, sizeof x);
    return syscall(SYS_statx, dir, path, flags, mask, &x);
}

static int same(const struct stat *s)
{
    return x.nlink == s->st_nlink && x.uid == s->st_uid && x.gid == s->st_gid &&
           x.mode == s->st_mode && x.ino == s->st_ino && x.size == (uint64_t)s->st_size &&
           x.blocks == (uint64_t)s->st_blocks && x.blksize == (uint32_t)s->st_blksize &&
           x.atime.sec == s->st_atim.tv_sec && x.atime.nsec == s->st_atim.tv_nsec &&
           x.mtime.sec == s->st_mtim.tv_sec && x.mtime.nsec == s->st_mtim.tv_nsec &&
           x.ctime.sec == s->st_ctim.tv_sec && x.ctime.nsec == s->st_ctim.tv_nsec &&
           makedev(x.dev_major, x.dev_minor) == s->st_dev &&
           makedev(x.rdev_major, x.rdev_minor) == s->st_rdev;
}

static void compare(const char *path, int flags)
{
    struct stat s;
    int error = fstatat(AT_FDCWD, path, &s, flags);
    long result = ask(AT_FDCWD, path, flags, ALL);
    SAY("%s %x: %d %ld same %d basic %d mount %d", path, flags, error, result,
        result ? -1 : same(&s), (x.mask & BASIC) == BASIC, !!(x.mask & 0x1000));
}

static void birth(void)
{
    struct timespec before, after;
    clock_gettime(CLOCK_REALTIME_COARSE, &before);
    close(open("born", O_CREAT | O_WRONLY, 0600));
    clock_gettime(CLOCK_REALTIME, &after);
    ask(AT_FDCWD, "born", 0, ALL);
    int known = x.mask & BIRTH;
    SAY("born when it was made: %d",
        !known || (x.btime.sec >= before.tv_sec - 1 && x.btime.sec <= after.tv_sec));
    SAY("not born: no time of birth %d", known || (x.btime.sec == 0 && x.btime.nsec == 0));
    unlink("born");
}

static void errors(void)
{
    int fd = open("file", O_RDONLY), path_fd = open("file", O_PATH);
    SHOW(ask(AT_FDCWD, "none", 0, ALL));
    SHOW(ask(AT_FDCWD, "", 0, ALL));
    SHOW(ask(AT_FDCWD, "file/x", 0, ALL));
    SHOW(ask(-1, "file", 0, ALL));
    SHOW(ask(fd, "file", 0, ALL));
    SHOW(ask(fd, "", 0, ALL));
    SHOW(ask(fd, "", AT_EMPTY_PATH, ALL));
    SHOW(ask(path_fd, "", AT_EMPTY_PATH, ALL));
    SHOW(ask(99, "", AT_EMPTY_PATH, ALL));
    SHOW(ask(AT_FDCWD, "", AT_EMPTY_PATH, ALL));
    SAY("a directory %d", S_ISDIR(x.mode));
    SHOW(ask(AT_FDCWD, "file", SYNC_TYPE, ALL));
    SHOW(ask(AT_FDCWD, "file", FORCE_SYNC, ALL));
    SHOW(ask(AT_FDCWD, "file", DONT_SYNC, ALL));
    SHOW(ask(AT_FDCWD, "file", NO_AUTOMOUNT_, ALL));
    SHOW(ask(AT_FDCWD, "file", 1, ALL));
    SHOW(ask(AT_FDCWD, "file", AT_SYMLINK_FOLLOW, ALL));
    SHOW(ask(AT_FDCWD, "file", 0, 0x80000000));
    SHOW(ask(AT_FDCWD, "file", 0, 0));
    SHOW(ask(AT_FDCWD, "file", 0, 0x7fffffff));
    SHOW(syscall(SYS_statx, AT_FDCWD, "file", 0, ALL, (void *)8));
    SHOW(syscall(SYS_statx, AT_FDCWD, (void *)8, 0, ALL, &x));
}

int main(void)
{
    int ends[2];
    umask(022);
    int fd = open("file", O_CREAT | O_WRONLY, 0640);
    SHOW(write(fd, "hello", 5));
    mkdir("dir", 0711);
    symlink("file", "link");
    mkfifo("fifo", 0600);
    compare("file", 0);
    compare("dir", 0);
    compare("link", 0);
    compare("link", AT_SYMLINK_NOFOLLOW);
    compare("fifo", 0);
    compare("/dev/null", 0);
    compare("/", 0);
    ask(AT_FDCWD, "/", 0, ALL);
    SAY("root of a mount: known %d is %d", !!(x.attributes_mask & 0x2000),
        !!(x.attributes & 0x2000));
    ask(AT_FDCWD, "dir", 0, ALL);
    SAY("root of a mount: is %d", !!(x.attributes & 0x2000));
    SHOW(pipe(ends));
    SHOW(ask(ends[0], "", AT_EMPTY_PATH, ALL));
    SAY("a pipe %d", S_ISFIFO(x.mode));
    birth();
    errors();
    unlink("file");
    unlink("link");
    unlink("fifo");
    rmdir("dir");
    return 0;
}
