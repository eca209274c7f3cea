/* vblk: a driver that lives with what disks do: they answer in any order, their interrupts get
 * lost, they fail, fall silent, and are changed.
 *
 *     perform()                         device                     look(), on interrupt and alarm
 *     free -> descriptors of a chain
 *     available ring, notify   ------>  takes the chain, moves data
 *     ON_WAY: waits                     used ring, interrupt ---->  ANSWERED: wakes perform()
 *                                       (silence for LIMIT) ----->  restart(): LOST, wakes
 * perform(), which asks again
 *
 * Each transfer has a thread of libblk's, which waits in perform(); so what becomes of a request is
 * told in one place, and a restart of the device has only to say which requests are lost. An access
 * to a register lets other threads run; `ready` is false while the device is being restarted. */
#include "blk.h"
#include "bus.h"
#include "service.h"
#include "virtio.h"

enum { SLOTS = 8, QUEUE_PAGES = 2, TRIES = 3, MAJOR = 240 };
#define MS    1000000ul
#define LOOK  (20 * MS)  /* the used ring is looked at so often, interrupt or not */
#define LIMIT (150 * MS) /* a device that is silent for so long is restarted */

enum state { FREE, ON_WAY, ANSWERED, LOST };

/* What the device sees of a request, beside the data. */
struct wire {
    struct header header;
    volatile uint8_t answer;
};

struct slot {
    enum state state;
    struct wire *wire;
    paddr_t wire_at;
    unsigned first, count; /* its descriptors */
    uint64_t since;        /* when the device was asked */
    uint32_t moved;        /* bytes that the device says to have written */
    struct condition changed;
};

static struct slot slots[SLOTS];
static bool ready;            /* the device takes requests */
static struct condition room; /* there may be a slot or descriptors, or the device is ready */

/* the device as it is since its last start */
static uint32_t features;
static unsigned queue_size, size_max, seg_max;

static char *queue;
static paddr_t queue_at;
static struct descriptor *descriptors;
static volatile struct available *available;
static volatile struct used *used;
static uint16_t used_seen;                 /* used->index up to which answers have been taken */
static uint16_t free_list[QUEUE_SIZE_MAX]; /* descriptors that no request has */
static unsigned free_count;

/* ---- the start, and every other start ---- */

