/* Pure functions on the structures of an ext2 disk; the contracts stand in ext2_format.h. */
#include "ext2_format.h"

const uint8_t ext2_dtypes[8] = { DT_UNKNOWN, DT_REG,  DT_DIR,  DT_CHR,
                                 DT_BLK,     DT_FIFO, DT_SOCK, DT_LNK };

const char *ext2_check_super(const struct super *s, struct geometry *g)
{
    if (s->magic != SUPER_MAGIC)
        return "not an ext2 file system";
    if (s->log_block_size > 2)
        return "block size not supported";
    if (s->rev_level > 1)
        return "revision not supported";
    if (s->rev_level >= 1 && (s->incompat & ~INCOMPAT_FILETYPE))
        return "incompatible features";
    g->block_shift = 10 + s->log_block_size;
    g->block_size = 1u << g->block_shift;
    g->per_block = g->block_size / 4;
    g->blocks = s->blocks_count;
    g->first_block = s->first_data_block;
    g->blocks_per_group = s->blocks_per_group;
    g->inodes_per_group = s->inodes_per_group;
    g->inodes = s->inodes_count;
    g->inode_size = s->rev_level ? s->inode_size : OLD_INODE_SIZE;
    g->first_ino = s->rev_level ? s->first_ino : OLD_FIRST_INO;
    g->filetype = s->rev_level && (s->incompat & INCOMPAT_FILETYPE);
    g->sparse_super = s->rev_level && (s->ro_compat & RO_SPARSE_SUPER);
    if (g->first_block != (g->block_size == 1024) || g->blocks <= 4)
        return "impossible first block";
    if (g->blocks_per_group < 8 || g->blocks_per_group > g->block_size * 8)
        return "impossible blocks per group";
    if (g->inode_size < OLD_INODE_SIZE || g->inode_size > g->block_size ||
        (g->inode_size & (g->inode_size - 1)))
        return "impossible inode size";
    if (g->inodes_per_group == 0 || g->inodes_per_group > g->block_size * 8)
        return "impossible inodes per group";
    g->groups = (g->blocks - g->first_block - 1) / g->blocks_per_group + 1;
    if ((uint64_t)g->groups * g->inodes_per_group != g->inodes)
        return "impossible number of inodes";
    if (g->first_ino < OLD_FIRST_INO || g->first_ino > g->inodes_per_group)
        return "impossible first inode";
    g->table_blocks = ((uint64_t)g->inodes_per_group * g->inode_size + g->block_size - 1) >>
                      g->block_shift;
    uint32_t per = g->block_size / sizeof(struct group);
    g->group_blocks = (g->groups + per - 1) / per;
    if (g->group_blocks >= g->blocks_per_group || g->group_blocks >= g->blocks - g->first_block - 1)
        return "impossible number of groups";
    return NULL;
}

/* Counts as Linux does in statfs: superblock copies, descriptors, bitmaps and inode tables. */
uint64_t ext2_overhead(const struct geometry *g)
{
    uint64_t blocks = g->first_block;
    for (uint32_t n = 0; n < g->groups; n++) {
        bool backup = n <= 1 || !g->sparse_super;
        for (uint32_t base = 3; base <= 7 && !backup; base += 2)
            for (uint64_t power = base; power <= n && !backup; power *= base)
                backup = power == n;
        blocks += (backup ? 1 + g->group_blocks : 0) + 2 + g->table_blocks;
    }
    return MIN(blocks, (uint64_t)g->blocks);
}

/* ---- Blocks of a file: twelve direct, then by one, two and three indirect blocks ---- */

uint64_t ext2_limit(const struct geometry *g)
{
    uint64_t n = g->per_block;
    uint64_t blocks = DIRECT + n + n * n + n * n * n;
    return MIN(blocks, (uint64_t)UINT32_MAX) << g->block_shift;
}

int ext2_path(const struct geometry *g, uint64_t number, uint32_t path[4])
{
    uint64_t n = g->per_block;
    if (number < DIRECT) {
        path[0] = number;
        return 1;
    }
    number -= DIRECT;
    uint64_t span = n;
    for (int depth = 1; depth <= 3; depth++, span *= n) {
        if (number >= span) {
            number -= span;
            continue;
        }
        path[0] = DIRECT + depth - 1;
        for (int k = depth; k > 0; k--, number /= n)
            path[k] = number % n;
        return depth + 1;
    }
    return 0;
}

/* ---- Inodes ---- */

uint64_t ext2_size(const struct disk_inode *d)
{
    return d->size | (S_ISREG(d->mode) ? (uint64_t)d->size_high << 32 : 0);
}

bool ext2_has_blocks(const struct geometry *g, uint32_t mode, uint32_t sectors, uint32_t file_acl)
{
    if (S_ISREG(mode) || S_ISDIR(mode))
        return true;
    uint32_t own = file_acl ? g->block_size / 512 : 0;
    return S_ISLNK(mode) && sectors > own;
}

const char *ext2_check_inode(const struct geometry *g, const struct disk_inode *d)
{
    uint64_t size = ext2_size(d);
    switch (d->mode & S_IFMT) {
    case S_IFREG: return size > ext2_limit(g) ? "impossible size of inode" : NULL;
    case S_IFDIR:
        return size == 0 || size & (g->block_size - 1) || size >> g->block_shift > g->blocks
                   ? "impossible size of directory"
                   : NULL;
    case S_IFLNK:
        return size == 0 || size >= (ext2_has_blocks(g, d->mode, d->sectors, d->file_acl)
                                         ? g->block_size
                                         : sizeof d->block)
                   ? "impossible size of symbolic link"
                   : NULL;
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK: return NULL;
    default: return "impossible type of inode";
    }
}

uint64_t ext2_rdev(uint32_t mode, const uint32_t block[])
{
    uint32_t type = mode & S_IFMT, b = block[1];
    if (type != S_IFCHR && type != S_IFBLK)
        return 0;
    if (block[0])
        return makedev(block[0] >> 8 & 0xff, block[0] & 0xff);
    return makedev((b & 0xfff00) >> 8, (b & 0xff) | (b >> 12 & 0xfff00));
}

bool ext2_has_extra(const struct geometry *g, const struct disk_inode *d)
{
    return g->inode_size >= sizeof *d &&
           d->extra_isize >= offsetof(struct disk_inode, crtime) - OLD_INODE_SIZE &&
           d->extra_isize <= g->inode_size - OLD_INODE_SIZE;
}

/* The extra word has two more bits of the seconds, and the nanoseconds above them. */
static struct timespec64 unpack_time(uint32_t sec, uint32_t extra)
{
    return (struct timespec64){ (int64_t)(int32_t)sec + ((int64_t)(extra & 3) << 32),
                                MIN(extra >> 2, 999999999u) };
}

void ext2_times(const struct geometry *g, const struct disk_inode *d, struct timespec64 *atime,
                struct timespec64 *mtime, struct timespec64 *ctime)
{
    bool extra = ext2_has_extra(g, d);
    *atime = unpack_time(d->atime, extra ? d->atime_extra : 0);
    *mtime = unpack_time(d->mtime, extra ? d->mtime_extra : 0);
    *ctime = unpack_time(d->ctime, extra ? d->ctime_extra : 0);
}
