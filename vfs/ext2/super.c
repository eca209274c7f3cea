/* The superblock and the group descriptors. All numbers that later code relies on are checked here,
 * once. While a file system is mounted read-write the valid flag in its superblock is off on the
 * disk; a clean unmount sets it again. */
#include "ext2.h"

struct mount mounts[MOUNTS];

struct group *mount_group(struct mount *m, uint32_t group)
{
    uint32_t per = m->geo.block_size / sizeof(struct group);
    return (struct group *)m->group_pages[group / per]->data + group % per;
}

void mount_group_dirty(struct mount *m, uint32_t group)
{
    cache_dirty(m->group_pages[group / (m->geo.block_size / sizeof(struct group))]);
}

int super_store(struct disk_mount *f, bool clean)
{
    struct mount *m = (struct mount *)f;
    struct super *s = m->super;
    s->wtime = fs_now().sec;
    if (!clean && !m->in_use) {
        s->mount_count++;
        s->mtime = s->wtime;
    }
    m->in_use = !clean;
    s->free_blocks = m->free_blocks;
    s->free_inodes = m->free_inodes;
    s->state = (s->state & ~STATE_VALID) | (clean ? STATE_VALID : 0) |
               (m->reported ? STATE_ERRORS : 0);
    if (m->large_file_noted)
        s->ro_compat |= RO_LARGE_FILE;
    cache_dirty(m->super_page);
    return 0;
}

/* ---- Mounting ---- */

static bool in_group(const struct mount *m, uint32_t group, uint32_t block, uint32_t count)
{
    uint64_t first = m->geo.first_block + (uint64_t)group * m->geo.blocks_per_group;
    uint64_t end = MIN(first + m->geo.blocks_per_group, (uint64_t)m->geo.blocks);
    return block >= first && (uint64_t)block + count <= end;
}

/* Reads all group descriptors, and holds their pages; adds their counts. 0, -EUCLEAN, -EIO,
 * -ENOMEM. */
static int load_groups(struct mount *m)
{
    for (uint32_t k = 0; k < m->geo.group_blocks; k++) {
        int error = cache_block(m->index, m->geo.first_block + 1 + k, &m->group_pages[k]);
        if (error) {
            m->group_pages[k] = NULL;
            return error;
        }
    }
    m->free_blocks = m->free_inodes = m->directories = 0;
    for (uint32_t n = 0; n < m->geo.groups; n++) {
        const struct group *g = mount_group(m, n);
        if (!in_group(m, n, g->block_bitmap, 1) || !in_group(m, n, g->inode_bitmap, 1) ||
            !in_group(m, n, g->inode_table, m->geo.table_blocks) ||
            g->free_blocks > m->geo.blocks_per_group || g->free_inodes > m->geo.inodes_per_group) {
            print("impossible group descriptor %u", n);
            return -EUCLEAN;
        }
        m->free_blocks += g->free_blocks;
        m->free_inodes += g->free_inodes;
        m->directories += g->used_dirs;
    }
    return 0;
}

void super_drop(struct disk_mount *f)
{
    struct mount *m = (struct mount *)f;
    for (uint32_t k = 0; k < m->geo.group_blocks && m->group_pages[k]; k++)
        cache_put(m->group_pages[k]);
    if (m->super_page)
        cache_put(m->super_page);
}

/* Reads the superblock and the geometry past the cache, whose unit is not known yet: 0 if it can be
 * mounted, -EIO, -EINVAL, -EUCLEAN; prints what is wrong. */
static int read_super(struct mount *m, const struct fs_source *source, struct super *s)
{
    uint8_t raw[512];
    int error = cache_device_read(source->service, source->object, SUPER_OFFSET, raw, sizeof raw);
    if (error)
        return error;
    memcpy(s, raw, sizeof *s);
    const char *wrong = ext2_check_super(s, &m->geo);
    if (!wrong && m->geo.group_blocks > GROUP_PAGES)
        wrong = "too many groups";
    if (!wrong && mount_device_bytes(source) < (int64_t)m->geo.blocks << m->geo.block_shift)
        wrong = "larger than its device";
    if (!wrong)
        return 0;
    print("cannot mount: %s", wrong);
    return s->magic == SUPER_MAGIC ? -EUCLEAN : -EINVAL;
}

int super_load(struct disk_mount *f, const struct fs_source *source)
{
    struct mount *m = (struct mount *)f;
    struct super s;
    int error = read_super(m, source, &s);
    if (error)
        return error;
    cache_device(m->index, source->service, source->object, m->geo.block_size);
    error = cache_block(m->index, SUPER_OFFSET >> m->geo.block_shift, &m->super_page);
    if (error) {
        m->super_page = NULL;
        return error;
    }
    m->super = (struct super *)(m->super_page->data + (SUPER_OFFSET & (m->geo.block_size - 1)));
    m->unit_shift = m->geo.block_shift;
    m->size_max = ext2_limit(&m->geo);
    m->was_clean = s.state & STATE_VALID;
    m->only_read = s.rev_level && (s.ro_compat & ~(RO_SPARSE_SUPER | RO_LARGE_FILE));
    /* revision 0 has no field for the feature */
    m->large_file_noted = s.rev_level == 0;
    return load_groups(m);
}

int super_statfs(struct fs_mount *f, struct statfs *s)
{
    struct mount *m = (struct mount *)f;
    deletions_awaited(&m->deletions);
    s->type = SUPER_MAGIC;
    s->bsize = m->geo.block_size;
    s->blocks = m->geo.blocks - ext2_overhead(&m->geo);
    s->bfree = m->free_blocks;
    s->bavail = m->free_blocks - MIN(m->super->r_blocks_count, m->free_blocks);
    s->files = m->geo.inodes;
    s->ffree = m->free_inodes;
    memcpy(s->fsid, m->super->uuid, sizeof s->fsid);
    return 0;
}
