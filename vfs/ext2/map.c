/* From the blocks of a file to blocks of the disk. An inode has fifteen slots:
 *
 *     block[0..11]   the file's first twelve blocks
 *     block[12]      an indirect block: numbers of blocks
 *     block[13]      a block of numbers of indirect blocks
 *     block[14]      one level more
 *
 * ext2_path() gives the slots on the way to a block, map_block() walks them and, if asked to, fills
 * those that are empty. A slot is filled after its block has been allocated and, where it is an
 * indirect one, zeroed: so whatever fails, a slot leads to a sound block or is 0. A new block lies
 * behind the one that the file got last (inode.goal), so that a file that grows alone is one run.
 *
 * map_cut() clears a slot before it looks at what the slot led to. An indirect block that a damaged
 * disk lets lead back to itself is therefore walked once. */
#include "ext2.h"

/* The goal of a file's first block: in its inode's group, behind the block that was allocated there
 * last. */
static uint32_t first_goal(const struct inode *i)
{
    const struct mount *m = mount_of(i);
    uint32_t group = (i->ino - 1) / m->geo.inodes_per_group;
    if (block_ok(&m->geo, m->recent) &&
        (m->recent - m->geo.first_block) / m->geo.blocks_per_group == group)
        return m->recent;
    return m->geo.first_block + group * m->geo.blocks_per_group;
}

/* Puts a new block into *slot, which is in the inode, or in the page `holder`; an indirect block is
 * zeroed before. If there is none, waits for deletions that are under way. The last blocks are
 * root's. 0, -ENOSPC, -EIO, -ENOMEM. */
static int fill_slot(struct inode *i, uint32_t *slot, struct page *holder, bool indirect)
{
    struct mount *m = mount_of(i);
    int64_t block;
    do {
        bool left = !i->uid || m->free_blocks > m->super->r_blocks_count; /* the rest is root's */
        block = left ? block_alloc(m, i->goal ? i->goal : first_goal(i)) : -ENOSPC;
    } while (block == -ENOSPC && deletion_awaited(&m->deletions));
    if (block < 0)
        return block;
    if (indirect) {
        struct page *page;
        int error = cache_block_new(m->index, block, &page);
        if (error) {
            block_free(m, block);
            return error;
        }
        cache_put(page);
    }
    *slot = block;
    if (holder)
        cache_dirty(holder);
    i->goal = m->recent = block + 1;
    i->blocks += m->geo.block_size / 512;
    inode_dirty(i);
    return 0;
}

int64_t map_block(struct disk_node *n, uint64_t number, bool allocate)
{
    struct inode *i = inode_of(n);
    struct mount *m = mount_of(i);
    uint32_t path[4];
    int depth = ext2_path(&m->geo, number, path), error = 0;
    int64_t block = 0;
    if (!depth)
        return allocate ? -EFBIG : 0;
    struct page *page = NULL;
    uint32_t *slot = &i->block[path[0]];
    for (int k = 0;; k++) {
        if (*slot == 0) {
            if (!allocate)
                break;
            error = fill_slot(i, slot, page, k < depth - 1);
            if (error)
                break;
        } else if (!block_ok(&m->geo, *slot)) {
            error = mount_corrupt(m, "block number out of range in inode", i->ino);
            break;
        } else if (allocate && k == depth - 1) {
            i->goal = *slot + 1;
        }
        if (k == depth - 1) {
            block = *slot;
            break;
        }
        struct page *next;
        error = cache_block(m->index, *slot, &next);
        if (error)
            break;
        if (page)
            cache_put(page);
        page = next;
        slot = (uint32_t *)page->data + path[k + 1];
    }
    if (page)
        cache_put(page);
    return error ? error : block;
}

/* Frees one block of the file; gives way after each AT_ONCE, for a file may have millions. */
static void drop_block(struct inode *i, uint32_t block)
{
    enum { AT_ONCE = 1024 };
    uint32_t sectors = mount_of(i)->geo.block_size / 512;
    i->blocks -= MIN(i->blocks, (uint64_t)sectors);
    block_free(mount_of(i), block);
    inode_dirty(i);
    GIVE_WAY_EVERY(AT_ONCE, 1, i->blocks / sectors);
}

