/* What fault.c has to provide beside do_fault(), in a simple form: nothing is shared by fork. */
#include "fault.h"

#include "backing.h"
#include "file_fault.h"
#include "frames.h"
#include "handlers.h"
#include "space.h"

static inline int64_t zero_page(struct space *s, const struct region *r, vaddr_t page)
{
    paddr_t frame = page_entry(s, page) ? 0 : frame_for(s->task);
    if (frame && page_map(s, page, frame, r->protection | PAGE_OWNED, PAGE_MAP_ZERO))
        frame_put(frame);
    return 0;
}

static inline int64_t bring(endpoint_t task, vaddr_t page, uint64_t access)
{
    struct space *s = space_of(task);
    struct region *r = s ? regions_find(&s->regions, page) : NULL;
    if (!r || !fault_permitted(r, access))
        return -EFAULT;
    if (r->start > page && r->flags & REGION_STACK)
        regions_extend(&s->regions, r, page);
    uint64_t entry = page_entry(s, page);
    if (r->backing)
        return r->backing->service ? file_page(task, page, access, entry != 0)
                                   : shared_page(s, r, page);
    return entry && access & PM_FAULT_WRITE ? fault_copy(s, r, page) : zero_page(s, r, page);
}

int64_t fault_each(endpoint_t task, vaddr_t start, vaddr_t end, uint64_t access)
{
    int64_t error = 0;
    for (vaddr_t page = PAGE_DOWN(start); page < end && !error; page += PAGE_SIZE)
        error = bring(task, page, access);
    return error;
}

int64_t fault_range(endpoint_t task, vaddr_t start, vaddr_t end, uint64_t access)
{
    return fault_each(task, start, end, access);
}

int64_t fault_remote(endpoint_t task, vaddr_t page, bool write, bool force)
{
    (void)force;
    return bring(task, page, write ? PM_FAULT_WRITE : 0);
}

void fault_new(struct space *s, vaddr_t start, vaddr_t end)
{
    const struct region *r = regions_find(&s->regions, start);
    for (; r && !r->backing && start < end; start += PAGE_SIZE)
        zero_page(s, r, start);
}

int64_t fault_copy(struct space *s, const struct region *r, vaddr_t page)
{
    paddr_t frame = frame_for(s->task);
    return frame ? page_map(s, page, frame, r->protection | PAGE_OWNED, PAGE_MAP_COPY) : -ENOMEM;
}

int64_t fault_clone(struct space *parent, struct space *child, vaddr_t *start, vaddr_t end,
                    bool share, uint64_t most)
{
    (void)most;
    struct page_clone c = {
        .from = parent->task, .to = child->task, .start = *start, .end = end, .share = share
    };
    while (c.start < end && (sys_pages_clone(&c) == 0 || frames_lend(parent->task)))
        child->usage->resident += c.cloned;
    *start = c.start;
    return c.start < end ? -ENOMEM : 0;
}
