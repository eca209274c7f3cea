/* ELF files: see elf.h. */
#include "elf.h"

#include <minnow/proc.h>

#include <minnow/range.h>
#include <minnow/syscall.h>

#include "service.h"

enum { PT_LOAD = 1, PT_INTERP = 3, PT_PHDR = 6, PT_GNU_STACK = 0x6474e551 };
enum { PF_X = 1, PF_W = 2, PF_R = 4 };
enum { ET_EXEC = 2, ET_DYN = 3, EM_X86_64 = 62 };

/* Segments stand in [LOWEST, ADDRESS_END): mmap has the same lower bound, and sums with a bias stay
 * below the upper one. */
enum { LOWEST = PROC_LOWEST };
#define ADDRESS_END (1ul << 46)

struct header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, table, sections;
    uint32_t flags;
    uint16_t size, entry_size, count, section_size, section_count, names;
};
_Static_assert(sizeof(struct header) == ELF_HEADER_SIZE, "Elf64_Ehdr");

struct entry {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};
_Static_assert(sizeof(struct entry) == ELF_ENTRY_SIZE, "Elf64_Phdr");

int elf_header(const void *bytes, struct elf_image *image)
{
    /* 64 bits, little-endian, version 1 */
    static const uint8_t ident[7] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
    struct header h;
    memcpy(&h, bytes, sizeof h);
    if (memcmp(h.ident, ident, sizeof ident) || h.machine != EM_X86_64 ||
        h.entry_size != ELF_ENTRY_SIZE)
        return -ENOEXEC;
    if ((h.type != ET_EXEC && h.type != ET_DYN) || !h.count ||
        h.count * ELF_ENTRY_SIZE > ELF_TABLE_MAX || h.table > 1ul << 40)
        return -ENOEXEC;
    memset(image, 0, sizeof *image);
    image->entry = h.entry;
    image->fixed = h.type == ET_EXEC;
    image->table_offset = h.table;
    image->table_count = h.count;
    image->broken = h.entry >= ADDRESS_END;
    return 0;
}

static uint8_t protection(uint32_t flags)
{
    return (flags & (PF_R | PF_W | PF_X) ? PAGE_READ : 0) | (flags & PF_W ? PAGE_WRITE : 0) |
           (flags & PF_X ? PAGE_EXEC : 0);
}

/* Whether a segment can be mapped where it wants to be. */
static bool sound(const struct entry *e)
{
    if (e->file_size > e->memory_size || !range_within(e->address, e->memory_size, ADDRESS_END - 1))
        return false;
    return range_within(e->offset, e->file_size, INT64_MAX - PAGE_SIZE) &&
           (e->address - e->offset) % PAGE_SIZE == 0;
}

static void load(const struct entry *e, struct elf_image *image)
{
    if (!e->memory_size && !e->file_size)
        return;
    if (image->broken || !sound(e)) {
        image->broken = true;
        return;
    }
    uint64_t low = e->address & ~(uint64_t)(PAGE_SIZE - 1),
             high = (e->address + e->memory_size + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
    image->low = image->segment_count && image->low < low ? image->low : low;
    image->high = image->high > high ? image->high : high;
    image->segment[image->segment_count++] = (struct elf_segment){ e->address, e->memory_size,
                                                                   e->offset, e->file_size,
                                                                   protection(e->flags) };
}

/* Finds where the table of entries will stand in memory, if a segment contains it. */
static void find_table(struct elf_image *image)
{
    uint64_t size = image->table_count * (uint64_t)ELF_ENTRY_SIZE;
    for (unsigned i = 0; i < image->segment_count && !image->table_address; i++) {
        const struct elf_segment *s = &image->segment[i];
        if (s->offset <= image->table_offset && s->file_size >= size &&
            image->table_offset - s->offset <= s->file_size - size)
            image->table_address = s->address + (image->table_offset - s->offset);
    }
}

int elf_table(const void *bytes, struct elf_image *image)
{
    for (unsigned i = 0; i < image->table_count; i++) {
        struct entry e;
        memcpy(&e, (const char *)bytes + i * sizeof e, sizeof e);
        if (e.type == PT_LOAD)
            load(&e, image);
        if (e.type == PT_GNU_STACK)
            image->stack_runs = e.flags & PF_X;
        if (e.type == PT_PHDR && e.address < ADDRESS_END)
            image->table_address = e.address;
        if (e.type == PT_INTERP && !image->interp_size) {
            if (e.file_size < 2 || e.file_size > ELF_INTERP_MAX || e.offset > 1ul << 40)
                return -ENOEXEC;
            image->interp_offset = e.offset;
            image->interp_size = e.file_size;
        }
    }
    if (!image->segment_count)
        image->broken = true;
    if (image->broken)
        return 0;
    find_table(image);
    image->broken = image->fixed && image->low < LOWEST;
    return 0;
}
