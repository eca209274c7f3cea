/* Which pages of files PM gives up: the oldest, first in, first out. To do (R12 to R16): a second
 * chance for what is used. */
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
    struct cluster *locked = NULL;
    for (struct cluster *c = oldest; c; c = c->newer) {
        if (service && c->backing->service != service)
            continue;
        if (!(cluster_look(c) & CLUSTER_LOCKED))
            return c;
        locked = locked ? locked : c;
    }
    return locked;
}
