/* Registers, memory and interrupt of the device: see bus.h. A register is a place in the file that
 * vdisk serves to the driver. The driver's memory is shown to it by one call that is never
 * answered: as long as it stands, the device may copy from and to its window. */
#include "bus.h"

#include "service.h"

enum { MEMORY_AT = 0x100000, ATTACH = 0x1000 /* behind all registers */ };

static endpoint_t device;
static char *memory;
static size_t pages_used;

static void attach(void *unused)
{
    (void)unused;
    struct call_args a = { .op = FS_WRITE, .position = ATTACH };
    int64_t error = call_window(device, &a, WINDOW_INOUT, memory, BUS_PAGES * PAGE_SIZE, NULL);
    die("the device has let the memory go: error %d", (int)-error);
}

void bus_open(void)
{
    device = service_find("vdisk");
    memory = memory_pages(BUS_PAGES);
    if (!memory || thread_start(attach, NULL) < 0)
        die("no memory for the device");
}

void *bus_memory(size_t pages, paddr_t *address)
{
    if (pages > BUS_PAGES - pages_used)
        return NULL;
    size_t at = pages_used * PAGE_SIZE;
    pages_used += pages;
    *address = MEMORY_AT + at;
    return memory + at;
}

static uint32_t in(unsigned at, size_t bytes)
{
    uint32_t value = 0;
    struct call_args a = { .op = FS_READ, .position = at };
    call_window(device, &a, WINDOW_OUT, &value, bytes, NULL);
    return value;
}

static void out(unsigned at, uint32_t value, size_t bytes)
{
    struct call_args a = { .op = FS_WRITE, .position = at };
    call_window(device, &a, WINDOW_IN, &value, bytes, NULL);
}

uint8_t bus_in8(unsigned at) { return in(at, 1); }
uint16_t bus_in16(unsigned at) { return in(at, 2); }
uint32_t bus_in32(unsigned at) { return in(at, 4); }
void bus_out8(unsigned at, uint8_t value) { out(at, value, 1); }
void bus_out16(unsigned at, uint16_t value) { out(at, value, 2); }
void bus_out32(unsigned at, uint32_t value) { out(at, value, 4); }
