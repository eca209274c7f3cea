/* What a MINIX file system of version 3 looks like on the disk (Linux: fs/minix; util-linux:
 * mkfs.minix -3). This file is not yours to change.
 *
 *     block 0            boot
 *     block 1            superblock
 *     block 2 ...        map of inodes, map of zones, table of inodes, in this order
 *     block first_zone   zones, up to the end
 *
 * A zone is a block here. Bit 0 of both maps is set and means nothing; bit n of the map of inodes
 * is inode n; bit n of the map of zones is zone n + first_zone - 1. A map's bits behind the last
 * are set. */
#ifndef DISK_H
#define DISK_H

#include <stdint.h>

enum {
    SUPER_OFFSET = 1024,
    SUPER_MAGIC = 0x4d5a,
    BLOCK = 1024,
    MAP_FIRST = 2,
    ROOT_INO = 1,
    LINKS_MAX = 65530,
    ID_MAX = 65535, /* of a user or a group */
    NAME_BYTES = 60
};
enum { DIRECT = 7, INDIRECT = 3, PER_BLOCK = BLOCK / 4, BITS_PER_BLOCK = BLOCK * 8 };

struct super {
    uint32_t inodes;
    uint16_t pad0;
    uint16_t imap_blocks, zmap_blocks;
    uint16_t first_zone;
    uint16_t log_zone_size; /* 0: a zone is a block */
    uint16_t pad1;
    uint32_t max_size; /* of a file, in bytes */
    uint32_t zones;    /* of the whole disk */
    uint16_t magic;
    uint16_t pad2;
    uint16_t block_size;
    uint8_t version;
};

/* Zone 0 is a hole. zone[7], [8] and [9] lead to one, two and three levels of blocks of zone
 * numbers. A device has its number in zone[0]. */
struct disk_inode {
    uint16_t mode, links, uid, gid;
    uint32_t size, atime, mtime, ctime;
    uint32_t zone[DIRECT + INDIRECT];
};

/* The name ends with a NUL or with the field. The first two entries of a directory are "." and
 * "..". ino 0: the entry is free. */
struct entry {
    uint32_t ino;
    char name[NAME_BYTES];
};

enum {
    INODES_PER_BLOCK = BLOCK / sizeof(struct disk_inode),
    ENTRIES_PER_BLOCK = BLOCK / sizeof(struct entry)
};

#endif
