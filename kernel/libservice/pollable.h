/* Objects that others wait for: the service's side of FS_POLL and FS_CHANGED. Six lines make an
 * object one of them, beside `notifies: posix` in the manifest:
 *
 *     struct thing { ... struct pollable poll; };
 *     thing->poll.object = ...;                                       when the thing is made
 *     return pollable_answer(&thing->poll, m, events_now(thing));     the handler of FS_POLL
 *     pollable_changed(&thing->poll, events_now(thing));              behind every change
 *     pollable_happened(&thing->poll, POLLIN);                        behind news: bytes, room
 *     [op_number(FS_CHANGED)] = pollable_list,                        in the table of handlers
 *
 * The asker is told once for each time that it was answered "none of these events holds": first by
 * a notification, which says only that something has changed, then by FS_CHANGED, which it calls to
 * have the list of what. An object that nobody asks about, or that was told already, costs nothing
 * when it changes; one that changes costs nothing to those that do not. */
#ifndef POLLABLE_H
#define POLLABLE_H

#include <minnow/file.h>
#include "service.h"

/* All 0 at first, but for the object. It keeps its place in memory for ever, as it may stand in the
 * list: an object that goes is told of (pollable_changed with ~0), and its place used again. */
struct pollable {
    uint64_t object;
    struct pollable *next; /* in the list for FS_CHANGED */
    bool listed;
    uint16_t armed; /* the asker waits for these events; 0: for none */
    uint16_t edge;  /* and for these, even those that hold already, to happen */
};

/* The result of FS_POLL m on p's object, for which the events `now` hold. If the asker says so
 * (POLL_ARM_...), it is told by the next pollable_changed(), unless an event that it wants holds
 * now; or in any case by the next pollable_happened(). */
int64_t pollable_answer(struct pollable *p, const struct message *m, uint64_t now);
void pollable_tell(struct pollable *p);
/* The events `now` hold for p's object, perhaps since this moment only. */
static inline void pollable_changed(struct pollable *p, uint64_t now)
{
    if (p->armed & now)
        pollable_tell(p);
}
/* These events have happened: they hold, and there is more of what they stand for than before. */
static inline void pollable_happened(struct pollable *p, uint16_t events)
{
    if ((p->armed | p->edge) & events)
        pollable_tell(p);
}
/* Whether anybody wants to be told of anything. */
static inline bool pollable_watched(const struct pollable *p) { return p->armed | p->edge; }
/* The handler of FS_CHANGED. */
int64_t pollable_list(struct message *m);
/* To be called before service_run(). A program that takes a dead one's place without its memory
 * knows of nobody that waits, so the askers are to ask again. */
void pollable_start(void);

#endif
