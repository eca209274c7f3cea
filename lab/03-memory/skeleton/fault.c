/* Page faults (Tanenbaum, Modern Operating Systems, 3.6.2): which region, is it permitted, which
 * page.
 *
 *     do_fault
 *       region_for        the region; a stack grows
 *       bring             one of
 *         zero_region     private zeroes: all of them, so far
 *         fault_copy      a page that is shared until it is written
 *         shared_page     shared memory: the frame that all see (file_fault.c)
 *         file_page       a page of a file server's cache (file_fault.c)
 *
 * The kernel says whether the page was there, but another thread may have been quicker, and a
 * thrown-back call only says which range it wants. So what is mapped is asked of the kernel before
 * anything is changed: page_entry(). */
#include "fault.h"

#include "backing.h"
#include "file_fault.h"
#include "frames.h"
#include "handlers.h"
#include "space.h"

enum { FAULTS_AT_ONCE = 512 };

/* The region for an address. One that grows (the stack, MAP_GROWSDOWN) reaches down to it.
 * To do (R4): not always. */
static struct region *region_for(struct space *s, vaddr_t page)
{
    struct regions *rs = &s->regions;
    struct region *r = regions_find(rs, page);
    if (!r || r->start <= page)
        return r;
    const struct region *below = regions_prev(rs, r);
    if (!(r->flags & REGION_STACK) || page < ADDRESS_MIN || (below && page < below->end))
        return NULL;
    regions_extend(rs, r, page);
    space_account(s);
    return r;
}

/* ---- private zeroes ---- */

/* Brings a frame of zeroes, unless something is mapped there. 0, -ENOMEM. */
static int64_t zero_page(struct space *s, const struct region *r, vaddr_t page)
{
    if (page_entry(s, page))
        return 0;
    paddr_t frame = frame_for(s->task);
    if (!frame)
        return -ENOMEM;
    int64_t error = page_map(s, page, frame, r->protection | PAGE_OWNED, PAGE_MAP_ZERO);
    if (error)
        frame_put(frame);
    return error;
}

/* Brings all pages of a region. 0, -ENOMEM.
 * To do (R1, R5): only those that are wanted. */
static int64_t zero_region(struct space *s, const struct region *r)
{
    int64_t error = 0;
    for (vaddr_t page = r->start; page < r->end && !error; page += PAGE_SIZE)
        error = zero_page(s, r, page);
    return error;
}

void fault_new(struct space *s, vaddr_t start, vaddr_t end)
{
    const struct region *r = regions_at(&s->regions, start);
    (void)end;
    if (r && !r->backing && r->protection & PAGE_WRITE)
        zero_region(s, r);
}

/* ---- copy-on-write ---- */

/* To do (R8): it need not always be a copy. */
int64_t fault_copy(struct space *s, const struct region *r, vaddr_t page)
{
    paddr_t frame = frame_for(s->task);
    if (!frame)
        return -ENOMEM;
    int64_t error = page_map(s, page, frame, r->protection | PAGE_OWNED, PAGE_MAP_COPY);
    if (error)
        frame_put(frame);
    return error;
}

/* Copies what a child has in a range, since fork has made it shared and read-only, and makes the
 * parent's pages writable again. 0, -ENOMEM. */
static int64_t copy_range(struct space *parent, struct space *child, vaddr_t start, vaddr_t end)
{
    for (vaddr_t page = start; page < end; page += PAGE_SIZE) {
        const struct region *r = regions_at(&child->regions, page);
        if (!r) {
            const struct region *above = regions_find(&child->regions, page);
            if (!above)
                return 0;
            page = above->start - PAGE_SIZE;
            continue;
        }
        uint64_t entry = page_entry(child, page);
        if (!(entry & PAGE_OUT_OWNED))
            continue;
        if (fault_copy(child, r, page))
            return -ENOMEM;
        page_protect(parent, page, r->protection);
    }
    return 0;
}

/* To do (R6): a fork that copies nothing. */
int64_t fault_clone(struct space *parent, struct space *child, vaddr_t *start, vaddr_t end,
                    bool share, uint64_t most)
{
    struct page_clone c = {
        .from = parent->task, .to = child->task, .start = *start, .end = end, .share = share
    };
    uint64_t before = child->usage->resident;
    for (;;) {
        vaddr_t from = c.start;
        int64_t error = sys_pages_clone(&c);
        if (error < 0 && error != -ENOMEM)
            return error;
        child->usage->resident += c.cloned;
        if (!share && copy_range(parent, child, from, MIN(c.start, end)))
            return -ENOMEM;
        if (error == -ENOMEM && !frames_lend(parent->task))
            return -ENOMEM;
        *start = c.start;
        if (c.start >= end || child->usage->resident - before >= most)
            return 0;
    }
}

