/* What disk drivers share: partitions, requests of any length and alignment, the protocol FS on
 * disks. A driver gives two functions for its disk and calls blk_serve().
 *
 * Objects: 64 * disk for a whole disk, + 1..4 for its primary partitions; they are the minor
 * numbers too. */
#ifndef BLK_H
#define BLK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <minnow/devices.h>
#include <minnow/types.h>

enum {
    SECTOR = 512,
    BLK_CHUNK = 32768,
    BLK_BUFFERS = 4,
    BLK_PARTITIONS = 5,
    BLK_DISKS = 4,
    BLK_MINORS = DISK_MINORS
};

/* Physically contiguous memory for one transfer. */
struct blk_buffer {
    uint8_t *data;
    paddr_t physical;
    bool busy;
};

/* In sectors; of a whole disk: from 0. count 0: no such partition. */
struct partition {
    uint64_t first, count;
};

struct disk {
    uint64_t sectors;
    /* Moves `count` sectors between the disk and the buffer; waits. 0 or -EIO. The buffer is the
     * transfer's alone. */
    int (*transfer)(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count,
                    bool write);
    /* Everything written is on the medium when it returns. 0 or -EIO. */
    int (*flush)(struct disk *d);
    void *driver;
    struct partition partitions[BLK_PARTITIONS];
};

/* Reads a master boot record (512 bytes; IBM PC, as in UEFI 2.9 5.2.1). Partitions that reach
 * beyond the disk are left out. Pure logic. */
void mbr_read(const uint8_t *sector, uint64_t disk_sectors, struct partition out[BLK_PARTITIONS]);

/* Serves the disks for ever, with protocol FS under this major number. notify: the driver's
 * interrupts and alarms. */
_Noreturn void blk_serve(struct disk *disks, unsigned count, unsigned major,
                         void (*notify)(uint64_t bits));

#endif
