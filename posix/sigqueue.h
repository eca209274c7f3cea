/* Signals that wait for delivery. */
#ifndef SIGQUEUE_H
#define SIGQUEUE_H

#include "share.h"
#include "signal_abi.h"

struct queued {
    struct queued *next;
    uint32_t user; /* the entry is accounted to the receiver's user */
    struct siginfo info;
};
struct sigqueue {
    uint64_t set; /* BIT(sig) of each signal that waits */
    struct queued *first;
    uint64_t *shown; /* where a copy of `set` is published; NULL: nowhere */
};

/* At start: where the share of the entries stands. */
void sigqueue_start(struct share *share);
/* RLIMIT_SIGPENDING as programs begin with it. */
uint64_t sigqueue_limit(void);

/* Puts a signal behind all others. The entry is accounted to `user`, which may hold `limit` of them
 * (RLIMIT_SIGPENDING). 0. Without an entry the signal waits all the same, but its siginfo is lost;
 * only a signal of SIGRTMIN and above that neither kill() nor the kernel sends is refused then:
 * -EAGAIN, and nothing has changed. */
int sigqueue_add(struct sigqueue *q, uint32_t user, uint64_t limit, const struct siginfo *info);
/* Takes the oldest signal `sig`, which must wait in q, and makes *info what is known of it. */
void sigqueue_take(struct sigqueue *q, int sig, struct siginfo *info);
/* Puts a signal that was taken and could not be delivered yet back in front of all others. */
void sigqueue_return(struct sigqueue *q, uint32_t user, uint64_t limit, const struct siginfo *info);
/* Forgets all signals of the set. */
void sigqueue_drop(struct sigqueue *q, uint64_t set);

#endif
