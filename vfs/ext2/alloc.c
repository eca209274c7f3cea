/* Allocation of blocks and inodes from the bitmaps of the groups.
 *
 *   - A block is looked for at its goal, which is behind the block before it in its file; then at
 *     eight free blocks in a row in the goal's group, so that files that grow at the same time do
 *     not take turns block by block; then anywhere in the group, then in the next groups.
 *   - A file's inode is in its directory's group. A directory directly below the root goes to an
 *     empty group, others to their parent's unless that is nearly full. This is a light form of
 *     Orlov's allocator: files of one directory lie near each other, and separate trees apart.
 *
 * Each block that is taken is checked against the places of bitmaps and tables, so that a
 * damaged bitmap cannot make the file system overwrite itself. */
#include "ext2.h"

/* The first clear bit of the bitmap in [from, limit), or limit. */
static uint32_t find_clear(const uint8_t *map, uint32_t from, uint32_t limit)
{
    for (uint32_t bit = from; bit < limit;) {
        if ((bit & 63) == 0 && limit - bit >= 64) {
            uint64_t word;
            memcpy(&word, map + bit / 8, 8);
            if (word == UINT64_MAX) {
                bit += 64;
                continue;
            }
            return bit + __builtin_ctzll(~word);
        }
        if (!(map[bit / 8] & 1 << bit % 8))
            return bit;
        bit++;
    }
    return limit;
}

/* The first of eight clear bits in one byte, or limit. */
static uint32_t find_clear_byte(const uint8_t *map, uint32_t from, uint32_t limit)
{
    for (uint32_t byte = (from + 7) / 8; (byte + 1) * 8 <= limit; byte++)
        if (map[byte] == 0)
            return byte * 8;
    return limit;
}

static uint32_t group_blocks(const struct mount *m, uint32_t group)
{
    return MIN(m->geo.blocks_per_group,
               m->geo.blocks - m->geo.first_block - group * m->geo.blocks_per_group);
}

/* Whether a block holds bitmaps, inodes or the superblock, whatever the bitmap says about it. */
static bool block_is_system(struct mount *m, uint32_t block)
{
    uint32_t number = (block - m->geo.first_block) / m->geo.blocks_per_group;
    const struct group *g = mount_group(m, number);
    return block == g->block_bitmap || block == g->inode_bitmap ||
           (block >= g->inode_table && block - g->inode_table < m->geo.table_blocks) ||
           (number == 0 && block <= m->geo.first_block + m->geo.group_blocks);
}

/* Takes a block out of group `number`, at bit `start` of its bitmap or behind if possible: the
 * block's number; -ENOSPC if the group has none, -EIO, -ENOMEM. May wait. */
static int64_t alloc_in_group(struct mount *m, uint32_t number, uint32_t start)
{
    struct group *g = mount_group(m, number);
    if (g->free_blocks == 0)
        return -ENOSPC;
    struct page *page;
    int error = cache_block(m->index, g->block_bitmap, &page);
    if (error)
        return error;
    uint32_t limit = group_blocks(m, number), bit = start;
    int64_t result = -ENOSPC;
    for (;;) {
        if (bit >= limit || (page->data[bit / 8] & 1 << bit % 8))
            bit = find_clear_byte(page->data, start, limit);
        if (bit >= limit)
            bit = find_clear(page->data, start, limit);
        if (bit >= limit)
            bit = find_clear(page->data, 0, limit);
        if (bit >= limit)
            break;
        page->data[bit / 8] |= 1 << bit % 8;
        cache_dirty(page);
        uint32_t block = m->geo.first_block + number * m->geo.blocks_per_group + bit;
        if (!block_is_system(m, block)) {
            if (g->free_blocks)
                g->free_blocks--;
            mount_group_dirty(m, number);
            m->free_blocks -= m->free_blocks != 0;
            result = block;
            break;
        }
        mount_corrupt(m, "free block is in use by the system", block);
    }
    cache_put(page);
    return result;
}

int64_t block_alloc(struct mount *m, uint32_t goal)
{
    if (!block_ok(&m->geo, goal))
        goal = m->geo.first_block;
    uint32_t first = (goal - m->geo.first_block) / m->geo.blocks_per_group;
    for (uint32_t n = 0; n < m->geo.groups; n++) {
        uint32_t number = (first + n) % m->geo.groups;
        uint32_t start = n ? 0 : (goal - m->geo.first_block) % m->geo.blocks_per_group;
        int64_t block = alloc_in_group(m, number, start);
        if (block != -ENOSPC)
            return block;
    }
    return -ENOSPC;
}

