/* FAT12, FAT16 and FAT32 with long names as they lie on the disk (little-endian); the specification
 * is Microsoft's "FAT32 File System Specification", version 1.03.
 *
 *     | first sector, | FAT | FAT  | root directory     | clusters 2, 3, 4 ...                |
 *     | reserved ones |     | copy | (FAT12, FAT16)     | (FAT32: the root is a file in them) |
 *
 * A cluster is some sectors in a row. The FAT, the file allocation table, has a number of 12, 16 or
 * 32 bits for each cluster: 0 if it is free, the next cluster of its file, or an end mark. So a
 * file is a chain of clusters, and its directory entry names the first one. A directory is a row of
 * slots of 32 bytes. A slot is an entry with a name of 8 + 3 characters, a part of the long name of
 * the entry behind it, free, or the end:
 *
 *     slot 0  "part 2, the last, of the long name"  \
 *     slot 1  "part 1"                               > one name, `found.first` .. `found.slot`
 *     slot 2  entry "PART1O~1.TXT"                  /
 *     slot 3  ENTRY_FREE
 *     slot 4  ENTRY_END: no slot behind is in use */
#ifndef FAT_DISK_H
#define FAT_DISK_H

#include <stdint.h>

/* The first sector. */
struct boot {
    uint8_t jump[3], oem[8];
    uint16_t sector_size;
    uint8_t cluster_sectors;
    uint16_t reserved; /* sectors before the first FAT */
    uint8_t fats;
    uint16_t root_entries; /* 0 on FAT32 */
    uint16_t sectors16;
    uint8_t media;
    uint16_t fat_sectors16, per_track, heads;
    uint32_t hidden, sectors32;
    union {
        struct {
            uint8_t drive, state, signature;
            uint8_t serial[4];
        } __attribute__((packed)) old;
        struct {
            uint32_t fat_sectors;
            uint16_t flags, version;
            uint32_t root_cluster;
            uint16_t info_sector, backup_sector;
            uint8_t reserved[12], drive, state, signature;
        } __attribute__((packed)) new;
    };
} __attribute__((packed));
enum { BOOT_SIGNATURE_AT = 510, BOOT_SIGNATURE = 0xaa55, STATE_DIRTY = 1 };

/* FAT32: how many clusters are free, and where to search for one, so that a mount need not count.
 */
struct fs_info {
    uint32_t lead;
    uint8_t reserved[480];
    uint32_t signature, free, next;
    uint8_t reserved2[12];
    uint32_t trail;
};
enum { INFO_LEAD = 0x41615252, INFO_SIGNATURE = 0x61417272 };

/* A slot that is an entry. name: 8 characters and 3 of the extension, padded with spaces; cases:
 * which of both is shown in lower case. */
struct entry {
    uint8_t name[11], attributes, cases, created_10ms;
    uint16_t created_time, created_date, accessed_date, cluster_high, time, date, cluster_low;
    uint32_t size;
};
_Static_assert(sizeof(struct entry) == 32, "a directory entry");

/* A slot that is a part of a long name: thirteen characters in UTF-16. The last part comes first,
 * its order marked by LONG_LAST; checksum is that of the short name that they belong to. */
struct long_entry {
    uint8_t order;
    uint8_t first[10];
    uint8_t attributes, type, checksum;
    uint8_t second[12];
    uint16_t zero;
    uint8_t third[4];
};
_Static_assert(sizeof(struct long_entry) == 32, "a part of a long name");

enum {
    ENTRY_SIZE = 32,
    ENTRY_END = 0,
    ENTRY_FREE = 0xe5,
    ENTRY_KANJI = 0x05,
    ATTR_READ_ONLY = 1,
    ATTR_VOLUME = 8,
    ATTR_DIRECTORY = 0x10,
    ATTR_ARCHIVE = 0x20,
    ATTR_LONG = 0x0f,
    CASE_BASE = 8,
    CASE_EXTENSION = 0x10, /* shown in lower case */
    LONG_LAST = 0x40,
    LONG_CHARS = 13,
    LONG_PARTS = 20,
    DIRECTORY_SLOTS = 65536,
};

#endif
