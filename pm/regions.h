/* The regions of a space: which addresses mean something, and what. They do not overlap, and
 * neighbours that could be one region are one. They stand in a list in the order of addresses, and
 * in a balanced tree that also knows where the gaps are, so each function here costs the logarithm
 * of their number, and as much again for each region that it changes. All places of a space stand
 * in one array, which moves when it grows (regions_reserve), and a region is named by its place
 * there: so a fork copies the array. This file knows nothing of pages and frames, and is tested on
 * the host.
 *
 * Each region that names a backing counts as one reference to it: backing_ref() and
 * backing_unref(), which must not wait. Functions that may need more places say how many; get them
 * with regions_reserve() before anything is changed. */
#ifndef REGIONS_H
#define REGIONS_H

#include <minnow/proc.h>
#include <minnow/syscall.h>

struct backing;
void backing_ref(struct backing *b);
void backing_unref(struct backing *b);

enum region_flags {
    REGION_SHARED = 1, /* writes are seen in all spaces that map the backing */
    REGION_STACK = 2,  /* grows downwards */
    REGION_HEAP = 4,   /* made by brk */
    /* its pages are always there and PM does not count them: clock page and vDSO */
    REGION_FIXED = 8,
    REGION_LOCKED = 16,   /* counts against RLIMIT_MEMLOCK, and its pages are brought at once, */
    REGION_ON_FAULT = 64, /* unless this is set too: when they are touched (MLOCK_ONFAULT) */
    REGION_LOCKS = REGION_LOCKED | REGION_ON_FAULT,
    REGION_WIPED = 32,       /* private zeroes, and so again in a child of fork (MADV_WIPEONFORK) */
    REGION_NOT_FORKED = 128, /* a child of fork does not have it (MADV_DONTFORK) */
    REGION_NOT_DUMPED = 256, /* nor a core file (MADV_DONTDUMP) */
};

struct region {
    vaddr_t start, end;      /* page-aligned, start < end */
    uint64_t offset;         /* of start in the backing, in bytes */
    struct backing *backing; /* NULL: private zeroes */
    uint8_t protection;      /* PAGE_READ, PAGE_WRITE, PAGE_EXEC */
    uint8_t allowed;         /* what mprotect may ask for */
    uint16_t flags;          /* enum region_flags */
    /* the tree, and the list; places in the array, 0: none */
    uint8_t height; /* of the tree below, this region included */
    uint32_t left, right, prev, next;
    uint64_t widest; /* of the gaps below this region and below those in its tree */
};

/* Of PROT_..., whose bits have the values of PAGE_READ, PAGE_WRITE, PAGE_EXEC: the processor has no
 * pages that can be written or executed and not read. */
static inline uint8_t region_protection(uint64_t wanted)
{
    uint8_t p = wanted & (PAGE_READ | PAGE_WRITE | PAGE_EXEC);
    return p ? p | PAGE_READ : 0;
}

struct regions {
    struct region *place;             /* place[0] is none */
    uint32_t root, first, last, free; /* free: the first free place, through `next` */
    unsigned count, capacity, used;   /* used: so many places have been in use, with place[0] */
    uint64_t bytes, data, stack, text, locked; /* in all regions, and in those of a kind */
    endpoint_t task;                           /* places are accounted to its user; */
    uint32_t user, charged; /* regions_charge(): the user last time, and how many places */
};
/* Accounts so many places, in place of those before, to the user of rs->task. 0, or -ENOMEM and
 * nothing has changed; going back to fewer places always succeeds. Does not wait. */
int regions_charge(struct regions *rs, unsigned places);

/* REGIONS_MAX: as Linux's max_map_count. REGIONS_AT_ONCE: what is to be done for each of many goes
 * in steps of so many. */
enum { REGIONS_MAX = PROC_MAPS, REGIONS_AT_ONCE = 512, STACK_GUARD = 256 * PAGE_SIZE };

