/* Kernel calls for drivers: interrupts, ports, device memory, and memory of their own; all within
 * the manifest. */
#include "arch.h"
#include "irq.h"
#include "mailbox.h"
#include "kcall.h"
#include "layout.h"
#include "log.h"
#include "memory.h"
#include "rights.h"
#include "space.h"
#include "trace.h"
#include <minnow/errno.h>
#include <minnow/range.h>

enum { IRQS = 16, STRING_MAX = 64 * 1024 };
#define HEAP_START   0x100000000000ul
#define HEAP_CHOICES (1ul << 30) /* the heap begins at most so many pages above HEAP_START */
#define DEVICE_START 0x200000000000ul
/* of addresses, and so of page tables: nothing that is mapped there is unmapped again */
#define DEVICE_SIZE (1ul << 30)

static struct {
    struct task *task;
    uint64_t count;
    uint8_t bit;
} irqs[IRQS];

static bool may_port(const struct task *t, uint64_t port, uint64_t width)
{
    for (unsigned i = 0; i < 8; i++)
        if (port >= t->rights.ports[i].first && port <= t->rights.ports[i].last &&
            width - 1 <= t->rights.ports[i].last - port)
            return width == 1 || width == 2 || width == 4;
    return false;
}

/* Contiguous frames for a device: their address, or 0. They belong to the slot for ever. When the
 * driver dies its device may still write to them, so only the next driver in the slot, which resets
 * the device first, gets them again. */
static paddr_t dma_run(struct task *me, uint64_t pages, bool below_4g)
{
    unsigned i = 0;
    while (i < DMA_RUNS && me->dma[i].pages && (me->dma[i].taken || me->dma[i].pages != pages))
        i++;
    if (i == DMA_RUNS)
        return 0;
    if (!me->dma[i].pages) {
        size_t n = pages;
        paddr_t first = range_within(me->committed, pages, me->rights.budget) ? frame_alloc_many(&n)
                                                                              : 0;
        if (!first)
            return 0;
        /* Only an odd layout of memory fails here: drivers ask at their start, while one large
         * range is left. */
        if (n < pages || (below_4g && (first + pages * PAGE_SIZE) >> 32)) {
            while (n--)
                frame_free(first + n * PAGE_SIZE);
            return 0;
        }
        me->dma[i].first = first;
        me->dma[i].pages = pages;
        me->rights.budget -= pages;
        frames_promised -= frames_promised < pages ? frames_promised : pages;
    }
    me->dma[i].taken = true;
    for (uint64_t k = 0; k < pages; k++)
        zero_page(phys_to_virt(me->dma[i].first + k * PAGE_SIZE));
    return me->dma[i].first;
}

int64_t sys_grow(struct thread *t, const uint64_t *a)
{
    struct task *me = t->task;
    uint64_t pages = a[0];
    if (!pages || pages > me->rights.budget)
        return -ENOMEM;
    if (!me->heap_next)
        me->heap_next = HEAP_START + layout_random(HEAP_CHOICES) * PAGE_SIZE;
    vaddr_t va = me->heap_next;
    if (a[1] & GROW_CONTIGUOUS) {
        if (!has_right(t, RIGHT_DMA))
            return -EPERM;
        paddr_t first = dma_run(me, pages, a[1] & GROW_BELOW_4G);
        if (!first)
            return -ENOMEM;
        for (uint64_t i = 0; i < pages; i++) {
            uint64_t *e = arch_entry(me->space, va + i * PAGE_SIZE, true);
            if (!e)
                return -ENOMEM;
            *e = arch_entry_make(first + i * PAGE_SIZE, PAGE_READ | PAGE_WRITE);
        }
        if (a[2] && space_write(t->space, a[2], &first, sizeof first) < 0)
            return -EFAULT;
    } else {
        int error = !range_within(me->committed, pages, me->rights.budget)
                        ? -ENOMEM
                        : space_commit(me, va, pages, PAGE_READ | PAGE_WRITE);
        if (error)
            return error;
    }
    me->heap_next += (pages + 1) * PAGE_SIZE; /* with a guard page */
    return va;
}

