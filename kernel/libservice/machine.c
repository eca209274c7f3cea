/* Time, names, ports, interrupts and the boot log, for services: thin wrappers of kernel calls. */
#include "service.h"
#include "syscalls.h"

#include <minnow/clock.h>
#include <minnow/file.h>
#include <minnow/format.h>

enum { LINE = 256 };

uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

void __stack_chk_fail(void) { die("stack frame overrun"); }

uint64_t time_now(void) { return kernel_ask(SYS_TIME, 0, 0, 0, 0, 0, 0); }
void alarm_at(uint64_t when) { kernel_ask(SYS_ALARM, when, 0, 0, 0, 0, 0); }

void time_wall(int64_t *sec, int64_t *nsec)
{
    struct timespec64 t = { 0, 0 };
    kernel_ask(SYS_CLOCK, CLOCK_REALTIME, (uint64_t)&t, 0, 0, 0, 0);
    *sec = t.sec;
    *nsec = t.nsec;
}

/* Slots are fixed from boot, so those that were asked for are remembered. */
endpoint_t service_find(const char *name)
{
    static struct {
        char name[16];
        endpoint_t slot;
    } known[16];
    static unsigned count;
    for (unsigned i = 0; i < count; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].slot;
    size_t length = strlen(name);
    int64_t slot = kernel_ask(SYS_SLOT, (uint64_t)name, length, 0, 0, 0, 0);
    if (slot < 0)
        return 0;
    if (count < ARRAY_SIZE(known) && length < sizeof known[0].name) {
        memcpy(known[count].name, name, length + 1);
        known[count++].slot = slot;
    }
    return slot;
}

uint8_t in8(uint16_t port) { return kernel_ask(SYS_PORT_IN, port, 1, 0, 0, 0, 0); }
uint8_t in8_once(uint16_t port) { return kernel_call(SYS_PORT_IN, port, 1, 0, 0, 0, 0); }
uint16_t in16(uint16_t port) { return kernel_ask(SYS_PORT_IN, port, 2, 0, 0, 0, 0); }
uint32_t in32(uint16_t port) { return kernel_ask(SYS_PORT_IN, port, 4, 0, 0, 0, 0); }
void out8(uint16_t port, uint8_t value) { kernel_ask(SYS_PORT_OUT, port, 1, value, 0, 0, 0); }
void out16(uint16_t port, uint16_t value) { kernel_ask(SYS_PORT_OUT, port, 2, value, 0, 0, 0); }
void out32(uint16_t port, uint32_t value) { kernel_ask(SYS_PORT_OUT, port, 4, value, 0, 0, 0); }
void in_string16(uint16_t port, void *to, size_t bytes)
{
    kernel_ask(SYS_PORT_INS, port, 2, (uint64_t)to, bytes, 0, 0);
}
void out_string16(uint16_t port, const void *from, size_t bytes)
{
    kernel_ask(SYS_PORT_OUTS, port, 2, (uint64_t)from, bytes, 0, 0);
}
void out_string8(uint16_t port, const void *from, size_t bytes)
{
    kernel_call(SYS_PORT_OUTS, port, 1, (uint64_t)from, bytes, 0, 0);
}

void irq_bind(unsigned irq, unsigned bit)
{
    int64_t error = kernel_call(SYS_IRQ_BIND, irq, bit, 0, 0, 0, 0);
    if (error)
        die("interrupt %u is not in the manifest", irq);
}

void irq_ack(unsigned irq) { kernel_ask(SYS_IRQ_ACK, irq, 0, 0, 0, 0, 0); }

void *map_device(paddr_t at, size_t bytes)
{
    int64_t va = kernel_ask(SYS_MAP_DEVICE, at, bytes, 0, 0, 0, 0);
    return va < 0 ? NULL : (void *)va;
}

/* ---- text ---- */

int format(char *to, size_t size, const char *f, ...)
{
    va_list args;
    va_start(args, f);
    size_t n = format_text(to, size, f, args);
    va_end(args);
    return n;
}

static void print_line(const char *f, va_list args)
{
    char line[LINE];
    size_t n = format_text(line, sizeof line - 1, f, args);
    n = MIN(n, sizeof line - 2);
    if (!n || line[n - 1] != '\n')
        line[n++] = '\n';
    kernel_ask(SYS_LOG, (uint64_t)line, n, 0, 0, 0, 0);
}

void print(const char *f, ...)
{
    va_list args;
    va_start(args, f);
    print_line(f, args);
    va_end(args);
}

void die(const char *f, ...)
{
    va_list args;
    va_start(args, f);
    print_line(f, args);
    va_end(args);
    kernel_ask(SYS_EXIT, 1, 0, 0, 0, 0, 0);
    __builtin_unreachable();
}