/* How many blocks of the file a slot leads to that is `depth` levels of indirection above them. */
static uint64_t span_of(const struct mount *m, int depth)
{
    uint64_t span = 1;
    while (depth-- > 0)
        span *= m->geo.per_block;
    return span;
}

/* Frees the blocks below *slot, which is in the inode or in the page `holder`, `depth` levels of
 * indirection deep: numbers from..to - 1 of them; if those are all, also what the slot leads to. 0,
 * or the first error; the rest is freed nevertheless. */
static int cut_slot(struct inode *i, uint32_t *slot, struct page *holder, int depth, uint64_t from,
                    uint64_t to)
{
    struct mount *m = mount_of(i);
    uint32_t block = *slot;
    bool all = from == 0 && to >= span_of(m, depth);
    if (!block)
        return 0;
    if (all) {
        *slot = 0;
        if (holder)
            cache_dirty(holder);
        inode_dirty(i);
    }
    if (!block_ok(&m->geo, block))
        return mount_corrupt(m, "block number out of range in inode", i->ino);
    if (depth == 0) {
        drop_block(i, block);
        return 0;
    }
    uint64_t span = span_of(m, depth - 1);
    struct page *page;
    int error = cache_block(m->index, block, &page);
    if (error)
        return error;
    uint32_t *slots = (uint32_t *)page->data;
    for (uint64_t k = from / span; k < m->geo.per_block && k * span < to; k++) {
        int e = cut_slot(i, &slots[k], page, depth - 1, k == from / span ? from % span : 0,
                         to - k * span);
        error = error ? error : e;
    }
    cache_put(page);
    if (all)
        drop_block(i, block);
    return error;
}

/* How many levels of indirection block[k] of an inode is above the file's blocks. */
static int slot_depth(int k) { return k < DIRECT ? 0 : k - DIRECT + 1; }

int map_free(struct disk_node *n, uint64_t from, uint64_t to)
{
    struct inode *i = inode_of(n);
    uint64_t first = 0;
    int error = 0;
    for (int k = 0; k < BLOCKS && first < to; k++) {
        uint64_t span = span_of(mount_of(i), slot_depth(k));
        if (from < first + span) {
            int e = cut_slot(i, &i->block[k], NULL, slot_depth(k), from > first ? from - first : 0,
                             to - first);
            error = error ? error : e;
        }
        first += span;
    }
    i->goal = 0;
    return error;
}

int map_cut(struct inode *i, uint64_t from)
{
    return map_free((struct disk_node *)i, from, UINT64_MAX);
}

/* The number of the first block from number `from` on below a slot that holds `block`; -ENXIO. */
static int64_t next_below(struct inode *i, uint32_t block, int depth, uint64_t from)
{
    struct mount *m = mount_of(i);
    if (!block)
        return -ENXIO;
    if (!block_ok(&m->geo, block))
        return mount_corrupt(m, "block number out of range in inode", i->ino);
    if (!depth)
        return 0;
    uint64_t span = span_of(m, depth - 1), first = from / span;
    struct page *page;
    int64_t found = cache_block(m->index, block, &page);
    if (found)
        return found;
    found = -ENXIO;
    for (uint64_t k = first; k < m->geo.per_block && found == -ENXIO; k++) {
        found = next_below(i, ((uint32_t *)page->data)[k], depth - 1, k == first ? from % span : 0);
        found += found >= 0 ? k * span : 0;
    }
    cache_put(page);
    return found;
}

int64_t map_next(struct disk_node *n, uint64_t number)
{
    struct inode *i = inode_of(n);
    uint64_t first = 0;
    int64_t found = -ENXIO;
    for (int k = 0; k < BLOCKS && found == -ENXIO; k++) {
        uint64_t span = span_of(mount_of(i), slot_depth(k));
        if (number < first + span) {
            found = next_below(i, i->block[k], slot_depth(k), number > first ? number - first : 0);
            found += found >= 0 ? first : 0;
        }
        first += span;
    }
    return found;
}

int map_cut_bytes(struct disk_node *n, uint64_t size)
{
    const struct geometry *g = &mount_of(inode_of(n))->geo;
    return map_cut(inode_of(n), (size + g->block_size - 1) >> g->block_shift);
}
