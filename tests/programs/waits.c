/* waitid and wait4: a pidfd that is not to wait, children of one thread, and what siginfo says when
 * there is nothing to say. */
#define _GNU_SOURCE
#include "oracle.h"
#include <pthread.h>
#include <sys/syscall.h>

enum { PIDFD_OPEN = 434, PIDFD = 3, UNTOUCHED = 0x55 };

static siginfo_t info;

static long wait_by(int kind, int id, int options)
{
    memset(&info, UNTOUCHED, sizeof info);
    return syscall(SYS_waitid, kind, id, &info, options, NULL);
}

/* What stands in siginfo beyond its fields is the program's. */
static void show_info(void)
{
    const unsigned char *bytes = (const unsigned char *)&info;
    SAY("signo %x, errno %x, code %x, pid %x, uid %x, status %x, then %x", info.si_signo,
        info.si_errno, info.si_code, info.si_pid, info.si_uid, info.si_status, bytes[64]);
}

static void nonblocking(void)
{
    pid_t child = fork();
    if (!child) {
        pause();
        _exit(0);
    }
    int fd = syscall(PIDFD_OPEN, child, O_NONBLOCK);
    SHOW(wait_by(PIDFD, fd, WEXITED));
    show_info();
    SHOW(wait_by(PIDFD, fd, WEXITED | WNOHANG));
    show_info();
    fcntl(fd, F_SETFL, 0);
    SHOW(wait_by(PIDFD, fd, WEXITED | WNOHANG));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    SHOW(wait_by(PIDFD, fd, WSTOPPED));
    kill(child, SIGKILL);
    poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, -1);
    SHOW(wait_by(PIDFD, fd, WEXITED | WNOWAIT));
    SAY("status %d, child %d, then %x", info.si_status, info.si_pid == child,
        ((unsigned char *)&info)[64]);
    SHOW(wait_by(PIDFD, fd, WSTOPPED));
    SHOW(wait_by(PIDFD, fd, WEXITED));
    SHOW(wait_by(PIDFD, fd, WEXITED));
    show_info();
    close(fd);
}

static int ready[2], go[2];

/* Makes a child that ends, and waits until it may end itself. */
static void *parent(void *to)
{
    char byte;
    pid_t *child = to;
    *child = fork();
    if (!*child)
        _exit(7);
    siginfo_t unused;
    waitid(P_PID, *child, &unused, WEXITED | WNOWAIT);
    (void)!write(ready[1], "r", 1);
    (void)!read(go[0], &byte, 1);
    SHOW(waitpid(-1, NULL, WNOHANG | __WNOTHREAD) == *child);
    return NULL;
}

/* A child that its maker does not wait for is another thread's when that has ended. */
static void *leaves(void *to)
{
    pid_t *child = to;
    *child = fork();
    if (!*child)
        _exit(8);
    siginfo_t unused;
    waitid(P_PID, *child, &unused, WEXITED | WNOWAIT);
    return NULL;
}

static void of_threads(void)
{
    char byte;
    int status;
    pid_t child;
    pthread_t thread;
    if (pipe(ready) || pipe(go))
        return;
    pthread_create(&thread, NULL, parent, &child);
    (void)!read(ready[0], &byte, 1);
    SHOW(waitpid(-1, &status, WNOHANG | __WNOTHREAD));
    SHOW(waitpid(child, &status, WNOHANG | __WNOTHREAD));
    SHOW(wait_by(P_ALL, 0, WEXITED | WNOHANG | __WNOTHREAD));
    SHOW(wait_by(P_PID, child, WEXITED | WNOWAIT));
    SAY("status %d", info.si_status);
    (void)!write(go[1], "g", 1);
    pthread_join(thread, NULL);
    SHOW(waitpid(-1, &status, WNOHANG));
    pthread_create(&thread, NULL, leaves, &child);
    pthread_join(thread, NULL);
    pause_ms(20);
    SHOW(waitpid(-1, &status, __WNOTHREAD) == child);
    show_status("left to another thread", status);
}

int main(void)
{
    nonblocking();
    of_threads();
    SHOW(wait_by(P_ALL, 0, WEXITED));
    show_info();
    return 0;
}