static inline struct region *region_of(const struct regions *rs, uint32_t place)
{
    return place ? &rs->place[place] : NULL;
}
/* The lowest region; the one above r, below r. NULL: none. */
static inline struct region *regions_first(const struct regions *rs)
{
    return region_of(rs, rs->first);
}
static inline struct region *regions_next(const struct regions *rs, const struct region *r)
{
    return region_of(rs, r->next);
}
static inline struct region *regions_prev(const struct regions *rs, const struct region *r)
{
    return region_of(rs, r->prev);
}
/* The first region that ends above `at`, or NULL. */
struct region *regions_find(const struct regions *rs, vaddr_t at);
/* The region that contains `at`, or NULL. */
static inline struct region *regions_at(const struct regions *rs, vaddr_t at)
{
    struct region *r = regions_find(rs, at);
    return r && r->start <= at ? r : NULL;
}
/* Whether no region lies in a range. */
static inline bool regions_free(const struct regions *rs, vaddr_t start, vaddr_t end)
{
    const struct region *r = regions_find(rs, start);
    return !r || r->start >= end;
}
/* Likewise, and the range keeps STACK_GUARD away from a region above it that grows downwards. */
bool regions_apart(const struct regions *rs, vaddr_t start, vaddr_t end);
/* Where the first page of a range is that lies in no region; `end`: there is none. */
vaddr_t regions_hole(const struct regions *rs, vaddr_t start, vaddr_t end);
/* Whether every page of a range lies in some region. */
static inline bool regions_covered(const struct regions *rs, vaddr_t start, vaddr_t end)
{
    return regions_hole(rs, start, end) == end;
}
/* Pages of the range that lie in regions. */
uint64_t regions_pages(const struct regions *rs, vaddr_t start, vaddr_t end);
/* The highest range of `length` bytes inside [low, high) that is apart from all regions: its start,
 * or 0. */
vaddr_t regions_gap(const struct regions *rs, uint64_t length, vaddr_t low, vaddr_t high);

/* Where the first REGIONS_AT_ONCE regions of a range end; `end` when there are no more of them. */
vaddr_t regions_step(const struct regions *rs, vaddr_t start, vaddr_t end);

/* Makes places for `more` regions. 0 or -ENOMEM. */
int regions_reserve(struct regions *rs, unsigned more);
/* Makes the places that regions_remove(start, end) needs: memory can be given back at the limit of
 * regions too, unless there would be more of them afterwards. 0 or -ENOMEM. */
int regions_reserve_removal(struct regions *rs, vaddr_t start, vaddr_t end);
/* Likewise for regions_protect(start, end). */
int regions_reserve_protection(struct regions *rs, vaddr_t start, vaddr_t end);
/* Adds a region where none is; takes over the reference to its backing. It needs one place. */
void regions_insert(struct regions *rs, const struct region *r);
/* Takes a range out of the regions; those that stick out of it are split. Get the places with
 * regions_reserve_removal(). */
void regions_remove(struct regions *rs, vaddr_t start, vaddr_t end);
/* Gives what lies in a range a protection. Get the places with regions_reserve_protection(). */
void regions_protect(struct regions *rs, vaddr_t start, vaddr_t end, uint8_t protection);
/* Clears some flags, then adds others, for what lies in a range. Places: as regions_protect(). */
void regions_flag(struct regions *rs, vaddr_t start, vaddr_t end, uint16_t clear, uint16_t add);
/* A region begins at `start` from now on, below where it began; there must be nothing between. */
void regions_extend(struct regions *rs, struct region *r, vaddr_t start);
/* Copies the regions that begin at *at (0 at first) or above, some REGIONS_AT_ONCE of them, but for
 * REGION_NOT_FORKED, to the end of `to`, where they are not locked; *at becomes where to go on, or
 * USER_TOP. 0 or -ENOMEM. */
int regions_copy(struct regions *to, const struct regions *from, vaddr_t *at);
/* Forgets all regions, and frees their places. */
void regions_clear(struct regions *rs);

#endif
