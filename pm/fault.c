/* Page faults (Tanenbaum, Modern Operating Systems, 3.6.2): which region, is it permitted, which
 * page.
 *
 *     do_fault
 *       region_for        the region; a stack grows
 *       bring             one of
 *         zero_pages      private zeroes: frames
 *         fault_copy      a page that is shared until it is written
 *         shared_page     shared memory: the frame that all see (file_fault.c)
 *         file_page       a page of a file server's cache (file_fault.c)
 *
 * The kernel says whether the page was there, but another thread may have been quicker, even one
 * that has ended since (space.shared), and a thrown-back call only says which range it wants: then
 * the page table is asked first. Private zeroes and copies need no question: PAGE_FILL_ZERO and
 * PAGE_FILL_COPY leave a page alone that is not as the fault says, and the program faults anew. */
#include "fault.h"

#include "backing.h"
#include "file_fault.h"
#include "frames.h"
#include "handlers.h"
#include "space.h"

enum { FAULTS_AT_ONCE = 512, RUN_MOST = PAGES_FILL_MAX, SMALL = 8 };

/* The region for an address. One that grows (the stack, MAP_GROWSDOWN) reaches down to it if it
 * may: not nearer than STACK_GUARD to what can be touched below, unless that grows as well, and not
 * beyond the limit for stacks (Linux, expand_downwards). */
