/* Giving pages of files back to their servers: when a file has no user any more, when PM holds more
 * than its share, when a file becomes shorter.
 *
 * PM keeps no more than its share of pinned pages: those of files without users go first, then
 * pages in use are taken out of the spaces that map them, and fault again.
 *
 * A file's backing goes through these states. `users` counts regions and handlers at work with it;
 * `held` means that its server has been told to keep the file (FS_HOLD +1), and stays false with
 * servers that hold no files; `queued` means that it stands in the list of backing_settle():
 *
 *   users  held  queued  what the backing is           goes on by
 *   > 0    yes   no      shown by regions              backing_unref() of the last user: queued;
 *                                                      so do a dirty page and the end of the last
 *                                                      space that runs the file
 *   > 0    any   yes     likewise, and has dirty       backing_settle(): the pages go back, and
 *                        pages, or runs no more        the file may be written to again
 *   0      yes   yes     left by its last user         backing_settle(): FS_HOLD -1, then idle; or
 *                                                      freed, if there is nothing to keep or the
 *                                                      server wants its pages back
 *   0      no    no      idle, in the ring, with       backing_get(): used and held again, pages
 *                        its pages                     believed if the file has not changed; or
 *                                                      file_forget(), as the oldest of too many
 *
 * backing_unref() and backing_mark_dirty() must not wait, so they only put a backing into the
 * queue; backing_settle() empties the queue, at the end of each handler. A step that waits may find
 * the file used again afterwards, so each step looks at `users` and `queued` anew. */
#include "backing_files.h"
#include "evict.h"
#include "frames.h"
#include "space.h"

enum { IDLE_MAX = 192 };

/* Pages [first, first + count) of a file, for release_shown(). */
struct shown_pages {
    struct backing *b;
    uint64_t first, count;
};

/* Unmaps up to CLUSTER pages from `at` on in a space, but for the private copies, which are the
 * space's own. */
static void release_shown_range(struct space *s, vaddr_t at, uint64_t count)
{
    struct page_out there[CLUSTER];
    struct page_change query = page_list(s, PAGE_QUERY, at, count, there, CLUSTER);
    int64_t n = ask_pages(&query, 1);
    bool copies = false;
    for (int64_t i = 0; i < n; i++)
        copies |= there[i].entry & PAGE_OUT_OWNED;
    if (n > 0 && !copies)
        pages_release(s, at, at + count * PAGE_SIZE);
    for (int64_t i = 0; i < n && copies; i++)
        if (!(there[i].entry & PAGE_OUT_OWNED))
            pages_release(s, there[i].address, there[i].address + PAGE_SIZE);
}

/* Takes pages of a file (struct shown_pages) out of a space, but for private copies. */
static void release_shown(struct space *s, void *argument)
{
    const struct shown_pages *t = argument;
    const struct region *r = regions_first(&s->regions);
    for (; r; r = regions_next(&s->regions, r)) {
        if (r->backing != t->b)
            continue;
        uint64_t first = r->offset / PAGE_SIZE, end = first + (r->end - r->start) / PAGE_SIZE;
        uint64_t p = MAX(first, t->first), last = MIN(end, t->first + t->count);
        for (uint64_t n; p < last; p += n) {
            n = MIN(last - p, (uint64_t)CLUSTER);
            release_shown_range(s, r->start + (p - first) * PAGE_SIZE, n);
        }
    }
}

/* What looking at a cluster has found: CLUSTER_.... */
struct look {
    const struct cluster *c;
    unsigned found;
};

/* Looks at those pages of a cluster that a region of a space shows. */
static void look_at_region(struct space *s, const struct region *r, struct look *l)
{
    struct page_out there[CLUSTER];
    uint64_t first, end;
    vaddr_t at = cluster_shown(r, l->c, &first, &end);
    if (first >= end)
        return;
    l->found |= r->flags & REGION_LOCKED ? CLUSTER_LOCKED : 0;
    struct page_change c = page_list(s, PAGE_AGE, at, (end - first) / PAGE_SIZE, there, CLUSTER);
    int64_t n = ask_pages(&c, 1);
    for (int64_t i = 0; i < n; i++) {
        if (there[i].entry & PAGE_OUT_OWNED)
            continue; /* a private copy */
        l->found |= there[i].entry & PAGE_OUT_ACCESSED ? CLUSTER_TOUCHED : 0;
        l->found |= there[i].entry & PAGE_OUT_DIRTY ? CLUSTER_DIRTY : 0;
    }
}

