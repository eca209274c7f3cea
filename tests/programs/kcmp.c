/* kcmp: what two processes and threads share, and by which descriptors they have the same file. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { FILE_, VM, FILES, FS, SIGHAND, IO, SYSVSEM, EPOLL_TFD };
struct slot {
    uint32_t epoll, descriptor, which;
};

static long kcmp(pid_t a, pid_t b, int type, unsigned long i, unsigned long k)
{
    return syscall(SYS_kcmp, a, b, type, i, k);
}

/* "same", or another answer: which of two is the lesser means nothing. */
static void show(const char *what, long answer)
{
    SAY("%s: %s", what, answer == 0 ? "same" : answer > 0 ? "different" : error_name(errno));
}

static void files(void)
{
    pid_t own = getpid();
    int a = open("a", O_CREAT | O_RDWR, 0600), again = open("a", O_RDWR), copy = dup(a), status;
    show("itself", kcmp(own, own, FILE_, a, a));
    show("dup", kcmp(own, own, FILE_, a, copy));
    show("another open", kcmp(own, own, FILE_, a, again));
    long less = kcmp(own, own, FILE_, a, again), more = kcmp(own, own, FILE_, again, a);
    SAY("an order: %d", less + more == 3 && less != more);
    show("closed", kcmp(own, own, FILE_, a, 200));
    show("closed, first", kcmp(own, own, FILE_, 200, a));
    pid_t child = fork();
    if (!child) {
        pid_t parent = getppid();
        own = getpid();
        show("a child's", kcmp(own, parent, FILE_, a, a));
        show("a child's dup", kcmp(own, parent, FILE_, copy, a));
        close(a);
        show("a child has closed it", kcmp(own, parent, FILE_, a, a));
        a = open("a", O_RDWR);
        show("a child has opened it", kcmp(own, parent, FILE_, a, a));
        _exit(0);
    }
    waitpid(child, &status, 0);
    close(a);
    close(again);
    close(copy);
}

static void processes(void)
{
    static const char *const names[] = { "VM", "FILES", "FS", "SIGHAND" };
    pid_t own = getpid();
    int status;
    for (int type = VM; type <= SIGHAND; type++)
        show(names[type - VM], kcmp(own, own, type, 0, 0));
    show("SYSVSEM", kcmp(own, own, SYSVSEM, 0, 0));
    show("no such type", kcmp(own, own, 8, 0, 0));
    show("no such type", kcmp(own, own, -1, 0, 0));
    show("nobody", kcmp(own, 0, VM, 0, 0));
    show("nobody", kcmp(-1, own, VM, 0, 0));
    show("nobody, no such type", kcmp(own, 999999, 99, 0, 0));
    pid_t child = fork();
    if (!child) {
        for (int type = VM; type <= SIGHAND; type++)
            show(names[type - VM], kcmp(getpid(), getppid(), type, 0, 0));
        _exit(0);
    }
    waitpid(child, &status, 0);
    child = vfork();
    if (!child) {
        show("VM in vfork", kcmp(getpid(), getppid(), VM, 0, 0));
        show("FILES in vfork", kcmp(getpid(), getppid(), FILES, 0, 0));
        _exit(0);
    }
    waitpid(child, &status, 0);
}

static void epolls(void)
{
    pid_t own = getpid();
    int epoll = epoll_create1(0), p[2], status;
    (void)!pipe(p);
    struct epoll_event e = { .events = EPOLLIN };
    struct slot s = { epoll, p[0], 0 };
    epoll_ctl(epoll, EPOLL_CTL_ADD, p[0], &e);
    show("a file in an epoll", kcmp(own, own, EPOLL_TFD, p[0], (unsigned long)&s));
    show("another file", kcmp(own, own, EPOLL_TFD, p[1], (unsigned long)&s));
    s.which = 1;
    show("the second one", kcmp(own, own, EPOLL_TFD, p[0], (unsigned long)&s));
    s = (struct slot){ p[1], p[0], 0 };
    show("no epoll", kcmp(own, own, EPOLL_TFD, p[0], (unsigned long)&s));
    s = (struct slot){ 200, p[0], 0 };
    show("no descriptor", kcmp(own, own, EPOLL_TFD, p[0], (unsigned long)&s));
    show("no memory", kcmp(own, own, EPOLL_TFD, p[0], 8));
    s = (struct slot){ epoll, p[0], 0 };
    pid_t child = fork();
    if (!child) {
        show("a child's epoll", kcmp(getppid(), getpid(), EPOLL_TFD, p[0], (unsigned long)&s));
        _exit(0);
    }
    waitpid(child, &status, 0);
}

static void another_user(void)
{
    int status;
    pid_t child = fork();
    if (!child) {
        if (setgid(1000) || setuid(1000))
            _exit(1);
        show("root's process", kcmp(getpid(), getppid(), VM, 0, 0));
        show("own", kcmp(getpid(), getpid(), VM, 0, 0));
        _exit(0);
    }
    waitpid(child, &status, 0);
}

int main(void)
{
    files();
    processes();
    epolls();
    another_user();
    unlink("a");
    return 0;
}
