/* An IDE channel with its two drives (ATA/ATAPI-6, chapters 7 to 9; bus master: Intel 82371AB PIIX4
 * data sheet, 3.7). */
#ifndef ATA_H
#define ATA_H

#include "blk.h"
#include "service.h"

struct channel {
    uint16_t command, control, master; /* ports; master 0: no bus master, PIO only */
    unsigned irq;
    struct lock lock;    /* one command at a time */
    bool waiting, fired; /* a command waits for its interrupt; it came */
    bool by_master;      /* ... which the bus master must have seen too */
    struct condition done;
    uint64_t deadline; /* of the command, nanoseconds since boot */
    struct prd *prd;   /* the bus master's table, two entries */
    paddr_t prd_physical;
};

struct drive {
    struct channel *channel;
    uint8_t unit;
    bool lba48, dma;
};

bool ata_identify(struct drive *v, uint64_t *sectors);
int ata_transfer(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count, bool write);
int ata_flush(struct disk *d);
/* The one before may have been stopped in the middle of a transfer: ends it. */
void ata_begin(struct channel *c);
void ata_reset(struct channel *c);
/* From the service's notifications: the channel's interrupt came, or its time is over. */
void ata_interrupt(struct channel *c);
void ata_timeout(struct channel *c);

#endif
