/* fstatfs of what stands in no directory, and what kinds of file system stand where. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

static void look(const char *what, int fd)
{
    struct statfs s = { 0 };
    int result = fstatfs(fd, &s);
    SAY("%s: %d %s", what, result, result < 0 ? error_name(errno) : "");
    SAY("type %lx, blocks of %ld, fragments of %ld, %ld blocks, %ld files, names of %ld",
        (long)s.f_type, (long)s.f_bsize, (long)s.f_frsize, (long)s.f_blocks, (long)s.f_files,
        (long)s.f_namelen);
}

int main(void)
{
    int p[2], s[2];
    SHOW(pipe(p));
    look("read end", p[0]);
    look("write end", p[1]);
    SHOW(syscall(SYS_fstatfs, p[0], NULL));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    look("socket", s[0]);
    look("eventfd", eventfd(0, 0));
    look("nothing", 99);
    static const char *const places[] = { "/dev", "/dev/pts", "/dev/null", "/proc" };
    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct statfs f = { 0 };
        statfs(places[i], &f);
        SAY("%s: type %lx", places[i], (long)f.f_type);
    }
    static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/urandom" };
    for (unsigned i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        struct statfs f = { 0 };
        int fd = open(devices[i], O_RDONLY);
        SHOW(fstatfs(fd, &f));
        SAY("%s, open: type %lx", devices[i], (long)f.f_type);
        close(fd);
    }
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
    struct statfs f = { 0 };
    SHOW(grantpt(master) || unlockpt(master));
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    SHOW(fstatfs(slave, &f));
    SAY("slave: type %lx", (long)f.f_type);
    return 0;
}
