/* The multiboot2 boot information (specification 2.0, section 3.6): memory, modules, options. */
#include "boot.h"

#include "arch.h"
#include "panic.h"
#include "memory.h"

enum {
    MAGIC = 0x36d76289,
    TAG_END = 0,
    TAG_OPTIONS = 1,
    TAG_MODULE = 3,
    TAG_MEMORY = 6,
    MEMORY_USABLE = 1
};
#define LOW_END    0x100000ul   /* below 1 MiB: BIOS, boot loader, devices */
#define VIRT_LIMIT (64ul << 30) /* more memory than this is left alone */

struct tag {
    uint32_t type, size;
};
struct tag_module {
    uint32_t type, size, start, end;
    char name[];
};
struct memory_entry {
    uint64_t base, length;
    uint32_t type, reserved;
};
struct tag_memory {
    uint32_t type, size, entry_size, version;
    struct memory_entry entries[];
};

paddr_t boot_memory_end;
char boot_options[BOOT_OPTIONS_MAX];
struct module modules[MODULES_MAX];
unsigned module_count;

extern char kernel_end[];

static void copy_text(char *to, const char *from, size_t size)
{
    size_t n = strlen(from);
    n = n < size - 1 ? n : size - 1;
    memcpy(to, from, n);
    to[n] = 0;
}

/* Cuts [first, end), widened to whole pages, out of the usable ranges. */
static void reserve(paddr_t first, paddr_t end)
{
    first = PAGE_DOWN(first);
    end = PAGE_UP(end);
    for (unsigned i = 0, n = memory_range_count; i < n; i++) {
        struct range *r = &memory_ranges[i];
        if (first >= r->end || end <= r->first)
            continue;
        if (first > r->first && end < r->end && memory_range_count < RANGES_MAX)
            memory_ranges[memory_range_count++] = (struct range){ end, r->end };
        if (first > r->first)
            r->end = first;
        else
            r->first = end < r->end ? end : r->end;
    }
}

static void add_memory(const struct tag_memory *t)
{
    for (uint32_t at = sizeof *t; at + sizeof(struct memory_entry) <= t->size;
         at += t->entry_size) {
        const struct memory_entry *e = (const void *)((const char *)t + at);
        paddr_t first = PAGE_UP(e->base), end = PAGE_DOWN(e->base + e->length);
        first = first < LOW_END ? LOW_END : first;
        end = end > VIRT_LIMIT ? VIRT_LIMIT : end;
        if (e->type != MEMORY_USABLE || first >= end || memory_range_count == RANGES_MAX)
            continue;
        memory_ranges[memory_range_count++] = (struct range){ first, end };
        if (end > boot_memory_end)
            boot_memory_end = end;
    }
}

static void add_module(const struct tag_module *t)
{
    if (module_count == MODULES_MAX)
        panic(NULL, "more than %d boot modules", MODULES_MAX);
    struct module *m = &modules[module_count++];
    m->at = t->start;
    m->size = t->end - t->start;
    copy_text(m->name, t->name, sizeof m->name);
}

bool boot_option(const char *word)
{
    size_t n = strlen(word);
    for (const char *s = boot_options; *s;) {
        while (*s == ' ')
            s++;
        if (strncmp(s, word, n) == 0 && (s[n] == ' ' || !s[n]))
            return true;
        while (*s && *s != ' ')
            s++;
    }
    return false;
}

/* The ranges keep the loader's order, lowest first: drivers' DMA needs memory below 4 GiB. */
void boot_read(uint32_t magic, paddr_t information)
{
    if (magic != MAGIC)
        panic(NULL, "not started by a multiboot2 loader (magic %x)", magic);
    const char *info = phys_to_virt(information);
    uint32_t total = *(const uint32_t *)info;
    for (uint32_t at = 8; at < total;) {
        const struct tag *t = (const void *)(info + at);
        if (t->type == TAG_END)
            break;
        if (t->type == TAG_OPTIONS)
            copy_text(boot_options, (const char *)(t + 1), sizeof boot_options);
        if (t->type == TAG_MODULE)
            add_module((const void *)t);
        if (t->type == TAG_MEMORY)
            add_memory((const void *)t);
        at += (t->size + 7) & ~7u;
    }
    reserve(LOW_END, arch_image_phys(kernel_end));
    for (unsigned i = 0; i < module_count; i++)
        reserve(modules[i].at, modules[i].at + modules[i].size);
    reserve(information, information + total);
    memory_init();
}
