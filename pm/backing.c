/* Backings: what regions show. A backing is a file, page by page as its server keeps it, or shared
 * memory without a file. This file has the tables of backings and counts their users; reclaim.c
 * gives pages back, and draws the states of a backing (users, held, queued); file_pages.c gets
 * pages.
 *
 * A page that a server has given out is pinned there until it is given back, so an address stands
 * in a cluster here, and later faults and later programs need no message. While a region shows the
 * file it is held (FS_HOLD); afterwards its pages stay, but are believed only if the file's times
 * and size are still the same when it is used again. */
#include "backing_files.h"

#include "evict.h"
#include "frames.h"
#include "segment.h"
#include "share.h"

enum { CLUSTER_BUCKETS = 1024, PIN_SHARE = 6 };

struct backing *files[FILE_BUCKETS];
static struct cluster *clusters[CLUSTER_BUCKETS];
struct backing idle_ring = { .older = &idle_ring, .newer = &idle_ring };
struct backing *unsettled;
uint64_t pinned;
static uint64_t pinned_max;
/* Clusters take PM's own memory. Those of files are given back when there are too many, those of
 * shared memory are shared out among users. Where pages stand close together, either number is
 * enough for all memory. */
enum { FILE_CLUSTER_PART = 16, SHARED_CLUSTER_PART = 8 };
static uint64_t file_clusters, file_clusters_max;
static struct share cluster_share;
/* A backing takes PM's own memory too. */
enum { BACKING_PART = 8 };
static struct share backing_share;
unsigned idle_count;

void backing_init(void)
{
    uint64_t pages = machine_pages();
    uint32_t shared = pages / SHARED_CLUSTER_PART;
    pinned_max = pages / PIN_SHARE;
    file_clusters_max = pages / FILE_CLUSTER_PART;
    cluster_share = (struct share)SHARE(shared, shared / 8, shared / 2);
    uint32_t backings = pages / BACKING_PART;
    backing_share = (struct share)SHARE(backings, backings / 8, backings / 2);
}

/* ---- finding ---- */

static unsigned mix(uint64_t a, uint64_t b)
{
    return (a * 0x9e3779b97f4a7c15 + b * 0xc2b2ae3d27d4eb4f) >> 54;
}
struct backing **file_bucket(endpoint_t service, uint64_t object)
{
    return &files[mix(object, service) % FILE_BUCKETS];
}
static struct cluster **cluster_bucket(const struct backing *b, uint64_t number)
{
    return &clusters[mix((uint64_t)b >> 4, number) % CLUSTER_BUCKETS];
}

struct backing *file_find(endpoint_t service, uint64_t object)
{
    struct backing *b = *file_bucket(service, object);
    while (b && (b->service != service || b->object != object))
        b = b->hash_next;
    return b;
}

static struct backing *backing_make(endpoint_t task)
{
    static uint64_t made;
    uint32_t user = task ? share_user(&backing_share, task) : 0;
    if (share_take(&backing_share, user, 1, -ENOMEM))
        return NULL;
    struct backing *b = memory_zalloc(sizeof *b);
    if (!b) {
        share_give(&backing_share, user, 1);
        return NULL;
    }
    b->number = ++made;
    b->user = user;
    return b;
}

void backing_free(struct backing *b)
{
    share_give(&backing_share, b->user, 1);
    memory_free(b);
}

struct backing *file_make(endpoint_t task, endpoint_t service, uint64_t object)
{
    struct backing *b = backing_make(task);
    if (!b)
        return NULL;
    b->service = service;
    b->object = object;
    struct backing **at = file_bucket(service, object);
    b->hash_next = *at;
    *at = b;
    return b;
}

void file_unhash(struct backing *b)
{
    struct backing **at = file_bucket(b->service, b->object);
    while (*at != b)
        at = &(*at)->hash_next;
    *at = b->hash_next;
}

struct cluster *backing_find(const struct backing *b, uint64_t page)
{
    uint64_t number = page / CLUSTER;
    struct cluster *c = *cluster_bucket(b, number);
    while (c && (c->backing != b || c->number != number))
        c = c->hash_next;
    return c;
}

