/* Signals for input: O_ASYNC and FIOASYNC, F_SETOWN, F_SETOWN_EX, F_SETSIG. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

struct owner {
    int type, pid;
};
enum { SETSIG = 10, GETSIG, SETOWN_EX = 15, GETOWN_EX };

static volatile int count, last, code, band, descriptor;
static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)context;
    count++;
    last = sig;
    code = info->si_code;
    if (sig != SIGIO) {
        band = info->si_band;
        descriptor = info->si_fd;
    }
}

/* A signal may come a moment later. */
static void show(const char *what, int expected)
{
    for (int i = 0; i < 500 && count < expected; i++)
        pause_ms(2);
    SAY("%s: %d signals, last %d, code %d, band %x, fd %d", what, count, last, code, band,
        descriptor);
    count = last = code = band = descriptor = 0;
}

static void names(int fd)
{
    struct owner o = { 7, 7 };
    SHOW(fcntl(fd, F_GETOWN));
    SHOW(fcntl(fd, GETOWN_EX, &o));
    SAY("type %d, pid %d", o.type, o.pid);
    SHOW(fcntl(fd, GETSIG));
    SHOW(fcntl(fd, SETSIG, 65));
    SHOW(fcntl(fd, SETSIG, -1));
    SHOW(fcntl(fd, SETSIG, 40));
    SHOW(fcntl(fd, GETSIG));
    SHOW(fcntl(fd, SETSIG, 0));
    SHOW(fcntl(fd, F_SETOWN, 30000));
    SHOW(fcntl(fd, F_SETOWN, -30000));
    SHOW(fcntl(fd, F_SETOWN, getpid()));
    SHOW(fcntl(fd, F_GETOWN) == getpid());
    SHOW(fcntl(fd, F_SETOWN, -getpgrp()));
    SHOW(fcntl(fd, GETOWN_EX, &o));
    SAY("type %d, group %d", o.type, o.pid == getpgrp());
    o = (struct owner){ 0, (int)syscall(SYS_gettid) };
    SHOW(fcntl(fd, SETOWN_EX, &o));
    SHOW(fcntl(fd, F_GETOWN) == getpid());
    o.type = 3;
    SHOW(fcntl(fd, SETOWN_EX, &o));
    o = (struct owner){ 1, 30000 };
    SHOW(fcntl(fd, SETOWN_EX, &o));
    SHOW(fcntl(fd, SETOWN_EX, (void *)8));
    SHOW(fcntl(fd, GETOWN_EX, (void *)8));
    SHOW(fcntl(fd, F_SETOWN, 0));
    SHOW(fcntl(fd, F_GETOWN));
}

static void put(int fd)
{
    if (write(fd, "x", 1) != 1)
        SAY("write: %s", error_name(errno));
}

int main(void)
{
    int p[2], on = 1, off = 0;
    char c;
    struct sigaction a = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
    sigaction(SIGIO, &a, NULL);
    sigaction(40, &a, NULL);
    setpgid(0, 0); /* the group gets signals too */
    SHOW(pipe(p));
    names(p[0]);
    SHOW(fcntl(p[0], F_SETFL, O_ASYNC));
    put(p[1]);
    show("no owner", 0);
    SHOW(fcntl(p[0], F_SETOWN, getpid()));
    put(p[1]);
    show("a process", 1);
    SHOW(read(p[0], &c, 1));
    show("read", 0);
    struct owner self = { 0, (int)syscall(SYS_gettid) };
    SHOW(fcntl(p[0], SETOWN_EX, &self));
    SHOW(fcntl(p[0], SETSIG, 40));
    put(p[1]);
    show("a thread, signal 40", 1);
    SHOW(fcntl(p[0], SETSIG, SIGIO));
    put(p[1]);
    show("SIGIO with details", 1);
    SHOW(fcntl(p[0], SETSIG, 0));
    SHOW(fcntl(p[0], F_SETOWN, -getpgrp()));
    put(p[1]);
    show("the group", 1);
    SHOW(ioctl(p[0], FIOASYNC, &off));
    SAY("flags %x", fcntl(p[0], F_GETFL));
    put(p[1]);
    show("off", 0);
    SHOW(ioctl(p[0], FIOASYNC, &on));
    SAY("flags %x", fcntl(p[0], F_GETFL));
    pid_t child = fork();
    if (!child) {
        put(p[1]);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    show("another writer", 1);
    /* as a signal that waits */
    sigset_t io;
    sigemptyset(&io);
    sigaddset(&io, 40);
    sigprocmask(SIG_BLOCK, &io, NULL);
    SHOW(fcntl(p[0], F_SETOWN, getpid()));
    SHOW(fcntl(p[0], SETSIG, 40));
    int s = signalfd(-1, &io, 0);
    put(p[1]);
    struct signalfd_siginfo info;
    SHOW(read(s, &info, sizeof info));
    SAY("signal %u, code %d, band %x, fd %d", info.ssi_signo, info.ssi_code, info.ssi_band,
        info.ssi_fd);
    int file = open("/etc/passwd", O_RDONLY);
    SHOW(ioctl(file, FIOASYNC, &on));
    SHOW(fcntl(file, F_SETFL, O_ASYNC));
    SHOW(ioctl(file, FIOASYNC, (void *)8));
    close(p[0]), close(p[1]), close(s), close(file);
    return 0;
}
