/* Page faults (Tanenbaum, Modern Operating Systems, 3.6.2): which region, is it permitted, which
 * page.
 *
 *     do_fault
 *       region_for        the region; a stack grows
 *       zero_run          private zeroes: the page, and what a sequence goes on to
 *       bring             one of
 *         zero_page       private zeroes
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

/* SMALL: pages of a new mapping that come at once. RUN_MOST: pages that one fault brings. */
enum { FAULTS_AT_ONCE = 512, RUN_MOST = 16, SMALL = 8 };

/* The region for an address. One that grows (the stack, MAP_GROWSDOWN) reaches down to it if it
 * may: not nearer than STACK_GUARD to what can be touched below, unless that grows as well, and not
 * beyond the limit for stacks (Linux, expand_downwards). */
static struct region *region_for(struct space *s, vaddr_t page)
{
    struct regions *rs = &s->regions;
    struct region *r = regions_find(rs, page);
    if (!r || r->start <= page)
        return r;
    uint64_t more = r->start - page;
    if (!(r->flags & REGION_STACK) || r->end - page > s->limit[PM_LIMIT_STACK] ||
        !space_allows(s, more, false) || (r->flags & REGION_LOCKED && !space_may_lock(s, more)))
        return NULL;
    const struct region *below = regions_prev(rs, r);
    if (page < ADDRESS_MIN || (below && below->protection && !(below->flags & REGION_STACK) &&
                               page - below->end < STACK_GUARD))
        return NULL;
    regions_extend(rs, r, page);
    space_account(s);
    return r;
}

/* ---- private zeroes ---- */

/* Whether there is memory for pages that nobody has touched yet. */
static bool plentiful(void) { return frames_unused() >= frames_total() / 8; }

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

/* Brings the page that a program has touched, and, if it goes on where a sequence of pages has been
 * brought, upwards or downwards, as many again as that had: a program that has touched so much
 * memory in sequence mostly goes on so. Only the page itself must come. 0, -ENOMEM. */
static int64_t zero_run(struct space *s, const struct region *r, vaddr_t page)
{
    bool up = page == s->run.end, down = page + PAGE_SIZE == s->run.start;
    if (!(up || down) || !plentiful())
        s->run.pages = 0;
    uint64_t room = (down ? page + PAGE_SIZE - r->start : r->end - page) / PAGE_SIZE,
             count = MIN(MIN(MAX(s->run.pages, 1ul), (uint64_t)RUN_MOST), room);
    int64_t error = zero_page(s, r, page);
    for (uint64_t i = 1; i < count && !error; i++)
        zero_page(s, r, down ? page - i * PAGE_SIZE : page + i * PAGE_SIZE);
    s->run.pages += count;
    s->run.start = down ? page - (count - 1) * PAGE_SIZE : page;
    s->run.end = s->run.start + count * PAGE_SIZE;
    return error;
}

void fault_new(struct space *s, vaddr_t start, vaddr_t end)
{
    const struct region *r = regions_at(&s->regions, start);
    if (!r || r->backing || !(r->protection & PAGE_WRITE) || !plentiful() ||
        (end - start) / PAGE_SIZE > SMALL)
        return;
    for (vaddr_t page = start; page < end; page += PAGE_SIZE)
        zero_page(s, r, page);
}

/* ---- copy-on-write ---- */

int64_t fault_copy(struct space *s, const struct region *r, vaddr_t page)
{
    uint64_t entry = page_entry(s, page);
    if (!entry || entry & PAGE_OUT_WRITABLE)
        return 0; /* it has changed since: the program touches it again */
    if (entry & PAGE_OUT_OWNED && entry & PAGE_OUT_ALONE)
        return page_protect(s, page, r->protection);
    paddr_t frame = frame_for(s->task);
    if (!frame)
        return -ENOMEM;
    int64_t error = page_map(s, page, frame, r->protection | PAGE_OWNED, PAGE_MAP_COPY);
    if (error)
        frame_put(frame);
    return error;
}

int64_t fault_clone(struct space *parent, struct space *child, vaddr_t *start, vaddr_t end,
                    bool share, uint64_t most)
{
    struct page_clone c = {
        .from = parent->task, .to = child->task, .start = *start, .end = end, .share = share
    };
    uint64_t before = child->usage->resident;
    for (;;) {
        int64_t error = sys_pages_clone(&c);
        if (error < 0 && error != -ENOMEM)
            return error;
        child->usage->resident += c.cloned;
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
            return zero_page(s, r, page);
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
        if (!r)
            return -EFAULT;
        if (!fault_permitted(r, access))
            return -EACCES;
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
    if (!r)
        return -EFAULT;
    if (!fault_permitted(r, access))
        return -EACCES;
    if (!r->backing && !(r->flags & REGION_FIXED) && !(access & PM_FAULT_PRESENT))
        return zero_run(s, r, page);
    return bring(s, m->from, r, page, access, page_entry(s, page));
}
