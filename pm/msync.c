/* msync, sync and mincore, with the arguments, results and errors of Linux: which pages have been
 * written, and which are there; and files that become shorter. */
#include "backing.h"
#include "fault.h"
#include "handlers.h"
#include "space.h"

#include <minnow/range.h>

enum { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4, LIST = 64 };

/* ---- msync ---- */

/* Marks the pages of a range dirty that were written, one step of it. Returns where to go on.
 * backing_settle() then takes them out of all spaces and back to their server; the next access
 * brings them again. */
static vaddr_t collect_dirty(const struct space *s, const struct region *r, vaddr_t start,
                             vaddr_t end)
{
    struct page_out out[LIST];
    for (unsigned work = 0; start < end && work < STEP_PAGES; work += LIST) {
        struct page_change c = page_list(s, PAGE_QUERY, start, (end - start) / PAGE_SIZE, out,
                                         LIST);
        int64_t n = ask_pages(&c, 1);
        for (int64_t i = 0; i < n; i++)
            if (out[i].entry & PAGE_OUT_DIRTY)
                backing_mark_dirty(r->backing, (r->offset + out[i].address - r->start) / PAGE_SIZE);
        if (n <= 0 || (n < LIST && out[n - 1].entry))
            return end;
        start = out[n - 1].address + PAGE_SIZE;
    }
    return start;
}

static inline bool is_file(const struct region *r)
{
    return r->backing && r->backing->service && r->flags & REGION_SHARED;
}

/* What is collected: all files (service 0), all files of a service (`all`), one file, or those that
 * have its number in `collection` (marked). work: lists of pages, or regions, that were looked at
 * since others were let in. */
struct collection {
    endpoint_t service;
    uint64_t object;
    bool all, marked;
    uint64_t number;
    unsigned work;
};

static uint64_t collections;

static bool is_wanted(const struct collection *c, const struct region *r)
{
    const struct backing *b = r->backing;
    if (!is_file(r))
        return false;
    if (c->marked) /* a later collection may have marked it as well */
        return b->collection >= c->number;
    return !c->service || (b->service == c->service && (c->all || b->object == c->object));
}

/* Lets others in now and then, as there may be many spaces, each with many regions: whether. */
static bool collection_pause(struct collection *c, unsigned work)
{
    if ((c->work += work) < REGIONS_AT_ONCE)
        return false;
    c->work = 0;
    give_way(1);
    return true;
}

/* Marks those pages dirty that a space has written. May wait. */
static void collect_from_space(struct collection *c, const struct space *s)
{
    uint64_t id = s->id;
    const struct region *r;
    vaddr_t at = 0;
    while (s && (r = regions_find(&s->regions, at))) {
        vaddr_t from = MAX(at, r->start), end = r->end;
        bool wanted = is_wanted(c, r);
        at = wanted ? collect_dirty(s, r, from, end) : end;
        if (collection_pause(c, wanted ? (at - from) / PAGE_SIZE / LIST + 1 : 1))
            s = space_with(id);
    }
}

/* Likewise in all spaces; and gives the pages back, until their servers have them. May wait. */
static void collect(struct collection c)
{
    uint64_t walk = ++collections;
    const struct space *s;
    for (unsigned i = 0; (s = space_unvisited(&i, walk));)
        collect_from_space(&c, s);
    backing_settle();
    backing_arrive();
}

/* MS_SYNC: marks the files of a range of s, and collects what anybody has written to them: as on
 * Linux that goes to the disk with the caller's. May wait. */
static void collect_range(const struct space *s, vaddr_t start, vaddr_t end)
{
    uint64_t number = ++collections;
    for (const struct region *r = regions_find(&s->regions, start); r && r->start < end;
         r = regions_next(&s->regions, r))
        if (is_file(r))
            r->backing->collection = number;
    collect((struct collection){ .marked = true, .number = number });
}

int64_t do_msync(struct message *m)
{
    vaddr_t start = m->w[0], end = start + PAGE_UP(m->w[1]);
    uint64_t flags = m->w[2];
    struct space *s = space_of(m->from);
    if (!s)
        return -ESRCH;
    if (start % PAGE_SIZE || flags & ~(uint64_t)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
        (flags & MS_ASYNC && flags & MS_SYNC))
        return -EINVAL;
    if (end < start)
        return -ENOMEM;
    int64_t result = regions_covered(&s->regions, start, end) ? 0 : -ENOMEM;
    if (flags & MS_SYNC)
        collect_range(s, start, end);
    unsigned n = 1;
    for (vaddr_t at = start; at < end; n++) { /* each round looks anew: the last may have waited */
        if (n % REGIONS_AT_ONCE == 0)
            give_way((end - at) / PAGE_SIZE / REGIONS_AT_ONCE);
        struct space *now = space_of(m->from);
        const struct region *r = now ? regions_find(&now->regions, at) : NULL;
        if (!r || r->start >= end)
            break;
        vaddr_t from = MAX(at, r->start), to = MIN(end, r->end);
        at = to;
        if (flags & MS_INVALIDATE && r->flags & REGION_LOCKED) {
            result = -EBUSY;
            break;
        }
        if (!is_file(r))
            continue;
        struct backing *b = r->backing;
        backing_ref(b);
        if (!(flags & MS_SYNC))
            at = collect_dirty(now, r, from, to);
        if (at < to)
            give_way((end - at) / PAGE_SIZE / STEP_PAGES);
        backing_settle();
        int64_t error = flags & MS_SYNC ? backing_sync(b) : 0;
        if (error < 0 && !result)
            result = error;
        backing_unref(b);
    }
    backing_settle();
    return result;
}

