/* Page tables (Intel SDM vol. 3 ch. 4): the kernel's own, and those of spaces. Every space shares
 * the kernel's upper half by three entries of its top table: the direct map, device memory, and the
 * kernel's image. */
#include "arch.h"
#include "boot.h"
#include "panic.h"
#include "memory.h"
#include "thread.h"
#include "cpu.h"
#include <minnow/errno.h>

#define P_PRESENT  1ul
#define P_WRITE    2ul
#define P_USER     4ul
#define P_UNCACHED 0x18ul
#define P_ACCESSED 0x20ul
#define P_DIRTY    0x40ul
#define P_LARGE    0x80ul
#define P_GLOBAL   0x100ul
#define P_OWNED    0x200ul /* free for software, as are 0x400 (arch_entry_shown) */
#define P_DEVICE   0x800ul /* and this one */
#define P_NX       (1ul << 63)
#define FRAME(e)   ((e)&0x000ffffffffff000ul)

enum { DIRECT_SLOT = 256, DEVICE_SLOT = 510, KERNEL_SLOT = 511, LEVELS = 4 };
#define DEVICE_BASE 0xffffff0000000000ul

extern char kernel_text[], kernel_text_end[], kernel_constants[], kernel_constants_end[],
    kernel_end[];

static paddr_t kernel_root;
static uint64_t device_pages;

static inline unsigned slot(vaddr_t va, unsigned level) { return va >> (12 + 9 * level) & 511; }

static uint64_t *table_below(uint64_t *entry, bool make, uint64_t flags)
{
    if (!(*entry & P_PRESENT)) {
        paddr_t p = make ? frame_alloc() : 0;
        if (!p)
            return NULL;
        *entry = p | flags;
    }
    return phys_to_virt(FRAME(*entry));
}

static uint64_t *kernel_entry(vaddr_t va, unsigned level)
{
    uint64_t *table = phys_to_virt(kernel_root);
    for (unsigned l = LEVELS - 1; l > level; l--) {
        table = table_below(&table[slot(va, l)], true, P_PRESENT | P_WRITE);
        KASSERT(table);
    }
    return &table[slot(va, level)];
}

static void map_image(void)
{
    for (vaddr_t va = (vaddr_t)kernel_text; va < (vaddr_t)kernel_end; va += PAGE_SIZE) {
        uint64_t flags = P_PRESENT | P_GLOBAL;
        if (va >= (vaddr_t)kernel_text_end)
            flags |= P_NX;
        if (va >= (vaddr_t)kernel_text_end &&
            (va < (vaddr_t)kernel_constants || va >= (vaddr_t)kernel_constants_end))
            flags |= P_WRITE;
        if (!cpu_guard_page(va))
            *kernel_entry(va, 0) = arch_image_phys((void *)va) | flags;
    }
}

static void map_direct(void)
{
    unsigned level = features.pages_1g ? 2 : 1;
    paddr_t step = 1ul << (12 + 9 * level);
    paddr_t end = boot_memory_end > 1ul << 30 ? boot_memory_end : 1ul << 30;
    for (paddr_t p = 0; p < end; p += step)
        *kernel_entry(ARCH_DIRECT + p, level) = p | P_PRESENT | P_WRITE | P_LARGE | P_GLOBAL | P_NX;
}

void paging_init(void)
{
    kernel_root = frame_alloc();
    KASSERT(kernel_root);
    map_image();
    map_direct();
    (void)kernel_entry(DEVICE_BASE, 0); /* every space copies the entry of its table */
    write_cr3(kernel_root);
}

void *arch_map_device(paddr_t at)
{
    vaddr_t va = DEVICE_BASE + device_pages++ * PAGE_SIZE;
    *kernel_entry(va, 0) = (at & ~0xffful) | P_PRESENT | P_WRITE | P_UNCACHED | P_NX | P_GLOBAL;
    return (char *)va + at % PAGE_SIZE;
}

int arch_space_init(struct space *s)
{
    s->root = frame_alloc();
    if (!s->root)
        return -ENOMEM;
    uint64_t *top = phys_to_virt(s->root), *kernel = phys_to_virt(kernel_root);
    top[DIRECT_SLOT] = kernel[DIRECT_SLOT];
    top[DEVICE_SLOT] = kernel[DEVICE_SLOT];
    top[KERNEL_SLOT] = kernel[KERNEL_SLOT];
    return 0;
}

