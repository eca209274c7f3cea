/* An IDE channel with its two drives (ATA/ATAPI-6, chapters 7 to 9; bus master: Intel 82371AB PIIX4
 * data sheet, 3.7). */
#ifndef ATA_H
#define ATA_H

#include "blk.h"
#include "service.h"

struct channel {
    uint16_t command, control, master; /* ports; master 0: no bus master, PIO only */
    unsigned irq;
    struct lock lock;      /* one command at a time */
    bool waiting;          /* a command waits for its interrupt */
    bool fired;            /* the interrupt has come */
    bool by_master;        /* the bus master must report the interrupt as well */
    struct condition done; /* `waiting` has ended */
    uint64_t deadline;     /* of the command, nanoseconds since boot */
    struct prd *prd;       /* the bus master's table, two entries */
    paddr_t prd_physical;
};

struct drive {
    struct channel *channel;
    uint8_t unit;
    bool lba48, dma; /* sector numbers have 48 bits, not 28; transfers go by DMA */
};

/* Asks a drive for its size, and what it can do. false: there is no drive, or it is no disk. Polls;
 * does not wait for other threads. */
bool ata_identify(struct drive *v, uint64_t *sectors);
/* The functions of struct disk (blk.h). Both wait, for the channel's lock and its interrupt. */
int ata_transfer(struct disk *d, struct blk_buffer *b, uint64_t sector, unsigned count, bool write);
int ata_flush(struct disk *d);
/* Ends a transfer that a former program of this service may have left in its middle. */
void ata_begin(struct channel *c);
/* Resets both drives of the channel, and polls until they are ready. */
void ata_reset(struct channel *c);
/* To be called when the channel's interrupt has come, and when the alarm rings, which may be the
 * command's time limit. */
void ata_interrupt(struct channel *c);
void ata_timeout(struct channel *c);

#endif
