/* Waits for readiness that are to look again: oldest first, in two lists. Root's look first; then
 * the services are asked what has changed, which may make more waits due; then the others look. So
 * what other users have to look at does not keep root waiting. */
#include "due.h"

#include "readiness.h"
#include "syscalls.h"
#include <minnow/protocol.h>

enum { LOOKED_AT_ONCE = 4096 }; /* descriptors, before others go first */

static struct list of_root, others;
static unsigned dues;
static bool running; /* one thread of this server lets them look */
static bool more;    /* a service has notified since it was asked */
static endpoint_t self;

void due_start(void) { self = service_self(); }

static struct list *list_of(const struct due *d)
{
    return d->user || d->settled ? &others : &of_root;
}

void due_add(struct due *d)
{
    if (d->link.listed)
        return;
    list_append(list_of(d), &d->link);
    if (!dues++ && !running)
        ask_notify(self, 1ul << BIT_DUE);
}

void due_remove(struct due *d)
{
    dues -= d->link.listed;
    list_remove(list_of(d), &d->link);
}

/* A notification that comes while a thread does this is left to that thread. */
void due_run(bool notified)
{
    unsigned looked = 0;
    more |= notified;
    if (running)
        return;
    running = true;
    while (more || dues) {
        if (!of_root.first && more) {
            more = false; /* a notification may come while the services are asked */
            bool rest = readiness_pull();
            more |= rest;
            unsure = more;
            continue;
        }
        struct due *d = CONTAINER(of_root.first ? of_root.first : others.first, struct due, link);
        looked += d->count;
        due_remove(d);
        d->look(d);
        if (looked > LOOKED_AT_ONCE) {
            looked = 0;
            give_way(dues);
        }
    }
    running = false;
}
