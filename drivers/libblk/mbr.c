/* The table of partitions in the master boot record: see blk.h. */
#include "blk.h"

#include <minnow/range.h>

enum { TABLE = 446, ENTRY = 16, SIGNATURE = 510, TYPE = 4, FIRST = 8, COUNT = 12 };

static uint32_t little32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

void mbr_read(const uint8_t *sector, uint64_t disk_sectors, struct partition out[BLK_PARTITIONS])
{
    out[0] = (struct partition){ 0, disk_sectors };
    for (int i = 1; i < BLK_PARTITIONS; i++) {
        const uint8_t *e = sector + TABLE + (i - 1) * ENTRY;
        uint64_t first = little32(e + FIRST), count = little32(e + COUNT);
        bool sound = sector[SIGNATURE] == 0x55 && sector[SIGNATURE + 1] == 0xaa && e[TYPE] &&
                     first && count && range_within(first, count, disk_sectors);
        out[i] = sound ? (struct partition){ first, count } : (struct partition){ 0, 0 };
    }
}
