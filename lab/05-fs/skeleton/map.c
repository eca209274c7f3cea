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

/* Only of the blocks that the inode itself names; where zone[DIRECT] and those behind it lead is
 * yours. */
int map_block(struct inode *i, uint32_t number, uint32_t *block)
{
    *block = number < DIRECT ? i->d->zone[number] : 0;
    return *block && !zone_ok(*block) ? corrupt("impossible block of inode", i->ino) : 0;
}
