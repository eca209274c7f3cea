/* Commands on an IDE channel: see ata.h. Data move by DMA if the bus master works, else by PIO. The
 * life of a transfer by DMA:
 *
 *     by_dma()           the bus master's table and registers, sector and count, the command
 *     wait_interrupt()   the thread waits in `done`; another thread takes the notification
 *     ata_interrupt()    checks that the drive, and the bus master, have finished: an interrupt may
 *                        be a late one; then wakes the thread
 *     ata_timeout()      or wakes it without `fired`, after five seconds: -EIO
 *
 * A command that fails, or whose interrupt is lost, is tried again after a reset, and the third
 * time by PIO. If only that succeeds, the drive is served by PIO from then on. */
#include "ata.h"

enum {
    DATA = 0,
    ERROR = 1,
    COUNT = 2,
    LBA0 = 3,
    LBA1 = 4,
    LBA2 = 5,
    DRIVE = 6,
    STATUS = 7,
    COMMAND = 7
};
enum { BUSY = 0x80, FAULT = 0x20, REQUEST = 8, FAILED = 1 };
enum {
    IDENTIFY = 0xec,
    READ = 0x20,
    READ48 = 0x24,
    WRITE = 0x30,
    WRITE48 = 0x34,
    READ_DMA = 0xc8,
    READ_DMA48 = 0x25,
    WRITE_DMA = 0xca,
    WRITE_DMA48 = 0x35,
    FLUSH = 0xe7,
    FLUSH48 = 0xea
};
enum {
    MASTER_COMMAND = 0,
    MASTER_STATUS = 2,
    MASTER_TABLE = 4,
    MASTER_START = 1,
    MASTER_READ = 8,
    MASTER_INTERRUPT = 4,
    MASTER_ERROR = 2
};
enum { SOFT_RESET = 4, TRIES = 3, POLLS = 2000000, PRD_END = 0x8000, PRD_BOUNDARY = 0x10000 };
#define TIMEOUT_NS (5 * SECOND)

/* A physical region descriptor: an entry of the bus master's table. */
struct prd {
    uint32_t address;
    uint16_t bytes, flags;
};

/* The status of the selected drive; reading it lowers the interrupt line. */
static uint8_t status(struct channel *c) { return in8(c->command + STATUS); }

/* Polls until BUSY is clear and, with `request`, REQUEST is set. 0, or -EIO: the command failed,
 * there is no drive, or it did not become ready. */
static int poll_status(struct channel *c, bool request)
{
    for (unsigned n = 0; n < POLLS; n++) {
        uint8_t s = status(c);
        if (s & BUSY)
            continue;
        if (s & (FAILED | FAULT))
            return -EIO;
        if (!request || s & REQUEST)
            return 0;
        if (s == 0)
            return -EIO; /* there is no drive */
    }
    return -EIO;
}

/* To be called before a command that ends with an interrupt. by_master: the bus master reports the
 * interrupt as well. */
static void expect_interrupt(struct channel *c, bool by_master)
{
    c->waiting = true;
    c->by_master = by_master;
    c->fired = false;
    c->deadline = time_now() + TIMEOUT_NS;
    alarm_at(c->deadline);
}

/* Waits for the interrupt of the command that was given. 0 or -EIO. */
static int wait_interrupt(struct channel *c)
{
    while (c->waiting)
        condition_wait(&c->done);
    return c->fired && !(status(c) & (FAILED | FAULT | BUSY)) ? 0 : -EIO;
}

/* Whether the drive has finished the command that a thread waits for. The interrupt may be a late
 * one, of an earlier command by PIO. */
static bool finished(struct channel *c)
{
    uint8_t s = status(c);
    return !(s & BUSY) && (!c->by_master || in8(c->master + MASTER_STATUS) & MASTER_INTERRUPT);
}

void ata_interrupt(struct channel *c)
{
    if (finished(c) && c->waiting) {
        c->waiting = false;
        c->fired = true;
        condition_wake(&c->done);
    }
    irq_ack(c->irq);
}

void ata_timeout(struct channel *c)
{
    if (!c->waiting)
        return;
    if (time_now() < c->deadline) {
        alarm_at(c->deadline);
        return;
    }
    c->waiting = false;
    condition_wake(&c->done);
}

/* Selects the first drive before the reset: if an absent one were selected its status would be 0
 * while the reset goes on, and no other drive could be selected (ATA/ATAPI-6, 9.2: software reset
 * protocol). */
void ata_reset(struct channel *c)
{
    out8(c->command + DRIVE, 0xa0);
    out8(c->control, SOFT_RESET);
    for (int n = 0; n < 16; n++)
        in8(c->control);
    out8(c->control, 0);
    poll_status(c, false);
}

void ata_begin(struct channel *c)
{
    if (c->master)
        out8(c->master + MASTER_COMMAND, 0);
    if (status(c) != 0xff) /* 0xff: there is no channel */
        ata_reset(c);
}

/* Selects the drive, and sets the sectors of the next command. */
static void set_address(struct drive *v, uint64_t sector, unsigned count)
{
    struct channel *c = v->channel;
    if (v->lba48) {
        out8(c->command + DRIVE, 0x40 | v->unit << 4);
        out8(c->command + COUNT, count >> 8);
        out8(c->command + LBA0, sector >> 24);
        out8(c->command + LBA1, sector >> 32);
        out8(c->command + LBA2, sector >> 40);
    } else {
        out8(c->command + DRIVE, 0xe0 | v->unit << 4 | (sector >> 24 & 15));
    }
    out8(c->command + COUNT, count);
    out8(c->command + LBA0, sector);
    out8(c->command + LBA1, sector >> 8);
    out8(c->command + LBA2, sector >> 16);
}

