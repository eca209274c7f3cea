/* Polls that wait. Such a poll watches the object behind each of its descriptors (readiness.c). A
 * change tells the watch of that one, and its poll is due: it is to look again, but only at the
 * items whose watches were told. */
#include "poll_wait.h"

#include "syscalls.h"

enum { WAITERS_BYTES = 5 << 18 };
static struct share waiter_share = SHARE(WAITERS_BYTES, WAITERS_BYTES / 8, WAITERS_BYTES / 2);

/* ---- watches ---- */

static struct poll *poll_of(struct poll_watch *w)
{
    return CONTAINER(w - w->index, struct poll, watches[0]);
}

static bool tell(struct watch *watch)
{
    struct poll_watch *w = CONTAINER(watch, struct poll_watch, watch);
    struct poll *q = poll_of(w);
    if (!w->told) {
        w->told = true;
        w->next = q->told;
        q->told = w->index + 1;
    }
    if (q->waits)
        due_add(&q->due);
    return q->waits;
}

/* Watches what the word of item i leads to, or what stands behind its descriptor now. An object
 * that is always ready does not change. 0, -ENOMEM. */
static int item_watch(struct poll *q, unsigned i)
{
    struct poll_item *item = &q->request.items[i];
    struct watch *w = &q->watches[i].watch;
    struct object *o = object_known(item->word);
    if (item->f.fd < 0)
        return 0;
    if (!o)
        o = object_find(q->thread, item);
    if (o && o != &objects[0])
        return watch_set(w, o, q->due.user);
    watch_end(w);
    return 0;
}

struct poll_item *poll_told(struct poll *q)
{
    if (!q->told)
        return NULL;
    struct poll_watch *w = &q->watches[q->told - 1];
    struct poll_item *item = &q->request.items[w->index];
    q->told = w->next;
    w->told = false;
    if (ask_conn_words(q->thread->call, 0, (struct conn_word *)item, 1) < 0 ||
        item_watch(q, w->index))
        item->word = CONN_CLOSED;
    return item;
}

/* ---- copies ---- */

/* The bytes of a poll's watches; where they end, items may begin. */
static uint32_t watches_size(unsigned count)
{
    uint32_t align = _Alignof(struct poll_item);
    return (count * sizeof(struct poll_watch) + align - 1) / align * align;
}

static uint32_t poll_size(unsigned count)
{
    return sizeof(struct poll) + watches_size(count) + count * sizeof(struct poll_item);
}

void poll_free(struct poll *q)
{
    unsigned count = q->request.count;
    for (unsigned i = 0; i < count; i++)
        watch_end(&q->watches[i].watch);
    share_give(&waiter_share, q->due.user, poll_size(count));
    memory_free(q);
}

struct poll *poll_copy(struct thread *t, const struct poll_request *r, void (*look)(struct due *d))
{
    uint32_t user = t->process->i.uid, size = poll_size(r->count);
    if (share_take(&waiter_share, user, size, -ENOMEM))
        return NULL;
    struct poll *q = memory_alloc(size);
    if (!q) {
        share_give(&waiter_share, user, size);
        return NULL;
    }
    *q = (struct poll){ .due = { .user = user, .count = r->count, .look = look },
                        .thread = t,
                        .request = *r };
    q->request.items = (struct poll_item *)((char *)q->watches + watches_size(r->count));
    memcpy(q->request.items, r->items, r->count * sizeof r->items[0]);
    for (unsigned i = 0; i < r->count; i++)
        q->watches[i] = (struct poll_watch){ .watch = { .tell = tell }, .index = i };
    for (unsigned i = 0; i < r->count; i++) {
        if (item_watch(q, i)) {
            poll_free(q);
            return NULL;
        }
        const struct poll_item *item = &q->request.items[i];
        const struct object *o = q->watches[i].watch.object;
        if (item->word == CONN_CLOSED || (o && !object_idle(o, item->f.events)))
            tell(&q->watches[i].watch);
    }
    return q;
}