vaddr_t cluster_shown(const struct region *r, const struct cluster *c, uint64_t *first,
                      uint64_t *end)
{
    uint64_t start = c->number * CLUSTER * PAGE_SIZE;
    *first = MAX(start, r->offset);
    *end = MIN(start + CLUSTER * PAGE_SIZE, r->offset + (r->end - r->start));
    return r->start + (*first - r->offset);
}

struct cluster *cluster_make(struct backing *b, uint64_t page, uint32_t user)
{
    struct cluster *c = backing_find(b, page);
    if (c || (!b->service && share_take(&cluster_share, user, 1, -ENOMEM)))
        return c;
    if (!(c = memory_zalloc(sizeof *c))) {
        if (!b->service)
            share_give(&cluster_share, user, 1);
        return NULL;
    }
    file_clusters += b->service != 0;
    c->user = user;
    c->backing = b;
    c->number = page / CLUSTER;
    struct cluster **at = cluster_bucket(b, c->number);
    c->hash_next = *at;
    *at = c;
    c->next = b->clusters;
    b->clusters = c;
    if (b->service)
        evict_enter(c);
    return c;
}

void cluster_unhash(struct cluster *c)
{
    if (c->backing->service)
        evict_leave(c);
    struct cluster **at = cluster_bucket(c->backing, c->number);
    while (*at != c)
        at = &(*at)->hash_next;
    *at = c->hash_next;
}

void cluster_free(struct cluster *c)
{
    if (c->backing->service)
        file_clusters--;
    else
        share_give(&cluster_share, c->user, 1);
    memory_free(c);
}

/* ---- users ---- */

void ring_leave(struct backing *b)
{
    if (!b->newer)
        return;
    b->older->newer = b->newer;
    b->newer->older = b->older;
    b->older = b->newer = NULL;
    idle_count--;
}

void ring_enter(struct backing *b)
{
    b->older = idle_ring.older;
    b->newer = &idle_ring;
    b->older->newer = b->newer->older = b;
    idle_count++;
}

void backing_queue(struct backing *b)
{
    if (b->queued)
        return;
    b->queued = true;
    b->queue_next = unsettled;
    unsettled = b;
}

static void shared_free(struct backing *b)
{
    for (struct cluster *c = b->clusters, *next; c; c = next) {
        next = c->next;
        for (unsigned i = 0; i < CLUSTER; i++)
            if (c->address[i])
                frame_put(c->address[i]);
        cluster_unhash(c);
        cluster_free(c);
    }
    backing_free(b);
}

void backing_ref(struct backing *b)
{
    b->users++;
    ring_leave(b);
    if (b->segment)
        segment_users(b);
}

void backing_unref(struct backing *b)
{
    ASSERT(b->users);
    b->users--;
    if (b->segment)
        segment_users(b);
    if (b->users)
        return;
    if (b->service)
        backing_queue(b);
    else
        shared_free(b);
}

void backing_ref_program(struct backing *b)
{
    backing_ref(b);
    b->runs++;
}

void backing_unref_program(struct backing *b)
{
    if (--b->runs == 0)
        backing_queue(b);
    backing_unref(b);
}

struct backing *backing_shared(endpoint_t task, uint64_t size)
{
    struct backing *b = backing_make(task);
    if (b) {
        b->users = 1;
        b->size = size;
    }
    return b;
}

paddr_t backing_frame(struct backing *b, uint64_t page, endpoint_t task)
{
    struct cluster *c = backing_find(b, page);
    if (!c && !(c = cluster_make(b, page, call_user(task))))
        return 0;
    uint64_t *at = &c->address[page % CLUSTER];
    return *at ? *at : (*at = frame_for(task));
}

void backing_mark_dirty(struct backing *b, uint64_t page)
{
    struct cluster *c = backing_find(b, page);
    if (!c || !c->address[page % CLUSTER])
        return;
    c->dirty |= 1u << page % CLUSTER;
    backing_queue(b);
}

bool backing_too_much(uint64_t *room)
{
    *room = file_clusters_max / 8 + 1;
    return pinned > pinned_max || file_clusters > file_clusters_max;
}