/* ---- fsync and sync: what was written through mappings goes to the disk with the rest ---- */

int64_t do_collect(struct message *m)
{
    endpoint_t service = m->w[0];
    if (service >= MAX_SERVICE)
        return -EINVAL;
    collect((struct collection){
        .service = service, .object = m->object, .all = m->w[1] & FS_SYNC_ALL });
    m->op = FS_SYNC;
    m->w[0] = 0;
    m->w[1] |= FS_SYNC_COLLECTED;
    return forward(m, service) == 0 ? LATER : -EIO;
}

int64_t do_sync(struct message *m)
{
    collect((struct collection){ .all = true });
    m->op = VFS_SYNC;
    return forward(m, service_find("vfs")) == 0 ? LATER : -EIO;
}

/* ---- ftruncate, as file servers tell of it ---- */

int64_t do_shrunk(struct message *m)
{
    uint64_t op = m->w[5];
    endpoint_t service = m->w[0];
    backing_cut(service, m->object, m->position);
    if (op != FS_OPEN)
        return m->w[4];
    m->op = op;
    m->w[0] = 0;
    m->w[1] &= ~(uint64_t)O_TRUNC;
    return service < MAX_SERVICE && forward(m, service) == 0 ? LATER : -EIO;
}

/* ---- mincore ---- */

/* pages that are told about at once */
enum { VECTOR = 4096 };

/* Fills a vector for so many pages from `start` on: 1 for each that is mapped. */
static void look_at_pages(struct space *s, vaddr_t start, unsigned pages, uint8_t *vector)
{
    struct page_out out[LIST];
    vaddr_t end = start + pages * PAGE_SIZE;
    memset(vector, 0, pages);
    for (vaddr_t at = start; at < end;) {
        struct page_change c = page_list(s, PAGE_QUERY, at, (end - at) / PAGE_SIZE, out, LIST);
        int64_t n = ask_pages(&c, 1);
        for (int64_t i = 0; i < n; i++)
            vector[(out[i].address - start) / PAGE_SIZE] = out[i].entry != 0;
        if (n <= 0 || (n < LIST && out[n - 1].entry))
            return;
        at = out[n - 1].address + PAGE_SIZE;
    }
}

/* Writes a vector to the caller's memory, and brings its pages. 0, -EFAULT. May wait. */
static int64_t tell(struct message *m, vaddr_t to, const uint8_t *vector, unsigned pages)
{
    if (ask_poke(m->call, to, vector, pages) >= 0)
        return 0;
    if (!range_within(to, pages, USER_TOP) ||
        fault_range(m->from, to, to + pages, PM_FAULT_WRITE) < 0)
        return -EFAULT;
    return ask_poke(m->call, to, vector, pages) < 0 ? -EFAULT : 0;
}

/* As on Linux the vector is filled as far as the first hole, which is -ENOMEM. May wait. */
static int64_t mincore_range(struct message *m, vaddr_t start, vaddr_t end, vaddr_t to)
{
    enum { VECTORS_AT_ONCE = 64 };
    uint8_t *vector = memory_alloc(VECTOR);
    int64_t error = vector ? 0 : -ENOMEM;
    for (unsigned n = 1; start < end && !error; n++) {
        struct space *s = space_of(m->from);
        unsigned pages = MIN((uint64_t)VECTOR, (end - start) / PAGE_SIZE);
        if (!s || (n % VECTORS_AT_ONCE == 0 && !call_alive(m->call)))
            break;
        pages = (regions_hole(&s->regions, start, start + pages * PAGE_SIZE) - start) / PAGE_SIZE;
        look_at_pages(s, start, pages, vector);
        error = pages ? tell(m, to, vector, pages) : -ENOMEM;
        start += pages * PAGE_SIZE;
        to += pages;
        if (n % VECTORS_AT_ONCE == 0)
            give_way((end - start) / PAGE_SIZE / VECTOR / VECTORS_AT_ONCE);
    }
    memory_free(vector);
    return error;
}

/* The range may be much larger than all memory. Long ranges are done one call after the other, so
 * that they keep one thread of PM busy and not all. */
int64_t do_mincore(struct message *m)
{
    static struct pending_list waiting;
    static bool busy;
    vaddr_t start = m->w[0], end = start + PAGE_UP(m->w[1]);
    struct space *s = space_of(m->from);
    if (start % PAGE_SIZE)
        return -EINVAL;
    if (!s || end < start || end > USER_TOP)
        return s ? -ENOMEM : -ESRCH;
    if ((end - start) / PAGE_SIZE <= VECTOR)
        return mincore_range(m, start, end, m->w[2]);
    if (busy)
        return pending_add(&waiting, m) ? LATER : -EAGAIN;
    busy = true;
    reply(m->call, mincore_range(m, start, end, m->w[2]));
    while (waiting.first) {
        struct message next = waiting.first->m;
        pending_remove(&waiting, waiting.first);
        reply(next.call,
              mincore_range(&next, next.w[0], next.w[0] + PAGE_UP(next.w[1]), next.w[2]));
    }
    busy = false;
    return LATER;
}
