/* Page faults (Tanenbaum, Modern Operating Systems, 3.6.2): which region, is it permitted, which
 * page.
 *
 *     do_fault
 *       region_for        the region; a stack grows
 *       bring             one of
 *         zero_page       private zeroes: a frame
 *         copy_on_write   a page that is shared until it is written
 *         shared_page     shared memory: the frame that all see
 *         file_page       a page of a file server's cache
 *
 * The kernel says whether the page was there, but another thread may have been quicker, even one
 * that has ended since (space.shared), and a thrown-back call only says which range it wants: then
 * the page table is asked first. */
#include "fault.h"

#include "backing.h"
#include "frames.h"
#include "handlers.h"
#include "space.h"

enum { BATCH = 32, TRIES = 8, FAULTS_AT_ONCE = 512, RUN_MOST = 16 };

/* The region for an address. One that grows (the stack, MAP_GROWSDOWN) reaches down to it if it
 * may: not nearer than STACK_GUARD to what can be touched below, unless that grows as well, and not
 * beyond the limit for stacks (Linux, expand_downwards). */
static struct region *region_for(struct space *s, vaddr_t page)
{
    struct regions *rs = &s->regions;
    unsigned i = regions_find(rs, page);
    struct region *r = &rs->array[i];
    if (__builtin_expect(i == rs->count, 0))
        return NULL;
    if (__builtin_expect(r->start <= page, 1))
        return r;
    uint64_t more = r->start - page;
    if (!(r->flags & REGION_STACK) || r->end - page > s->limit[PM_LIMIT_STACK] ||
        !space_allows(s, more, false))
        return NULL;
    if (page < ADDRESS_MIN || (i > 0 && r[-1].protection && !(r[-1].flags & REGION_STACK) &&
                               page - r[-1].end < STACK_GUARD))
        return NULL;
    r->start = page;
    s->usage->virtual_pages += more / PAGE_SIZE;
    s->usage->stack += more / PAGE_SIZE;
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

/* How many private pages are brought for a fault at `page`: one; but if the page lies behind others
 * that were brought in sequence, half as many as those, since a program that has touched so much
 * memory in sequence mostly goes on so. One page, too, when memory is scarce. */
static unsigned pages_at_once(struct space *s, vaddr_t page)
{
    if (page != s->run_end || frames_unused() < frames_total() / 8)
        s->run_pages = 0;
    unsigned pages = MIN(MAX(s->run_pages / 2, 1ul), (uint64_t)RUN_MOST);
    s->run_pages += pages;
    s->run_end = page + pages * PAGE_SIZE;
    return pages;
}

/* Maps a frame of zeroes. 0, -ENOMEM. */
static int64_t zero_page(struct space *s, const struct region *r, vaddr_t page)
{
    paddr_t frame = frame_for(s->task);
    if (__builtin_expect(!frame, 0))
        return -ENOMEM;
    int64_t result = map_one(s, page, frame, r->protection | PAGE_OWNED, PAGE_MAP_ZERO);
    if (__builtin_expect(result, 0))
        frame_put(frame);
    return result;
}

/* ---- copy-on-write ---- */

/* *c becomes the change that a write to a page needs which is mapped read-only, as `entry`, in a
 * private, writable region. If the frame has no other user the page becomes writable, else the
 * space gets a copy. false: no memory for that. */
static bool copy_change(struct space *s, const struct region *r, vaddr_t page, uint64_t entry,
                        struct page_change *c)
{
    bool alone = entry & PAGE_OUT_OWNED && entry & PAGE_OUT_ALONE;
    *c = (struct page_change){ .address = page,
                               .count = 1,
                               .source = alone ? 0 : frame_for(s->task),
                               .task = s->task,
                               .protection = r->protection | PAGE_OWNED,
                               .action = alone ? PAGE_PROTECT : PAGE_MAP_COPY };
    return alone || c->source;
}

/* The change could not be made: gives back what it would have taken. */
static void copy_failed(const struct page_change *c)
{
    if (c->action == PAGE_MAP_COPY)
        frame_put(c->source);
}

static int64_t copy_on_write(struct space *s, const struct region *r, vaddr_t page, uint64_t entry)
{
    struct page_change c;
    if (!copy_change(s, r, page, entry, &c))
        return -ENOMEM;
    int64_t result = pages_do(&c, 1);
    if (result < 0)
        copy_failed(&c);
    return result;
}

/* Likewise for the pages from `start` on that are mapped, one behind the other, read-only: `most`
 * at most. The page at `start` is one. A page of a file is none: until it is written it shows what
 * others write to the file. 0, -ENOMEM. */
static int64_t copy_run(struct space *s, const struct region *r, vaddr_t start, unsigned most)
{
    struct page_out there[RUN_MOST];
    struct page_change c[RUN_MOST];
    struct page_change query = page_list(s, PAGE_QUERY, start,
                                         MIN((r->end - start) / PAGE_SIZE, most), there, RUN_MOST);
    int64_t n_there = sys_pages(&query, 1);
    unsigned n = 0;
    while (n < n_there && there[n].address == start + n * PAGE_SIZE &&
           !(there[n].entry & PAGE_OUT_WRITABLE) && there[n].entry & PAGE_OUT_OWNED &&
           copy_change(s, r, there[n].address, there[n].entry, &c[n]))
        n++;
    if (!n)
        return -ENOMEM;
    int64_t result = pages_do(c, n);
    for (unsigned i = 0; i < n && result < 0; i++)
        if (PAGE_DOWN(page_entry(s, c[i].address)) != c[i].source)
            copy_failed(&c[i]);
    return MIN(result, 0);
}

static uint64_t page_number(const struct region *r, vaddr_t page)
{
    return (r->offset + page - r->start) / PAGE_SIZE;
}

/* Maps the frame that all who share the memory see. 0, -ENOMEM. */
static int64_t shared_page(struct space *s, const struct region *r, vaddr_t page)
{
    uint64_t number = page_number(r, page);
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

/* A page of a file is written through a shared region only after its server has been told. */
static uint32_t file_protection(const struct region *r, const struct cluster *c, unsigned i)
{
    return r->flags & REGION_SHARED && c->ready >> i & 1 ? r->protection
                                                         : r->protection & ~PAGE_WRITE;
}

/* Gives those pages of a cluster that are ready for writing, and mapped by a shared region, the
 * protection of the region. */
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

/* Maps those of a cluster's pages that lie in the region and are not mapped yet. */
static int64_t map_around(struct space *s, const struct region *r, const struct cluster *c)
{
    struct page_out there[CLUSTER];
    struct page_change changes[CLUSTER];
    uint64_t first, end;
    vaddr_t at = cluster_shown(r, c, &first, &end);
    struct page_change query = page_list(s, PAGE_QUERY, at, (end - first) / PAGE_SIZE, there,
                                         CLUSTER);
    int64_t n_there = sys_pages(&query, 1), k = 0;
    unsigned n = 0;
    for (uint64_t i = first / PAGE_SIZE % CLUSTER; first < end;
         first += PAGE_SIZE, at += PAGE_SIZE, i++) {
        if (k < n_there && there[k].address == at)
            k++;
        else if (c->address[i])
            changes[n++] = (struct page_change){ .address = at,
                                                 .count = 1,
                                                 .source = c->address[i],
                                                 .task = s->task,
                                                 .service = r->backing->service,
                                                 .protection = file_protection(r, c, i),
                                                 .action = PAGE_MAP_SERVICE };
    }
    int64_t result = n ? pages_do(changes, n) : 0;
    if (!result)
        s->usage->resident += n;
    return result < 0 ? result : 0;
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
    if (!result && r && r->backing == b && !(r->flags & REGION_SHARED) && !page_entry(s, page)) {
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
    if (!entry)
        return private && writes ? map_copy(s, r, page, c->address[page_number(r, page) % CLUSTER])
                                 : map_around(s, r, c);
    if (!writes || entry & PAGE_OUT_WRITABLE)
        return 0; /* another thread's fault was the same */
    return private ? copy_on_write(s, r, page, entry) : protect_around(s, r, c);
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
        if (access & PM_FAULT_WRITE && !(entry & PAGE_OUT_WRITABLE) &&
            !(r->flags & REGION_SHARED)) {
            unsigned pages = entry & PAGE_OUT_OWNED ? pages_at_once(s, page) : 1;
            return pages == 1 ? copy_on_write(s, r, page, entry) : copy_run(s, r, page, pages);
        }
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
        return zero_page(s, r, page);
    return r->backing->service ? file_page(task, page, access, false) : shared_page(s, r, page);
}

/* Fresh zero pages from start on, where nothing is mapped, up to the next page that is, as many as
 * one call to the kernel takes. Returns where to go on, or a negative error if there was memory for
 * none. */
static int64_t zero_pages(struct space *s, const struct region *r, vaddr_t start, vaddr_t end)
{
    struct page_change c[BATCH];
    struct page_out there[BATCH];
    end = MIN(MIN(end, r->end), start + BATCH * PAGE_SIZE);
    struct page_change query = page_list(s, PAGE_QUERY, start, (end - start) / PAGE_SIZE, there,
                                         BATCH);
    int64_t n_there = sys_pages(&query, 1);
    unsigned n = 0;
    if (n_there > 0)
        end = there[0].address;
    for (vaddr_t at = start; at < end; at += PAGE_SIZE) {
        paddr_t frame = frame_for(s->task);
        if (!frame && !n)
            return -ENOMEM;
        if (!frame)
            break;
        c[n++] = (struct page_change){ .address = at,
                                       .count = 1,
                                       .source = frame,
                                       .task = s->task,
                                       .protection = r->protection | PAGE_OWNED,
                                       .action = PAGE_MAP_ZERO };
    }
    if (n && pages_do(c, n) < 0) {
        /* no memory for page tables: some may have been mapped before */
        for (unsigned i = 0; i < n; i++) {
            uint64_t entry = page_entry(s, c[i].address);
            if (!entry)
                frame_put(c[i].source);
            else
                s->usage->resident++;
        }
        return -ENOMEM;
    }
    s->usage->resident += n;
    return start + n * PAGE_SIZE;
}

int64_t fault_range(endpoint_t task, vaddr_t start, vaddr_t end, uint64_t access)
{
    /* a page came that was not there: the call may get further when it is made again */
    bool progress = false;
    vaddr_t pause = PAGE_DOWN(start) + FAULTS_AT_ONCE * PAGE_SIZE;
    for (vaddr_t page = PAGE_DOWN(start); page < end; page += PAGE_SIZE) {
        if (page >= pause) {
            give_way((end - page) / (FAULTS_AT_ONCE * PAGE_SIZE));
            pause = page + FAULTS_AT_ONCE * PAGE_SIZE;
        }
        struct space *s = space_of(task);
        struct region *r = s ? region_for(s, page) : NULL;
        int64_t error = !r ? -EFAULT : permitted(r, access) ? 0 : -EACCES;
        uint64_t entry = error ? 0 : page_entry(s, page);
        if (!error && !entry && !r->backing && !(r->flags & REGION_FIXED)) {
            int64_t next = zero_pages(s, r, page, PAGE_UP(end));
            if (next > 0)
                page = next - PAGE_SIZE;
            else
                error = next;
        } else if (!error) {
            error = bring(s, task, r, page, access, entry);
        }
        if (error)
            return progress ? 0 : error; /* what lies further on is asked for when it is reached */
        progress = progress || !entry || (access & PM_FAULT_WRITE && !(entry & PAGE_OUT_WRITABLE));
    }
    return 0;
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
    bool ask = access & PM_FAULT_PRESENT || s->shared;
    s->shared = s->threads > 1;
    if (access & PM_FAULT_CALL)
        return fault_range(m->from, at, length > USER_TOP - at ? USER_TOP : at + length, access);
    struct region *r = region_for(s, page);
    if (__builtin_expect(!r, 0))
        return -EFAULT;
    if (__builtin_expect(!permitted(r, access), 0))
        return -EACCES;
    if (!r->backing && !ask && !(r->flags & REGION_FIXED)) {
        unsigned pages = pages_at_once(s, page);
        return pages == 1 ? zero_page(s, r, page)
                          : MIN(zero_pages(s, r, page, page + pages * PAGE_SIZE), 0);
    }
    return bring(s, m->from, r, page, access, ask ? page_entry(s, page) : 0);
}
