/* Finding devices on the PCI bus: see pci.h. */
#include "pci.h"

#include "service.h"

enum { ADDRESS = 0xcf8, DATA = 0xcfc, BUSES = 8, SLOTS = 32, FUNCTIONS = 8, MULTI_FUNCTION = 0x80 };

uint32_t pci_read(const struct pci_device *d, uint8_t at)
{
    out32(ADDRESS, 1u << 31 | d->bus << 16 | d->slot << 11 | d->function << 8 | (at & 0xfc));
    return in32(DATA);
}

void pci_write(const struct pci_device *d, uint8_t at, uint32_t value)
{
    out32(ADDRESS, 1u << 31 | d->bus << 16 | d->slot << 11 | d->function << 8 | (at & 0xfc));
    out32(DATA, value);
}

/* Fills in the identity, the interrupt and the base addresses of a function; false: there is none.
 */
static bool function_read(struct pci_device *d)
{
    uint32_t id = pci_read(d, 0), class = pci_read(d, 8);
    if ((id & 0xffff) == 0xffff)
        return false;
    d->vendor = id;
    d->device = id >> 16;
    d->class = class >> 24;
    d->subclass = class >> 16;
    d->interface = class >> 8;
    d->irq = pci_read(d, 0x3c);
    for (int i = 0; i < 6; i++)
        d->bars[i] = pci_read(d, 0x10 + 4 * i);
    return true;
}

bool pci_find(bool (*match)(const struct pci_device *d), struct pci_device *out)
{
    for (unsigned bus = 0; bus < BUSES; bus++)
        for (unsigned slot = 0; slot < SLOTS; slot++) {
            unsigned functions = 1;
            for (unsigned f = 0; f < functions; f++) {
                struct pci_device d = { .bus = bus, .slot = slot, .function = f };
                if (!function_read(&d))
                    continue;
                if (f == 0 && pci_read(&d, 0x0c) >> 16 & MULTI_FUNCTION)
                    functions = FUNCTIONS;
                if (match(&d)) {
                    *out = d;
                    return true;
                }
            }
        }
    return false;
}

void pci_enable(const struct pci_device *d)
{
    pci_write(d, PCI_COMMAND,
              pci_read(d, PCI_COMMAND) | PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

uint16_t pci_io_base(const struct pci_device *d, unsigned bar)
{
    return d->bars[bar] & 1 ? d->bars[bar] & 0xfffc : 0;
}
