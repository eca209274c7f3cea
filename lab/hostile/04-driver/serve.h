/* What the hostile programs of this lab have in common: they start the device as the rules are, and
 * can make one request at a time, for which they wait without an interrupt.
 * lab/grader/hostile.py writes it into each main.c, for nothing but the lab's own files is handed
 * in. */
#include "blk.h"
#include "bus.h"
#include "service.h"
#include "virtio.h"

enum { QUEUE_PAGES = 2, MAJOR = 240 };

static char *queue, *page;
static paddr_t queue_at, page_at;
static unsigned size;

/* A request of one piece; what the device answers, or 255. */
__attribute__((unused)) static uint8_t ask(uint32_t type, uint64_t sector, paddr_t data,
                                           uint32_t length)
{
    struct descriptor *d = (struct descriptor *)queue;
    volatile struct available *a = (volatile struct available *)(d + size);
    struct header *h = (struct header *)page;
    *h = (struct header){ type, 0, sector };
    page[64] = -1;
    d[0] = (struct descriptor){ page_at, sizeof *h, NEXT, 1 };
    d[1] = (struct descriptor){ data, length, NEXT | (type == TYPE_IN ? DEVICE_WRITES : 0), 2 };
    d[2] = (struct descriptor){ page_at + 64, 1, DEVICE_WRITES, 0 };
    a->ring[a->index % size] = 0;
    a->index++;
    bus_out16(QUEUE_NOTIFY, 0);
    bus_in8(ISR);
    return page[64];
}

/* Starts the device, and serves a disk with these functions. */
_Noreturn static void serve(int (*transfer)(struct disk *, struct blk_buffer *, uint64_t, unsigned,
                                            bool),
                            int (*flush)(struct disk *), void (*notified)(uint64_t))
{
    static struct disk disk;
    bus_open();
    queue = bus_memory(QUEUE_PAGES, &queue_at);
    page = bus_memory(1, &page_at);
    bus_out8(STATUS, 0);
    bus_out8(STATUS, 1);
    bus_out8(STATUS, 3);
    size = bus_in16(QUEUE_SIZE);
    bus_out32(QUEUE_PFN, queue_at / PAGE_SIZE);
    bus_out8(STATUS, 7);
    disk.sectors = (1ull << 33) + 12345;
    disk.transfer = transfer;
    disk.flush = flush;
    blk_memory = bus_memory;
    blk_serve(&disk, 1, MAJOR, notified);
}
