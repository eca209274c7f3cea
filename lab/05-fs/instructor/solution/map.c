/* What is free, and where a file's blocks are. */
#include "minix.h"

/* ---- the maps ---- */

int bit_alloc(uint32_t first_block, uint32_t bits, uint32_t *bit)
{
    for (uint32_t base = 0; base < bits; base += BITS_PER_BLOCK) {
        struct page *page;
        int error = block_get(first_block + base / BITS_PER_BLOCK, &page);
        if (error)
            return error;
        for (uint32_t k = 0; k < BITS_PER_BLOCK && base + k < bits; k++) {
            if (page->data[k / 8] >> k % 8 & 1)
                continue;
            page->data[k / 8] |= 1 << k % 8;
            cache_dirty(page);
            cache_put(page);
            flush_later();
            *bit = base + k;
            return 0;
        }
        cache_put(page);
    }
    return -ENOSPC;
}

int bit_free(uint32_t first_block, uint32_t bit)
{
    struct page *page;
    int error = block_get(first_block + bit / BITS_PER_BLOCK, &page);
    if (error)
        return error;
    page->data[bit % BITS_PER_BLOCK / 8] &= ~(1 << bit % 8);
    cache_dirty(page);
    cache_put(page);
    flush_later();
    return 0;
}

uint32_t bits_free(uint32_t first_block, uint32_t bits)
{
    uint32_t free = 0;
    for (uint32_t k = 0; k < bits;) {
        struct page *page;
        if (block_get(first_block + k / BITS_PER_BLOCK, &page))
            return free;
        do
            free += !(page->data[k % BITS_PER_BLOCK / 8] >> k % 8 & 1);
        while (++k < bits && k % BITS_PER_BLOCK);
        cache_put(page);
    }
    return free;
}

static uint32_t zone_bits(void) { return mount.zones - mount.first_zone + 1; }
static bool zone_ok(uint32_t zone) { return zone >= mount.first_zone && zone < mount.zones; }

/* A new block, full of zeroes. */
static int zone_alloc(uint32_t *zone)
{
    uint32_t bit;
    struct page *page;
    int error = bit_alloc(mount.zmap_first, zone_bits(), &bit);
    if (error)
        return error;
    *zone = bit + mount.first_zone - 1;
    error = cache_block_new(DEVICE, *zone, &page);
    if (error)
        bit_free(mount.zmap_first, bit);
    else
        cache_put(page);
    return error;
}

static void zone_free(uint32_t zone)
{
    cache_forget(cache_meta(DEVICE), zone);
    bit_free(mount.zmap_first, zone - mount.first_zone + 1);
}

/* ---- a file's blocks ---- */

/* The indices on the way to a block, the first into inode.zone. How many, 1..4; 0 beyond the last.
 */
static int find_path(uint32_t number, uint32_t path[4])
{
    if (number < DIRECT) {
        path[0] = number;
        return 1;
    }
    number -= DIRECT;
    uint32_t span = PER_BLOCK;
    for (int depth = 1; depth <= INDIRECT; depth++, span *= PER_BLOCK) {
        if (number >= span) {
            number -= span;
            continue;
        }
        path[0] = DIRECT + depth - 1;
        for (int k = depth; k > 0; k--, number /= PER_BLOCK)
            path[k] = number % PER_BLOCK;
        return depth + 1;
    }
    return 0;
}

int map_block(struct inode *i, uint32_t number, bool allocate, uint32_t *block)
{
    uint32_t path[4], *slot;
    int depth = find_path(number, path), error = 0;
    struct page *holder = i->page;
    *block = 0;
    if (!depth)
        return allocate ? -EFBIG : 0;
    slot = &i->d->zone[path[0]];
    for (int k = 1;; k++) {
        if (!*slot && allocate) {
            error = zone_alloc(slot);
            if (!error)
                cache_dirty(holder);
            else
                *slot = 0;
        } else if (*slot && !zone_ok(*slot)) {
            error = corrupt("impossible block of inode", i->ino);
        }
        if (error || !*slot || k == depth)
            break;
        struct page *next;
        error = block_get(*slot, &next);
        if (error)
            break;
        if (holder != i->page)
            cache_put(holder);
        holder = next;
        slot = (uint32_t *)holder->data + path[k];
    }
    if (!error)
        *block = *slot;
    if (holder != i->page)
        cache_put(holder);
    return error;
}

/* Frees what lies below *slot, `depth` levels deep, from block number `from` of it on; a level of
 * which nothing is left goes too. */
static int cut_slot(struct inode *i, uint32_t *slot, struct page *holder, int depth, uint32_t from)
{
    uint32_t zone = *slot, span = 1;
    struct page *page;
    if (!zone)
        return 0;
    if (!zone_ok(zone))
        return corrupt("impossible block of inode", i->ino);
    for (int k = 1; k < depth; k++)
        span *= PER_BLOCK;
    int error = depth ? block_get(zone, &page) : 0;
    if (error)
        return error;
    for (uint32_t k = from / span; depth && k < PER_BLOCK; k++) {
        int e = cut_slot(i, (uint32_t *)page->data + k, page, depth - 1,
                         k == from / span ? from % span : 0);
        error = error ? error : e;
    }
    if (depth)
        cache_put(page);
    if (from == 0 && !error) {
        *slot = 0;
        cache_dirty(holder);
        zone_free(zone);
    }
    return error;
}

int map_cut(struct inode *i, uint32_t from)
{
    uint32_t first = 0, span = 1;
    int error = 0;
    for (int k = 0; k < DIRECT + INDIRECT; k++) {
        int depth = k < DIRECT ? 0 : k - DIRECT + 1;
        span = depth ? span * PER_BLOCK : 1;
        if (from < first + span) {
            int e = cut_slot(i, &i->d->zone[k], i->page, depth, from > first ? from - first : 0);
            error = error ? error : e;
        }
        first += span;
    }
    inode_dirty(i);
    return error;
}
