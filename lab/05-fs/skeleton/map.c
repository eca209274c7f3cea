/* What is free, and where a file's blocks are. */
#include "minix.h"

/* ---- the maps ---- */

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

static bool zone_ok(uint32_t zone) { return zone >= mount.first_zone && zone < mount.zones; }

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

int map_block(struct inode *i, uint32_t number, uint32_t *block)
{
    uint32_t path[4], *slot;
    int depth = find_path(number, path), error = 0;
    struct page *holder = i->page;
    *block = 0;
    if (!depth)
        return 0;
    slot = &i->d->zone[path[0]];
    for (int k = 1;; k++) {
        if (*slot && !zone_ok(*slot))
            error = corrupt("impossible block of inode", i->ino);
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
