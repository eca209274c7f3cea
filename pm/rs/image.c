/* Programs of services: ELF files, linked by service.ld. */
#include "rs.h"
#include "syscalls.h"

#include <minnow/elf.h>

static const struct elf_segment *segments(const struct image *i)
{
    return (const void *)(i->bytes + ((const struct elf_header *)i->bytes)->segments_at);
}

vaddr_t image_slide(const struct image *i) { return segments(i)[0].address - SERVICE_LINKED; }

int image_check(const struct image *i)
{
    const struct elf_header *h = (const void *)i->bytes;
    if (!elf_sound(i->bytes, i->size) || !h->segment_count)
        return -ENOEXEC;
    for (unsigned k = 0; k < h->segment_count; k++) {
        const struct elf_segment *s = &segments(i)[k];
        if (s->type == ELF_DYNAMIC ||
            (s->type == ELF_LOAD &&
             (!range_within(s->offset, s->file_size, i->size) || s->file_size > s->memory_size)))
            return -ENOEXEC;
    }
    return 0;
}

static int load_segment(unsigned slot, const struct image *i, const struct elf_segment *s)
{
    uint64_t protection = PAGE_READ | (s->flags & ELF_W ? PAGE_WRITE : 0) |
                          (s->flags & ELF_X ? PAGE_EXEC : 0);
    int64_t error = 0;
    if (s->file_size)
        error = sys_service_load(slot, s->address, i->bytes + s->offset, s->file_size, protection);
    if (!error && s->memory_size > s->file_size)
        error = sys_service_load(slot, s->address + s->file_size, NULL,
                                 s->memory_size - s->file_size, protection);
    return error;
}

int image_load(unsigned slot, const struct image *i, enum load what, uint64_t *entry)
{
    const struct elf_header *h = (const void *)i->bytes;
    int error = image_check(i);
    for (unsigned k = 0; k < h->segment_count && !error; k++) {
        const struct elf_segment *s = &segments(i)[k];
        bool stays = (what == LOAD_CONSTANT && s->flags & ELF_W) ||
                     (what == LOAD_BESIDES_STATE && s->address - image_slide(i) >= SERVICE_STATE);
        if (s->type == ELF_LOAD && !stays)
            error = load_segment(slot, i, s);
    }
    if (!error && entry)
        *entry = h->entry;
    return error;
}

/* The section .state, which says what state a program keeps. 0 bytes: its state cannot be handed
 * over. */
static struct image state_of(const struct image *i)
{
    static const char wanted[] = ".state";
    const struct elf_header *h = (const void *)i->bytes;
    const struct elf_section *s = (const void *)(i->bytes + h->sections_at);
    if (h->section_size != sizeof *s || h->sections_at > i->size ||
        h->section_count * sizeof *s > i->size - h->sections_at ||
        h->names_section >= h->section_count)
        return (struct image){ 0 };
    uint64_t names = s[h->names_section].offset;
    for (unsigned k = 0; k < h->section_count; k++) {
        uint64_t name = names + s[k].name;
        if (name > i->size || i->size - name < sizeof wanted ||
            memcmp(i->bytes + name, wanted, sizeof wanted) != 0)
            continue;
        if (s[k].offset <= i->size && s[k].size <= i->size - s[k].offset)
            return (struct image){ .bytes = i->bytes + s[k].offset, .size = s[k].size };
    }
    return (struct image){ 0 };
}

bool image_same_state(const struct image *a, const struct image *b)
{
    struct image x = state_of(a), y = state_of(b);
    return x.size && x.size == y.size && memcmp(x.bytes, y.bytes, x.size) == 0;
}

int image_poke(unsigned slot, vaddr_t address, const void *bytes, size_t length)
{
    const struct image *i = &services[slot].program;
    const struct elf_header *h = (const void *)i->bytes;
    address += image_slide(i);
    for (unsigned k = 0; k < h->segment_count; k++) {
        const struct elf_segment *s = &segments(i)[k];
        if (s->type == ELF_LOAD && s->flags & ELF_X && address >= s->address &&
            length <= s->file_size && address - s->address <= s->file_size - length)
            return sys_service_load(slot, address, bytes, length, PAGE_READ | PAGE_EXEC);
    }
    return -EINVAL;
}
