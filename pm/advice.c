/* madvise, with the arguments, results and errors of Linux (madvise(2)): what a program says of
 * memory that it has.
 *
 *     DONTNEED, DONTNEED_LOCKED           its pages go
 *     REMOVE                              so does what the shared memory or file has there
 *     POPULATE_READ, POPULATE_WRITE       its pages come
 *     WIPEONFORK, DONTFORK, DONTDUMP,     flags of the regions
 *     and what ends each
 *     all others                          nothing: paging takes no advice here
 */
#include "backing.h"
#include "fault.h"
#include "handlers.h"
#include "space.h"

enum {
    MADV_DONTNEED = 4,
    MADV_FREE = 8,
    MADV_REMOVE,
    MADV_DONTFORK,
    MADV_DOFORK,
    MADV_DONTDUMP = 16,
    MADV_DODUMP,
    MADV_WIPEONFORK,
    MADV_KEEPONFORK,
    MADV_COLD,
    MADV_PAGEOUT,
    MADV_POPULATE_READ,
    MADV_POPULATE_WRITE,
    MADV_DONTNEED_LOCKED
};

static bool known(uint32_t advice)
{
    return advice <= MADV_DONTNEED || (advice >= MADV_FREE && advice <= MADV_DONTNEED_LOCKED);
}

/* Whether the advice means nothing for such a region. */
static bool senseless(uint32_t advice, const struct region *r)
{
    bool own = !r->backing && !(r->flags & REGION_SHARED);
    switch (advice) {
    case MADV_WIPEONFORK: return !own || r->flags & REGION_FIXED;
    case MADV_FREE: return !own || r->flags & (REGION_LOCKED | REGION_FIXED);
    case MADV_COLD:
    case MADV_PAGEOUT: return r->flags & (REGION_LOCKED | REGION_FIXED);
    case MADV_DONTFORK:
    case MADV_DONTDUMP: return r->flags & REGION_FIXED;
    default: return false;
    }
}

/* How far from `start` the advice makes sense: to `end`, or to a region for which it does not. */
static vaddr_t sensible(const struct regions *rs, vaddr_t start, vaddr_t end, uint32_t advice)
{
    for (const struct region *r = regions_find(rs, start); r && r->start < end;
         r = regions_next(rs, r))
        if (senseless(advice, r))
            return MAX(r->start, start);
    return end;
}

/* Gives the pages of a range back, as far as it is not locked, or `locked` or not. 0, -EINVAL, or
 * -ESRCH: the space has gone. May wait. */
