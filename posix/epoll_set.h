/* What an epoll is interested in: see epoll_set.c. */
#ifndef EPOLL_SET_H
#define EPOLL_SET_H

#include "anon.h"
#include "due.h"
#include "readiness.h"

#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP    (1u << 29)
#define EPOLLONESHOT   (1u << 30)
#define EPOLLET        (1u << 31)

struct interest;
struct epoll_wait;

struct epoll {
    struct anon a;
    struct interest *all;
    struct list ready; /* those that may have events */
    unsigned ready_count;
    struct list waits;      /* of threads, oldest first */
    bool busy;              /* a handler looks at what is ready, and may wait */
    bool wanted;            /* while it was busy another thread came */
    uint32_t file;          /* the open file that leads to it */
    uint32_t nested;        /* how many of its interests are in epolls */
    uint32_t round, length; /* epoll.c: of the last walk that has come by */
};

/* An epoll's interest in an open file, under the number of a descriptor. */
struct interest {
    struct watch watch;
    struct epoll *epoll;
    struct interest *key_next;                 /* by its hash */
    struct interest *next, **before;           /* of the same epoll */
    struct interest *file_next, **file_before; /* with the same hash of the file */
    struct link ready; /* in the epoll's list of those that may have events */
    uint64_t data;     /* the program's own */
    uint32_t events;   /* POLL..., EPOLL...; without POLL...: it has had its one shot */
    uint32_t file, fd;
    uint16_t holds; /* by handlers that wait */
    bool gone;      /* dropped while it was held */
    bool modified;  /* since it was last taken from the list `ready` */
    bool nested;    /* in an epoll */
};

/* POLL... that i wants. */
static inline uint16_t interest_events(const struct interest *i)
{
    return i->events & (uint16_t)~POLLNVAL;
}

/* e's interest in the open file, by the descriptor's number. NULL: e has none. */
struct interest *interest_find(const struct epoll *e, uint32_t file, uint32_t fd);
/* A new one, which may have events at once. 0; -ENOSPC: the user has its share; -ENOMEM. */
int interest_add(struct epoll *e, const struct conn_info *c, uint32_t fd, uint32_t events,
                 uint64_t data);
void interest_drop(struct interest *i);
/* A handler that waits keeps i's memory: i may be `gone` when interest_free() gives it back. */
static inline void interest_hold(struct interest *i) { i->holds++; }
void interest_release(struct interest *i);
/* Drops the interests in an open file that has gone. */
void interests_drop_file(uint32_t file);
/* Calls visit() for each epoll that is interested in the file. */
void interests_in_file(uint32_t file, void (*visit)(struct epoll *e, void *context), void *context);

/* i may have events since now. true: somebody who waits will look. */
bool interest_ready(struct interest *i);
/* Takes the first interest that may have events. NULL: there is none. */
struct interest *interest_take(struct epoll *e);
/* Puts i back: behind all others, since it has had its turn; or before them. */
void interest_behind(struct interest *i);
void interest_before(struct interest *i);

/* The epoll behind an object; NULL: it is another kind of file, or has gone. */
struct epoll *epoll_behind_object(const struct object *o);

/* A thread's wait for events of an epoll. */
struct epoll_wait {
    struct due due;
    struct link link;    /* in the epoll's list, unless the wait is due */
    bool once;           /* one look, and the wait is over */
    struct epoll *epoll; /* held */
    struct thread *thread;
    caller_t at;    /* where the program wants events, */
    uint32_t most;  /* and how many */
    uint64_t until; /* nanoseconds since boot; 0: no time limit */
};
void wait_add(struct epoll_wait *w); /* the epoll wakes w: w looks */
/* Takes w out of its epoll's list, if it is there. */
void wait_remove(struct epoll_wait *w);
/* Lets the oldest wait of e look. false: none waits. */
bool epoll_wake(struct epoll *e);

#endif
