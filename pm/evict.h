/* Which pages of files PM gives up when it holds too many: it is told of each cluster that comes
 * and goes, and asked for a victim. Nothing here waits. */
#ifndef EVICT_H
#define EVICT_H

#include "backing.h"

/* A cluster of a file is there from now on, or no longer. */
void evict_enter(struct cluster *c);
void evict_leave(struct cluster *c);
/* The cluster to give up next, of those of one server (0: of any): one that is locked only if all
 * are. It stays until evict_leave(). NULL: there is none. */
struct cluster *evict_choose(endpoint_t service);

#endif
