/* What the files of the process manager share: spaces, frames, what is behind mapped files. Reading
 * order: README.md.
 *
 * Handlers run one at a time until they wait in a call to another service. Whatever changes a space
 * looks the space and its regions up after its last wait, and then acts to the end without one; so
 * spaces need no locks. */
#ifndef PM_H
#define PM_H

#include <minnow/file.h>

#include "regions.h"
#include "service.h"
#include "share.h"
#include "syscalls.h"

#define PAGE_DOWN(x) ((x) & ~(uint64_t)(PAGE_SIZE - 1))
#define PAGE_UP(x)   PAGE_DOWN((x) + PAGE_SIZE - 1)
enum { ADDRESS_MIN = 64 * 1024 };
/* Regions nearer than this are handled in one go by the kernel, which looks through the hole
 * between. */
#define RUN_GAP (2ul << 20)
enum { PAGE_ALL = PAGE_READ | PAGE_WRITE | PAGE_EXEC };

/* ---- frames.c ---- */

void frames_init(void);
paddr_t frame_get(void); /* counted once; 0 when there is none */
void frame_ref(paddr_t frame);
void frame_put(paddr_t frame);
uint32_t frame_count(paddr_t frame);
uint64_t frames_unused(void);
uint64_t frames_total(void); /* PM's, not the machine's */
/* likewise; 0 as well when what is there is for root, who is not the task's user */
paddr_t frame_for(endpoint_t task);
/* gives the kernel some for page tables of the task's; false: none left for him */
bool frames_lend(endpoint_t task);

/* ---- space.c ---- */

/* Work on ranges is done in steps of so many pages, with others served in between: a range may be
 * as large as the memory. Whatever goes in steps leaves a space in order after each of them. */
enum { STEP_PAGES = 2048 };

/* Published, by task index. Place 0 is the whole: virtual_pages the frames that PM has, resident
 * those in use. */
extern struct pm_usage usage_table[TASKS_MAX];

/* An address space, with the tasks that live in it. */
struct space {
    struct regions regions; /* first: regions_charge() finds the space by it */
    uint64_t id;            /* no two spaces have had the same */
    unsigned tasks, threads;
    endpoint_t task;        /* one of them: kernel calls name the page tables by it */
    vaddr_t brk_start, brk; /* bytes */
    vaddr_t mmap_top;       /* where the search for gaps begins, downwards */
    vaddr_t stack_top;
    uint64_t limit[3];      /* PM_LIMIT_..., bytes */
    struct pm_usage *usage; /* published, of `task` */
    /* whose file nobody may open for writing (backing_run); NULL: none yet */
    struct backing *program;
};

/* Whether work on all of a space is one step. */
static inline bool space_is_small(const struct space *s)
{
    enum { FEW_REGIONS = 256 };
    return s->usage->resident <= STEP_PAGES && s->regions.count <= FEW_REGIONS;
}

/* The space a task lives in; NULL when there is no such task (any more). */
struct space *space_of(endpoint_t task);
struct space *space_create(void); /* of no task yet; NULL: out of memory */
void space_enter(struct space *s, endpoint_t task, unsigned threads);
/* The task lives there no longer. When it was the last, its pages must have been given back; the
 * space is freed. */
void space_leave(endpoint_t task);
void space_threads(endpoint_t task, int more);
/* The space that the task in slot `index` names, or NULL: each space stands in one. */
struct space *space_at(unsigned index);
/* Calls f for each space. */
void space_each(void (*f)(struct space *s, void *argument), void *argument);
void space_init(void); /* publishes the usage table */

/* SYS_PAGES, with frames lent to the kernel when it needs some: the kernel's result, or -ENOMEM. */
int64_t pages_do(const struct page_change *changes, unsigned count);
/* One page's entry as in struct page_out; 0 when nothing is mapped. */
uint64_t page_entry(const struct space *s, vaddr_t page);
/* Between two steps, the next of which begins at `at` and the last of which ends at `end`: lets
 * others go first. s, if it is still the space of the task; else NULL. */
struct space *space_pause(struct space *s, endpoint_t task, vaddr_t at, vaddr_t end);
/* Unmaps what is mapped in a range and gives it back, one step of it: where to go on. The regions
 * must still be there: they say where dirty marks go. */
vaddr_t pages_release(struct space *s, vaddr_t start, vaddr_t end);
/* Takes a range out of the space of a task, pages and regions. Places must be reserved
 * (regions_reserve_removal). s; NULL when it is no longer the task's, for this may wait. */
struct space *space_unmap(struct space *s, endpoint_t task, vaddr_t start, vaddr_t end);
/* Gives back all pages of a space whose page tables die next. As space_unmap; does not wait if the
 * space is small. */
struct space *space_empty(struct space *s, endpoint_t task);
/* Renews the published sums after regions have changed. */
void space_account(struct space *s);
/* Whether limits allow so many more bytes; `data`: private and writable. */
bool space_allows(const struct space *s, uint64_t bytes, bool data);

/* ---- backing.c: files and shared memory that regions show ---- */

/* pages that are asked for, pinned and mapped together */
enum { CLUSTER = 16 };

