/* Waits for readiness that are to look again: oldest first, in two lists. Root's look first; then
 * the services are asked what has changed, which may make more waits due; then the others look. So
 * what other users have to look at does not keep root waiting. */
#include "due.h"

#include "readiness.h"
#include "syscalls.h"
#include <minnow/protocol.h>

enum { LOOKED_AT_ONCE = 4096 }; /* descriptors, before others go first */

struct due_list {
    struct due *first, *last;
};
static struct due_list of_root, others;
static unsigned dues;
static bool running; /* one thread of this server lets them look */
static bool more;    /* a service has notified since it was asked */
static endpoint_t self;

void due_start(void) { self = service_self(); }

static struct due_list *list_of(const struct due *d)
{
    return d->user || d->settled ? &others : &of_root;
}

void due_add(struct due *d)
{
    struct due_list *list = list_of(d);
    if (d->listed)
        return;
    d->listed = true;
    d->next = NULL;
    d->before = list->last;
    *(list->last ? &list->last->next : &list->first) = d;
    list->last = d;
    if (!dues++ && !running)
        ask_notify(self, 1ul << BIT_DUE);
}

void due_remove(struct due *d)
{
    struct due_list *list = list_of(d);
    if (!d->listed)
        return;
    *(d->before ? &d->before->next : &list->first) = d->next;
    *(d->next ? &d->next->before : &list->last) = d->before;
    d->listed = false;
    dues--;
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
        struct due *d = of_root.first;
        if (!d && more) {
            more = false; /* a notification may come while the services are asked */
            bool rest = readiness_pull();
            more |= rest;
            unsure = more;
            continue;
        }
        d = d ? d : others.first;
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
