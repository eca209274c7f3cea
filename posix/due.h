/* Waits for readiness that are to look again: see due.c. */
#ifndef DUE_H
#define DUE_H

#include <stdint.h>
#include "list.h"

/* A wait: of a poll, or of an epoll. All 0 at first, but for the last four. */
struct due {
    struct link link; /* in the list of those that are due */
    bool settled;     /* looks only when all changes have been heard */
    uint32_t user;    /* who waits */
    unsigned count;   /* descriptors that a look may have to ask about */
    /* Looks again: answers the wait's thread, or lets it wait on. Not in the list any more. May
     * wait. */
    void (*look)(struct due *d);
};

void due_start(void); /* to be called at start */
/* d is to look again, soon. Harmless if it is due already. Does not wait. */
void due_add(struct due *d);
/* Takes d out of the list of those that are due, if it is there. */
void due_remove(struct due *d);
/* Finds out which objects have changed, if `notified`: a service has said that some have; and lets
 * those look that are due. May wait. */
void due_run(bool notified);

#endif
