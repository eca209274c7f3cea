/* ata_pio: the disks of drivers/ata by the oldest way, without interrupts and DMA: the driver polls
 * the drive until it is ready, and moves every word by the processor (ATA/ATAPI-6, 9.5 and 9.6). It
 * serves the two drives of the first channel, up to 128 GiB of each.
 *
 * Nothing here waits for another thread, so a request is served as a whole before the next one. */
#include "blk.h"
#include "service.h"

#include <minnow/file.h>

enum {
    BASE = 0x1f0,
    DATA = BASE,
    COUNT = BASE + 2,
    LBA0 = BASE + 3,
    LBA1 = BASE + 4,
    LBA2 = BASE + 5,
    DRIVE = BASE + 6,
    STATUS = BASE + 7,
    COMMAND = BASE + 7,
    CONTROL = 0x3f6
};
enum {
    BUSY = 0x80,
    FAULT = 0x20,
    REQUEST = 8,
    FAILED = 1,
    NO_INTERRUPTS = 2,
    SOFT_RESET = 4,
    LBA = 0xe0,
    POLLS = 2000000,
    SETTLE = 16,
    UNITS = 2
};
enum { IDENTIFY = 0xec, READ = 0x20, WRITE = 0x30, FLUSH = 0xe7 };

static uint8_t units[UNITS];
static struct disk disks[UNITS];

/* Polls the drive until it is not busy and, with `data`, has data to move. 0 or -EIO. */
static int wait_ready(bool data)
{
    for (unsigned n = 0; n < POLLS; n++) {
        uint8_t s = in8(STATUS);
        if (s == 0 || (!(s & BUSY) && s & (FAILED | FAULT)))
            return -EIO;
        if (!(s & BUSY) && (!data || s & REQUEST))
            return 0;
    }
    return -EIO;
}

/* Resets both drives. The first one is selected: an absent one would answer during the reset. */
static void reset(void)
{
    out8(DRIVE, LBA);
    out8(CONTROL, SOFT_RESET | NO_INTERRUPTS);
    for (int n = 0; n < SETTLE; n++)
        in8(CONTROL);
    out8(CONTROL, NO_INTERRUPTS);
    wait_ready(false);
}

/* struct disk's functions (blk.h). */
static int transfer(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count,
                    bool write)
{
    uint8_t unit = *(uint8_t *)d->driver;
    if (!range_within(sector, count, d->sectors))
        return -EIO;
    out8(DRIVE, LBA | unit << 4 | (sector >> 24 & 15));
    int error = wait_ready(false);
    out8(COUNT, count);
    out8(LBA0, sector);
    out8(LBA1, sector >> 8);
    out8(LBA2, sector >> 16);
    out8(COMMAND, write ? WRITE : READ);
    for (unsigned i = 0; i < count && !error; i++) {
        error = wait_ready(true);
        if (!error && write)
            out_string16(DATA, b->data + i * SECTOR, SECTOR);
        else if (!error)
            in_string16(DATA, b->data + i * SECTOR, SECTOR);
    }
    if (!error)
        error = wait_ready(false);
    if (error)
        reset();
    return error;
}

static int flush(struct disk *d)
{
    out8(DRIVE, LBA | *(uint8_t *)d->driver << 4);
    int error = wait_ready(false);
    out8(COMMAND, FLUSH);
    return error ? error : wait_ready(false);
}

/* The size of a drive; false: there is no drive, or it is no disk. */
static bool identify(uint8_t unit, uint64_t *sectors)
{
    uint16_t id[SECTOR / 2];
    out8(DRIVE, LBA | unit << 4);
    for (int n = 0; n < SETTLE; n++)
        in8(CONTROL);
    if (in8(STATUS) == 0xff || in8(STATUS) == 0)
        return false;
    out8(COMMAND, IDENTIFY);
    if (wait_ready(true) < 0)
        return false;
    in_string16(DATA, id, sizeof id);
    *sectors = id[60] | (uint64_t)id[61] << 16;
    return *sectors;
}

int main(void)
{
    unsigned count = 0;
    reset();
    for (unsigned unit = 0; unit < UNITS; unit++) {
        if (!identify(unit, &disks[count].sectors))
            continue;
        units[count] = unit;
        disks[count].driver = &units[count];
        disks[count].transfer = transfer;
        disks[count++].flush = flush;
    }
    blk_serve(disks, count, DEVICE_MAJOR(DEV_HDA), NULL);
}