static void look_at_space(struct space *s, void *argument)
{
    struct look *l = argument;
    const struct region *r = regions_first(&s->regions);
    for (; r; r = regions_next(&s->regions, r))
        if (r->backing == l->c->backing)
            look_at_region(s, r, l);
}

unsigned cluster_look(const struct cluster *c)
{
    struct look l = { .c = c, .found = c->dirty ? CLUSTER_DIRTY : 0 };
    if (c->backing->users)
        space_each(look_at_space, &l);
    return l.found;
}

static void cluster_release(struct cluster *c)
{
    if (c->backing->users)
        space_each(release_shown,
                   &(struct shown_pages){ c->backing, c->number * CLUSTER, CLUSTER });
}

void file_unpin(struct backing *b, uint64_t *addresses, unsigned n, bool dirty)
{
    if (!n)
        return;
    pinned -= n;
    call_window(b->service, &(struct call_args){ .op = FS_UNPIN, .object = b->object, .w3 = dirty },
                WINDOW_IN, addresses, n * sizeof addresses[0], NULL);
}

/* Clusters whose dirty pages are on their way to their servers; those that went before an odd and
 * before an even turn are counted apart. */
static unsigned on_their_way[2];
static uint64_t way_turns;
static struct condition arrived;

void backing_arrive(void)
{
    for (uint64_t start = way_turns; way_turns < start + 2;)
        if (on_their_way[(way_turns + 1) % 2])
            condition_wait(&arrived);
        else
            way_turns++;
}

/* Gives back those pages of a cluster that `which` names, a bit each, and that no space maps any
 * more. Returns how many. They have left the cluster before anything waits. May wait. */
static unsigned cluster_return(struct cluster *c, uint16_t which)
{
    struct backing *b = c->backing;
    uint64_t clean[CLUSTER], dirty[CLUSTER];
    unsigned n_clean = 0, n_dirty = 0;
    for (unsigned i = 0; i < CLUSTER; i++) {
        if (!(which >> i & 1) || !c->address[i])
            continue;
        if (c->dirty >> i & 1)
            dirty[n_dirty++] = c->address[i];
        else
            clean[n_clean++] = c->address[i];
        c->address[i] = 0;
        c->dirty &= ~(1u << i);
        c->ready &= ~(1u << i);
    }
    if (n_dirty) {
        unsigned *count = &on_their_way[way_turns % 2];
        ++*count;
        file_unpin(b, dirty, n_dirty, true);
        if (--*count == 0)
            condition_wake(&arrived);
    }
    file_unpin(b, clean, n_clean, false);
    return n_dirty + n_clean;
}

/* Takes a cluster, which stands in no list any more, out of all spaces and gives it back. Returns
 * how many pages. May wait. */
static uint64_t cluster_drop(struct cluster *c)
{
    cluster_release(c);
    cluster_unhash(c);
    uint64_t n = cluster_return(c, 0xffff);
    cluster_free(c);
    return n;
}

uint64_t file_drop_pages(struct backing *b)
{
    uint64_t n = 0;
    b->epoch++;
    while (b->clusters) {
        struct cluster *c = b->clusters;
        b->clusters = c->next;
        n += cluster_drop(c);
    }
    memory_free(b->elf);
    b->elf = NULL;
    return n;
}

/* Gives back the dirty pages of one cluster of b. Returns whether there were any. May wait. */
static bool flush_cluster(struct backing *b)
{
    struct cluster *c = b->clusters;
    while (c && !c->dirty)
        c = c->next;
    if (!c)
        return false;
    cluster_release(c);
    /* others may have dirty pages, and the list may change meanwhile: begin again. At once, or who
     * settles meanwhile would find nothing to do, and take the rest for settled */
    backing_queue(b);
    cluster_return(c, c->dirty);
    return true;
}

/* ---- files that become shorter ---- */

/* Takes a file's pages from number `first` on out of a space, private copies too. true: pages went,
 * and the function has waited. */
