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

/* The first entry of [e, last) that is not 0, or `last`. Few are used, so eight are tested at a
 * time. */
static uint64_t *first_used(uint64_t *e, uint64_t *last)
{
    while (last - e >= 8 && !(e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]))
        e += 8;
    while (e < last && !*e)
        e++;
    return e;
}

/* Frees the table that an entry of a table of this level names, and the tables below it. All are
 * empty then. */
static void free_table(uint64_t *entry, unsigned level)
{
    uint64_t *e = phys_to_virt(FRAME(*entry)), *last = e + 512;
    if (level > 1)
        while ((e = first_used(e, last)) < last)
            free_table(e, level - 1);
    frame_free_zeroed(FRAME(*entry));
    *entry = 0;
}

/* A table that was noted is named by an entry of one that was noted before. */
void arch_space_free(struct space *s)
{
    if (read_cr3() == s->root)
        write_cr3(kernel_root);
    uint64_t *top = phys_to_virt(s->root), *e = top;
    if (s->tables <= TABLES_NOTED)
        while (s->tables)
            free_table(s->table_entry[--s->tables], 1);
    else
        while ((e = first_used(e, top + DIRECT_SLOT)) < top + DIRECT_SLOT)
            free_table(e, LEVELS - 1);
    top[DIRECT_SLOT] = top[DEVICE_SLOT] = top[KERNEL_SLOT] = 0;
    frame_free_zeroed(s->root);
}

static void note_table(struct space *s, uint64_t *entry)
{
    if (s->tables < TABLES_NOTED)
        s->table_entry[s->tables] = entry;
    s->tables++;
}

uint64_t *arch_entry(struct space *s, vaddr_t va, bool make)
{
    uint64_t *table = phys_to_virt(s->root);
    for (unsigned l = LEVELS - 1; l > 0; l--) {
        uint64_t *e = &table[slot(va, l)];
        if (__builtin_expect(!(*e & P_PRESENT), 0)) {
            if (!table_below(e, make, P_PRESENT | P_WRITE | P_USER))
                return NULL;
            note_table(s, e);
        }
        table = phys_to_virt(FRAME(*e));
    }
    return &table[slot(va, 0)];
}

/* The lowest table that there is for an address is searched; an entry of a higher one that is 0
 * stands for as much as the missing table would cover. A page without any right (PROT_NONE) counts:
 * its entry is not 0. */
uint64_t *arch_next_table(struct page_walk *w)
{
    while (w->va < w->end && w->tables) {
        uint64_t *table = phys_to_virt(w->space->root);
        unsigned l = LEVELS - 1;
        while (l > 0 && table[slot(w->va, l)] & P_PRESENT)
            table = phys_to_virt(FRAME(table[slot(w->va, l--)]));
        unsigned bits = 12 + 9 * l;
        uint64_t *e = &table[slot(w->va, l)], *last = table + 512,
                 left = ((w->end - 1) >> bits) - (w->va >> bits) + 1;
        if (left < (uint64_t)(last - e))
            last = e + left;
        uint64_t *used = first_used(e, last);
        w->va = ((w->va >> bits) + (used - e)) << bits;
        if (used == last) {
            w->tables--;
        } else if (l == 0) {
            w->next = used;
            w->last = last;
            return arch_next(w);
        }
    }
    w->va = w->va < w->end ? w->va : w->end;
    w->next = w->last = NULL;
    return NULL;
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
