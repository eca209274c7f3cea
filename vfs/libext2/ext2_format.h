/* The second extended file system as it lies on the disk (little-endian), revision 0 and 1, after
 * the specification "The Second Extended File System: Internal Layout" by Dave Poirier.
 *
 * The disk is an array of blocks of 1, 2 or 4 KiB, cut into groups of blocks_per_group:
 *
 *     | boot block | group 0 | group 1 | ... | last group, perhaps shorter |
 *                   |
 *     a group:      | superblock | descriptors  | block  | inode  | inode | data blocks ... |
 *                   | (a copy)   | of all groups| bitmap | bitmap | table |                 |
 *
 * The superblock stands at byte 1024: in block 1 if blocks have 1 KiB, or else in block 0 behind
 * the boot block. It and the descriptors behind it are copied into other groups, into all or, with
 * sparse_super, into groups 1 and the powers of 3, 5 and 7; only those of group 0 are read here. A
 * group's descriptor says where its bitmaps and its part of the inode table are; the positions in
 * the drawing are the usual ones.
 *
 * Inode n, counted from 1, is in group (n - 1) / inodes_per_group. An inode has the numbers of a
 * file's blocks, the first twelve directly, more through indirect blocks (ext2_path()). A
 * directory's blocks are full of entries, each with the number of an inode and a name. */
#ifndef EXT2_FORMAT_H
#define EXT2_FORMAT_H

#include <minnow/file.h>
#include <stddef.h>

#include "service.h"

enum {
    SUPER_OFFSET = 1024,
    SUPER_MAGIC = 0xef53,
    STATE_VALID = 1,
    STATE_ERRORS = 2,
    ROOT_INO = 2,
    RESIZE_INO = 7,
    OLD_FIRST_INO = 11,
    OLD_INODE_SIZE = 128,
    EXTRA_ISIZE = 32,
    COMPAT_DIR_INDEX = 0x20,
    INCOMPAT_FILETYPE = 2,
    RO_SPARSE_SUPER = 1,
    RO_LARGE_FILE = 2,
    FLAG_INDEX = 0x1000, /* of an inode: a directory with a hash tree */
    DIRECT = 12,
    IND = 12,
    DIND = 13,
    TIND = 14,
    BLOCKS = 15,
    LINKS_MAX = 32000,
    XATTR_MAGIC = 0xea020000,
};

/* The superblock. r_blocks: only root may use the last so many; state: STATE_; the three words of
 * features say which a reader may ignore (compat), must know (incompat), or must know to write
 * (ro_compat). */
struct super {
    uint32_t inodes_count, blocks_count, r_blocks_count, free_blocks, free_inodes, first_data_block;
    uint32_t log_block_size, log_frag_size, blocks_per_group, frags_per_group, inodes_per_group;
    uint32_t mtime, wtime;
    uint16_t mount_count, max_mount_count, magic, state, errors, minor_rev;
    uint32_t lastcheck, checkinterval, creator_os, rev_level;
    uint16_t def_resuid, def_resgid;
    /* From here on revision 1. */
    uint32_t first_ino;
    uint16_t inode_size, block_group_nr;
    uint32_t compat, incompat, ro_compat;
    uint8_t uuid[16];
    char volume_name[16], last_mounted[64];
    uint32_t algorithm_bitmap;
    uint8_t prealloc_blocks, prealloc_dir_blocks;
    uint16_t reserved_gdt_blocks;
};

/* A group's descriptor: three numbers of blocks, three counts. */
struct group {
    uint32_t block_bitmap, inode_bitmap, inode_table;
    uint16_t free_blocks, free_inodes, used_dirs, flags;
    uint32_t reserved[3];
};
_Static_assert(sizeof(struct group) == 32, "a group descriptor");

/* An inode in the table. sectors: of 512 bytes, indirect blocks included; file_acl: the block of
 * its extended attributes, or 0; a device number stands in block[0] or block[1], a short symbolic
 * link in all of block[]. */
