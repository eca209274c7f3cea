/* everyfile NAME...: makes each system call that takes a name or a descriptor on each file. The
 * results do not matter. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static void map(int fd)
{
    for (int shared = 0; shared < 2; shared++) {
        volatile char *at = mmap(NULL, 8192, PROT_READ, shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);
        if (at == MAP_FAILED)
            continue;
        pid_t pid = fork();
        if (pid == 0)
            _exit(at[0]); /* beyond the end it dies */
        waitpid(pid, NULL, 0);
        msync((void *)at, 8192, MS_SYNC);
        madvise((void *)at, 8192, MADV_WILLNEED);
    }
}

/* The calls that cannot change the file, or only at an offset that it does not have. */
static void by_descriptor(int fd)
{
    char block[64];
    struct iovec v[2] = { { block, 32 }, { block + 32, 32 } };
    struct stat st;
    struct statfs fs;
    struct flock lock = { .l_type = F_RDLCK };
    struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
    int null = open("/dev/null", O_RDWR), n = 0;
    map(fd);
    fstat(fd, &st), fstatfs(fd, &fs), poll(&p, 1, 0), lseek(fd, 0, SEEK_END),
        lseek(fd, 1, SEEK_DATA), lseek(fd, 0, SEEK_SET);
    read(fd, block, sizeof block), readv(fd, v, 2), pread(fd, block, sizeof block, 0),
        preadv(fd, v, 2, 0);
    pread(fd, block, sizeof block, 1l << 62), syscall(SYS_getdents64, fd, block, sizeof block);
    sendfile(null, fd, NULL, 64), copy_file_range(fd, NULL, null, NULL, 64, 0),
        splice(fd, NULL, null, NULL, 64, 0);
    fcntl(fd, F_SETLK, &lock), fcntl(fd, F_OFD_SETLK, &lock), flock(fd, LOCK_SH | LOCK_NB),
        fcntl(fd, F_SETOWN, getpid());
    fcntl(fd, F_GETPIPE_SZ), fcntl(fd, F_SETPIPE_SZ, 4096), fcntl(fd, F_GETLEASE),
        fcntl(fd, F_GET_SEALS);
    for (unsigned number = 0x5401; number < 0x5480; number++)
        if (number != TIOCSTI)
            ioctl(fd, number, NULL);
    ioctl(fd, FIONREAD, &n), ioctl(fd, 0x1272, block), ioctl(fd, 0x5600, &n);
    fsync(fd), fdatasync(fd), sync_file_range(fd, 0, 64, 0),
        posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED), readahead(fd, 0, 64);
    openat(fd, "x", O_RDONLY), fstatat(fd, "x", &st, 0), faccessat(fd, "", R_OK, 0), fchdir(fd),
        fgetxattr(fd, "user.x", block, 64);
    ftruncate(fd, -1), fallocate(fd, 0, -1, 1), futimens(fd, NULL), close(dup(fd)), close(null);
}

static void by_name(const char *name)
{
    struct stat st;
    char text[64], *words[] = { (char *)name, NULL };
    stat(name, &st), access(name, X_OK), readlink(name, text, sizeof text), truncate(name, -1),
        chdir(name);
    mount(name, "/boot", "ext2", MS_RDONLY, NULL), mount(name, "/boot", "vfat", MS_RDONLY, NULL),
        mount("x", name, "tmpfs", 0, NULL);
    umount2(name, 0), chroot("/"), chdir("/tmp");
    link(name, "/tmp/linked"), unlink("/tmp/linked"), rename(name, "/proc/x"), unlink("/tmp/moved");
    pid_t pid = fork();
    if (pid == 0) {
        alarm(1);
        close(0), open("/dev/null", O_RDWR), dup2(0, 1), dup2(0, 2);
        execv(name, words);
        _exit(1);
    }
    waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
    static const int ways[] = {
        O_RDONLY, O_WRONLY, O_RDWR, O_PATH, O_RDONLY | O_DIRECTORY, O_RDWR | O_CREAT | O_EXCL
    };
    for (int i = 1; i < argc; i++) {
        for (unsigned k = 0; k < sizeof ways / sizeof ways[0]; k++) {
            int fd = open(argv[i], ways[k] | O_NONBLOCK | O_NOCTTY, 0600);
            if (fd >= 0)
                by_descriptor(fd), close(fd);
        }
        by_name(argv[i]);
    }
    printf("%d files\n", argc - 1);
    return 0;
}
