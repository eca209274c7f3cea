/* PCI configuration by mechanism 1 (PCI Local Bus Specification 3.0, 3.2.2.3). The manifest of a
 * driver that is linked with libpci names ports 0xcf8-0xcff. Nothing here waits. */
#ifndef PCI_H
#define PCI_H

#include <stdbool.h>
#include <stdint.h>

struct pci_device {
    uint8_t bus, slot, function;
    uint16_t vendor, device;
    uint8_t class, subclass, interface, irq;
    uint32_t bars[6]; /* base address registers; bit 0: I/O space */
};

enum { PCI_COMMAND = 4, PCI_COMMAND_IO = 1, PCI_COMMAND_MEMORY = 2, PCI_COMMAND_MASTER = 4 };

/* Finds the first function on buses 0 to 7 for which match() returns true. false: there is none. */
bool pci_find(bool (*match)(const struct pci_device *d), struct pci_device *out);
/* Reads or writes the 32-bit register of the function's configuration space at byte `at`. */
uint32_t pci_read(const struct pci_device *d, uint8_t at);
void pci_write(const struct pci_device *d, uint8_t at, uint32_t value);
/* Makes the device answer in I/O space and memory, and lets it be a bus master. */
void pci_enable(const struct pci_device *d);
/* The first port of base address register `bar`; 0 if that is not in I/O space. */
uint16_t pci_io_base(const struct pci_device *d, unsigned bar);

#endif