static int64_t drop_pages(struct space *s, endpoint_t task, vaddr_t start, vaddr_t end, bool locked)
{
    uint64_t resident = s->usage->resident;
    for (unsigned n = 1; s && start < end; n++) {
        const struct region *r = regions_find(&s->regions, start);
        if (!r || r->start >= end)
            break;
        if (r->flags & REGION_LOCKED && !locked)
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

/* Takes out what shared memory and files have behind a range. 0; -EINVAL, -EACCES: it is not
 * shared, or not to be written, or locked; -ESRCH; or the error of the file's server. May wait. */
static int64_t remove(endpoint_t task, vaddr_t start, vaddr_t end)
{
    const struct space *s = space_of(task);
    uint64_t id = s->id;
    int64_t error = 0;
    while (!error && start < end && (s = space_of(task)) && s->id == id) {
        const struct region *r = regions_find(&s->regions, start);
        if (!r || r->start >= end)
            return 0;
        if (!r->backing || r->flags & REGION_LOCKED)
            return -EINVAL;
        if (!(r->flags & REGION_SHARED && r->protection & PAGE_WRITE))
            return -EACCES;
        struct backing *b = r->backing;
        vaddr_t from = MAX(start, r->start);
        uint64_t at = r->offset + from - r->start;
        start = MIN(end, r->end);
        backing_ref(b);
        error = backing_remove(b, at, start - from);
        backing_unref(b);
    }
    return error ? error : start < end ? -ESRCH : 0;
}

/* Brings the pages of a range, up to the first hole. 0; -ENOMEM: there is one, or no memory;
 * -EINVAL: the range does not allow what they are for; -EFAULT: a page cannot be there, as behind
 * the end of a file; -ESRCH. May wait. */
static int64_t populate(endpoint_t task, vaddr_t start, vaddr_t end, bool write)
{
    enum { AT_ONCE = 512 };
    while (start < end) {
        const struct space *s = space_of(task);
        const struct region *r = s ? regions_at(&s->regions, start) : NULL;
        if (!r)
            return s ? -ENOMEM : -ESRCH;
        if (!(r->protection & (write ? PAGE_WRITE : PAGE_READ)) || r->flags & REGION_FIXED)
            return -EINVAL;
        vaddr_t to = MIN(MIN(end, r->end), start + AT_ONCE * PAGE_SIZE);
        int64_t error = fault_each(task, start, to, write ? PM_FAULT_WRITE : 0);
        if (error)
            return error == -ENOMEM ? error : -EFAULT;
        start = to;
        if (start < end)
            give_way(STEPS((end - start) / PAGE_SIZE, AT_ONCE));
    }
    return 0;
}

/* Takes flags from what lies in a range and gives it others. 0; -EINVAL: the advice makes no sense
 * for all of it; -ENOMEM, -ESRCH. In steps; as on Linux, an error leaves what went before. May
 * wait. */
static int64_t mark(struct space *s, endpoint_t task, vaddr_t start, vaddr_t end, uint32_t advice,
                    uint16_t clear, uint16_t add)
{
    while (s && start < end) {
        struct regions *rs = &s->regions;
        vaddr_t step = regions_step(rs, start, end), at = sensible(rs, start, step, advice);
        if (regions_reserve_protection(rs, start, at) < 0)
            return -ENOMEM;
        regions_flag(rs, start, at, clear, add);
        if (at < step)
            return -EINVAL;
        start = at;
        s = start < end ? space_pause(s, task, start, end) : s;
    }
    return s ? 0 : -ESRCH;
}

/* Takes the advice for a range, as far as there is something in it. 0 or an error. May wait. */
static int64_t take(struct space *s, endpoint_t task, vaddr_t start, vaddr_t end, uint32_t advice)
{
    switch (advice) {
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
        return drop_pages(s, task, start, end, advice == MADV_DONTNEED_LOCKED);
    case MADV_REMOVE: return remove(task, start, end);
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE: return populate(task, start, end, advice == MADV_POPULATE_WRITE);
    case MADV_WIPEONFORK: return mark(s, task, start, end, advice, 0, REGION_WIPED);
    case MADV_KEEPONFORK: return mark(s, task, start, end, advice, REGION_WIPED, 0);
    case MADV_DONTFORK: return mark(s, task, start, end, advice, 0, REGION_NOT_FORKED);
    case MADV_DOFORK: return mark(s, task, start, end, advice, REGION_NOT_FORKED, 0);
    case MADV_DONTDUMP: return mark(s, task, start, end, advice, 0, REGION_NOT_DUMPED);
    case MADV_DODUMP: return mark(s, task, start, end, advice, REGION_NOT_DUMPED, 0);
    default: return sensible(&s->regions, start, end, advice) < end ? -EINVAL : 0;
    }
}

int64_t do_madvise(struct message *m)
{
    vaddr_t start = m->w[0], end = start + PAGE_UP(m->w[1]);
    uint32_t advice = m->w[2];
    struct space *s = space_of(m->from);
    if (!s)
        return -ESRCH;
    if (start % PAGE_SIZE || end < start || PAGE_UP(m->w[1]) < m->w[1] || !known(advice))
        return -EINVAL;
    if (start == end)
        return 0;
    int64_t error = start < USER_TOP ? take(s, m->from, start, MIN(end, USER_TOP), advice) : 0;
    if (!error && (s = space_of(m->from)) &&
        (end > USER_TOP || !regions_covered(&s->regions, start, end)))
        error = -ENOMEM;
    backing_settle();
    return error;
}
