/* Files without names: which events poll tells of, and where lseek leaves them. */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

enum { ALL = 0x7fff & ~POLLNVAL, PIDFD_OPEN = 434 };

static void show(const char *what, int fd)
{
    struct pollfd f = { fd, ALL, 0 };
    poll(&f, 1, 0);
    SAY("%s: events %x", what, f.revents);
    f = (struct pollfd){ fd, POLLRDNORM | POLLWRNORM, 0 };
    SAY("  of the normal ones %d", poll(&f, 1, 0));
    struct epoll_event e = { .events = ALL }, found = { .events = 0 };
    int ep = epoll_create1(0);
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
    epoll_wait(ep, &found, 1, 0);
    SAY("  epoll %x", found.events);
    close(ep);
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, 5, SEEK_SET));
    SHOW(lseek(fd, 5, SEEK_END));
    SHOW(lseek(fd, -1, SEEK_SET));
    SHOW(lseek(fd, 0, 9));
    char bytes[200];
    if (!strcmp(what, "pidfd")) /* later versions have these elsewhere */
        return;
    SHOW(pread(fd, bytes, sizeof bytes, 0));
    SHOW(pwrite(fd, bytes, 8, 0));
}

int main(void)
{
    sigset_t set;
    int event = eventfd(0, 0), signals, watch = inotify_init1(0), outer = epoll_create1(0);
    int timer = timerfd_create(CLOCK_MONOTONIC, 0), self = syscall(PIDFD_OPEN, getpid(), 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signals = signalfd(-1, &set, 0);
    show("eventfd of 0", event);
    show("timerfd", timer);
    show("signalfd", signals);
    show("inotify", watch);
    show("epoll", outer);
    show("pidfd", self);
    eventfd_write(event, 1);
    timerfd_settime(timer, 0, &(struct itimerspec){ { 0, 0 }, { 0, 1 } }, NULL);
    pause_ms(5);
    raise(SIGUSR1);
    inotify_add_watch(watch, ".", IN_CREATE);
    close(open("created", O_CREAT | O_WRONLY, 0600));
    unlink("created");
    epoll_ctl(outer, EPOLL_CTL_ADD, event, &(struct epoll_event){ .events = EPOLLIN });
    show("eventfd of 1", event);
    eventfd_write(event, -3ul);
    show("eventfd that is full", event);
    show("timerfd that has rung", timer);
    show("signalfd with a signal", signals);
    show("inotify with an event", watch);
    show("epoll with one", outer);
    return 0;
}
