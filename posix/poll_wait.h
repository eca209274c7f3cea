/* Polls that wait: see poll_wait.c. */
#ifndef POLL_WAIT_H
#define POLL_WAIT_H

#include "due.h"
#include "readiness.h"

/* What a poll or select asks, and what has been found. */
struct poll_request {
    struct poll_item *items;
    unsigned count;
    uint64_t until;    /* nanoseconds since boot; 0: no time limit */
    caller_t left_at;  /* where the program is told what is left of it; 0: nowhere: */
    int64_t left_unit; /* seconds, and units of so many nanoseconds */
    caller_t at;       /* poll: the array */
    caller_t sets[3];  /* select */
    bool select;       /* or poll */
    bool again;        /* or any other call, which is made again when an item is ready */
    unsigned select_size;
    unsigned ready;      /* how many items have an event */
    unsigned first, end; /* of poll: the program has other events of items in this range */
};

struct poll_watch {
    struct watch watch;
    uint16_t index; /* of its item */
    bool told;      /* and so in the list of such */
    uint32_t next;  /* in that list: the next one's index + 1; 0: none */
};

/* A poll that waits. Its items stand behind its watches. Its due.user is charged for it. */
struct poll {
    struct due due;
    struct thread *thread;
    struct poll_request request;
    uint32_t told; /* the first one whose item is to be asked about again, + 1 */
    bool waits;    /* its thread is WAITING */
    _Alignas(struct poll_item) struct poll_watch watches[];
};

/* A copy of a poll of t that may wait, each item watched. Those items are told at once of which it
 * is not known that they are not ready. look: what it does when it is due. NULL: no memory for it,
 * or for its user. */
struct poll *poll_copy(struct thread *t, const struct poll_request *r, void (*look)(struct due *d));
/* Frees a copy, its watches first. It must not be due. */
void poll_free(struct poll *q);
/* Takes an item of q whose watch was told, and watches what stands behind its descriptor now. NULL:
 * there is none. */
struct poll_item *poll_told(struct poll *q);

#endif