/* Fills the bus master's table: one entry, or two if the buffer crosses a multiple of 64 KiB, which
 * an entry must not. */
static void prd_fill(struct channel *c, uint32_t at, uint32_t bytes)
{
    uint32_t first = MIN(bytes, PRD_BOUNDARY - at % PRD_BOUNDARY);
    c->prd[0] = (struct prd){ at, first, first == bytes ? PRD_END : 0 };
    if (first != bytes)
        c->prd[1] = (struct prd){ at + first, bytes - first, PRD_END };
}

/* One try of a transfer, under the channel's lock: 0 or -EIO. by_dma() waits for the interrupt;
 * by_pio() polls, and moves each word by the processor. */
static int by_dma(struct drive *v, struct blk_buffer *b, uint64_t sector, unsigned count,
                  bool write)
{
    struct channel *c = v->channel;
    prd_fill(c, b->physical, count * SECTOR);
    out8(c->master + MASTER_COMMAND, write ? 0 : MASTER_READ);
    out32(c->master + MASTER_TABLE, c->prd_physical);
    out8(c->master + MASTER_STATUS,
         in8(c->master + MASTER_STATUS) | MASTER_INTERRUPT | MASTER_ERROR);
    set_address(v, sector, count);
    expect_interrupt(c, true);
    out8(c->command + COMMAND, write      ? (v->lba48 ? WRITE_DMA48 : WRITE_DMA)
                               : v->lba48 ? READ_DMA48
                                          : READ_DMA);
    out8(c->master + MASTER_COMMAND, (write ? 0 : MASTER_READ) | MASTER_START);
    int error = wait_interrupt(c);
    out8(c->master + MASTER_COMMAND, 0);
    return in8(c->master + MASTER_STATUS) & MASTER_ERROR ? -EIO : error;
}

static int by_pio(struct drive *v, struct blk_buffer *b, uint64_t sector, unsigned count,
                  bool write)
{
    struct channel *c = v->channel;
    set_address(v, sector, count);
    out8(c->command + COMMAND, write ? (v->lba48 ? WRITE48 : WRITE) : v->lba48 ? READ48 : READ);
    for (unsigned i = 0; i < count; i++) {
        int error = poll_status(c, true);
        if (error)
            return error;
        if (write)
            out_string16(c->command + DATA, b->data + i * SECTOR, SECTOR);
        else
            in_string16(c->command + DATA, b->data + i * SECTOR, SECTOR);
    }
    return poll_status(c, false);
}

int ata_transfer(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count, bool write)
{
    struct drive *v = d->driver;
    struct channel *c = v->channel;
    int error = -EIO;
    if (!range_within(sector, count, d->sectors))
        return -EIO;
    lock_take(&c->lock);
    for (int n = 0; n < TRIES && error; n++) {
        if (n)
            ata_reset(c);
        bool dma = v->dma && n < TRIES - 1;
        error = poll_status(c, false);
        if (!error)
            error = dma ? by_dma(v, b, sector, count, write) : by_pio(v, b, sector, count, write);
        if (!error && v->dma && !dma) {
            print("drive %u: DMA does not work, PIO from now on", v->unit);
            v->dma = false;
        }
    }
    lock_give(&c->lock);
    if (error)
        print("%s of %u sectors at %lu failed", write ? "write" : "read", count, sector);
    return error;
}

int ata_flush(struct disk *d)
{
    struct drive *v = d->driver;
    struct channel *c = v->channel;
    lock_take(&c->lock);
    out8(c->command + DRIVE, 0xe0 | v->unit << 4);
    int error = poll_status(c, false);
    if (!error) {
        expect_interrupt(c, false);
        out8(c->command + COMMAND, v->lba48 ? FLUSH48 : FLUSH);
        error = wait_interrupt(c);
    }
    lock_give(&c->lock);
    return error;
}

bool ata_identify(struct drive *v, uint64_t *sectors)
{
    struct channel *c = v->channel;
    uint16_t id[SECTOR / 2];
    out8(c->command + DRIVE, 0xa0 | v->unit << 4);
    for (int n = 0; n < 16; n++)
        in8(c->control);
    if (status(c) == 0xff || status(c) == 0)
        return false;
    out8(c->command + COUNT, 0);
    out8(c->command + LBA1, 0);
    out8(c->command + LBA2, 0);
    out8(c->command + COMMAND, IDENTIFY);
    if (poll_status(c, true) < 0 || in8(c->command + LBA1) || in8(c->command + LBA2))
        return false; /* there is no drive, or it is a CD-ROM */
    in_string16(c->command + DATA, id, sizeof id);
    v->lba48 = id[83] >> 10 & 1;
    v->dma = c->master && id[49] >> 8 & 1;
    *sectors = v->lba48 ? id[100] | (uint64_t)id[101] << 16 | (uint64_t)id[102] << 32 |
                              (uint64_t)id[103] << 48
                        : id[60] | (uint64_t)id[61] << 16;
    return *sectors != 0;
}
