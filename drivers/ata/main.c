/* ata: IDE disks, two channels with two drives each. The driver finds the bus master on PCI,
 * identifies each drive, and serves the disks among them by drivers/libblk. It keeps no state: a
 * driver that died is started afresh. */
#include "ata.h"
#include "pci.h"

#include <minnow/file.h>

enum {
    CHANNELS = 2,
    UNITS = 2,
    CLASS_STORAGE = 1,
    SUBCLASS_IDE = 1,
    MASTER_PORTS = 8,
    MASTER_BAR = 4,
    BIT_IRQ = 0
};

static struct channel channels[CHANNELS] = {
    { .command = 0x1f0, .control = 0x3f6, .irq = 14 },
    { .command = 0x170, .control = 0x376, .irq = 15 },
};
static struct drive drives[CHANNELS * UNITS];
static struct disk disks[BLK_DISKS];

static void interrupt(uint64_t bits)
{
    for (unsigned i = 0; i < CHANNELS; i++) {
        if (bits >> (BIT_IRQ + i) & 1)
            ata_interrupt(&channels[i]);
        if (bits >> NOTIFY_ALARM & 1)
            ata_timeout(&channels[i]);
    }
}

static bool is_ide(const struct pci_device *d)
{
    return d->class == CLASS_STORAGE && d->subclass == SUBCLASS_IDE;
}

/* Gives each channel its bus master, if there is one and memory for its table. */
static void find_bus_master(void)
{
    struct pci_device pci;
    if (!pci_find(is_ide, &pci) || !pci_io_base(&pci, MASTER_BAR))
        return;
    pci_enable(&pci);
    for (unsigned i = 0; i < CHANNELS; i++) {
        channels[i].prd = memory_dma(1, &channels[i].prd_physical);
        if (channels[i].prd)
            channels[i].master = pci_io_base(&pci, MASTER_BAR) + i * MASTER_PORTS;
    }
}

/* Fills disks[]: how many. */
static unsigned find_drives(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < CHANNELS * UNITS; i++) {
        struct drive *v = &drives[i];
        struct disk *d = &disks[count];
        v->channel = &channels[i / UNITS];
        v->unit = i % UNITS;
        if (!ata_identify(v, &d->sectors))
            continue;
        d->driver = v;
        d->transfer = ata_transfer;
        d->flush = ata_flush;
        count++;
    }
    return count;
}

int main(void)
{
    find_bus_master();
    for (unsigned i = 0; i < CHANNELS; i++)
        ata_begin(&channels[i]);
    unsigned count = find_drives();
    for (unsigned i = 0; i < CHANNELS && count; i++)
        irq_bind(channels[i].irq, BIT_IRQ + i);
    blk_serve(disks, count, DEVICE_MAJOR(DEV_HDA), interrupt);
}