/* Up to CLUSTER pages of a backing, at page numbers from number * CLUSTER on. */
struct cluster {
    struct backing *backing;
    struct cluster *hash_next, *next; /* next: of the same backing */
    uint64_t number;
    /* a pinned page in the file server's memory, or a frame; 0: not here */
    uint64_t address[CLUSTER];
    uint32_t user;  /* of shared memory: to whom it is accounted */
    uint16_t dirty; /* bit per page: written through a mapping */
    /* bit per page: its server knows that it is written (FS_RESERVE) */
    uint16_t ready;
};

struct backing {
    endpoint_t service; /* 0: shared memory of nobody's file */
    uint64_t object;
    uint64_t device, inode; /* as FS_STAT says */
    unsigned users;         /* regions, and handlers at work with it */
    /* spaces whose program it is, and execs that are about to make it one */
    unsigned runs;
    bool held;   /* FS_HOLD +1 was done, */
    bool denied; /* so that nobody opens the file for writing */
    /* its server wants its pages back when nobody shows it (FS_HOLD_BACK) */
    bool fleeting;
    /* stands in the list of those that backing_settle() looks at */
    bool queued;
    uint32_t errors; /* CALL_ERRORS: of which failed writes msync has told */
    unsigned epoch;  /* how often all its pages were dropped */
    uint64_t size;
    struct timespec64 mtime, ctime; /* when the pages in the clusters were valid */
    struct cluster *clusters;
    struct elf_image *elf; /* what exec found in it, or NULL */
    struct backing *hash_next;
    struct backing *older, *newer; /* ring of those nobody uses, by last use */
    struct backing *queue_next;
};

void backing_init(void);
/* The backing for a regular file, used once more (end with backing_unref) and checked against the
 * file as it is now. 0, -ENODEV (not a regular file), -ENOMEM or the server's error. *zero is set
 * when it is /dev/zero. May wait. */
int backing_get(endpoint_t service, uint64_t object, struct backing **b, bool *zero);
/* Likewise for a program that is to run: nobody may open the file for writing until the last space
 * that runs it (backing_run) has gone. -ETXTBSY when somebody has. End with backing_unref_program.
 */
int backing_get_program(endpoint_t service, uint64_t object, struct backing **b, bool *zero);
void backing_unref_program(struct backing *b);
/* The space runs this program, or, with NULL, none any more. */
void backing_run(struct space *s, struct backing *program);
struct backing *backing_shared(void); /* new, of zeroes, used once; NULL: out of memory */
/* The cluster with this page of the backing, or NULL. */
struct cluster *backing_find(const struct backing *b, uint64_t page);
/* Brings a page of a file (and its neighbours) into a cluster; look whether it is there, for it may
 * be gone again. 0; -EIO past the end and for whatever else the server says; but -ENOMEM, and
 * -ENOSYS if it lends no pages. May wait. */
int backing_fetch(struct backing *b, uint64_t page);
/* Tells the server that a page will be written through a mapping; look whether its ready bit is
 * set, as above. 0, -EIO. May wait. */
int backing_reserve(struct backing *b, uint64_t page, endpoint_t task);
/* A file has become shorter: what lies behind `size` is taken out of all spaces, private copies
 * too, and given back. May wait. */
void backing_cut(endpoint_t service, uint64_t object, uint64_t size);
/* The frame of a page of shared memory; made for this task when it is not there. 0: out of memory.
 */
paddr_t backing_frame(struct backing *b, uint64_t page, endpoint_t task);
/* FS_SYNC, which tells of each failed write once. May wait */
int64_t backing_sync(struct backing *b);
void backing_mark_dirty(struct backing *b, uint64_t page);
/* What backing_unref and backing_mark_dirty could not do because they must not wait. To be called
 * at the end of every handler that unmaps. May wait. */
void backing_settle(void);
/* The same, unless another handler is at it, which will do this one's too: for calls that do not
 * depend on it. */
void backing_settle_soon(void);
/* Gives about so many pinned pages back to the file servers: how many. May wait. */
uint64_t backing_shrink(uint64_t pages);
/* Makes room for another file's pages when PM holds its share. May wait. */
void backing_limit(void);

/* ---- fault.c ---- */

int64_t do_fault(struct message *m);
/* Brings the pages of a range, as if each had been touched so. 0 or the first page's error. May
 * wait. */
int64_t fault_range(endpoint_t task, vaddr_t start, vaddr_t end, uint64_t access);

/* ---- handlers ---- */

int64_t do_mmap(struct message *m); /* mmap.c */
int64_t do_munmap(struct message *m);
int64_t do_brk(struct message *m);
int64_t do_shrunk(struct message *m);   /* advice.c */
int64_t do_mremap(struct message *m);   /* mremap.c */
int64_t do_mprotect(struct message *m); /* advice.c */
int64_t do_madvise(struct message *m);
int64_t do_msync(struct message *m);
int64_t do_mincore(struct message *m);
int64_t do_fork(struct message *m); /* fork.c */
int64_t do_thread(struct message *m);
int64_t do_thread_end(struct message *m);
int64_t do_spawn(struct message *m);
int64_t do_exit(struct message *m);
int64_t do_limit(struct message *m);
int64_t do_key(struct message *m); /* maps.c */
int64_t do_maps(struct message *m);
int64_t do_pressure(struct message *m);
int64_t do_exec(struct message *m); /* exec.c */

/* random.c */
void random_init(void);
uint64_t random_word(void);

#endif
