/* Edge-triggered epolls: the end of the other side is an event, whatever was told before it. */
#define _GNU_SOURCE
#include "oracle.h"
#include <fcntl.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static int epoll, side[2];

static void look(const char *when)
{
    struct epoll_event e = { 0 };
    int n = epoll_wait(epoll, &e, 1, 200);
    SAY("%s: %d, %x", when, n, n > 0 ? e.events : 0);
}

static void begin(const char *what, uint32_t events)
{
    SAY("%s %x", what, events);
    epoll = epoll_create1(0);
    SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, side[0], &(struct epoll_event){ .events = events }));
}

/* Bytes come, are taken or not, and the other side ends. */
static void ends(const char *what, uint32_t events, bool taken)
{
    char bytes[8];
    begin(what, events);
    look("at first");
    SHOW(write(side[1], "wake", 4));
    look("bytes");
    if (taken)
        SHOW(read(side[0], bytes, sizeof bytes));
    close(side[1]);
    look("closed");
    look("again");
    close(side[0]);
    close(epoll);
}

static void of_kinds(uint32_t events, bool taken)
{
    socketpair(AF_UNIX, SOCK_STREAM, 0, side);
    ends("stream", events, taken);
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, side);
    ends("packets", events, taken);
    SHOW(pipe(side));
    ends("pipe", events, taken);
}

static void shut(void)
{
    socketpair(AF_UNIX, SOCK_STREAM, 0, side);
    begin("half", EPOLLIN | EPOLLRDHUP | EPOLLET);
    SHOW(shutdown(side[1], SHUT_WR));
    look("no more bytes");
    look("again");
    close(side[1]);
    look("closed");
    close(side[0]);
    close(epoll);
}

int main(void)
{
    for (int taken = 0; taken < 2; taken++) {
        of_kinds(EPOLLIN | EPOLLET, taken);
        of_kinds(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, taken);
        of_kinds(EPOLLET, taken);
    }
    shut();
    return 0;
}
