/* Watches: which polls are to look again when an object changes. See poll_watch.c. */
#ifndef POLL_WATCH_H
#define POLL_WATCH_H

#include "process.h"

struct pollfd {
    int32_t fd;
    int16_t events, revents;
};

/* The watch on what stands behind one descriptor of a poll that waits. A poll's watches stand in
 * memory in front of it, the last one first. */
struct watch {
    /* among the watches with the same place; before NULL: it watches nothing */
    struct watch *next, **before;
    uint64_t object;
    endpoint_t service;
    uint16_t index; /* in poll.fds */
    bool told;      /* the object may have changed since its service was asked */
};

/* One poll or select. */
struct poll {
    struct poll *next, *before; /* in the list of those that are due */
    struct thread *thread;
    uint64_t until;   /* nanoseconds since boot; 0: no time limit */
    caller_t at;      /* poll: the array */
    caller_t sets[3]; /* select */
    bool select;      /* or poll */
    bool waits;       /* its thread is WAITING */
    bool due;         /* is to look again, and stands in a list of such */
    unsigned select_size, count;
    unsigned told; /* how many of its watches are told */
    uint32_t user; /* its memory is accounted to this user while it waits */
    struct pollfd fds[];
};
_Static_assert(_Alignof(struct poll) >= _Alignof(struct watch), "watches stand in front of it");

static inline struct watch *watch_at(struct poll *q, unsigned index)
{
    return (struct watch *)q - 1 - index;
}

/* A copy of q that may wait, with watches that watch nothing yet. NULL: no memory for it, or for
 * its user. */
struct poll *poll_copy(const struct poll *q, uint32_t user);
/* Frees a copy, its watches first. It must not be due. */
void poll_free(struct poll *q);

/* Makes the object behind connection c what w watches; nothing, if it is always ready. */
void watch_set(struct watch *w, const struct conn_info *c);
/* The object of w may have changed: its poll is due, if it waits. */
void watch_tell(struct watch *w);
/* Takes q out of the list of those that are due, if it is there. */
void due_remove(struct poll *q);
/* The poll that has been due for longest: of root's, or of the others'. NULL: none is. */
struct poll *due_first(bool of_root);
unsigned due_count(void);

/* Counts notifications, and answers to FS_CHANGED but for those that say that nothing has changed.
 * A look that began when the count was what it is now has missed nothing. */
extern uint64_t changes;
/* Asks every service that is watched which objects have changed, and tells their watches. true:
 * there may be more. May wait. */
bool watches_ask(void);

#endif
