/* Time, names, ports, interrupts and the boot log, for services: thin wrappers of kernel calls. */
#include "service.h"
#include "syscalls.h"

#include <minnow/clock.h>
#include <minnow/file.h>
#include <minnow/format.h>

enum { LINE = 256 };

OWN uintptr_t __stack_chk_guard;
/* The compiler calls it; that is seen only when all files have been optimized together. */
__attribute__((used)) _Noreturn void __stack_chk_fail(void);

void __stack_chk_fail(void) { die("stack frame overrun"); }

uint64_t time_now(void) { return ask_time(); }
void alarm_at(uint64_t when) { ask_alarm(when); }

void time_wall(int64_t *sec, int64_t *nsec)
{
    struct timespec64 t = { 0, 0 };
    ask_clock(CLOCK_REALTIME, &t);
    *sec = t.sec;
    *nsec = t.nsec;
}

/* Slots are fixed from boot on, so the ones found are remembered. */
endpoint_t service_find(const char *name)
{
    static OWN struct {
        char name[16];
        endpoint_t slot;
    } known[16];
    static OWN unsigned count;
    for (unsigned i = 0; i < count; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].slot;
    size_t length = strlen(name);
    int64_t slot = ask_slot(name, length);
    if (slot < 0)
        return 0;
    if (count < ARRAY_SIZE(known) && length < sizeof known[0].name) {
        memcpy(known[count].name, name, length + 1);
        known[count++].slot = slot;
    }
    return slot;
}

uint8_t in8(uint16_t port) { return ask_port_in(port, 1); }
uint8_t in8_once(uint16_t port) { return sys_port_in(port, 1); }
uint16_t in16(uint16_t port) { return ask_port_in(port, 2); }
uint32_t in32(uint16_t port) { return ask_port_in(port, 4); }
void out8(uint16_t port, uint8_t value) { ask_port_out(port, 1, value); }
void out16(uint16_t port, uint16_t value) { ask_port_out(port, 2, value); }
void out32(uint16_t port, uint32_t value) { ask_port_out(port, 4, value); }
void in_string16(uint16_t port, void *to, size_t bytes) { ask_port_ins(port, 2, to, bytes); }
void out_string16(uint16_t port, const void *from, size_t bytes)
{
    ask_port_outs(port, 2, from, bytes);
}
void out_string8(uint16_t port, const void *from, size_t bytes)
{
    sys_port_outs(port, 1, from, bytes);
}

void irq_bind(unsigned irq, unsigned bit)
{
    int64_t error = sys_irq_bind(irq, bit);
    if (error)
        die("interrupt %u is not in the manifest", irq);
}

void irq_ack(unsigned irq) { ask_irq_ack(irq); }

void *map_device(paddr_t at, size_t bytes)
{
    int64_t va = ask_map_device(at, bytes);
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
    ask_log(line, n);
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
    ask_exit(1);
    __builtin_unreachable();
}
