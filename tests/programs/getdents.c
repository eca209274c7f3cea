/* What old programs ask: getdents, ustat and sysfs. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/stat.h>
#include <sys/syscall.h>

struct record {
    unsigned long ino, next;
    unsigned short length;
    char name[];
};
static const char *const names[] = { "a",  "bb", "ccccccc", "dddddddd", "eeeeeeeeeeeeeeeeeeeee",
                                     "sub" };
enum { NAMES = sizeof names / sizeof names[0] };
static char buffer[8192];

/* The entries that one call after the other brings, of so many bytes: which of the names, of which
 * types, and whether each has the inode's number. */
static void list(int fd, unsigned bytes)
{
    unsigned found = 0, dots = 0, files = 0, folders = 0, inodes = 0;
    long n;
    lseek(fd, 0, SEEK_SET);
    while ((n = syscall(SYS_getdents, fd, buffer, bytes)) > 0)
        for (long at = 0; at < n;) {
            const struct record *r = (void *)(buffer + at);
            char type = buffer[at + r->length - 1];
            struct stat s;
            dots += r->name[0] == '.';
            for (int i = 0; i < NAMES; i++)
                if (strcmp(r->name, names[i]) == 0)
                    found |= 1u << i;
            files += type == 8;
            folders += type == 4;
            inodes += r->name[0] != '.' && !fstatat(fd, r->name, &s, 0) && s.st_ino == r->ino;
            at += r->length;
        }
    SAY("%u bytes: names %x, dots %u, files %u, folders %u, inodes %u, last %ld", bytes, found,
        dots, files, folders, inodes, n);
}

static void entries(void)
{
    mkdir("d", 0700);
    int fd = open("d", O_RDONLY | O_DIRECTORY), p[2];
    for (int i = 0; i < NAMES - 1; i++)
        close(openat(fd, names[i], O_CREAT | O_WRONLY, 0600));
    mkdirat(fd, "sub", 0700);
    list(fd, sizeof buffer);
    list(fd, 100);
    list(fd, 48);
    lseek(fd, 0, SEEK_SET);
    SHOW(syscall(SYS_getdents, fd, buffer, 10));
    SHOW(syscall(SYS_getdents, fd, buffer, 0));
    SHOW(syscall(SYS_getdents, fd, 16, 1000));
    int file = openat(fd, "a", O_RDONLY);
    SHOW(syscall(SYS_getdents, file, buffer, 1000));
    (void)!pipe(p);
    SHOW(syscall(SYS_getdents, p[0], buffer, 1000));
    SHOW(syscall(SYS_getdents64, p[0], buffer, 1000));
    SHOW(syscall(SYS_getdents, 99, buffer, 1000));
    for (int i = 0; i < NAMES - 1; i++)
        unlinkat(fd, names[i], 0);
    rmdir("d/sub");
    rmdir("d");
    SHOW(syscall(SYS_getdents, fd, buffer, 1000) <= 0);
    close(fd);
}

static void file_systems(void)
{
    struct {
        int free;
        unsigned long inodes;
        char name[6], pack[6];
    } u;
    struct stat s;
    memset(&u, 1, sizeof u);
    stat("/", &s);
    SHOW(syscall(SYS_ustat, (unsigned)s.st_dev, &u));
    SAY("blocks %d, names %d %d", u.free > 0, u.name[0], u.pack[0]);
    SHOW(syscall(SYS_ustat, 0xfff0f, &u));
    SHOW(syscall(SYS_ustat, (unsigned)s.st_dev, 16));
    long n = syscall(SYS_sysfs, 3), proc = syscall(SYS_sysfs, 1, "proc");
    SAY("some: %d, proc is one of them: %d", n > 1, proc >= 0 && proc < n);
    SHOW(syscall(SYS_sysfs, 2, proc, buffer));
    SAY("%s", buffer);
    SHOW(syscall(SYS_sysfs, 2, n, buffer));
    SHOW(syscall(SYS_sysfs, 2, proc, 16));
    SHOW(syscall(SYS_sysfs, 1, "nothing"));
    SHOW(syscall(SYS_sysfs, 1, ""));
    SHOW(syscall(SYS_sysfs, 1, 16));
    SHOW(syscall(SYS_sysfs, 0));
    SHOW(syscall(SYS_sysfs, 4));
}

int main(void)
{
    entries();
    file_systems();
    return 0;
}
