/* vblk: a disk driver. */
#include "blk.h"
#include "bus.h"
#include "service.h"
#include "virtio.h"

enum { MAJOR = 240 };

/* Moves sectors between the disk and a buffer that the device sees at b->physical: see blk.h. */
static int transfer(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count,
                    bool write)
{
    (void)d, (void)b, (void)sector, (void)count, (void)write;
    return -EIO;
}

static int flush(struct disk *d)
{
    (void)d;
    return -EIO;
}

/* Gets bit BUS_IRQ when the device interrupts, NOTIFY_ALARM when the time of alarm_at() has come.
 */
static void notified(uint64_t bits) { (void)bits; }

int main(void)
{
    static struct disk disk = { .transfer = transfer, .flush = flush };
    bus_open();
    /* The device is to be started here, and disk.sectors to be set. */
    blk_memory = bus_memory;
    blk_serve(&disk, 1, MAJOR, notified);
}
