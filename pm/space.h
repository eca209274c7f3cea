/* Address spaces: regions, page tables, and the tasks that live in them.
 *
 * Handlers run one at a time until they wait in a call to another service. Whatever changes a space
 * looks the space and its regions up after its last wait, and then acts to the end without one; so
 * spaces need no locks. */
#ifndef SPACE_H
#define SPACE_H

#include "regions.h"
#include "service.h"
#include "syscalls.h"

enum { ADDRESS_MIN = 64 * 1024 };
/* Regions nearer to each other than this share a kernel call, which looks through the hole between.
 */
#define RUN_GAP (2ul << 20)
enum { PAGE_ALL = PAGE_READ | PAGE_WRITE | PAGE_EXEC };

/* Work on ranges is done in steps of so many pages, with others served in between: a range may be
 * as large as the memory. Whatever goes in steps leaves a space in order after each of them. */
enum { STEP_PAGES = 2048 };

/* An address space, with the tasks that live in it. */
struct space {
    struct regions regions;
    uint64_t id;      /* no two spaces have had the same */
    uint64_t visited; /* the last walk that has come by (space_unvisited) */
    unsigned tasks, threads;
    /* two threads or more have been in it since the last fault of one alone: a fault may be older
     * than what another thread, perhaps gone by now, has done */
    bool shared;
    endpoint_t task;        /* one of them: kernel calls name the page tables by it */
    vaddr_t brk_start, brk; /* bytes */
    vaddr_t mmap_top;       /* where the search for gaps begins, downwards */
    vaddr_t stack_top;
    uint64_t limit[PM_LIMITS]; /* PM_LIMIT_..., bytes */
    uint8_t lock_new;          /* of REGION_LOCKS, what new regions get (mlockall) */
    struct pm_usage *usage;    /* published, of `task` */
    /* private pages that were brought in sequence: so many, the last of them here */
    struct {
        uint64_t pages;
        vaddr_t start, end;
    } run;
    /* this text (PM_MAPS_...) was read so far last, and ended in what it has of the region at `at`,
     * which begins at `offset` */
    struct {
        uint64_t read_to, offset;
        vaddr_t at;
        uint32_t form;
    } line;
    /* no process can open its file for writing (space_runs); NULL: none yet */
    struct backing *program;
};

/* Makes `task` the one by which kernel calls name the page tables of s. */
static inline void space_name(struct space *s, endpoint_t task)
{
    s->task = s->regions.task = task;
}

/* Whether work on all of a space is one step. */
static inline bool space_is_small(const struct space *s)
{
    enum { FEW_REGIONS = 256 };
    return s->usage->resident <= STEP_PAGES && s->regions.count <= FEW_REGIONS;
}

/* The space a task lives in; NULL when there is no such task (any more). */
struct space *space_of(endpoint_t task);
/* A new space without tasks, with the limits of init. NULL: out of memory. */
struct space *space_create(void);
/* Makes `task`, which has so many threads, one of those that live in s. */
void space_enter(struct space *s, endpoint_t task, unsigned threads);
/* Takes a task out of its space. When it was the last one there, the pages must have been given
 * back, and the space is freed. */
void space_leave(endpoint_t task);
/* The task, which lives in a space, has so many threads more. */
void space_threads(endpoint_t task, int more);
/* The space that the task in slot `index` names, or NULL: each space stands in one. */
struct space *space_at(unsigned index);
/* The space with this id, or NULL: it has gone. */
struct space *space_with(uint64_t id);
/* A walk over all spaces that may wait between one and the next: the next that walk number `walk`
 * has not come by, from slot *i on; NULL: there is none. It is found even if the task that names it
 * ends meanwhile. */
struct space *space_unvisited(unsigned *i, uint64_t walk);
/* Calls f for each space. */
void space_each(void (*f)(struct space *s, void *argument), void *argument);
void space_init(void); /* publishes the usage table */

/* The change (PAGE_QUERY, PAGE_UNMAP, PAGE_RELEASE) that lists the pages of a range of s in
 * out[places]. */
static inline struct page_change page_list(const struct space *s, uint32_t action, vaddr_t address,
                                           uint64_t pages, struct page_out *out, uint32_t places)
{
    return (struct page_change){ .address = address,
                                 .count = pages,
                                 .source = (uint64_t)out,
                                 .task = s->task,
                                 .places = places,
                                 .action = action };
}

/* SYS_PAGES, with frames lent to the kernel when it needs some: the kernel's result, or -ENOMEM. */
int64_t pages_do(const struct page_change *changes, unsigned count);
/* Maps one page, by one of PAGE_MAP..., with a frame; for PAGE_MAP_COPY in place of what is there.
 * protection: PAGE_OWNED too, unless the frame belongs to a backing. 0, -ENOMEM. */
int64_t page_map(struct space *s, vaddr_t page, paddr_t frame, uint32_t protection,
                 unsigned action);
/* Gives a page that is mapped another protection; a page that is owned stays so. */
int64_t page_protect(const struct space *s, vaddr_t page, uint32_t protection);
/* One page's entry as in struct page_out; 0 when nothing is mapped. */
uint64_t page_entry(const struct space *s, vaddr_t page);
/* Lets others go first between two steps, of which the next begins at `at` and the last ends at
 * `end`. Returns s, or NULL when s is no longer the space of the task. May wait. */
struct space *space_pause(struct space *s, endpoint_t task, vaddr_t at, vaddr_t end);
/* Unmaps what is mapped in a range and gives it back, one step of it. Returns where to go on. The
 * regions must still be there: they say where dirty marks go. Does not wait. */
vaddr_t pages_release(struct space *s, vaddr_t start, vaddr_t end);
/* Takes a range out of the space of a task, pages and regions. Places must be reserved
 * (regions_reserve_removal). Returns s, or NULL when s is no longer the space of the task. May
 * wait. */
struct space *space_unmap(struct space *s, endpoint_t task, vaddr_t start, vaddr_t end);
/* Gives back all pages of a space whose page tables die next. Returns as space_unmap; does not wait
 * if the space is small. */
struct space *space_empty(struct space *s, endpoint_t task);
/* Makes `program` what the space runs, in place of the one before; NULL: none any more. */
void space_runs(struct space *s, struct backing *program);
/* Renews the published sums after regions have changed. */
void space_account(struct space *s);
/* Whether so many more bytes may be locked. */
static inline bool space_may_lock(const struct space *s, uint64_t bytes)
{
    uint64_t limit = PAGE_DOWN(s->limit[PM_LIMIT_MEMLOCK]);
    return s->regions.locked <= limit && bytes <= limit - s->regions.locked;
}
/* Whether limits allow so many more bytes; `data`: private and writable. */
bool space_allows(const struct space *s, uint64_t bytes, bool data);

#endif
