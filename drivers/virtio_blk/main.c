/* virtio_blk: the paravirtual disk of QEMU, by the legacy interface in I/O space (Virtio 1.2,
 * sections 4.1.4.8, 5.2, 2.7).
 *
 * There is one queue, three arrays in memory that both sides know. A request is a chain of three
 * descriptors, which a slot owns: the header (type and sector), the data, the status.
 *
 *     driver: request()                    device                      driver: interrupt()
 *     descriptors[], first = slot * CHAIN
 *     available->ring[index] = first
 *     available->index++, then a notify -> takes the chain, moves data
 *                                          writes the status
 *                                          used->ring[index] = first
 *                                          used->index++, interrupt -> used_seen .. used->index:
 *                                                                      wakes the slots' threads
 *
 * The fields that the device reads are written before the index that shows them to it, with a
 * barrier in between. */
#include "blk.h"
#include "pci.h"
#include "service.h"

#include <minnow/file.h>

enum { VENDOR = 0x1af4, DEVICE_BLOCK = 0x1001 };
enum {
    HOST_FEATURES = 0,
    GUEST_FEATURES = 4,
    QUEUE_PFN = 8,
    QUEUE_SIZE = 12,
    QUEUE_SELECT = 14,
    QUEUE_NOTIFY = 16,
    STATUS = 18,
    ISR = 19,
    CAPACITY = 20
};
enum { STATUS_ACKNOWLEDGE = 1, STATUS_DRIVER = 2, STATUS_DRIVER_OK = 4 };
enum {
    FEATURE_FLUSH = 1 << 9,
    NEXT = 1,
    DEVICE_WRITES = 2,
    TYPE_IN = 0,
    TYPE_OUT = 1,
    TYPE_FLUSH = 4
};
enum { SLOTS = 8, CHAIN = 3, QUEUE_MAX = 1024, QUEUE_PAGES = 8, BIT_IRQ = 0 };

/* The queue's parts, as the device knows them. */
struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};
struct available {
    uint16_t flags, index, ring[];
};
struct used_entry {
    uint32_t id, length;
};
struct used {
    uint16_t flags, index;
    struct used_entry ring[];
};
/* What a request is: TYPE_, and its first sector. */
struct header {
    uint32_t type, reserved;
    uint64_t sector;
};

/* A request on the way. Its descriptors are number CHAIN * slot and the next two. */
struct slot {
    struct header header;
    volatile uint8_t status;
    bool busy, done;
    struct condition finished;
};

static uint16_t base; /* the first of the device's ports */
static uint8_t irq;
static unsigned queue_size; /* descriptors; a power of 2 that the device chooses */
static bool can_flush;      /* the device keeps a cache, and knows TYPE_FLUSH */
static struct descriptor *descriptors;
static volatile struct available *available;
static volatile struct used *used;
static uint16_t used_seen; /* used->index up to which answers have been taken */
static struct slot *slots;
static paddr_t slots_physical;
static struct condition slot_free;

/* Waits until a slot is free. */
static struct slot *slot_take(void)
{
    for (;;) {
        for (unsigned i = 0; i < SLOTS; i++)
            if (!slots[i].busy) {
                slots[i].busy = true;
                slots[i].done = false;
                return &slots[i];
            }
        condition_wait(&slot_free);
    }
}

/* Gives the device a request of `length` bytes at `data`, and waits for its end. 0 or -EIO. The
 * device writes wherever it is told to, over the kernel as well: so the driver rather dies of a
 * length that no buffer has, whoever has reckoned it. */