static void queue_clear(void)
{
    memset(queue, 0, QUEUE_PAGES * PAGE_SIZE);
    size_t end = queue_size * sizeof(struct descriptor) + sizeof(struct available) +
                 (queue_size + 1) * sizeof(uint16_t);
    descriptors = (struct descriptor *)queue;
    available = (struct available *)(descriptors + queue_size);
    used = (struct used *)(queue + (end + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE);
    used_seen = 0;
    for (free_count = 0; free_count < queue_size; free_count++)
        free_list[free_count] = free_count;
}

/* Brings up a device that has just been reset. */
static void device_start(void)
{
    bus_out8(STATUS, STATUS_ACKNOWLEDGE);
    bus_out8(STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    features = bus_in32(HOST_FEATURES) &
               (FEATURE_SIZE_MAX | FEATURE_SEG_MAX | FEATURE_READ_ONLY | FEATURE_FLUSH);
    bus_out32(GUEST_FEATURES, features);
    bus_out16(QUEUE_SELECT, 0);
    queue_size = bus_in16(QUEUE_SIZE);
    if (queue_size < 3 || queue_size > QUEUE_SIZE_MAX)
        die("queue of %u entries", queue_size);
    size_max = features & FEATURE_SIZE_MAX ? bus_in32(MAX_BYTES) / SECTOR * SECTOR : BLK_CHUNK;
    seg_max = features & FEATURE_SEG_MAX ? bus_in32(MAX_PIECES) : queue_size;
    seg_max = MIN(seg_max, queue_size - 2);
    queue_clear();
    bus_out32(QUEUE_PFN, queue_at / PAGE_SIZE);
    bus_out8(STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK);
    ready = true;
}

/* ---- answers ---- */

static void settle(struct slot *s, enum state state)
{
    s->state = state;
    condition_wake(&s->changed);
}

static struct slot *slot_of(uint32_t first)
{
    for (unsigned i = 0; i < SLOTS; i++)
        if (slots[i].state == ON_WAY && slots[i].first == first)
            return &slots[i];
    return NULL;
}

/* Takes all answers that are there. One that no request on the way waits for is left alone. */
static void look(void)
{
    while (used_seen != used->index) {
        volatile struct used_entry *e = &used->ring[used_seen++ % queue_size];
        struct slot *s = slot_of(e->id);
        if (!s)
            continue;
        s->moved = e->length;
        for (unsigned at = s->first, n = s->count; n; n--, at = descriptors[at].next)
            free_list[free_count++] = at;
        settle(s, ANSWERED);
        condition_wake(&room);
    }
}

/* Resets the device. What it had answered counts; what else was on the way is lost. */
static void restart(void)
{
    ready = false;
    bus_out8(STATUS, 0);
    look();
    device_start();
    for (unsigned i = 0; i < SLOTS; i++)
        if (slots[i].state == ON_WAY)
            settle(&slots[i], LOST);
    condition_wake(&room);
}

/* When the device was asked what it has owed for longest; 0: it owes nothing. */
static uint64_t oldest(void)
{
    uint64_t since = 0;
    for (unsigned i = 0; i < SLOTS; i++)
        if (slots[i].state == ON_WAY && (!since || slots[i].since < since))
            since = slots[i].since;
    return since;
}

/* Wakes the driver once more as long as the device owes something: an interrupt may be lost. */
static void alarm_set(void) { alarm_at(oldest() ? time_now() + LOOK : 0); }

static void notified(uint64_t bits)
{
    if (!ready)
        return; /* whoever restarts it looks at everything */
    uint8_t why = bits & 1 << BUS_IRQ ? bus_in8(ISR) : 0;
    bool asked = why & ISR_CONFIG && bus_in8(STATUS) & STATUS_NEEDS_RESET;
    if (!ready)
        return;
    look();
    if (asked || (oldest() && time_now() - oldest() >= LIMIT))
        restart();
    alarm_set();
}

/* ---- requests ---- */

static struct slot *slot_take(void)
{
    for (;;) {
        for (unsigned i = 0; i < SLOTS; i++)
            if (slots[i].state == FREE)
                return &slots[i];
        condition_wait(&room);
    }
}

static unsigned pieces(uint32_t length) { return (length + size_max - 1) / size_max; }

/* Puts one more descriptor into a chain, behind `before`; NULL: it is the first. */
static struct descriptor *chain_add(struct slot *s, struct descriptor *before, paddr_t at,
                                    uint32_t length, uint16_t flags)
{
    unsigned number = free_list[--free_count];
    struct descriptor *d = &descriptors[number];
    *d = (struct descriptor){ at, length, flags, 0 };
    if (before) {
        before->flags |= NEXT;
        before->next = number;
    } else {
        s->first = number;
    }
    s->count++;
    return d;
}

/* Gives the device a request whose header stands in the slot. Waits until there is room for it.
 * false: the device, as it is now, does not take so many pieces. */
static bool submit(struct slot *s, paddr_t data, uint32_t length)
{
    while (!ready || free_count < pieces(length) + 2) {
        if (ready && pieces(length) > seg_max)
            return false;
        condition_wait(&room);
    }
    uint16_t flags = s->wire->header.type == TYPE_IN ? DEVICE_WRITES : 0;
    s->count = 0;
    s->wire->answer = 0xff;
    struct descriptor *d = chain_add(s, NULL, s->wire_at + offsetof(struct wire, header),
                                     sizeof(struct header), 0);
    for (uint32_t done = 0, n; done < length; done += n) {
        n = MIN(length - done, size_max);
        d = chain_add(s, d, data + done, n, flags);
    }
    chain_add(s, d, s->wire_at + offsetof(struct wire, answer), 1, DEVICE_WRITES);
    available->ring[available->index % queue_size] = s->first;
    __sync_synchronize();
    available->index++;
    __sync_synchronize();
    s->state = ON_WAY;
    s->since = time_now();
    alarm_set();
    bus_out16(QUEUE_NOTIFY, 0);
    return true;
}

/* One request from its beginning to its end: 0 or -EIO. It is made again if the device was
 * restarted meanwhile, or has moved less than it should. */
static int perform(uint32_t type, uint64_t sector, paddr_t data, uint32_t length)
{
    struct slot *s = slot_take();
    int result = -EIO;
    for (unsigned tries = 0; tries < TRIES; tries++) {
        s->wire->header = (struct header){ type, 0, sector };
        s->state = LOST; /* taken, but the device does not know of it */
        if (!submit(s, data, length))
            break;
        while (s->state == ON_WAY)
            condition_wait(&s->changed);
        if (s->state == LOST)
            continue;
        if (s->wire->answer != ANSWER_OK)
            break;
        if (type != TYPE_IN || s->moved > length) {
            result = 0;
            break;
        }
    }
    s->state = FREE;
    condition_wake(&room);
    return result;
}

static int transfer(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count,
                    bool write)
{
    if (!range_within(sector, count, d->sectors))
        return -EIO;
    if (write && features & FEATURE_READ_ONLY)
        return -EROFS;
    int error = 0;
    for (unsigned done = 0, n; done < count && !error; done += n) {
        n = MIN(count - done, seg_max * size_max / SECTOR);
        error = perform(write ? TYPE_OUT : TYPE_IN, sector + done, b->physical + done * SECTOR,
                        n * SECTOR);
    }
    return error;
}

static int flush(struct disk *d)
{
    (void)d;
    return features & FEATURE_FLUSH ? perform(TYPE_FLUSH, 0, 0, 0) : 0;
}

int main(void)
{
    static struct disk disk = { .transfer = transfer, .flush = flush };
    paddr_t wires_at;
    bus_open();
    queue = bus_memory(QUEUE_PAGES, &queue_at);
    struct wire *wires = bus_memory(1, &wires_at);
    if (!queue || !wires)
        die("no memory for the queue");
    for (unsigned i = 0; i < SLOTS; i++) {
        slots[i].wire = &wires[i];
        slots[i].wire_at = wires_at + i * sizeof wires[0];
    }
    bus_out8(STATUS, 0);
    device_start();
    disk.sectors = bus_in32(CAPACITY) | (uint64_t)bus_in32(CAPACITY + 4) << 32;
    blk_memory = bus_memory;
    blk_serve(&disk, 1, MAJOR, notified);
}
