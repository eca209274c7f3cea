/* PCI configuration by mechanism 1 (PCI Local Bus Specification 3.0, 3.2.2.3). A driver that uses
 * it has ports 0xcf8-0xcff in its manifest. */
#ifndef PCI_H
#define PCI_H

#include <stdbool.h>
#include <stdint.h>

struct pci_device {
    uint8_t bus, slot, function;
    uint16_t vendor, device;
    uint8_t class, subclass, interface, irq;
    uint32_t bars[6]; /* as they stand: bit 0 set for I/O */
};

enum { PCI_COMMAND = 4, PCI_COMMAND_IO = 1, PCI_COMMAND_MEMORY = 2, PCI_COMMAND_MASTER = 4 };

/* Finds the first function for which match says true; false when there is none. Buses 0 to 7 are
 * searched. */
bool pci_find(bool (*match)(const struct pci_device *d), struct pci_device *out);
uint32_t pci_read(const struct pci_device *d, uint8_t at);
void pci_write(const struct pci_device *d, uint8_t at, uint32_t value);
void pci_enable(const struct pci_device *d); /* I/O, memory, bus master */
uint16_t pci_io_base(const struct pci_device *d, unsigned bar);

#endif