/* ---- one page, whatever it shows ---- */

/* Answers a fault; `entry` is what is mapped at the page, 0: nothing. 0, or an error. May wait. */
static int64_t bring(struct space *s, endpoint_t task, const struct region *r, vaddr_t page,
                     uint64_t access, uint64_t entry)
{
    bool writes = access & PM_FAULT_WRITE, shared = r->flags & REGION_SHARED,
         file = r->backing && r->backing->service;
    if (!entry) {
        if (r->flags & REGION_FIXED)
            return -EFAULT;
        if (!r->backing)
            return zero_region(s, r);
        return file ? file_page(task, page, access, false) : shared_page(s, r, page);
    }
    if (writes && !(entry & PAGE_OUT_WRITABLE) && !shared)
        return fault_copy(s, r, page);
    if (writes ? entry & PAGE_OUT_WRITABLE : !(access & PM_FAULT_EXEC) || entry & PAGE_OUT_EXEC)
        return 0; /* another thread's fault was the same */
    if (file && writes)
        return file_page(task, page, access, true);
    return page_protect(s, page, shared && !file ? r->protection : r->protection & ~PAGE_WRITE);
}

int64_t fault_remote(endpoint_t task, vaddr_t page, bool write, bool force)
{
    struct space *s = space_of(task);
    const struct region *r = s ? region_for(s, page) : NULL;
    if (!r)
        return -EFAULT;
    bool may = r->protection & (write ? PAGE_WRITE : PAGE_READ);
    if (write && r->flags & REGION_FIXED && !(r->protection & PAGE_EXEC))
        return -EFAULT; /* the clock page, which is the kernel's */
    if (!may && !(force && !(write && r->flags & REGION_SHARED)))
        return -EFAULT;
    return bring(s, task, r, page, write ? PM_FAULT_WRITE : 0, page_entry(s, page));
}

/* ---- ranges: what the kernel or a handler wants to copy ---- */

/* As fault_each(); *progress: a page came that was not there. */
static int64_t bring_range(endpoint_t task, vaddr_t start, vaddr_t end, uint64_t access,
                           bool *progress)
{
    unsigned n = 0;
    for (vaddr_t page = PAGE_DOWN(start); page < end; page += PAGE_SIZE) {
        if (++n % FAULTS_AT_ONCE == 0)
            give_way((end - page) / (FAULTS_AT_ONCE * PAGE_SIZE));
        struct space *s = space_of(task);
        struct region *r = s ? region_for(s, page) : NULL;
        if (!r || !fault_permitted(r, access))
            return -EFAULT;
        uint64_t entry = page_entry(s, page);
        int64_t error = bring(s, task, r, page, access, entry);
        if (error)
            return error;
        *progress |= !entry || (access & PM_FAULT_WRITE && !(entry & PAGE_OUT_WRITABLE));
    }
    return 0;
}

int64_t fault_each(endpoint_t task, vaddr_t start, vaddr_t end, uint64_t access)
{
    bool progress = false;
    return bring_range(task, start, end, access, &progress);
}

int64_t fault_range(endpoint_t task, vaddr_t start, vaddr_t end, uint64_t access)
{
    /* after some progress the call may get further when it is made again, and what lies further on
     * is asked for when it is reached */
    bool progress = false;
    int64_t error = bring_range(task, start, end, access, &progress);
    return progress ? 0 : error;
}

/* ---- the question of the kernel ---- */

/* To do (R3): tell what may not be done from where nothing is. */
int64_t do_fault(struct message *m)
{
    vaddr_t at = m->w[0], page = PAGE_DOWN(at);
    uint64_t access = m->w[1], length = m->w[2];
    if (!length)
        return 0;
    struct space *s = space_of(m->from);
    if (!s || at >= USER_TOP)
        return -EFAULT;
    s->usage->faults++;
    if (access & PM_FAULT_CALL)
        return fault_range(m->from, at, length > USER_TOP - at ? USER_TOP : at + length, access);
    struct region *r = region_for(s, page);
    if (!r || !fault_permitted(r, access))
        return -EFAULT;
    return bring(s, m->from, r, page, access, page_entry(s, page));
}
