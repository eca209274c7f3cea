/* The interrupt controller of the PC: two 8259A in a cascade (Intel 8259A data sheet). Lines are
 * masked until a driver binds them. */
#include "arch.h"
#include "cpu.h"

enum {
    PIC1 = 0x20,
    PIC2 = 0xa0,
    ICW1_INIT = 0x11,
    ICW4_8086 = 1,
    OCW2_EOI = 0x20,
    OCW3_ISR = 0x0b,
    CASCADE = 2
};

static uint16_t mask = 0xffff & ~(1 << CASCADE);

/* Masks so many lines, a bit each, and no others. */
static void mask_set(uint16_t lines)
{
    mask = lines;
    outb(PIC1 + 1, mask);
    outb(PIC2 + 1, mask >> 8);
}

void pic_init(void)
{
    outb(PIC1, ICW1_INIT);
    outb(PIC2, ICW1_INIT);
    outb(PIC1 + 1, VECTOR_IRQ);
    outb(PIC2 + 1, VECTOR_IRQ + 8);
    outb(PIC1 + 1, 1 << CASCADE);
    outb(PIC2 + 1, CASCADE);
    outb(PIC1 + 1, ICW4_8086);
    outb(PIC2 + 1, ICW4_8086);
    mask_set(mask);
}

void arch_irq_mask(unsigned irq) { mask_set(mask | 1 << irq); }
void arch_irq_unmask(unsigned irq) { mask_set(mask & ~(1 << irq)); }

void pic_eoi(unsigned irq)
{
    if (irq >= 8)
        outb(PIC2, OCW2_EOI);
    outb(PIC1, OCW2_EOI);
}

/* Whether the interrupt on `irq` is none: the controllers report lines 7 and 15 also for interrupts
 * that went away before the processor took them. */
bool pic_spurious(unsigned irq)
{
    if (irq != 7 && irq != 15)
        return false;
    uint16_t port = irq == 7 ? PIC1 : PIC2;
    outb(port, OCW3_ISR);
    if (inb(port) & 0x80)
        return false;
    if (irq == 15)
        outb(PIC1, OCW2_EOI);
    return true;
}
