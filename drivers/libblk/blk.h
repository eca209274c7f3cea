/* The framework of disk drivers: partitions, requests of any length and alignment, protocol FS on
 * disks. A driver has two functions for its disk and calls blk_serve().
 *
 * An object is a minor number: 64 * disk for a whole disk, and 1 to 4 more for its primary
 * partitions. */
#ifndef BLK_H
#define BLK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <minnow/devices.h>
#include <minnow/disk.h>
#include <minnow/types.h>

enum {
    SECTOR = 512,
    BLK_CHUNK = 32768, /* bytes of one transfer at most */
    BLK_BUFFERS = 4,   /* transfers at the same time */
    BLK_PARTITIONS = DISK_PARTITIONS,
    BLK_DISKS = DISKS_MAX,
    BLK_MINORS = DISK_MINORS
};

/* Physically contiguous memory of BLK_CHUNK bytes for one transfer. */
struct blk_buffer {
    uint8_t *data;
    paddr_t physical;
    bool busy;
};

/* In sectors. count 0: there is no such partition. */
struct partition {
    uint64_t first, count;
};

struct disk {
    uint64_t sectors;
    /* Moves `count` sectors, at most BLK_CHUNK bytes, between the disk and the buffer, which no
     * other transfer uses meanwhile. 0 or -EIO; -EROFS: the disk cannot be written. May wait; other
     * threads may call it then. */
    int (*transfer)(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count,
                    bool write);
    /* Returns when all that was written is on the medium. 0 or -EIO. May wait. */
    int (*flush)(struct disk *d);
    void *driver; /* the driver's own */
    struct partition partitions[BLK_PARTITIONS];
};

/* Reads a master boot record (512 bytes; IBM PC, as in UEFI 2.9 5.2.1). Partitions that reach
 * beyond the disk are left out. Pure logic. */
void mbr_read(const uint8_t *sector, uint64_t disk_sectors, struct partition out[BLK_PARTITIONS]);

/* Whence blk_serve() takes the buffers of transfers; memory_dma(), unless the driver has set
 * another before: of a device that sees only a part of the memory. */
extern void *(*blk_memory)(size_t pages, paddr_t *physical);

/* Serves the disks for ever by protocol FS; their nodes have this major number. notify gets the
 * driver's interrupts and alarms, in any of its threads: while it waits, for a register say,
 * another thread may get the next. */
_Noreturn void blk_serve(struct disk *disks, unsigned count, unsigned major,
                         void (*notify)(uint64_t bits));

#endif
