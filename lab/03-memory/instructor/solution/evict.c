/* Which pages of files PM gives up: the second-chance algorithm, as a clock (Tanenbaum, Modern
 * Operating Systems, 3.4.4 and 3.4.5), which prefers what is clean.
 *
 * The clusters stand in a ring, in the order in which they came; `hand` is the one to look at next,
 * and a new one comes just behind it, so that it is looked at last. A cluster that has been touched
 * since the hand passed it last is passed again, and has lost its mark by that. */
#include "evict.h"

static struct cluster *hand; /* NULL: the ring is empty */

void evict_enter(struct cluster *c)
{
    if (!hand) {
        hand = c->older = c->newer = c;
        return;
    }
    c->newer = hand;
    c->older = hand->older;
    c->older->newer = hand->older = c;
}

void evict_leave(struct cluster *c)
{
    if (hand == c)
        hand = c->newer == c ? NULL : c->newer;
    c->older->newer = c->newer;
    c->newer->older = c->older;
}

/* How little a cluster should be evicted: locked ones last, before them those that are used, and of
 * two that are alike the clean one. */
static unsigned worth(unsigned use)
{
    return (use & CLUSTER_LOCKED ? 4 : 0) + (use & CLUSTER_TOUCHED ? 2 : 0) +
           (use & CLUSTER_DIRTY ? 1 : 0);
}

/* Once around: the first that is neither locked nor touched nor dirty, or else the first of those
 * that are worth least. Of one round all marks are told and cleared, so a second would learn
 * nothing. */
struct cluster *evict_choose(endpoint_t service)
{
    enum { NOTHING_WORTH = 0 };
    struct cluster *best = NULL, *c = hand;
    unsigned least = ~0u;
    for (bool again = false; c && !(again && c == hand) && least != NOTHING_WORTH; c = c->newer) {
        again = true;
        if (service && c->backing->service != service)
            continue;
        unsigned w = worth(cluster_look(c));
        if (w < least)
            least = w, best = c;
    }
    if (best)
        hand = best->newer;
    return best;
}
