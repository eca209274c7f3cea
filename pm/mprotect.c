/* mprotect, with the arguments, results and errors of Linux. */
#include "backing.h"
#include "handlers.h"
#include "space.h"

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
