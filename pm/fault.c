/* Page faults (Tanenbaum, Modern Operating Systems, 3.6.2): which region, is it permitted, which
 * page.
 *
 *     do_fault
 *       region_for        the region; a stack grows
 *       bring             one of
 *         zero_pages      private zeroes: frames
 *         copy_on_write   a page that is shared until it is written
 *         shared_page     shared memory: the frame that all see
 *         file_page       a page of a file server's cache
 *
 * The kernel says whether the page was there, but another thread may have been quicker, even one
 * that has ended since (space.shared), and a thrown-back call only says which range it wants: then
 * the page table is asked first. Private zeroes and copies need no question: PAGE_FILL_ZERO and
 * PAGE_FILL_COPY leave a page alone that is not as the fault says, and the program faults anew. */
#include "fault.h"

#include "backing.h"
#include "frames.h"
#include "handlers.h"
#include "space.h"

enum { TRIES = 8, FAULTS_AT_ONCE = 512, RUN_MOST = PAGES_FILL_MAX, SMALL = 8 };
/* Pages of a file that are mapped together, if PM has them (a multiple of CLUSTER). */
enum { AROUND = PAGES_FILL_MAX };

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

static inline bool permitted(const struct region *r, uint64_t access)
{
    if (access & PM_FAULT_WRITE)
        return r->protection & PAGE_WRITE;
    if (access & PM_FAULT_EXEC)
        return r->protection & PAGE_EXEC;
    return r->protection != 0;
}

