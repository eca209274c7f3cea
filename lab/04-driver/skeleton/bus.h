/* The way to the device: registers, memory that it sees, its interrupt. Not yours to change.
 *
 * The device is a service, vdisk, that does what a disk's controller does. So an access to a
 * register is a message: it waits, and other threads of the driver may run meanwhile. */
#ifndef BUS_H
#define BUS_H

#include <stddef.h>
#include <stdint.h>

#include <minnow/types.h>

enum { BUS_PAGES = 64, BUS_IRQ = 0 /* notify() gets this bit when the device interrupts */ };

/* Makes the device's memory and connects the two. First of all; dies without memory. */
void bus_open(void);

/* Memory that the device sees, zeroed, and the address by which it knows it. NULL: BUS_PAGES are
 * used up; nothing can be given back. */
void *bus_memory(size_t pages, paddr_t *address);

/* The device's registers. They wait. */
uint8_t bus_in8(unsigned at);
uint16_t bus_in16(unsigned at);
uint32_t bus_in32(unsigned at);
void bus_out8(unsigned at, uint8_t value);
void bus_out16(unsigned at, uint16_t value);
void bus_out32(unsigned at, uint32_t value);

#endif
