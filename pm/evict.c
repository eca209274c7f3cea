/* Which pages of files PM gives up: the oldest. That is the simplest policy, first in, first out,
 * and one that is often wrong: what came first may be what is used most. lab/03-memory is about
 * better ones. */
#include "evict.h"

static struct cluster *oldest, *newest;

void evict_enter(struct cluster *c)
{
    c->older = newest;
    c->newer = NULL;
    *(newest ? &newest->newer : &oldest) = c;
    newest = c;
}

void evict_leave(struct cluster *c)
{
    *(c->older ? &c->older->newer : &oldest) = c->newer;
    *(c->newer ? &c->newer->older : &newest) = c->older;
}

struct cluster *evict_choose(endpoint_t service)
{
    /* looking takes as long as there are regions of the file: not at all of a large locked one */
    enum { LOOKS_MOST = 16 };
    struct cluster *locked = NULL;
    unsigned looks = 0;
    for (struct cluster *c = oldest; c && looks < LOOKS_MOST; c = c->newer) {
        if (service && c->backing->service != service)
            continue;
        looks++;
        if (!(cluster_look(c) & CLUSTER_LOCKED))
            return c;
        locked = locked ? locked : c;
    }
    return locked;
}