static inline int64_t map_one(struct space *s, vaddr_t page, paddr_t frame, uint32_t protection,
                              unsigned action)
{
    struct page_change c = { .address = page,
                             .count = 1,
                             .source = frame,
                             .task = s->task,
                             .protection = protection,
                             .action = action };
    int64_t result = pages_do(&c, 1);
    s->usage->resident += result == 0;
    return result;
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

/* Likewise for one page. Of those above it the ones that need no copy become writable with it:
 * after the end of a child, all of its parent's. */
static int64_t copy_on_write(struct space *s, const struct region *r, vaddr_t page)
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

static uint64_t page_number(const struct region *r, vaddr_t page)
{
    return (r->offset + page - r->start) / PAGE_SIZE;
}

/* Maps the frame that all who share the memory see. 0, -ENOMEM; -EIO behind its end, as in a file:
 * mremap makes a region longer, not what the region shows. */
static int64_t shared_page(struct space *s, const struct region *r, vaddr_t page)
{
    uint64_t number = page_number(r, page);
    if (number >= r->backing->size / PAGE_SIZE)
        return -EIO;
    struct cluster *c = backing_find(r->backing, number);
    bool fresh = !c || !c->address[number % CLUSTER];
    paddr_t frame = backing_frame(r->backing, number, s->task);
    if (!frame)
        return -ENOMEM;
    return map_one(s, page, frame, r->protection, fresh ? PAGE_MAP_ZERO : PAGE_MAP);
}

/* ---- files ---- */

/* Maps one page for writing in a private region: the server's page, and at once a copy of it. */
static int64_t map_copy(struct space *s, const struct region *r, vaddr_t page, uint64_t address)
{
    paddr_t frame = frame_for(s->task);
    if (!frame)
        return -ENOMEM;
    struct page_change c[2] = {
        { .address = page,
          .count = 1,
          .source = address,
          .task = s->task,
          .service = r->backing->service,
          .protection = PAGE_READ,
          .action = PAGE_MAP_SERVICE },
        { .address = page,
          .count = 1,
          .source = frame,
          .task = s->task,
          .protection = r->protection | PAGE_OWNED,
          .action = PAGE_MAP_COPY },
    };
    int64_t result = pages_do(c, 2);
    if (result)
        frame_put(frame);
    else
        s->usage->resident++;
    return result;
}

/* The part of a cluster that a region shows: bytes [*first, *end) of the file. Returns the address
 * where they begin. */
static vaddr_t cluster_shown(const struct region *r, const struct cluster *c, uint64_t *first,
                             uint64_t *end)
{
    uint64_t start = c->number * CLUSTER * PAGE_SIZE;
    *first = MAX(start, r->offset);
    *end = MIN(start + CLUSTER * PAGE_SIZE, r->offset + (r->end - r->start));
    return r->start + (*first - r->offset);
}

/* Gives those pages of a cluster that are ready for writing, and mapped by a shared region, the
 * protection of the region: a page of a file is written so only after its server has been told. */
static int64_t protect_around(struct space *s, const struct region *r, const struct cluster *c)
{
    struct page_change changes[CLUSTER];
    uint64_t first, end;
    vaddr_t at = cluster_shown(r, c, &first, &end);
    unsigned n = 0;
    for (uint64_t i = first / PAGE_SIZE % CLUSTER; first < end;
         first += PAGE_SIZE, at += PAGE_SIZE, i++)
        if (c->ready >> i & 1)
            changes[n++] = (struct page_change){ .address = at,
                                                 .count = 1,
                                                 .task = s->task,
                                                 .action = PAGE_PROTECT,
                                                 .protection = r->protection };
    return pages_do(changes, n);
}

/* Maps those of a file's pages around one that PM has, that lie in the region and are not mapped
 * yet. They are read-only. 0, -ENOMEM. */
static int64_t map_around(struct space *s, const struct region *r, vaddr_t page)
{
    uint64_t address[AROUND],
        number = page_number(r, page), offset = r->offset / PAGE_SIZE,
        first = MAX(number - number % AROUND, offset),
        end = MIN(number - number % AROUND + AROUND, offset + (r->end - r->start) / PAGE_SIZE);
    const struct cluster *c = NULL;
    for (uint64_t i = first; i < end; i++) {
        if (i == first || i % CLUSTER == 0)
            c = backing_find(r->backing, i);
        address[i - first] = c ? c->address[i % CLUSTER] : 0;
    }
    struct page_change change = { .address = r->start + (first - offset) * PAGE_SIZE,
                                  .count = end - first,
                                  .source = (uint64_t)address,
                                  .task = s->task,
                                  .service = r->backing->service,
                                  .protection = r->protection & ~PAGE_WRITE,
                                  .action = PAGE_FILL_SERVICE };
    int64_t n = pages_do(&change, 1);
    s->usage->resident += MAX(n, 0l);
    return MIN(n, 0l);
}

void fault_program(struct space *s, vaddr_t entry)
{
    const struct region *r = regions_first(&s->regions);
    for (unsigned i = 0; r && i < SMALL; r = regions_next(&s->regions, r), i++) {
        if (r->backing && r->backing->service)
            map_around(s, r, entry >= r->start && entry < r->end ? PAGE_DOWN(entry) : r->start);
    }
}

/* The server has no page to lend (it keeps none, or too many are lent already): a private region
 * gets a copy by reading. May wait; what was found before no longer holds then. */
static int64_t read_page(endpoint_t task, vaddr_t page, struct backing *b, uint64_t number)
{
    void *buffer = memory_zalloc(PAGE_SIZE);
    if (!buffer)
        return -ENOMEM;
    struct call_args a = { .op = FS_READ, .object = b->object, .position = number * PAGE_SIZE };
    int64_t n = call_window(b->service, &a, WINDOW_OUT, buffer, PAGE_SIZE, NULL),
            result = n > 0 ? 0 : -EIO;
    struct space *s = space_of(task);
    struct region *r = s ? regions_at(&s->regions, page) : NULL;
    if (!result && r && r->backing == b && page_number(r, page) == number &&
        !(r->flags & REGION_SHARED) && !page_entry(s, page)) {
        paddr_t frame = frame_for(s->task);
        result = frame ? map_one(s, page, frame, PAGE_READ | PAGE_WRITE | PAGE_OWNED, PAGE_MAP_ZERO)
                       : -ENOMEM;
        if (!result) {
            struct page_change c = { .address = page,
                                     .count = 1,
                                     .task = s->task,
                                     .protection = r->protection,
                                     .action = PAGE_PROTECT };
            ask_poke(task, page, buffer, PAGE_SIZE);
            pages_do(&c, 1);
        } else if (frame) {
            frame_put(frame);
        }
    }
    memory_free(buffer);
    return result;
}

/* Answers a fault on a page that stands in cluster c; `entry` is what is mapped there now, 0:
 * nothing. 0, -ENOMEM. Does not wait. */
static int64_t show_page(struct space *s, const struct region *r, const struct cluster *c,
                         vaddr_t page, uint64_t access, uint64_t entry)
{
    bool writes = access & PM_FAULT_WRITE, private = !(r->flags & REGION_SHARED);
    if (entry && (!writes || entry & PAGE_OUT_WRITABLE))
        return 0; /* another thread's fault was the same */
    if (private && writes)
        return entry ? copy_on_write(s, r, page)
                     : map_copy(s, r, page, c->address[page_number(r, page) % CLUSTER]);
    int64_t error = entry ? 0 : map_around(s, r, page);
    return error || private || !c->ready ? error : protect_around(s, r, c);
}

/* A fault in a region that shows a file. `there`: something is mapped at the page. Errors of its
 * server are -EIO, unless there is really no memory. May wait. */
static int64_t file_page(endpoint_t task, vaddr_t page, uint64_t access, bool there)
{
    for (unsigned i = 0; i < TRIES; i++) {
        struct space *s = space_of(task);
        struct region *r = s ? regions_at(&s->regions, page) : NULL;
        if (!r || !r->backing || !r->backing->service || !permitted(r, access))
            return 0; /* another region is there by now: the program faults anew */
        struct backing *b = r->backing;
        uint64_t number = page_number(r, page);
        struct cluster *c = backing_find(b, number);
        bool private = !(r->flags & REGION_SHARED), here = c && c->address[number % CLUSTER];
        if (here && (private || !(access & PM_FAULT_WRITE) || c->ready >> number % CLUSTER & 1))
            return show_page(s, r, c, page, access, i || there ? page_entry(s, page) : 0);
        s->usage->major += !here;
        backing_ref(b);
        int64_t error = here ? backing_reserve(b, number, task) : backing_fetch(b, number);
        if (private && (error == -ENOMEM || error == -ENOSYS)) {
            error = read_page(task, page, b, number);
            i = TRIES;
        }
        backing_unref(b);
        backing_settle();
        if (error)
            return error == -ENOMEM ? -ENOMEM : -EIO;
    }
    return 0;
}

/* ---- faults ---- */

/* Answers a fault; `entry` is what is mapped at the page, 0: nothing. 0, or an error. May wait. */
static int64_t bring(struct space *s, endpoint_t task, const struct region *r, vaddr_t page,
                     uint64_t access, uint64_t entry)
{
    if (entry) {
        if (access & PM_FAULT_WRITE && !(entry & PAGE_OUT_WRITABLE) && !(r->flags & REGION_SHARED))
            return copy_on_write(s, r, page);
        if (access & PM_FAULT_WRITE ? entry & PAGE_OUT_WRITABLE
                                    : !(access & PM_FAULT_EXEC) || entry & PAGE_OUT_EXEC)
            return 0; /* another thread's fault was the same */
        bool file = r->backing && r->backing->service;
        if (file && access & PM_FAULT_WRITE)
            return file_page(task, page, access, true);
        struct page_change c = { .address = page,
                                 .count = 1,
                                 .task = s->task,
                                 .action = PAGE_PROTECT,
                                 .protection = r->flags & REGION_SHARED && !file
                                                   ? r->protection
                                                   : r->protection & ~PAGE_WRITE };
        return pages_do(&c, 1);
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
        int64_t error = !r ? -EFAULT : permitted(r, access) ? 0 : -EACCES;
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
    if (__builtin_expect(!permitted(r, access), 0))
        return -EACCES;
    bool there = access & PM_FAULT_PRESENT, writes = access & PM_FAULT_WRITE;
    if (!(r->flags & (REGION_FIXED | REGION_SHARED)) && (there ? writes : !r->backing)) {
        struct run run = run_at(s, r, page);
        if (run.count == 1)
            return MIN(there ? copy_on_write(s, r, page) : zero_page(s, r, page), 0l);
        return MIN(there ? copy_pages(s, r, &run) : zero_pages(s, r, &run), 0l);
    }
    return bring(s, m->from, r, page, access, there || shared ? page_entry(s, page) : 0);
}