static int request(uint32_t type, uint64_t sector, paddr_t data, uint32_t length)
{
    ASSERT(length <= BLK_CHUNK);
    struct slot *s = slot_take();
    unsigned first = (s - slots) * CHAIN, at = first;
    paddr_t physical = slots_physical + (uint64_t)((char *)s - (char *)slots);
    s->header = (struct header){ type, 0, sector };
    s->status = 0xff;
    descriptors[at] = (struct descriptor){ physical + offsetof(struct slot, header),
                                           sizeof s->header, NEXT, at + 1 };
    at++;
    if (length) {
        descriptors[at] = (struct descriptor){ data, length,
                                               NEXT | (type == TYPE_IN ? DEVICE_WRITES : 0),
                                               at + 1 };
        at++;
    }
    descriptors[at] = (struct descriptor){ physical + offsetof(struct slot, status), 1,
                                           DEVICE_WRITES, 0 };
    available->ring[available->index % queue_size] = first;
    __sync_synchronize();
    available->index++;
    __sync_synchronize();
    out16(base + QUEUE_NOTIFY, 0);
    while (!s->done)
        condition_wait(&s->finished);
    int result = s->status == 0 ? 0 : -EIO;
    s->busy = false;
    condition_wake(&slot_free);
    return result;
}

static void interrupt(uint64_t bits)
{
    if (!(bits & 1 << BIT_IRQ))
        return;
    in8(base + ISR); /* reading it lowers the interrupt line */
    while (used_seen != used->index) {
        uint32_t id = used->ring[used_seen++ % queue_size].id / CHAIN;
        if (id < SLOTS) {
            slots[id].done = true;
            condition_wake(&slots[id].finished);
        }
    }
    irq_ack(irq);
}

static int transfer(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count,
                    bool write)
{
    if (!range_within(sector, count, d->sectors))
        return -EIO;
    return request(write ? TYPE_OUT : TYPE_IN, sector, b->physical, count * SECTOR);
}

static int flush(struct disk *d)
{
    (void)d;
    return can_flush ? request(TYPE_FLUSH, 0, 0, 0) : 0;
}

static bool is_block(const struct pci_device *d)
{
    return d->vendor == VENDOR && d->device == DEVICE_BLOCK;
}

/* Allocates the queue, laid out as the legacy interface wants it: descriptors, the available ring,
 * and on the next page the used ring. Dies without memory. */
static void queue_init(void)
{
    paddr_t physical;
    out16(base + QUEUE_SELECT, 0);
    queue_size = in16(base + QUEUE_SIZE);
    if (queue_size < SLOTS * CHAIN || queue_size > QUEUE_MAX)
        die("queue of %u entries", queue_size);
    char *queue = memory_dma(QUEUE_PAGES, &physical);
    slots = memory_dma(1, &slots_physical);
    if (!queue || !slots)
        die("no memory for the queue");
    descriptors = (struct descriptor *)queue;
    available = (struct available *)(queue + queue_size * sizeof(struct descriptor));
    size_t used_at = queue_size * sizeof(struct descriptor) + sizeof(struct available) +
                     (queue_size + 1) * sizeof(uint16_t);
    used = (struct used *)(queue + (used_at + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE);
    out32(base + QUEUE_PFN, physical / PAGE_SIZE);
}

/* Finds the device and makes it ready: reset, features, queue, size. false: there is none. */
static bool device_init(struct disk *d)
{
    struct pci_device pci;
    if (!pci_find(is_block, &pci))
        return false;
    pci_enable(&pci);
    base = pci_io_base(&pci, 0);
    irq = pci.irq;
    out8(base + STATUS, 0);
    out8(base + STATUS, STATUS_ACKNOWLEDGE);
    out8(base + STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    can_flush = in32(base + HOST_FEATURES) & FEATURE_FLUSH;
    out32(base + GUEST_FEATURES, can_flush ? FEATURE_FLUSH : 0);
    queue_init();
    irq_bind(irq, BIT_IRQ);
    out8(base + STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK);
    d->sectors = in32(base + CAPACITY) | (uint64_t)in32(base + CAPACITY + 4) << 32;
    d->transfer = transfer;
    d->flush = flush;
    return true;
}

int main(void)
{
    static struct disk disk;
    bool there = device_init(&disk);
    blk_serve(&disk, there ? 1 : 0, DEVICE_MAJOR(DEV_VDA), interrupt);
}