static bool cut_from_space(struct space *s, const struct backing *b, uint64_t first)
{
    endpoint_t task = s->task;
    bool waited = false, taken = false;
    vaddr_t at = 0;
    for (const struct region *r; s && (r = regions_find(&s->regions, at));) {
        uint64_t from = r->offset / PAGE_SIZE, resident = s->usage->resident;
        vaddr_t start = r->start + (from < first ? first - from : 0) * PAGE_SIZE, end = r->end;
        at = r->backing == b && start < end ? pages_release(s, MAX(at, start), end) : end;
        taken = taken || s->usage->resident != resident;
        if (at == end)
            continue;
        waited = true;
        s = space_pause(s, task, at, end);
    }
    return waited && taken;
}

/* Likewise out of all spaces, and once more when other handlers ran meanwhile: a space that was
 * made then may have copied pages that are gone elsewhere by now. May wait. */
static void cut_from_spaces(const struct backing *b, uint64_t first)
{
    for (bool again = true; again;) {
        again = false;
        for (unsigned i = 0; i < TASKS_MAX; i++)
            if (space_at(i))
                again = cut_from_space(space_at(i), b, first) || again;
    }
}

/* Takes a file's pages from number `first` on out of the clusters: no fault finds them any more.
 * Those of the cluster in which the end lies come to *part, the other clusters are returned as a
 * list. */
static struct cluster *clusters_cut(struct backing *b, uint64_t first, struct cluster *part)
{
    struct cluster *gone = NULL, **at = &b->clusters;
    *part = (struct cluster){ .backing = b };
    for (struct cluster *c; (c = *at);) {
        if (c->number * CLUSTER < first) {
            for (uint64_t i = first - c->number * CLUSTER; i < CLUSTER; i++) {
                part->address[i] = c->address[i];
                c->address[i] = 0;
                c->dirty &= ~(1u << i), c->ready &= ~(1u << i);
            }
            at = &c->next;
            continue;
        }
        *at = c->next;
        cluster_unhash(c);
        c->next = gone;
        c->dirty = 0;
        gone = c;
    }
    return gone;
}

void backing_cut(endpoint_t service, uint64_t object, uint64_t size)
{
    struct backing *b = file_find(service, object);
    if (!b)
        return;
    uint64_t first = size / PAGE_SIZE + (size % PAGE_SIZE != 0);
    backing_ref(b);
    b->epoch++; /* pages that are on their way here may be older than the cut */
    struct cluster part, *gone = clusters_cut(b, first, &part);
    cut_from_spaces(b, first);
    struct cluster *end = size % PAGE_SIZE ? backing_find(b, first - 1) : NULL;
    /* the last page may have lost its place on the disk: it is made ready anew */
    if (end) {
        space_each(release_shown, &(struct shown_pages){ b, first - 1, 1 });
        end->ready &= ~(1u << (first - 1) % CLUSTER);
    }
    cluster_return(&part, 0xffff);
    for (struct cluster *next; gone; gone = next) {
        next = gone->next;
        cluster_return(gone, 0xffff);
        cluster_free(gone);
    }
    memory_free(b->elf);
    b->elf = NULL;
    backing_unref(b);
    backing_settle();
}

/* ---- what is taken out by MADV_REMOVE ---- */

/* Takes pages [first, end) out of shared memory, for all who see it. May wait. */
static void shared_remove(struct backing *b, uint64_t first, uint64_t end)
{
    enum { CLUSTERS_AT_ONCE = 16 };
    uint64_t left = 0;
    for (const struct cluster *c = b->clusters; c; c = c->next)
        left++;
    for (struct cluster *c = b->clusters; c; c = c->next, left--) {
        uint64_t start = c->number * CLUSTER, from = MAX(first, start),
                 to = MIN(end, start + CLUSTER);
        if (from < to)
            space_each(release_shown, &(struct shown_pages){ b, from, to - from });
        for (; from < to; from++) {
            if (c->address[from - start])
                frame_put(c->address[from - start]);
            c->address[from - start] = 0;
        }
        GIVE_WAY_EVERY(CLUSTERS_AT_ONCE, 1, left);
    }
}

