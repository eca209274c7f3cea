/* mprotect, madvise, msync and mincore, with the arguments, results and errors of Linux. */
#include "pm.h"

enum { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4, LIST = 64 };
enum { MADV_DONTNEED = 4, MADV_FREE = 8, MADV_REMOVE = 9, MADV_HWPOISON = 100, MADV_LAST = 25 };

/* The pages that are there get the protection too. In private regions they stay read-only: a write then faults, and
 * the fault knows whose page it is. */
static int64_t protect_pages(struct space *s, vaddr_t start, vaddr_t end, uint8_t protection)
{
    for (unsigned i = regions_find(&s->regions, start); i < s->regions.count && s->regions.array[i].start < end; i++) {
        const struct region *r = &s->regions.array[i];
        vaddr_t from = MAX(start, r->start), to = MIN(end, r->end);
        uint32_t p = r->flags & REGION_SHARED ? protection : protection & ~PAGE_WRITE;
        struct page_change c = { .address = from, .count = (to - from) / PAGE_SIZE, .task = s->task, .protection = p, .action = PAGE_PROTECT };
        int64_t error = pages_do(&c, 1);
        if (error < 0)
            return error;
    }
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
    if (end < start || end > USER_TOP || PAGE_UP(m->w[1]) < m->w[1])
        return -ENOMEM;
    if (start == end)
        return 0;
    if (!regions_covered(&s->regions, start, end) || regions_reserve_protection(&s->regions, start, end) < 0)
        return -ENOMEM;
    for (unsigned i = regions_find(&s->regions, start); i < s->regions.count && s->regions.array[i].start < end; i++) {
        const struct region *r = &s->regions.array[i];
        if (protection & ~r->allowed || (r->flags & REGION_FIXED && protection & PAGE_WRITE))
            return -EACCES;
    }
    int64_t error = protect_pages(s, start, end, protection);
    if (error)
        return error;
    regions_protect(&s->regions, start, end, protection);
    space_account(s);
    return 0;
}

/* ---- madvise ---- */

static void drop_pages(struct space *s, vaddr_t start, vaddr_t end)
{
    for (unsigned i = regions_find(&s->regions, start); i < s->regions.count && s->regions.array[i].start < end; i++) {
        const struct region *r = &s->regions.array[i];
        if (!(r->flags & REGION_FIXED))
            pages_release(s, MAX(start, r->start), MIN(end, r->end));
    }
}

int64_t do_madvise(struct message *m)
{
    vaddr_t start = m->w[0], end = start + PAGE_UP(m->w[1]);
    uint64_t advice = (uint32_t)m->w[2];
    struct space *s = space_of(m->from);
    if (!s)
        return -ESRCH;
    if (start % PAGE_SIZE || end < start || PAGE_UP(m->w[1]) < m->w[1] || advice > MADV_LAST || (advice > MADV_FREE && advice < MADV_REMOVE) || (advice > 4 && advice < 8))
        return -EINVAL;
    if (advice == MADV_DONTNEED)
        drop_pages(s, start, MIN(end, USER_TOP));
    if (start < end && (end > USER_TOP || !regions_covered(&s->regions, start, end)))
        return -ENOMEM;
    backing_settle();
    return 0;
}

/* ---- msync ---- */

/* A page that was written leaves all spaces and goes back to its server with a dirty mark; the next access brings it again. */
static void collect_dirty(struct space *s, const struct region *r, vaddr_t start, vaddr_t end)
{
    struct page_out out[LIST];
    int64_t n = LIST;
    while (n == LIST && start < end) {
        struct page_change c = { .address = start, .count = (end - start) / PAGE_SIZE, .source = (uint64_t)out, .task = s->task, .service = LIST, .action = PAGE_QUERY };
        n = kernel_call(SYS_PAGES, (uint64_t)&c, 1, 0, 0, 0, 0);
        for (int64_t i = 0; i < n; i++)
            if (out[i].entry & PAGE_OUT_DIRTY)
                backing_mark_dirty(r->backing, (r->offset + out[i].address - r->start) / PAGE_SIZE);
        if (n > 0)
            start = out[n - 1].address + PAGE_SIZE;
    }
}

static inline bool is_file(const struct region *r) { return r->backing && r->backing->service && r->flags & REGION_SHARED; }

int64_t do_msync(struct message *m)
{
    vaddr_t start = m->w[0], end = start + PAGE_UP(m->w[1]);
    uint64_t flags = m->w[2];
    struct space *s = space_of(m->from);
    if (!s)
        return -ESRCH;
    if (start % PAGE_SIZE || flags & ~(uint64_t)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || (flags & MS_ASYNC && flags & MS_SYNC))
        return -EINVAL;
    if (end < start || end > USER_TOP)
        return -ENOMEM;
    int64_t result = regions_covered(&s->regions, start, end) ? 0 : -ENOMEM;
    for (vaddr_t at = start; at < end;) {   /* each round looks anew: it may have waited */
        struct space *now = space_of(m->from);
        unsigned i = now ? regions_find(&now->regions, at) : 0;
        if (!now || i == now->regions.count || now->regions.array[i].start >= end)
            break;
        const struct region *r = &now->regions.array[i];
        vaddr_t from = MAX(at, r->start);
        at = MIN(end, r->end);
        if (!is_file(r))
            continue;
        struct backing *b = r->backing;
        backing_ref(b);
        collect_dirty(now, r, from, at);
        backing_settle();
        int64_t error = flags & MS_SYNC ? call_object(b->service, FS_SYNC, b->object, 0, 0, 0) : 0;
        if (error < 0 && !result)
            result = error;
        backing_unref(b);
    }
    backing_settle();
    return result;
}

/* ---- mincore ---- */

int64_t do_mincore(struct message *m)
{
    uint8_t vector[LIST];
    struct page_out out[LIST];
    vaddr_t start = m->w[0], end = start + PAGE_UP(m->w[1]), to = m->w[2];
    if (start % PAGE_SIZE)
        return -EINVAL;
    struct space *s = space_of(m->from);
    if (!s || end < start || end > USER_TOP || !regions_covered(&s->regions, start, end))
        return s ? -ENOMEM : -ESRCH;
    for (; start < end && s; start += LIST * PAGE_SIZE, to += LIST, s = space_of(m->from)) {
        unsigned pages = MIN((uint64_t)LIST, (end - start) / PAGE_SIZE);
        struct page_change c = { .address = start, .count = pages, .source = (uint64_t)out, .task = s->task, .service = LIST, .action = PAGE_QUERY };
        int64_t n = kernel_call(SYS_PAGES, (uint64_t)&c, 1, 0, 0, 0, 0);
        memset(vector, 0, sizeof vector);
        for (int64_t i = 0; i < n; i++)
            vector[(out[i].address - start) / PAGE_SIZE] = 1;
        if (kernel_ask(SYS_POKE, m->call, to, (uint64_t)vector, pages, 0, 0) >= 0)
            continue;
        if (to >= USER_TOP || to + pages > USER_TOP || fault_range(m->from, to, to + pages, PM_FAULT_WRITE) < 0)
            return -EFAULT;
        if (kernel_ask(SYS_POKE, m->call, to, (uint64_t)vector, pages, 0, 0) < 0)
            return -EFAULT;
    }
    return 0;
}