struct disk_inode {
    uint16_t mode, uid;
    uint32_t size, atime, ctime, mtime, dtime;
    uint16_t gid, links;
    uint32_t sectors, flags, osd1, block[BLOCKS], generation, file_acl, size_high, faddr;
    uint16_t osd2_frag, osd2_pad, uid_high, gid_high;
    uint32_t osd2_reserved;
    /* From here on only in inodes of more than 128 bytes, and of these extra_isize bytes. */
    uint16_t extra_isize, checksum_high;
    uint32_t ctime_extra, mtime_extra, atime_extra, crtime, crtime_extra;
};
_Static_assert(offsetof(struct disk_inode, extra_isize) == 128, "the classical inode");

/* A directory entry; no entry crosses the end of a block. */
struct entry {
    uint32_t ino; /* 0: unused */
    /* to the next entry, a multiple of 4; the last one reaches to the end of the block */
    uint16_t reclen;
    uint8_t name_length, type;
    char name[];
};
enum { ENTRY_HEAD = 8 };
/* The bytes that an entry with such a name needs. */
static inline unsigned entry_size(unsigned name_length)
{
    return (ENTRY_HEAD + name_length + 3) & ~3u;
}

/* The type of a directory record (DT_) for an entry's type. */
extern const uint8_t ext2_dtypes[8];

/* What a superblock says, in the units in which code counts. */
struct geometry {
    /* bytes of a block, and their logarithm; block numbers in an indirect block */
    uint32_t block_size, block_shift, per_block;
    /* first_block: of group 0; first_ino: the first that is not reserved */
    uint32_t blocks, first_block, groups, blocks_per_group, inodes_per_group, inodes, inode_size,
        first_ino;
    /* blocks of a group's part of the inode table; of all group descriptors */
    uint32_t table_blocks, group_blocks;
    bool filetype, sparse_super; /* entries have types; not every group has a copy of the super */
};

/* Checks a superblock, so that no number in *g, which is filled in, leads code astray; or an
 * inode's type and size. NULL, or what is wrong, for a message. */
const char *ext2_check_super(const struct super *s, struct geometry *g);
const char *ext2_check_inode(const struct geometry *g, const struct disk_inode *d);

/* Whether the disk has a block with this number. */
static inline bool block_ok(const struct geometry *g, uint64_t block)
{
    return block >= g->first_block && block < g->blocks;
}
uint64_t ext2_overhead(const struct geometry *g); /* blocks that hold no files, for statfs */

uint64_t ext2_limit(const struct geometry *g); /* the largest possible file, in bytes */
/* The indices on the way to block `number` of a file: path[0] into disk_inode.block, each further
 * one into the indirect block that the one before leads to. How many, 1..4; 0 beyond the limit. */
int ext2_path(const struct geometry *g, uint64_t number, uint32_t path[4]);

/* The size in bytes; only that of a regular file has 64 bits. */
uint64_t ext2_size(const struct disk_inode *d);
/* Whether an inode's block[] are numbers of blocks, and not a short symbolic link or a device
 * number. */
bool ext2_has_blocks(const struct geometry *g, uint32_t mode, uint32_t sectors, uint32_t file_acl);
/* The device number of a device node; 0 for all others. */
uint64_t ext2_rdev(uint32_t mode, const uint32_t block[]);
/* Whether the inode has the fields of times behind the classical inode. */
bool ext2_has_extra(const struct geometry *g, const struct disk_inode *d);
/* The three times, with nanoseconds and years behind 2038 if the inode has the extra fields. */
void ext2_times(const struct geometry *g, const struct disk_inode *d, struct timespec64 *atime,
                struct timespec64 *mtime, struct timespec64 *ctime);

/* The entry at `offset` of a directory's block if it is sound, else NULL. */
static inline struct entry *ext2_entry(const struct geometry *g, uint8_t *block, uint32_t offset)
{
    if (offset > g->block_size - ENTRY_HEAD)
        return NULL;
    struct entry *e = (struct entry *)(block + offset);
    if (e->reclen < ENTRY_HEAD || (e->reclen & 3) || e->reclen > g->block_size - offset ||
        (e->ino && entry_size(e->name_length) > e->reclen) || e->ino > g->inodes)
        return NULL;
    return e;
}
/* The entry's type for a directory record; DT_UNKNOWN on disks without `filetype`. */
static inline uint8_t ext2_dtype(const struct geometry *g, const struct entry *e)
{
    return g->filetype && e->type < 8 ? ext2_dtypes[e->type] : DT_UNKNOWN;
}

#endif