void block_free(struct mount *m, uint32_t block)
{
    if (!block_ok(&m->geo, block) || block_is_system(m, block)) {
        mount_corrupt(m, "bad block freed", block);
        return;
    }
    cache_forget(cache_meta(m->index), block);
    uint32_t number = (block - m->geo.first_block) / m->geo.blocks_per_group;
    uint32_t bit = (block - m->geo.first_block) % m->geo.blocks_per_group;
    struct page *page;
    if (cache_block(m->index, mount_group(m, number)->block_bitmap, &page))
        return;
    if (page->data[bit / 8] & 1 << bit % 8) {
        page->data[bit / 8] &= ~(1 << bit % 8);
        cache_dirty(page);
        mount_group(m, number)->free_blocks++;
        mount_group_dirty(m, number);
        m->free_blocks++;
    } else {
        mount_corrupt(m, "free block freed", block);
    }
    cache_put(page);
}

/* ---- Inodes ---- */

/* Takes a free inode of group `number`: its number; -ENOSPC if the group has none, -EIO, -ENOMEM.
 * May wait. */
static int64_t ino_in_group(struct mount *m, uint32_t number, bool directory)
{
    struct group *g = mount_group(m, number);
    if (g->free_inodes == 0)
        return -ENOSPC;
    struct page *page;
    int error = cache_block(m->index, g->inode_bitmap, &page);
    if (error)
        return error;
    uint32_t from = number == 0 ? m->geo.first_ino - 1 : 0;
    uint32_t bit = find_clear(page->data, from, m->geo.inodes_per_group);
    int64_t ino = -ENOSPC;
    if (bit < m->geo.inodes_per_group) {
        page->data[bit / 8] |= 1 << bit % 8;
        cache_dirty(page);
        g->free_inodes--;
        g->used_dirs += directory;
        mount_group_dirty(m, number);
        m->free_inodes -= m->free_inodes != 0;
        m->directories += directory;
        ino = (int64_t)number * m->geo.inodes_per_group + bit + 1;
    }
    cache_put(page);
    return ino;
}

/* The group for a directory directly below the root: of the groups with no fewer free inodes than
 * the average, the one with the most free blocks and, among equals, the fewest directories. */
static uint32_t roomy_group(struct mount *m, uint32_t otherwise)
{
    uint32_t average = m->free_inodes / m->geo.groups, best = otherwise;
    bool found = false;
    for (uint32_t n = 0; n < m->geo.groups; n++) {
        const struct group *g = mount_group(m, n), *b = mount_group(m, best);
        if (!g->free_inodes || g->free_inodes < average)
            continue;
        if (!found || g->free_blocks > b->free_blocks ||
            (g->free_blocks == b->free_blocks && g->used_dirs < b->used_dirs))
            best = n;
        found = true;
    }
    return best;
}

int64_t ino_alloc(struct inode *parent, bool directory)
{
    struct mount *m = mount_of(parent);
    uint32_t first = (parent->ino - 1) / m->geo.inodes_per_group;
    if (directory && parent->ino == ROOT_INO)
        first = roomy_group(m, first);
    else if (directory && mount_group(m, first)->free_blocks < group_blocks(m, first) / 16)
        first = (first + 1) % m->geo.groups;
    for (uint32_t n = 0; n < m->geo.groups; n++) {
        int64_t ino = ino_in_group(m, (first + n) % m->geo.groups, directory);
        if (ino != -ENOSPC)
            return ino;
    }
    return -ENOSPC;
}

uint32_t ino_reserve(const struct mount *m)
{
    return (uint64_t)m->geo.inodes * MIN(m->super->r_blocks_count, m->geo.blocks) / m->geo.blocks;
}

bool ino_alone(struct mount *m, uint32_t ino)
{
    uint32_t number = (ino - 1) / m->geo.inodes_per_group,
             bit = (ino - 1) % m->geo.inodes_per_group;
    uint32_t per_block = m->geo.block_size / m->geo.inode_size, first = bit / per_block * per_block;
    struct page *page;
    if (cache_block(m->index, mount_group(m, number)->inode_bitmap, &page))
        return false;
    bool alone = true;
    for (uint32_t k = first; k < MIN(first + per_block, m->geo.inodes_per_group) && alone; k++)
        alone = k == bit || !(page->data[k / 8] & 1 << k % 8);
    cache_put(page);
    return alone;
}

void ino_free(struct mount *m, uint32_t ino, bool directory)
{
    uint32_t number = (ino - 1) / m->geo.inodes_per_group,
             bit = (ino - 1) % m->geo.inodes_per_group;
    struct page *page;
    if (ino < m->geo.first_ino ||
        cache_block(m->index, mount_group(m, number)->inode_bitmap, &page))
        return;
    struct group *g = mount_group(m, number);
    if (page->data[bit / 8] & 1 << bit % 8) {
        page->data[bit / 8] &= ~(1 << bit % 8);
        cache_dirty(page);
        g->free_inodes++;
        m->free_inodes++;
        if (directory && g->used_dirs) {
            g->used_dirs--;
            m->directories -= m->directories != 0;
        }
        mount_group_dirty(m, number);
    } else {
        mount_corrupt(m, "free inode freed", ino);
    }
    cache_put(page);
}
