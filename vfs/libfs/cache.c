/* The pool of cached pages: finding, holding, reusing; cache.h has the table of a page's states.
 * cache_io.c moves pages to and from the device. Least recently used frames are reused first; the
 * idea is the buffer cache of every Unix (Bach, chapter 3; Tanenbaum, Operating Systems: Design and
 * Implementation, 5.6.4), with pages of files instead of blocks.
 *
 * A page is in up to four lists: the hash by owner and index, until it is GONE; the ring by last
 * use, until it is a free frame; the dirty ring, while it is DIRTY; the table by address, for ever.
 * Finding a frame may wait, and so may the read of a page: code that comes back from either looks
 * the page up again. */
#include "cache.h"

#include "cache_private.h"

enum { HASH_SIZE = 4096, GROW_PAGES = 32 };

static struct page *hash_table[HASH_SIZE];    /* by owner and index */
static struct page *address_table[HASH_SIZE]; /* by address; every frame, for ever */
/* ring.newer is the oldest page, ring.older the newest */
static struct page ring = { .older = &ring, .newer = &ring };
static struct page *free_pages; /* linked by hash_next */
static size_t frames, frames_max, pinned;
static bool full; /* the pool cannot grow any more */

struct page dirty_ring = { .before = &dirty_ring, .behind = &dirty_ring };
size_t dirty_count;

void cache_init(size_t max_pages) { frames_max = max_pages ? max_pages : SIZE_MAX; }

static inline struct page **address_bucket(uint64_t address)
{
    return &address_table[address / PAGE_SIZE % HASH_SIZE];
}

/* Takes GROW_PAGES more frames; `full` if the limit or the budget is reached. */
static void grow(void)
{
    size_t count = MIN((size_t)GROW_PAGES, frames_max - frames);
    struct page *pages = NULL;
    uint8_t *base = NULL;
    if (count)
        pages = memory_zalloc(count * sizeof *pages);
    if (pages)
        base = memory_pages(count);
    if (!base) {
        memory_free(pages);
        full = true;
        return;
    }
    /* Lists the frames so that the first is taken first: neighbours in files then lie together in
     * memory, which makes copies long. */
    for (size_t i = count; i-- > 0;) {
        pages[i].data = base + i * PAGE_SIZE;
        pages[i].hash_next = free_pages;
        free_pages = &pages[i];
        struct page **at = address_bucket((uint64_t)(uintptr_t)pages[i].data);
        pages[i].same_address = *at;
        *at = &pages[i];
    }
    frames += count;
}

static inline struct page **bucket(uint64_t owner, uint64_t index)
{
    uint64_t h = (owner * 31 + index) * 0x9e3779b97f4a7c15ull;
    return &hash_table[h >> 52];
}

/* The page in the hash, in whatever state; not held. NULL. */
static struct page *lookup(uint64_t owner, uint64_t index)
{
    struct page *p = *bucket(owner, index);
    while (p && (p->index != index || p->owner != owner))
        p = p->hash_next;
    return p;
}

static void ring_remove(struct page *p)
{
    p->older->newer = p->newer;
    p->newer->older = p->older;
}

static void ring_add_newest(struct page *p)
{
    p->older = ring.older;
    p->newer = &ring;
    ring.older->newer = p;
    ring.older = p;
}

static void hash_remove(struct page *p)
{
    struct page **at = bucket(p->owner, p->index);
    while (*at != p)
        at = &(*at)->hash_next;
    *at = p->hash_next;
}

void page_clean(struct page *p)
{
    if (!(p->state & PAGE_DIRTY))
        return;
    p->state &= ~PAGE_DIRTY;
    p->before->behind = p->behind;
    p->behind->before = p->before;
    dirty_count--;
}

void page_detach(struct page *p)
{
    if (p->state & PAGE_GONE)
        return;
    page_clean(p);
    hash_remove(p);
    p->state |= PAGE_GONE;
    if (!p->uses && !p->pins && !(p->state & PAGE_WRITING))
        page_release(p);
}

void page_release(struct page *p)
{
    ring_remove(p);
    p->hash_next = free_pages;
    free_pages = p;
}

/* A frame without uses and pins, out of all lists; NULL if all are in use. Writes dirty pages back
 * when there is no clean one. May wait. */
static struct page *free_frame(void)
{
    for (;;) {
        if (!free_pages && !full)
            grow();
        if (free_pages) {
            struct page *p = free_pages;
            free_pages = p->hash_next;
            return p;
        }
        struct page *busy = NULL, *dirty = NULL;
        for (size_t seen = 0; seen < frames && ring.newer != &ring; seen++) {
            struct page *p = ring.newer;
            if (!p->uses && !p->pins && !(p->state & (PAGE_READING | PAGE_WRITING | PAGE_GONE))) {
                if (p->state & PAGE_DIRTY) {
                    dirty = p;
                    break;
                }
                hash_remove(p);
                ring_remove(p);
                return p;
            }
            if (p->state & PAGE_WRITING)
                busy = p;
            ring_remove(p); /* a page in use is not old */
            ring_add_newest(p);
        }
        if (dirty) {
            cache_write_some();
        } else if (busy) {
            cache_settle(busy);
        } else {
            return NULL;
        }
    }
}