int64_t sys_irq_bind(struct thread *t, const uint64_t *a)
{
    if (a[0] >= IRQS || !(t->task->rights.irqs >> a[0] & 1))
        return -EPERM;
    irqs[a[0]].task = t->task;
    irqs[a[0]].bit = a[1] & 31;
    arch_irq_unmask(a[0]);
    return 0;
}

void irq_forget(struct task *gone)
{
    for (unsigned i = 0; i < IRQS; i++)
        if (irqs[i].task == gone) {
            irqs[i].task = NULL;
            arch_irq_mask(i);
        }
}

bool irq_describe(uint64_t irq, struct irq_info *out)
{
    if (irq >= IRQS)
        return false;
    const struct task *x = irqs[irq].task;
    *out = (struct irq_info){ .count = irqs[irq].count, .task = x ? x->endpoint : 0 };
    return true;
}

int64_t sys_irq_ack(struct thread *t, const uint64_t *a)
{
    if (a[0] >= IRQS || irqs[a[0]].task != t->task)
        return -EPERM;
    arch_irq_unmask(a[0]);
    return 0;
}

void irq_arrived(unsigned irq)
{
    arch_irq_mask(irq);
    irqs[irq].count++;
    if (irqs[irq].task) {
        trace_event(TRACE_NOTIFIED, irqs[irq].task, 1ul << irqs[irq].bit);
        mail_notify(irqs[irq].task, 1ul << irqs[irq].bit);
    }
}

int64_t sys_port_in(struct thread *t, const uint64_t *a)
{
    return may_port(t->task, a[0], a[1]) ? (int64_t)arch_port_in(a[0], a[1]) : -EPERM;
}

int64_t sys_port_out(struct thread *t, const uint64_t *a)
{
    if (!may_port(t->task, a[0], a[1]))
        return -EPERM;
    arch_port_out(a[0], a[1], a[2]);
    return 0;
}

static int64_t port_string(struct thread *t, const uint64_t *a, bool out)
{
    uint64_t port = a[0], width = a[1], at = a[2], bytes = a[3];
    if (!may_port(t->task, port, width))
        return -EPERM;
    if (bytes % width || at % width || bytes > STRING_MAX)
        return -EINVAL;
    for (uint64_t i = 0; i < bytes; i += width) {
        void *p = space_byte(t->space, at + i, !out);
        if (!p)
            return -EFAULT;
        if (out) {
            uint32_t value = width == 1   ? *(uint8_t *)p
                             : width == 2 ? *(uint16_t *)p
                                          : *(uint32_t *)p;
            arch_port_out(port, width, value);
        } else {
            uint32_t value = arch_port_in(port, width);
            copy_bytes(p, &value, width);
        }
    }
    return bytes;
}

int64_t sys_port_ins(struct thread *t, const uint64_t *a) { return port_string(t, a, false); }
int64_t sys_port_outs(struct thread *t, const uint64_t *a) { return port_string(t, a, true); }

int64_t sys_map_device(struct thread *t, const uint64_t *a)
{
    struct task *me = t->task;
    bool allowed = false;
    for (unsigned i = 0; i < 4 && a[1]; i++) {
        const struct memory_range *r = &me->rights.memory[i];
        allowed |= r->first <= r->last && range_between(a[0], a[1] - 1, r->first, r->last);
    }
    if (!allowed)
        return -EPERM;
    paddr_t first = PAGE_DOWN(a[0]), last = a[0] + a[1] - 1;
    if (!me->device_next)
        me->device_next = me->device_start = DEVICE_START + layout_random(HEAP_CHOICES) * PAGE_SIZE;
    vaddr_t va = me->device_next;
    if (last - first >= DEVICE_SIZE - (va - me->device_start))
        return -ENOMEM;
    for (paddr_t p = first; p <= last; p += PAGE_SIZE, me->device_next += PAGE_SIZE) {
        uint64_t *e = arch_entry(me->space, me->device_next, true);
        if (!e)
            return -ENOMEM;
        /* PAGE_DEVICE, not PAGE_OWNED: the frames are not the service's to free. */
        *e = arch_entry_make(p, PAGE_READ | PAGE_WRITE | PAGE_DEVICE);
    }
    return va + (a[0] - first);
}

int64_t sys_halt(struct thread *t, const uint64_t *a) { log_halt(a[0]); }
