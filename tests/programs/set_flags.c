/* F_SETFL: which flags an open file can get later, and who may give them. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

static void set(const char *what, int fd, int flags)
{
    errno = 0;
    int before = fcntl(fd, F_GETFL), result = fcntl(fd, F_SETFL, flags), error = errno;
    SAY("%s, %o: %d %s, %o then %o", what, flags, result, error_name(error), before & ~O_LARGEFILE,
        fcntl(fd, F_GETFL) & ~O_LARGEFILE);
}

static void file(const char *who)
{
    int fd = open("flags", O_RDWR);
    SAY("%s", who);
    set("file", fd, O_APPEND | O_NONBLOCK);
    set("file", fd, O_NOATIME);
    set("file", fd, O_NOATIME | O_APPEND);
    set("file", fd, 0);
    set("file", fd, O_WRONLY | O_CREAT | O_TRUNC | O_SYNC | O_CLOEXEC);
    set("file", fd, -1 & ~(O_DIRECT | O_NOATIME | O_ASYNC));
    close(fd);
    errno = 0;
    fd = open("flags", O_RDONLY | O_NOATIME);
    SAY("opened so: %s", error_name(errno));
    if (fd >= 0) {
        set("file", fd, 0);
        close(fd);
    }
}

int main(void)
{
    int pair[2], p[2];
    mkdir("set_flags", 0755);
    if (chdir("set_flags")) /* which others may search */
        return 1;
    int fd = open("flags", O_CREAT | O_RDWR | O_TRUNC, 0666);
    fchmod(fd, 0666);
    close(fd);
    file("root");
    if (!fork()) {
        if (setresuid(4242, 4242, 4242))
            SAY("root is needed");
        file("another");
        _exit(0);
    }
    wait(NULL);
    if (chown("flags", 4242, 4242))
        SAY("root is needed");
    if (!fork()) {
        if (setresuid(4242, 4242, 4242))
            SAY("root is needed");
        file("the owner");
        _exit(0);
    }
    wait(NULL);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    set("socket", pair[0], O_DIRECT);
    set("socket", pair[0], O_NONBLOCK);
    SHOW(pipe(p));
    set("pipe", p[0], O_NONBLOCK | O_APPEND);
    SHOW(pipe2(p, O_NONBLOCK | O_APPEND));
    SHOW(pipe2(p, O_NONBLOCK | O_CLOEXEC));
    SAY("%o %x", fcntl(p[1], F_GETFL), fcntl(p[0], F_GETFD));
    set("path", open("flags", O_PATH), 0);
    unlink("flags");
    rmdir("../set_flags");
    return 0;
}