static struct region *region_for(struct space *s, vaddr_t page)
{
    struct regions *rs = &s->regions;
    struct region *r = regions_find(rs, page);
    if (__builtin_expect(!r, 0))
        return NULL;
    if (__builtin_expect(r->start <= page, 1))
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

/* Private pages that are brought together, `count` from `start` on. */
struct run {
    vaddr_t start;
    uint64_t count;
};

/* Whether there is memory for pages that nobody has touched yet. */
static bool plentiful(void) { return frames_unused() >= frames_total() / 8; }

/* What is brought for a fault at `page` of a private region: the page; but if it lies next to pages
 * that were brought in sequence, upwards or downwards, as many again, since a program that has
 * touched so much memory in sequence mostly goes on so. The page alone when memory is scarce. */
static struct run run_at(struct space *s, const struct region *r, vaddr_t page)
{
    /* what a file shows is copied where it is touched and nowhere else: never as a run's lowest */
    bool up = page == s->run.end, down = page + PAGE_SIZE == s->run.start && !r->backing;
    if (!(up || down) || !plentiful())
        s->run.pages = 0;
    uint64_t room = (down ? page + PAGE_SIZE - r->start : r->end - page) / PAGE_SIZE,
             count = MIN(MIN(MAX(s->run.pages, 1ul), (uint64_t)RUN_MOST), room);
    struct run run = { down ? page - (count - 1) * PAGE_SIZE : page, count };
    s->run.pages += count;
    s->run.start = run.start;
    s->run.end = run.start + count * PAGE_SIZE;
    return run;
}

/* One call to the kernel that fills pages (PAGE_FILL_ZERO, PAGE_FILL_COPY) with frames, which are
 * offered for the first `offered` of them; the other places of frames[] are 0. Returns how many it
 * has filled, or -ENOMEM if there was no memory for any that needed some. run->count becomes how
 * many it has looked at: fewer, when there are fewer frames. */
static int64_t fill(struct space *s, const struct region *r, struct run *run, unsigned offered,
                    unsigned action, paddr_t *frames)
{
    unsigned n = 0;
    while (n < offered && (frames[n] = frame_for(s->task)))
        n++;
    if (n < offered)
        run->count = MAX(n, 1u);
    struct page_change c = { .address = run->start,
                             .count = run->count,
                             .source = (uint64_t)frames,
                             .task = s->task,
                             .protection = r->protection,
                             .action = action };
    int64_t filled = pages_do(&c, 1);
    uint64_t entry = n || filled ? 0 : page_entry(s, run->start);
    if (!n && !filled &&
        (action == PAGE_FILL_ZERO ? !entry : entry && !(entry & PAGE_OUT_WRITABLE)))
        return -ENOMEM;
    if (filled < n || action == PAGE_FILL_COPY)
        for (unsigned i = n; i-- > 0;)
            if (frames[i])
                frame_put(frames[i]);
    return filled;
}

/* Brings frames of zeroes where nothing is mapped. Returns how many, or -ENOMEM. */
static int64_t zero_pages(struct space *s, const struct region *r, struct run *run)
{
    paddr_t frames[PAGES_FILL_MAX];
    int64_t n = fill(s, r, run, run->count, PAGE_FILL_ZERO, frames);
    s->usage->resident += MAX(n, 0l);
    return n;
}

static int64_t zero_page(struct space *s, const struct region *r, vaddr_t page)
{
    paddr_t frame;
    int64_t n = fill(s, r, &(struct run){ page, 1 }, 1, PAGE_FILL_ZERO, &frame);
    s->usage->resident += n > 0;
    return n;
}

void fault_new(struct space *s, vaddr_t start, vaddr_t end)
{
    const struct region *r = regions_at(&s->regions, start);
    struct run run = { start, (end - start) / PAGE_SIZE };
    if (run.count <= SMALL && r && !r->backing && r->protection & PAGE_WRITE && plentiful())
        zero_pages(s, r, &run);
}

/* ---- copy-on-write ---- */

/* Answers a write to a page that is mapped read-only in a private, writable region, and likewise
 * what follows it in a run. If the frame has no other user the page becomes writable, else the
 * space gets a copy. Returns how many pages it has made writable, or -ENOMEM. */
static int64_t copy_pages(struct space *s, const struct region *r, struct run *run)
{
    paddr_t frames[PAGES_FILL_MAX];
    return fill(s, r, run, run->count, PAGE_FILL_COPY, frames);
}

/* Of the pages above it the ones that need no copy become writable with it: after the end of a
 * child, all of its parent's. */
int64_t fault_copy(struct space *s, const struct region *r, vaddr_t page)
{
    enum { ABOVE = 16 };
    paddr_t frames[ABOVE] = { 0 };
    struct run run = { page, MIN((r->end - page) / PAGE_SIZE, (uint64_t)ABOVE) };
    return MIN(fill(s, r, &run, 1, PAGE_FILL_COPY, frames), 0l);
}

/* Brings private pages of zeroes, and for `writes` makes writable what is mapped read-only. Returns
 * how many it has changed, or -ENOMEM; run->count as fill(). */
static int64_t own_pages(struct space *s, const struct region *r, struct run *run, bool writes)
{
    int64_t n = zero_pages(s, r, run);
    if (n == (int64_t)run->count || !writes)
        return n;
    int64_t copied = copy_pages(s, r, run);
    return n > 0 && copied > 0 ? n + copied : MAX(n, copied) > 0 ? MAX(n, copied) : MIN(n, copied);
}

/* ---- fork: pages become shared until they are written ---- */

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

/* ---- faults ---- */

/* Answers a fault; `entry` is what is mapped at the page, 0: nothing. 0, or an error. May wait. */
static int64_t bring(struct space *s, endpoint_t task, const struct region *r, vaddr_t page,
                     uint64_t access, uint64_t entry)
{
    if (entry) {
        if (access & PM_FAULT_WRITE && !(entry & PAGE_OUT_WRITABLE) && !(r->flags & REGION_SHARED))
            return fault_copy(s, r, page);
        if (access & PM_FAULT_WRITE ? entry & PAGE_OUT_WRITABLE
                                    : !(access & PM_FAULT_EXEC) || entry & PAGE_OUT_EXEC)
            return 0; /* another thread's fault was the same */
        bool file = r->backing && r->backing->service;
        if (file && access & PM_FAULT_WRITE)
            return file_page(task, page, access, true);
        return page_protect(s, page,
                            r->flags & REGION_SHARED && !file ? r->protection
                                                              : r->protection & ~PAGE_WRITE);
    }
    if (r->flags & REGION_FIXED)
        return -EFAULT;
    if (!r->backing)
        return MIN(zero_page(s, r, page), 0l);
    return r->backing->service ? file_page(task, page, access, false) : shared_page(s, r, page);
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

/* As fault_each(); *progress: a page came that was not there. */
static int64_t bring_range(endpoint_t task, vaddr_t start, vaddr_t end, uint64_t access,
                           bool *progress)
{
    vaddr_t pause = PAGE_DOWN(start) + FAULTS_AT_ONCE * PAGE_SIZE;
    for (vaddr_t page = PAGE_DOWN(start); page < end; page += PAGE_SIZE) {
        if (page >= pause) {
            give_way((end - page) / (FAULTS_AT_ONCE * PAGE_SIZE));
            pause = page + FAULTS_AT_ONCE * PAGE_SIZE;
        }
        struct space *s = space_of(task);
        struct region *r = s ? region_for(s, page) : NULL;
        int64_t error = !r ? -EFAULT : fault_permitted(r, access) ? 0 : -EACCES;
        if (!error && !r->backing && !(r->flags & REGION_FIXED)) {
            struct run run = { page, MIN((MIN(PAGE_UP(end), r->end) - page) / PAGE_SIZE,
                                         (uint64_t)PAGES_FILL_MAX) };
            int64_t n = own_pages(s, r, &run, access & PM_FAULT_WRITE);
            error = MIN(n, 0l);
            *progress = *progress || n > 0;
            page += (run.count - 1) * PAGE_SIZE;
        } else if (!error) {
            uint64_t entry = page_entry(s, page);
            error = bring(s, task, r, page, access, entry);
            *progress = *progress ||
                        (!error &&
                         (!entry || (access & PM_FAULT_WRITE && !(entry & PAGE_OUT_WRITABLE))));
        }
        if (error)
            return error;
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

int64_t do_fault(struct message *m)
{
    vaddr_t at = m->w[0], page = PAGE_DOWN(at);
    uint64_t access = m->w[1], length = m->w[2];
    if (!length)
        return 0;
    struct space *s = space_of(m->from);
    if (__builtin_expect(!s || at >= USER_TOP, 0))
        return -EFAULT;
    s->usage->faults++;
    bool shared = s->shared;
    s->shared = s->threads > 1;
    if (access & PM_FAULT_CALL)
        return fault_range(m->from, at, length > USER_TOP - at ? USER_TOP : at + length, access);
    struct region *r = region_for(s, page);
    if (__builtin_expect(!r, 0))
        return -EFAULT;
    if (__builtin_expect(!fault_permitted(r, access), 0))
        return -EACCES;
    bool there = access & PM_FAULT_PRESENT, writes = access & PM_FAULT_WRITE;
    if (!(r->flags & (REGION_FIXED | REGION_SHARED)) && (there ? writes : !r->backing)) {
        struct run run = run_at(s, r, page);
        if (run.count == 1)
            return MIN(there ? fault_copy(s, r, page) : zero_page(s, r, page), 0l);
        return MIN(there ? copy_pages(s, r, &run) : zero_pages(s, r, &run), 0l);
    }
    return bring(s, m->from, r, page, access, there || shared ? page_entry(s, page) : 0);
}
