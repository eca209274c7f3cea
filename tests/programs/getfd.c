/* pidfd_getfd: a descriptor of another process's open file. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/syscall.h>

enum { PIDFD_OPEN = 434, PIDFD_GETFD = 438 };

static int pidfd_open(pid_t pid) { return syscall(PIDFD_OPEN, pid, 0); }
static int getfd(int pidfd, int fd, unsigned flags)
{
    return syscall(PIDFD_GETFD, pidfd, fd, flags);
}

int main(void)
{
    int status, go[2], ready[2];
    char text[16] = "";
    (void)!pipe(go);
    (void)!pipe(ready);
    pid_t child = fork();
    if (!child) {
        int fd = open("file", O_CREAT | O_RDWR, 0600);
        (void)!write(fd, "0123456789", 10);
        lseek(fd, 3, SEEK_SET);
        dup2(fd, 50);
        close(fd);
        (void)!write(ready[1], "r", 1);
        (void)!read(go[0], text, 1);
        SAY("the child's position: %ld", (long)lseek(50, 0, SEEK_CUR));
        _exit(0);
    }
    (void)!read(ready[0], text, 1);
    int pidfd = pidfd_open(child), fd = getfd(pidfd, 50, 0);
    SAY("a descriptor: %d, close-on-exec %d", fd > 2, fcntl(fd, F_GETFD));
    SHOW(read(fd, text, 4));
    SAY("%s", text);
    SHOW(getfd(pidfd, 51, 0));
    SHOW(getfd(pidfd, -1, 0));
    SHOW(getfd(pidfd, 50, 1));
    SHOW(getfd(-1, 50, 0));
    SHOW(getfd(fd, 50, 0));
    pid_t other = fork();
    if (!other) {
        if (setgid(1000) || setuid(1000))
            _exit(1);
        SHOW(getfd(pidfd, 50, 0));
        int own = pidfd_open(getpid());
        SAY("its own: %d", getfd(own, fd, 0) > 2);
        _exit(0);
    }
    waitpid(other, &status, 0);
    (void)!write(go[1], "g", 1);
    waitpid(child, &status, 0);
    show_status("child", status);
    SHOW(getfd(pidfd, 50, 0));
    SHOW(read(fd, text, 2)); /* what it has got stays open */
    unlink("file");
    return 0;
}
