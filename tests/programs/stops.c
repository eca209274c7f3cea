/* Which waits a stop ends when it is over, though no handler runs (signal(7)). */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/epoll.h>
#include <sys/sem.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { EPOLL_PWAIT2 = 441, A_SECOND = 1000 };

static int ends[2]; /* what is written there ends waits that go on */
static const struct timespec limit = { 1, 0 };

static int new_epoll(void)
{
    struct epoll_event e = { .events = EPOLLIN };
    int fd = epoll_create1(0);
    epoll_ctl(fd, EPOLL_CTL_ADD, ends[0], &e);
    return fd;
}

static long wait_epoll(void)
{
    struct epoll_event e;
    return epoll_wait(new_epoll(), &e, 1, -1);
}

static long wait_epoll_limited(void)
{
    struct epoll_event e;
    return epoll_wait(new_epoll(), &e, 1, 100 * A_SECOND);
}

static long wait_epoll_by_timespec(void)
{
    struct epoll_event e;
    return syscall(EPOLL_PWAIT2, new_epoll(), &e, 1, &(struct timespec){ 100, 0 }, NULL, 8);
}

static long wait_poll(void) { return poll(&(struct pollfd){ ends[0], POLLIN, 0 }, 1, -1); }

static long wait_select(void)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    return select(ends[0] + 1, &set, NULL, NULL, NULL);
}

static long wait_read(void)
{
    char byte;
    return read(ends[0], &byte, 1);
}

static long wait_receive(void)
{
    int pair[2];
    char byte;
    struct timeval patience = { 100, 0 };
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return recv(pair[0], &byte, 1, 0);
}

static long wait_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 8);
}

static long wait_futex(void)
{
    static int word;
    return syscall(SYS_futex, &word, 128, 0, &limit, NULL, 0);
}

static long wait_semaphore(void)
{
    int id = semget(IPC_PRIVATE, 1, 0600);
    long result = semop(id, &(struct sembuf){ 0, -1, 0 }, 1);
    int error = errno;
    semctl(id, 0, IPC_RMID);
    errno = error;
    return result;
}

static long wait_sleep(void) { return syscall(SYS_nanosleep, &limit, NULL); }

/* Whether a process waits for something. */
static int asleep(pid_t pid)
{
    char name[40], text[200] = "", *end;
    snprintf(name, sizeof name, "/proc/%d/stat", pid);
    int fd = open(name, O_RDONLY);
    long n = read(fd, text, sizeof text - 1);
    close(fd);
    return n > 0 && (end = strrchr(text, ')')) && end[1] == ' ' && end[2] == 'S';
}

static void stopped(const char *what, long (*wait_for)(void))
{
    int status;
    (void)!pipe(ends);
    pid_t child = fork();
    if (!child) {
        errno = 0;
        long result = wait_for();
        SAY("%s: %ld %s", what, result, error_name(errno));
        _exit(0);
    }
    do
        pause_ms(30);
    while (!asleep(child));
    kill(child, SIGSTOP);
    waitpid(child, &status, WUNTRACED);
    pause_ms(30);
    kill(child, SIGCONT);
    pause_ms(100);
    (void)!write(ends[1], "x", 1);
    waitpid(child, &status, 0);
    close(ends[0]), close(ends[1]);
}

int main(void)
{
    stopped("epoll_wait", wait_epoll);
    stopped("epoll_wait with a limit", wait_epoll_limited);
    stopped("epoll_pwait2", wait_epoll_by_timespec);
    stopped("poll", wait_poll);
    stopped("select", wait_select);
    stopped("read", wait_read);
    stopped("recv with a limit", wait_receive);
    stopped("sigtimedwait", wait_signal);
    stopped("futex", wait_futex);
    stopped("semop", wait_semaphore);
    stopped("nanosleep", wait_sleep);
    return 0;
}
