/* Watches.
 *
 * A poll that waits has a watch on each object behind one of its descriptors. The watches are found
 * by the object, in a table of places, so the cost of a change does not depend on other polls:
 *
 *   a service notifies   something has changed; what, the notification does not say
 *   FS_CHANGED           the service says which objects, 64 at a time; one that cannot say may have
 *                        changed in all
 *   watch_tell           the watches of those objects are told, and their polls are due
 *   poll.c               a poll that is due asks again, but only about watches that are told
 *
 * Root's polls that are due stand in a list of their own, before all others. */
#include "poll_watch.h"

#include "syscalls.h"
#include <minnow/file.h>

enum { CHANGED_MAX = 64 };
uint64_t changes = 1;

/* The objects of the pipe service and of each terminal driver have places of their own. */
enum { WATCHED = 8192, OBJECTS_EACH = 2048 };
static struct watch *watched[WATCHED];
static unsigned watches_of[MAX_SERVICE];

/* The polls that are to look again, oldest first. */
struct due_list {
    struct poll *first, *last;
};
static struct due_list due_of_root, due_of_others;
static unsigned dues;

enum { WAITERS_BYTES = 1 << 20 };
static struct share waiter_share = SHARE(WAITERS_BYTES, WAITERS_BYTES / 8, WAITERS_BYTES / 2);

/* ---- polls that wait ---- */

static uint32_t waiter_size(const struct poll *q)
{
    return q->count * (sizeof(struct watch) + sizeof q->fds[0]) + sizeof *q;
}

static struct poll *poll_of(struct watch *w) { return (struct poll *)(w + 1 + w->index); }

static struct due_list *due_list_of(const struct poll *q)
{
    return q->user ? &due_of_others : &due_of_root;
}

static void due_add(struct poll *q)
{
    struct due_list *list = due_list_of(q);
    q->due = true;
    q->next = NULL;
    q->before = list->last;
    *(list->last ? &list->last->next : &list->first) = q;
    list->last = q;
    dues++;
}

void due_remove(struct poll *q)
{
    struct due_list *list = due_list_of(q);
    if (!q->due)
        return;
    *(q->before ? &q->before->next : &list->first) = q->next;
    *(q->next ? &q->next->before : &list->last) = q->before;
    q->due = false;
    dues--;
}

struct poll *due_first(bool of_root) { return of_root ? due_of_root.first : due_of_others.first; }

unsigned due_count(void) { return dues; }

/* ---- watches ---- */

static struct watch **watched_place(endpoint_t service, uint64_t object)
{
    return &watched[(object + service * OBJECTS_EACH) % WATCHED];
}

static void unwatch(struct watch *w)
{
    if (!w->before)
        return;
    *w->before = w->next;
    if (w->next)
        w->next->before = w->before;
    w->before = NULL;
    watches_of[w->service]--;
}

void watch_set(struct watch *w, const struct conn_info *c)
{
    if (w->before && w->object == c->object && w->service == c->service)
        return;
    unwatch(w);
    /* an object that is always ready does not change; only services stand behind descriptors */
    if (!c->service || c->service >= MAX_SERVICE || c->flags & CONN_READY)
        return;
    struct watch **place = watched_place(c->service, c->object);
    w->object = c->object;
    w->service = c->service;
    w->next = *place;
    w->before = place;
    if (w->next)
        w->next->before = &w->next;
    *place = w;
    watches_of[w->service]++;
}

void watch_tell(struct watch *w)
{
    struct poll *q = poll_of(w);
    if (!w->told) {
        w->told = true;
        q->told++;
    }
    if (q->waits && !q->due)
        due_add(q);
}

/* ---- copies ---- */

void poll_free(struct poll *q)
{
    for (unsigned i = 0; i < q->count; i++)
        unwatch(watch_at(q, i));
    share_give(&waiter_share, q->user, waiter_size(q));
    memory_free(watch_at(q, q->count) + 1);
}

struct poll *poll_copy(const struct poll *q, uint32_t user)
{
    if (share_take(&waiter_share, user, waiter_size(q), -ENOMEM))
        return NULL;
    struct watch *first = memory_alloc(waiter_size(q));
    if (!first) {
        share_give(&waiter_share, user, waiter_size(q));
        return NULL;
    }
    struct poll *copy = (struct poll *)(first + q->count);
    memcpy(copy, q, sizeof *q + q->count * sizeof q->fds[0]);
    copy->user = user;
    for (unsigned i = 0; i < q->count; i++)
        *watch_at(copy, i) = (struct watch){ .index = i };
    return copy;
}

/* ---- asking the services ---- */

/* Tells those watches of a place whose object has these low 32 bits, or is any of the service's. */
static void tell_watches(struct watch *first, endpoint_t service, uint64_t object, bool any)
{
    for (struct watch *w = first; w; w = w->next)
        if (w->service == service && (any || (uint32_t)w->object == (uint32_t)object))
            watch_tell(w);
}

/* Asks one service which objects have changed, and tells their watches. true: there may be more. */
static bool service_ask(endpoint_t service)
{
    uint64_t objects[CHANGED_MAX];
    int64_t n = call_window(service, &(struct call_args){ .op = FS_CHANGED }, WINDOW_OUT, objects,
                            sizeof objects, NULL);
    changes += n != 0; /* a look at one of these that is under way must look once more */
    for (int64_t i = 0; i < n && i < CHANGED_MAX; i++)
        tell_watches(*watched_place(service, objects[i]), service, objects[i], false);
    for (unsigned i = 0; n < 0 && i < WATCHED; i++)
        tell_watches(watched[i], service, 0, true);
    return n == CHANGED_MAX;
}

bool watches_ask(void)
{
    bool more = false;
    for (endpoint_t service = 0; service < MAX_SERVICE; service++)
        if (watches_of[service])
            more |= service_ask(service);
    return more;
}
