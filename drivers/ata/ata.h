/* An IDE channel with its two drives (ATA/ATAPI-6, chapters 7 to 9; bus master: Intel 82371AB PIIX4
 * data sheet, 3.7). */
#ifndef ATA_H
#define ATA_H

#include "blk.h"
#include "service.h"

struct channel {
    uint16_t command, control, master; /* ports; master 0: no bus master, PIO only */
    unsigned irq;
    struct lock lock; /* one command at a time */
    bool waiting;     /* a command waits for its interrupt, */
    bool fired;       /* which has come */
    bool by_master;   /* the bus master must have seen it, too */
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

/* Asks a drive what it is. false: there is none, or it is no disk. */
bool ata_identify(struct drive *v, uint64_t *sectors);
/* The functions of struct disk (blk.h). */
int ata_transfer(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count, bool write);
int ata_flush(struct disk *d);
/* Ends a transfer in the middle of which the driver before this one may have been stopped. */
void ata_begin(struct channel *c);
void ata_reset(struct channel *c);
/* The channel's interrupt has come; the alarm has, which may be its command's time limit. */
void ata_interrupt(struct channel *c);
void ata_timeout(struct channel *c);

#endif