int64_t backing_remove(struct backing *b, uint64_t at, uint64_t bytes)
{
    enum { HOLE = FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE };
    if (!b->service) {
        shared_remove(b, at / PAGE_SIZE, (at + bytes) / PAGE_SIZE);
        return 0;
    }
    int64_t error = call_object(b->service, FS_ALLOCATE, b->object, HOLE, at, bytes);
    return error == -ENOSYS ? -EOPNOTSUPP : error;
}

/* ---- files that nobody uses ---- */

/* Frees an idle file, after giving its pages back. Returns how many. May wait. */
static uint64_t file_forget(struct backing *b)
{
    ring_leave(b);
    file_unhash(b);
    uint64_t n = file_drop_pages(b);
    backing_free(b);
    return n;
}

/* Makes a file without users idle, or frees it at once if there is nothing to keep. May wait. */
static void file_rest(struct backing *b)
{
    ring_enter(b);
    if (b->fleeting || (!b->clusters && !b->elf))
        file_forget(b);
    else if (idle_count > IDLE_MAX)
        file_forget(idle_ring.newer);
}

static unsigned settlers;

void backing_settle_soon(void)
{
    if (__builtin_expect(unsettled && !settlers, 0))
        backing_settle();
}

void backing_settle(void)
{
    settlers++;
    while (__builtin_expect(unsettled != NULL, 0)) {
        struct backing *b = unsettled;
        unsettled = b->queue_next;
        b->queued = false;
        backing_ref(b);
        /* a page may be mapped thousands of times; the message was a sign of life */
        if (flush_cluster(b))
            give_way(0);
        /* it is still used, but no space runs it any more: writers may open it again */
        if (b->users > 1 && b->denied && !b->runs && !b->queued) {
            b->denied = false;
            call_object(b->service, FS_HOLD, b->object, 1, 0, 0);
            call_object(b->service, FS_HOLD, b->object, -1ul, 1, 0);
        }
        if (b->users > 1 || b->queued) {
            b->users--;
            continue;
        }
        if (b->held) {
            bool denied = b->denied;
            b->held = b->denied = false;
            b->fleeting = call_object(b->service, FS_HOLD, b->object, -1ul, denied, 0) ==
                          FS_HOLD_BACK;
        }
        if (--b->users == 0 && b->held)
            backing_queue(b);
        else if (b->users == 0 && !b->queued)
            file_rest(b);
    }
    settlers--;
}

/* The file of a server (0: of any) that has been without users for longest; NULL: none is. */
static struct backing *oldest_idle(endpoint_t service)
{
    struct backing *b = idle_ring.newer;
    while (b != &idle_ring && service && b->service != service)
        b = b->newer;
    return b != &idle_ring ? b : NULL;
}

/* Gives back a cluster that is in use. Returns how many pages. May wait. */
static uint64_t evict(struct cluster *c)
{
    struct backing *b = c->backing;
    struct cluster **at = &b->clusters;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    backing_ref(b);
    uint64_t n = cluster_drop(c);
    backing_unref(b);
    return n;
}

uint64_t backing_give_back(endpoint_t service, uint64_t pages)
{
    uint64_t n = 0;
    for (struct backing *b; n < pages && (b = oldest_idle(service));)
        n += file_forget(b);
    for (struct cluster *c; n < pages && (c = evict_choose(service));)
        n += evict(c);
    backing_settle();
    return n;
}

void backing_limit(void)
{
    uint64_t room;
    if (backing_too_much(&room))
        backing_give_back(0, room);
}

struct space *space_pause(struct space *s, endpoint_t task, vaddr_t at, vaddr_t end)
{
    /* each step leaves fewer: pages that are there, tables without any, or regions */
    enum { PAGES_SHIFT = 8, TABLES_SHIFT = 28 };
    uint64_t id = s->id;
    backing_settle_soon(); /* else the next handler would have to do this one's work */
    s = space_of(task);
    if (!s || s->id != id)
        return NULL;
    give_way((s->usage->resident >> PAGES_SHIFT) + ((end - at) >> TABLES_SHIFT) +
             s->regions.count / REGIONS_AT_ONCE);
    s = space_of(task);
    return s && s->id == id ? s : NULL;
}