struct page *cache_get(uint64_t owner, uint64_t index)
{
    for (;;) {
        struct page *p = lookup(owner, index);
        if (!p) {
            struct page *frame = free_frame();
            if (!frame)
                return NULL;
            if (lookup(owner, index)) { /* another thread has inserted the page during the wait */
                frame->hash_next = free_pages;
                free_pages = frame;
                continue;
            }
            *frame = (struct page){ .owner = owner,
                                    .index = index,
                                    .data = frame->data,
                                    .same_address = frame->same_address,
                                    .uses = 1,
                                    .state = PAGE_READING };
            struct page **at = bucket(owner, index);
            frame->hash_next = *at;
            *at = frame;
            ring_add_newest(frame);
            return frame;
        }
        p->uses++;
        while (p->state & PAGE_READING)
            condition_wait(&p->done);
        if (!(p->state & PAGE_GONE)) {
            ring_remove(p);
            ring_add_newest(p);
            return p;
        }
        cache_put(p);
    }
}

struct page *cache_find(uint64_t owner, uint64_t index)
{
    struct page *p = lookup(owner, index);
    if (!p || (p->state & PAGE_READING))
        return NULL;
    ring_remove(p);
    ring_add_newest(p);
    return p;
}

bool cache_has(uint64_t owner, uint64_t index) { return lookup(owner, index) != NULL; }

void cache_ready(struct page *p, int error)
{
    p->state &= ~PAGE_READING;
    p->state |= PAGE_VALID;
    if (error)
        page_detach(p);
    condition_wake(&p->done);
}

void cache_put(struct page *p)
{
    ASSERT(p->uses);
    if (--p->uses == 0 && (p->state & PAGE_GONE) && !p->pins && !(p->state & PAGE_WRITING))
        page_release(p);
}

void cache_forget(uint64_t owner, uint64_t index)
{
    struct page *p = lookup(owner, index);
    if (!p)
        return;
    p->uses++;
    page_detach(p);
    cache_settle(p);
    cache_put(p);
}

/* Forgets all pages whose owner is `value` under `mask`, from an index on. Waits for a page that is
 * being written; the ring may change during the wait, so the search begins again, and skips the
 * pages that it has forgotten already, which are GONE. */
static void forget_matching(uint64_t mask, uint64_t value, uint64_t index)
{
    struct page *p = ring.newer;
    while (p != &ring) {
        struct page *next = p->newer;
        bool wanted = (p->owner & mask) == value && p->index >= index && !(p->state & PAGE_GONE),
             writing = p->state & PAGE_WRITING;
        if (wanted && writing)
            cache_forget(p->owner, p->index);
        else if (wanted)
            page_detach(p);
        p = wanted && writing ? ring.newer : next;
    }
}

void cache_forget_from(uint64_t owner, uint64_t index, uint64_t pages)
{
    if (pages <= index)
        return;
    if (pages - index > frames / 8) {
        forget_matching(UINT64_MAX, owner, index);
        return;
    }
    for (; index < pages; index++)
        cache_forget(owner, index);
}

void cache_device_gone(unsigned index) { forget_matching(0xffull << 56, (uint64_t)index << 56, 0); }

int cache_block(unsigned device, uint32_t block, struct page **page)
{
    struct page *p = cache_get(cache_meta(device), block);
    if (!p)
        return -ENOMEM;
    int error = 0;
    if (page_fresh(p)) {
        p->units = 1;
        p->disk[0] = block;
        error = cache_read(&p, 1);
        cache_ready(p, error);
        if (error)
            cache_put(p);
    }
    *page = p;
    return error;
}

int cache_block_new(unsigned device, uint32_t block, struct page **page)
{
    struct page *p = cache_get(cache_meta(device), block);
    if (!p)
        return -ENOMEM;
    memset(p->data, 0, PAGE_SIZE);
    p->units = 1;
    p->disk[0] = block;
    if (page_fresh(p))
        cache_ready(p, 0);
    cache_dirty(p);
    *page = p;
    return 0;
}

/* ---- Pages that PM maps ----
 *
 * PM names a page by its address in the server. The first pin of a page counts against the limit
 * of a full pool, or mappings could take all frames, and nothing could be read any more. */

bool cache_pin(struct page *p)
{
    if (!p->pins) {
        if (full && pinned >= frames / 4 * 3)
            return false;
        pinned++;
    }
    p->pins++;
    return true;
}

struct page *cache_by_address(uint64_t address)
{
    struct page *p = *address_bucket(address);
    while (p && (uint64_t)(uintptr_t)p->data != address)
        p = p->same_address;
    return p && p->pins ? p : NULL;
}

void cache_unpin(struct page *p)
{
    if (--p->pins)
        return;
    pinned--;
    if ((p->state & PAGE_GONE) && !p->uses && !(p->state & PAGE_WRITING))
        page_release(p);
}

struct cache_count cache_count(void)
{
    return (struct cache_count){ .frames = frames, .dirty = dirty_count, .pinned = pinned };
}