static void free_tables(const uint64_t *table, unsigned level, unsigned entries);

static void free_table(uint64_t entry, unsigned level)
{
    if (level > 1)
        free_tables(phys_to_virt(FRAME(entry)), level - 1, 512);
    frame_free(FRAME(entry));
}

/* Frees the tables that the first `entries` (a multiple of eight) entries of a table name. Few
 * entries are used, so eight are tested at a time. */
static void free_tables(const uint64_t *table, unsigned level, unsigned entries)
{
    for (const uint64_t *e = table; e < table + entries; e += 8)
        if ((e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]) & P_PRESENT)
            for (unsigned i = 0; i < 8; i++)
                if (e[i] & P_PRESENT)
                    free_table(e[i], level);
}

void arch_space_free(struct space *s)
{
    if (read_cr3() == s->root)
        write_cr3(kernel_root);
    free_tables(phys_to_virt(s->root), LEVELS - 1, DIRECT_SLOT);
    frame_free(s->root);
}

uint64_t *arch_entry(struct space *s, vaddr_t va, bool make)
{
    uint64_t *table = phys_to_virt(s->root);
    for (unsigned l = LEVELS - 1; l > 0; l--) {
        uint64_t *e = &table[slot(va, l)];
        if (__builtin_expect(!(*e & P_PRESENT), 0) &&
            !table_below(e, make, P_PRESENT | P_WRITE | P_USER))
            return NULL;
        table = phys_to_virt(FRAME(*e));
    }
    return &table[slot(va, 0)];
}

/* In a table of pages the search looks at each entry; over a hole it steps by as much as the
 * missing table would cover. A page without any right (PROT_NONE) counts: its entry is not 0. */
vaddr_t arch_next(struct space *s, vaddr_t va, vaddr_t end, unsigned *tables)
{
    while (va < end && *tables) {
        const uint64_t *table = phys_to_virt(s->root);
        unsigned l = LEVELS - 1;
        while (l > 0 && table[slot(va, l)] & P_PRESENT)
            table = phys_to_virt(FRAME(table[slot(va, l--)]));
        if (l == 0) {
            const uint64_t *e = &table[slot(va, 0)], *last = table + 512;
            for (; e < last && va < end; e++, va += PAGE_SIZE)
                if (*e)
                    return va;
        } else {
            uint64_t step = 1ul << (12 + 9 * l);
            const uint64_t *e = &table[slot(va, l)], *last = table + 512;
            va &= ~(step - 1);
            do
                e++, va += step;
            while (e < last && va < end && !(*e & P_PRESENT));
        }
        --*tables;
    }
    return va < end ? va : end;
}

uint64_t arch_entry_make(paddr_t frame, uint32_t protection)
{
    uint64_t e = frame | P_PRESENT | (protection & PAGE_OWNED ? P_OWNED : 0) |
                 (protection & PAGE_DEVICE ? P_DEVICE : 0);
    if (protection & (PAGE_READ | PAGE_WRITE | PAGE_EXEC))
        e |= P_USER;
    if (protection & PAGE_WRITE)
        e |= P_WRITE;
    if (!(protection & PAGE_EXEC))
        e |= P_NX;
    return e;
}

uint32_t arch_entry_protection(uint64_t e)
{
    return (e & P_USER ? PAGE_READ : 0) | (e & P_WRITE ? PAGE_WRITE : 0) |
           (e & P_NX ? 0 : PAGE_EXEC) | (e & P_OWNED ? PAGE_OWNED : 0);
}

uint64_t arch_entry_out(uint64_t e)
{
    return FRAME(e) | (e & P_WRITE ? PAGE_OUT_WRITABLE : 0) | (e & P_DIRTY ? PAGE_OUT_DIRTY : 0) |
           (e & P_ACCESSED ? PAGE_OUT_ACCESSED : 0) | (e & P_OWNED ? PAGE_OUT_OWNED : 0) |
           (e & P_NX ? 0 : PAGE_OUT_EXEC);
}

void arch_flush(struct space *s, vaddr_t va)
{
    if (this_cpu()->space == s)
        invlpg(va);
}
