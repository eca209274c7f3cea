/* signalfd: signals read from a file: which, in which order, what is told of them, who may read
 * them. */
#define _GNU_SOURCE
#include "oracle.h"
#include <pthread.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

static struct signalfd_siginfo got[4];

static long take(int fd, int n)
{
    memset(got, 0, sizeof got);
    return read(fd, got, n * sizeof got[0]);
}
static int events(int fd, int timeout)
{
    struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
    int n = poll(&p, 1, timeout);
    return n < 0 ? -errno : p.revents;
}
static void show(const char *what)
{
    SAY("%s: signal %u code %d pid %d uid %d int %d status %d", what, got[0].ssi_signo,
        got[0].ssi_code, got[0].ssi_pid == (uint32_t)getpid(), got[0].ssi_uid == getuid(),
        got[0].ssi_int, got[0].ssi_status);
}
static void nothing(int sig) { (void)sig; }

static void *later(void *pid)
{
    pause_ms(30);
    kill((intptr_t)pid, SIGUSR1);
    return NULL;
}

int main(void)
{
    sigset_t s, one;
    pthread_t t;
    int status;
    sigemptyset(&s);
    sigaddset(&s, SIGUSR1);
    sigaddset(&s, SIGUSR2);
    sigaddset(&s, SIGCHLD);
    sigaddset(&s, SIGALRM);
    sigaddset(&s, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &s, NULL);
    SHOW(signalfd(-1, &s, 1));
    SHOW(syscall(SYS_signalfd4, -1, &s, 4, 0));
    SHOW(syscall(SYS_signalfd4, -1, 8, 8, 0));
    SHOW(signalfd(0, &s, 0));
    SHOW(signalfd(99, &s, 0));
    int f = signalfd(-1, &s, SFD_NONBLOCK | SFD_CLOEXEC);
    SAY("flags %x %d", fcntl(f, F_GETFL), fcntl(f, F_GETFD));
    SHOW(take(f, 1));
    SHOW(read(f, got, 100));
    SHOW(write(f, got, 128));
    SAY("none: %x", events(f, 0));
    raise(SIGUSR1);
    SAY("some: %x", events(f, 0));
    SHOW(take(f, 1));
    show("raise");
    kill(getpid(), SIGUSR2);
    SHOW(take(f, 4));
    show("kill");
    for (int i = 0; i < 3; i++)
        sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 40 + i });
    kill(getpid(), SIGUSR1);
    SHOW(take(f, 2));
    show("the lowest");
    SAY("then %d", got[1].ssi_int);
    SHOW(take(f, 4));
    show("the others");
    SAY("then %d", got[1].ssi_int);
    SHOW(take(f, 1));
    raise(SIGUSR1);
    SHOW(read(f, (void *)8, 128));
    take(f, 1); /* Linux has lost it by now */
    pid_t pid = fork();
    if (!pid)
        _exit(7);
    SAY("a child: %x", events(f, 5000));
    SHOW(take(f, 1));
    SAY("signal %u code %d pid %d status %d", got[0].ssi_signo, got[0].ssi_code,
        got[0].ssi_pid == (uint32_t)pid, got[0].ssi_status);
    waitpid(pid, &status, 0);
    /* waiting */
    fcntl(f, F_SETFL, 0);
    for (int i = 0; i < 3; i++) {
        pthread_create(&t, NULL, later, (void *)(intptr_t)getpid());
        if (i == 1)
            SAY("waited: %x", events(f, 5000));
        if (i == 2) {
            fd_set in;
            FD_ZERO(&in);
            FD_SET(f, &in);
            SHOW(select(f + 1, &in, NULL, NULL, NULL));
        }
        SHOW(take(f, 1));
        show("waited");
        pthread_join(t, NULL);
    }
    struct sigaction a = { .sa_handler = nothing };
    sigaction(SIGHUP, &a, NULL);
    pid = fork();
    if (!pid) {
        pause_ms(30);
        kill(getppid(), SIGHUP);
        pause_ms(30);
        kill(getppid(), SIGUSR2);
        _exit(0);
    }
    SHOW(take(f, 1));
    SHOW(take(f, 1));
    SAY("signal %u", got[0].ssi_signo);
    SHOW(take(f, 1));
    SAY("signal %u", got[0].ssi_signo);
    waitpid(pid, &status, 0);
    /* a timer's */
    timer_t timer;
    struct sigevent e = { .sigev_notify = SIGEV_SIGNAL,
                          .sigev_signo = SIGRTMIN,
                          .sigev_value.sival_int = 99 };
    struct itimerspec when = { { 0, 0 }, { 0, 1000000 } };
    timer_create(CLOCK_MONOTONIC, &e, &timer);
    timer_settime(timer, 0, &when, NULL);
    SHOW(take(f, 1));
    SAY("code %d int %d overrun %u", got[0].ssi_code, got[0].ssi_int, got[0].ssi_overrun);
    timer_delete(timer);
    /* another set */
    sigemptyset(&one);
    sigaddset(&one, SIGUSR2);
    sigaddset(&one, SIGKILL);
    SHOW(signalfd(f, &one, 0) == f);
    raise(SIGUSR1);
    SAY("not in the set: %x", events(f, 0));
    raise(SIGUSR2);
    SAY("in it: %x", events(f, 0));
    SHOW(take(f, 4));
    SHOW(signalfd(f, &s, 0) == f);
    SHOW(take(f, 4));
    show("the one before");
    /* who reads, reads his own */
    raise(SIGUSR1);
    pid = fork();
    if (!pid) {
        fcntl(f, F_SETFL, O_NONBLOCK);
        int none = take(f, 1);
        raise(SIGUSR2);
        int own = take(f, 1);
        fcntl(f, F_SETFL, 0);
        _exit(none == -1 && own == 128 && got[0].ssi_signo == SIGUSR2);
    }
    waitpid(pid, &status, 0);
    show_status("a child's own", status);
    SHOW(take(f, 1));
    show("and ours");
    char path[64], name[64] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", f);
    SHOW(readlink(path, name, sizeof name - 1));
    SAY("%s", name);
    close(f);
    return 0;
}
