/* mprotect, madvise, msync and mincore, with the arguments, results and errors of Linux. */
#include "backing.h"
#include "fault.h"
#include "handlers.h"
#include "space.h"

#include <minnow/range.h>

enum { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4, LIST = 64 };
enum {
    MADV_DONTNEED = 4,
    MADV_FREE = 8,
    MADV_REMOVE = 9,
    MADV_WIPEONFORK = 18,
    MADV_KEEPONFORK = 19,
    MADV_HWPOISON = 100,
    MADV_LAST = 25
};

/* Gives the pages that are mapped in a range the protection, one step of them. Returns where to go
 * on, or an error. In private regions and those of files the pages stay read-only: a write then
 * faults, and the fault knows whose page it is. */
static int64_t protect_pages(struct space *s, vaddr_t start, vaddr_t end, uint8_t protection)
{
    uint64_t work = 0;
    for (const struct region *r = regions_find(&s->regions, start); r && r->start < end;
         r = regions_next(&s->regions, r)) {
        vaddr_t from = MAX(start, r->start), to = MIN(end, r->end);
        bool file = r->backing && r->backing->service;
        uint32_t p = r->flags & REGION_SHARED && !file ? protection : protection & ~PAGE_WRITE;
        struct page_change c = { .address = from,
                                 .count = (to - from) / PAGE_SIZE,
                                 .task = s->task,
                                 .places = STEP_PAGES,
                                 .protection = p,
                                 .action = PAGE_PROTECT };
        int64_t pages = pages_do(&c, 1);
        if (pages < 0)
            return pages;
        work += pages + STEP_PAGES / REGIONS_AT_ONCE;
        if ((uint64_t)pages < c.count || work >= STEP_PAGES)
            return from + pages * PAGE_SIZE;
    }
    return end;
}

/* How far from `start` the protection may be given: to `end`, or to where a hole begins (*error
 * becomes -ENOMEM) or a region that refuses it (-EACCES). */
static vaddr_t may_protect(const struct space *s, vaddr_t start, vaddr_t end, uint8_t protection,
                           int64_t *error)
{
    const struct region *r = regions_find(&s->regions, start);
    for (; start < end; r = regions_next(&s->regions, r)) {
        bool there = r && r->start <= start;
        if (!there || protection & ~r->allowed ||
            (r->flags & REGION_FIXED && protection & PAGE_WRITE)) {
            *error = there ? -EACCES : -ENOMEM;
            return start;
        }
        start = r->end;
    }
    return end;
}

/* One step of mprotect: checks, pages, regions. Returns where to go on, or an error; what stands
 * before the cause of one has been changed, as on Linux. */
static int64_t protect_some(struct space *s, vaddr_t start, vaddr_t end, uint8_t protection)
{
    int64_t error = 0;
    end = may_protect(s, start, regions_step(&s->regions, start, end), protection, &error);
    if (start == end)
        return error;
    if (regions_reserve_protection(&s->regions, start, end) < 0)
        return -ENOMEM;
    int64_t at = protect_pages(s, start, end, protection);
    if (at > 0 && (uint64_t)at < end && regions_reserve_protection(&s->regions, start, at) < 0)
        return -ENOMEM;
    if (at > (int64_t)start)
        regions_protect(&s->regions, start, at, protection);
    return at;
}

/* Checks the third word of mprotect. PROT_GROWSDOWN moves *start to the beginning of a region that
 * grows down. 0 or an error. */
static int from_start(const struct space *s, uint64_t wanted, vaddr_t *start, vaddr_t end)
{
    enum {
        PROT_SEM = 8,
        PROT_GROWSDOWN = 0x1000000,
        PROT_GROWSUP = 0x2000000,
        PROT_GROWS = PROT_GROWSDOWN | PROT_GROWSUP
    };
    if ((wanted & PROT_GROWS) == PROT_GROWS ||
        wanted & ~(uint64_t)(PAGE_ALL | PROT_SEM | PROT_GROWS))
        return -EINVAL;
    const struct region *r = regions_find(&s->regions, *start);
    if (!(wanted & PROT_GROWS) || *start == end)
        return 0;
    if (!r || r->start >= end)
        return -ENOMEM;
    if (wanted & PROT_GROWSUP || !(r->flags & REGION_STACK))
        return -EINVAL;
    *start = r->start;
    return 0;
}

