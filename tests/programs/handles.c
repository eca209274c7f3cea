/* File handles, and copy_file_range's rules. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/stat.h>
#include <sys/syscall.h>

static struct {
    unsigned bytes;
    int type;
    unsigned char handle[128];
} h;
static int mount;

static long name(int dir, const char *path, unsigned room, int flags)
{
    memset(&h, 0, sizeof h);
    h.bytes = room;
    return syscall(SYS_name_to_handle_at, dir, path, &h, &mount, flags);
}
static int open_it(int dir, int flags) { return syscall(SYS_open_by_handle_at, dir, &h, flags); }

static void contents(int fd)
{
    char text[32] = "";
    long n = read(fd, text, sizeof text - 1);
    SAY("%ld %s", n, text);
    close(fd);
}

static void handles(void)
{
    int status, here = open(".", O_RDONLY), fd;
    SHOW(name(AT_FDCWD, "h", 0, 0));
    SAY("room needed %d", h.bytes > 0);
    SHOW(name(AT_FDCWD, "h", 128, 0));
    SHOW(rename("h", "h2"));
    fd = open_it(here, O_RDONLY);
    contents(fd);
    fd = open_it(AT_FDCWD, O_RDWR);
    SHOW(fd >= 0 ? (int)write(fd, "new", 3) : -1);
    contents(fd);
    SHOW(open_it(99, O_RDONLY));
    SHOW(syscall(SYS_open_by_handle_at, here, (void *)8, O_RDONLY));
    SHOW(open_it(here, O_RDONLY | O_DIRECTORY));
    if (!fork()) {
        setuid(1000);
        SHOW(open_it(here, O_RDONLY));
        _exit(0);
    }
    wait(&status);
    SHOW(unlink("h2"));
    SHOW(open_it(here, O_RDONLY));
    h.bytes = 0;
    SHOW(open_it(here, O_RDONLY));
    h.bytes = 129;
    SHOW(open_it(here, O_RDONLY));
    SHOW(name(AT_FDCWD, ".", 128, 0));
    fd = open_it(here, O_RDONLY | O_DIRECTORY);
    SAY("directory %d", fd >= 0);
    symlink("nowhere", "hl");
    SHOW(name(AT_FDCWD, "hl", 128, 0));
    SHOW(open_it(here, O_RDONLY));
    SHOW(name(AT_FDCWD, "hl", 128, AT_SYMLINK_FOLLOW));
    SHOW(name(here, "", 128, 0));
    SHOW(name(here, "", 128, AT_EMPTY_PATH));
    SHOW(name(AT_FDCWD, "none", 128, 0));
    SHOW(name(AT_FDCWD, ".", 129, 0));
    SHOW(name(AT_FDCWD, ".", 128, 0x10));
    SHOW(name(99, "x", 128, 0));
    SHOW(syscall(SYS_name_to_handle_at, AT_FDCWD, ".", (void *)8, &mount, 0));
    unlink("hl");
}

static void copies(void)
{
    int fd = open("c", O_CREAT | O_RDWR, 0600), other = open("d", O_CREAT | O_RDWR, 0600),
        append = open("d", O_WRONLY | O_APPEND), reader = open("c", O_RDONLY), p[2],
        dir = open(".", O_RDONLY);
    off64_t a = 0, b = 5;
    pipe(p);
    SHOW(write(fd, "0123456789", 10));
    SHOW(copy_file_range(fd, &a, fd, &b, 5, 0));
    a = 0, b = 4;
    SHOW(copy_file_range(fd, &a, fd, &b, 5, 0));
    a = 8, b = 10;
    SHOW(copy_file_range(fd, &a, fd, &b, 100, 0));
    a = 0;
    SHOW(copy_file_range(fd, &a, other, NULL, 100, 0));
    SAY("%ld %ld", (long)a, (long)lseek(other, 0, SEEK_CUR));
    SHOW(copy_file_range(fd, &a, other, NULL, 100, 0));
    a = 1000;
    SHOW(copy_file_range(fd, &a, other, NULL, 100, 0));
    a = 0;
    SHOW(copy_file_range(fd, &a, other, NULL, 0, 0));
    SHOW(copy_file_range(fd, &a, append, NULL, 10, 0));
    SHOW(copy_file_range(fd, &a, reader, NULL, 10, 0));
    SHOW(copy_file_range(append, NULL, fd, NULL, 10, 0));
    SHOW(copy_file_range(fd, &a, other, NULL, 10, 1));
    SHOW(copy_file_range(p[0], NULL, other, NULL, 10, 0));
    SHOW(copy_file_range(fd, &a, p[1], NULL, 10, 0));
    SHOW(copy_file_range(dir, NULL, other, NULL, 10, 0));
    SHOW(copy_file_range(99, NULL, other, NULL, 10, 0));
    SHOW(copy_file_range(fd, &a, 99, NULL, 10, 0));
    SHOW(copy_file_range(fd, (void *)8, other, NULL, 10, 0));
    unlink("c");
    unlink("d");
}

int main(void)
{
    int fd = open("h", O_CREAT | O_WRONLY, 0600);
    SHOW(write(fd, "contents", 8));
    close(fd);
    handles();
    copies();
    return 0;
}
