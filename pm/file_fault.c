/* Pages of backings, for faults: shared memory, and the pages of files as their servers lend them.
 *
 *     file_page           until the page has come
 *       backing_fetch     its server lends it, and its neighbours
 *       backing_reserve   its server knows that it will be written
 *       show_page         it is mapped, with what PM has of the file around it; or copied
 *       read_page         the server lends no pages: a copy, by reading */
#include "file_fault.h"

#include "backing.h"
#include "fault.h"
#include "frames.h"

enum { TRIES = 8, REGIONS_FIRST = 8 };
/* Pages of a file that are mapped together, if PM has them (a multiple of CLUSTER). */
enum { AROUND = PAGES_FILL_MAX };

static uint64_t page_number(const struct region *r, vaddr_t page)
{
    return (r->offset + page - r->start) / PAGE_SIZE;
}

int64_t shared_page(struct space *s, const struct region *r, vaddr_t page)
{
    uint64_t number = page_number(r, page);
    if (number >= r->backing->size / PAGE_SIZE)
        return -EIO;
    struct cluster *c = backing_find(r->backing, number);
    bool fresh = !c || !c->address[number % CLUSTER];
    paddr_t frame = backing_frame(r->backing, number, s->task);
    if (!frame)
        return -ENOMEM;
    return page_map(s, page, frame, r->protection, fresh ? PAGE_MAP_ZERO : PAGE_MAP);
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
    for (unsigned i = 0; r && i < REGIONS_FIRST; r = regions_next(&s->regions, r), i++) {
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
        result = frame
                     ? page_map(s, page, frame, PAGE_READ | PAGE_WRITE | PAGE_OWNED, PAGE_MAP_ZERO)
                     : -ENOMEM;
        if (!result) {
            ask_poke(task, page, buffer, PAGE_SIZE);
            page_protect(s, page, r->protection);
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
        return entry ? fault_copy(s, r, page)
                     : map_copy(s, r, page, c->address[page_number(r, page) % CLUSTER]);
    int64_t error = entry ? 0 : map_around(s, r, page);
    return error || private || !c->ready ? error : protect_around(s, r, c);
}

int64_t file_page(endpoint_t task, vaddr_t page, uint64_t access, bool there)
{
    for (unsigned i = 0; i < TRIES; i++) {
        struct space *s = space_of(task);
        struct region *r = s ? regions_at(&s->regions, page) : NULL;
        if (!r || !r->backing || !r->backing->service || !fault_permitted(r, access))
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