int64_t do_mprotect(struct message *m)
{
    vaddr_t start = m->w[0], end = start + PAGE_UP(m->w[1]);
    uint8_t protection = region_protection(m->w[2]);
    struct space *s = space_of(m->from);
    if (!s)
        return -ESRCH;
    if (start % PAGE_SIZE)
        return -EINVAL;
    if (end < start || PAGE_UP(m->w[1]) < m->w[1])
        return -ENOMEM;
    int64_t error = from_start(s, m->w[2], &start, end);
    while (s && start < end && !error) {
        int64_t at = protect_some(s, start, end, protection);
        error = MIN(at, 0l);
        start = at;
        if (!error && start < end)
            s = space_pause(s, m->from, start, end);
    }
    if (s)
        space_account(s);
    return error;
}

/* ---- madvise ---- */

/* MADV_DONTNEED: gives the pages of a range back, as far as it is not locked. 0, -EINVAL, or
 * -ESRCH: the space has gone. May wait. */
static int64_t drop_pages(struct space *s, endpoint_t task, vaddr_t start, vaddr_t end)
{
    uint64_t resident = s->usage->resident;
    for (unsigned n = 1; s && start < end; n++) {
        const struct region *r = regions_find(&s->regions, start);
        if (!r || r->start >= end)
            break;
        if (r->flags & REGION_LOCKED)
            return -EINVAL;
        vaddr_t to = MIN(end, r->end);
        start = r->flags & REGION_FIXED ? to : pages_release(s, MAX(start, r->start), to);
        if (start == to && n % REGIONS_AT_ONCE && resident - s->usage->resident < STEP_PAGES)
            continue;
        resident = s->usage->resident;
        s = space_pause(s, task, start, end);
    }
    return s ? 0 : -ESRCH;
}

/* How far from `start` a range can be wiped in a child: to `end`, or to what is not private memory.
 */
static vaddr_t may_wipe(const struct regions *rs, vaddr_t start, vaddr_t end)
{
    for (const struct region *r = regions_find(rs, start); r && r->start < end;
         r = regions_next(rs, r))
        if (r->backing || r->flags & (REGION_SHARED | REGION_FIXED))
            return MAX(r->start, start);
    return end;
}

/* Decides what a child of fork gets of the range: zeroes (wipe), or what is there. 0, -EINVAL for
 * what is not private memory, -ENOMEM, -ESRCH. In steps; as on Linux, an error leaves what went
 * before. May wait. */
static int64_t wipe_on_fork(struct space *s, endpoint_t task, vaddr_t start, vaddr_t end, bool wipe)
{
    while (s && start < end) {
        struct regions *rs = &s->regions;
        vaddr_t step = regions_step(rs, start, end), at = wipe ? may_wipe(rs, start, step) : step;
        if (regions_reserve_protection(rs, start, at) < 0)
            return -ENOMEM;
        regions_flag(rs, start, at, REGION_WIPED, wipe ? REGION_WIPED : 0);
        if (at < step)
            return -EINVAL;
        start = at;
        s = start < end ? space_pause(s, task, start, end) : s;
    }
    return s ? 0 : -ESRCH;
}

int64_t do_madvise(struct message *m)
{
    vaddr_t start = m->w[0], end = start + PAGE_UP(m->w[1]);
    uint64_t advice = (uint32_t)m->w[2];
    struct space *s = space_of(m->from);
    if (!s)
        return -ESRCH;
    if (start % PAGE_SIZE || end < start || PAGE_UP(m->w[1]) < m->w[1] || advice > MADV_LAST ||
        (advice > MADV_FREE && advice < MADV_REMOVE) || (advice > 4 && advice < 8))
        return -EINVAL;
    int64_t error = 0;
    if (advice == MADV_DONTNEED)
        error = drop_pages(s, m->from, start, MIN(end, USER_TOP));
    if (advice == MADV_WIPEONFORK || advice == MADV_KEEPONFORK)
        error = wipe_on_fork(s, m->from, start, MIN(end, USER_TOP), advice == MADV_WIPEONFORK);
    if (error)
        return error;
    s = space_of(m->from);
    if (s && start < end && (end > USER_TOP || !regions_covered(&s->regions, start, end)))
        return -ENOMEM;
    backing_settle();
    return 0;
}

/* ---- msync ---- */

/* Marks the pages of a range dirty that were written, one step of it. Returns where to go on.
 * backing_settle() then takes them out of all spaces and back to their server; the next access
 * brings them again. */
static vaddr_t collect_dirty(struct space *s, const struct region *r, vaddr_t start, vaddr_t end)
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
        at = collect_dirty(now, r, from, to);
        if (at < to)
            give_way((end - at) / PAGE_SIZE / STEP_PAGES);
        backing_settle();
        int64_t error = flags & MS_SYNC && at == to ? backing_sync(b) : 0;
        if (error < 0 && !result)
            result = error;
        backing_unref(b);
    }
    backing_settle();
    return result;
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
