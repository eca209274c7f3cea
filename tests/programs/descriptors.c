/* fcntl, dup, close-on-exec, advisory locks, poll and select. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>

static const char *file = "/tmp/oracle-descriptors";

static void lock_show(int fd, int type, int start, int length)
{
    struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
    int result = fcntl(fd, F_GETLK, &l);
    SAY("F_GETLK %d..: %d type %d start %d length %d owner %d", start, result, l.l_type,
        (int)l.l_start, (int)l.l_len, l.l_type != F_UNLCK ? l.l_pid == getppid() : 0);
}
static int lock(int fd, int command, int type, int start, int length)
{
    struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
    return fcntl(fd, command, &l);
}

static void locks(void)
{
    int status, fd = open(file, O_RDWR);
    SHOW(lock(fd, F_SETLK, F_WRLCK, 0, 100));
    SHOW(lock(fd, F_SETLK, F_RDLCK, 200, 0));
    SHOW(lock(fd, F_SETLK, F_UNLCK, 40, 20));
    pid_t pid = fork();
    if (!pid) {
        lock_show(fd, F_WRLCK, 0, 10);
        lock_show(fd, F_WRLCK, 45, 5);
        lock_show(fd, F_WRLCK, 50, 100);
        lock_show(fd, F_RDLCK, 300, 1);
        SHOW(lock(fd, F_SETLK, F_WRLCK, 10, 1));
        SHOW(lock(fd, F_SETLK, F_RDLCK, 300, 1));
        SHOW(lock(fd, F_SETLK, F_WRLCK, 40, 20));
        SHOW(lock(fd, F_SETLKW, F_WRLCK, 0, 10));
        _exit(0);
    }
    pause_ms(80);
    int unlocked = lock(fd, F_SETLK, F_UNLCK, 0, 0);
    waitpid(pid, &status, 0);
    SAY("unlocked %d", unlocked);
    show_status("locker", status);
    SHOW(lock(fd, F_SETLK, F_WRLCK, 0, 0));
    close(dup(fd));
    pid = fork();
    if (!pid) {
        SHOW(lock(fd, F_SETLK, F_WRLCK, 0, 0));
        _exit(0);
    }
    waitpid(pid, &status, 0);
    int ro = open(file, O_RDONLY);
    SHOW(lock(ro, F_SETLK, F_WRLCK, 0, 0));
    close(ro);
    SHOW(flock(fd, LOCK_EX));
    pid = fork();
    if (!pid) {
        int own = open(file, O_RDWR);
        SHOW(flock(own, LOCK_EX | LOCK_NB));
        SHOW(flock(own, LOCK_SH));
        _exit(0);
    }
    pause_ms(50);
    unlocked = flock(fd, LOCK_UN);
    waitpid(pid, &status, 0);
    SAY("unlocked %d", unlocked);
    SHOW(flock(fd, 77));
    close(fd);
}

static void polling(void)
{
    int fds[2], null = open("/dev/null", O_RDWR);
    SHOW(pipe2(fds, O_NONBLOCK));
    struct pollfd p[4] = { { fds[0], POLLIN, 0 },
                           { fds[1], POLLOUT, 0 },
                           { -1, POLLIN, 7 },
                           { null, POLLIN | POLLOUT, 0 } };
    SHOW(poll(p, 4, 0));
    SAY("revents %x %x %x %x", p[0].revents, p[1].revents, p[2].revents, p[3].revents);
    char c = 'q';
    SHOW(read(fds[0], &c, 1));
    SHOW(poll(p, 1, 20));
    SHOW(write(fds[1], &c, 1));
    SHOW(poll(p, 1, -1));
    SAY("revents %x", p[0].revents);
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(fds[0], &in);
    FD_SET(fds[1], &out);
    SHOW(select(fds[1] + 1, &in, &out, NULL, NULL));
    SAY("set %d %d", !!FD_ISSET(fds[0], &in), !!FD_ISSET(fds[1], &out));
    SHOW(read(fds[0], &c, 1));
    FD_ZERO(&in);
    FD_SET(fds[0], &in);
    struct timeval tv = { 0, 20000 };
    SHOW(select(fds[0] + 1, &in, NULL, NULL, &tv));
    SAY("set %d", !!FD_ISSET(fds[0], &in));
    pid_t pid = fork();
    if (!pid) {
        pause_ms(40);
        _exit(write(fds[1], "r", 1) != 1);
    }
    SHOW(poll(p, 1, 5000));
    SAY("revents %x", p[0].revents);
    wait(NULL);
    SHOW(read(fds[0], &c, 1));
    close(fds[1]);
    SHOW(poll(p, 1, -1));
    SAY("revents %x", p[0].revents);
    SHOW(poll(p, 2, -1));
    SAY("revents %x %x", p[0].revents, p[1].revents);
    FD_ZERO(&in);
    FD_SET(fds[1], &in);
    SHOW(select(fds[1] + 1, &in, NULL, NULL, NULL));
    SHOW(poll(NULL, 0, 10));
    close(fds[0]);
    close(null);
}

/* The ioctls that act on a descriptor or an open file of any kind. */
static void controls(void)
{
    int ends[2], on = 1, off = 0, number;
    pipe(ends);
    struct {
        const char *what;
        int fd;
    } all[] = {
        { "a file", open(file, O_RDWR) },
        { "a folder", open("/", O_RDONLY) },
        { "/dev/null", open("/dev/null", O_RDWR) },
        { "a pipe", ends[0] },
        { "/proc", open("/proc/self/status", O_RDONLY) },
    };
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        int fd = all[i].fd;
        SAY("%s", all[i].what);
        SHOW(ioctl(fd, FIOCLEX));
        SHOW(fcntl(fd, F_GETFD));
        SHOW(ioctl(fd, FIONCLEX));
        SHOW(fcntl(fd, F_GETFD));
        SHOW(ioctl(fd, FIONBIO, &on));
        SHOW(!!(fcntl(fd, F_GETFL) & O_NONBLOCK));
        SHOW(ioctl(fd, FIONBIO, &off));
        SHOW(!!(fcntl(fd, F_GETFL) & O_NONBLOCK));
        SHOW(ioctl(fd, FIONBIO, NULL));
        SHOW(fcntl(fd, F_GETOWN));
        SHOW(fcntl(fd, F_SETOWN, getpid()));
        SHOW(fcntl(fd, F_GETOWN) == getpid());
        SHOW(fcntl(dup(fd), F_GETOWN) == getpid());
        SHOW(fcntl(fd, F_SETOWN, 30000));
        SHOW(fcntl(fd, F_SETOWN, 0));
        SHOW(fcntl(fd, F_GETOWN));
        SHOW(ioctl(fd, 0x12345, 0));
        close(fd);
    }
    SHOW(ioctl(ends[1], FIOASYNC, &on));
    SHOW(!!(fcntl(ends[1], F_GETFL) & O_ASYNC));
    SHOW(ioctl(ends[1], FIONREAD, &number));
    int path = open("/", O_PATH);
    SHOW(ioctl(path, FIOCLEX));
    SHOW(ioctl(99, FIOCLEX));
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        SAY("after exec: 50 %s, 51 %s", fcntl(50, F_GETFD) < 0 ? error_name(errno) : "open",
            fcntl(51, F_GETFD) < 0 ? error_name(errno) : "open");
        return 0;
    }
    unlink(file);
    int fd = open(file, O_RDWR | O_CREAT | O_EXCL, 0644);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_SETFD, FD_CLOEXEC));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_DUPFD, 50));
    SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 50));
    SHOW(fcntl(50, F_GETFD));
    SHOW(fcntl(51, F_GETFD));
    SHOW((fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK)));
    SHOW(fcntl(fd, F_SETFL, O_APPEND));
    SHOW((fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK)) == (O_RDWR | O_APPEND));
    SHOW(fcntl(99, F_GETFD));
    SHOW(fcntl(fd, 4321));
    SHOW(fcntl(fd, F_DUPFD, -1));
    SHOW(dup2(fd, 60));
    SHOW(dup2(fd, fd) == fd);
    SHOW(dup2(99, 61));
    SHOW(dup3(fd, fd, 0));
    SHOW(dup3(fd, 61, O_CLOEXEC));
    SHOW(fcntl(61, F_GETFD));
    SHOW(write(60, "hello", 5));
    SHOW(lseek(61, 0, SEEK_CUR));
    SHOW(lseek(60, 1, SEEK_SET));
    char c = 0;
    SHOW(read(61, &c, 1));
    SAY("byte %c", c);
    SHOW(close(61));
    SHOW(close(61));
    locks();
    controls();
    polling();
    struct rlimit limit = { 20, 20 };
    pid_t pid = fork();
    if (!pid) {
        SHOW(setrlimit(RLIMIT_NOFILE, &limit));
        struct pollfd many[21] = { { 0 } };
        for (int i = 0; i < 21; i++)
            many[i].fd = -1;
        SHOW(poll(many, 20, 0));
        SHOW(poll(many, 21, 0));
        int n = 0;
        while ((n = open("/dev/null", O_RDONLY)) >= 0)
            ;
        SAY("open fails with %s", error_name(errno));
        SHOW(dup2(0, 20));
        /* both ends, or none */
        int p[2] = { -7, -7 };
        for (int round = 0; round < 3; round++) {
            SHOW(pipe(p));
            SAY("%d %d", p[0], p[1]);
            close(19);
            SHOW(pipe(p));
            SAY("%d %d", p[0], p[1]);
            SHOW(dup(0));
        }
        close(18), close(19);
        SHOW(pipe(p));
        SHOW(write(p[1], "x", 1));
        _exit(0);
    }
    wait(NULL);
    unlink(file);
    fflush(stdout);
    execl("/proc/self/exe", argv[0], "again", (char *)NULL);
    return 1;
}
