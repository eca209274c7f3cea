/* ELF-64 files, as far as loaders read them (System V gABI, chapter 4 and 5; AMD64
 * supplement, 4.4). */
#ifndef MINNOW_ELF_H
#define MINNOW_ELF_H

#include <minnow/errno.h>
#include <minnow/range.h>
#include <minnow/types.h>

struct elf_header {
    uint8_t magic[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments_at, sections_at;
    uint32_t flags;
    uint16_t header_size, segment_size, segment_count, section_size, section_count, names_section;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};

struct elf_section {
    uint32_t name, type;
    uint64_t flags, address, offset, size;
    uint32_t link, info;
    uint64_t align, entry_size;
};

struct elf_dynamic {
    uint64_t tag, value;
};
struct elf_relocation {
    uint64_t at, info;
    int64_t addend;
};

enum {
    ELF_X86_64 = 62,
    ELF_UNUSED = 0,
    ELF_LOAD = 1,
    ELF_DYNAMIC = 2,
};
enum { ELF_X = 1, ELF_W = 2 };
enum { ELF_TAG_END = 0, ELF_TAG_RELOCATIONS = 7, ELF_TAG_RELOCATIONS_SIZE = 8, ELF_RELATIVE = 8 };

/* Where in a file of `size` bytes (itself at a multiple of 8) those `length` bytes are that a
 * program has at `address`; NULL: nowhere in the file, or not at a multiple of 8. */
static inline void *elf_bytes(void *file, uint64_t size, uint64_t address, uint64_t length)
{
    const struct elf_header *h = (const struct elf_header *)file;
    const struct elf_segment *s = (const struct elf_segment *)((char *)file + h->segments_at);
    for (unsigned i = 0; i < h->segment_count; i++) {
        uint64_t at = s[i].offset + (address - s[i].address);
        if (s[i].type == ELF_LOAD && range_within(s[i].offset, s[i].file_size, size) &&
            range_between(address, length, s[i].address, range_end(s[i].address, s[i].file_size)))
            return at % 8 ? NULL : (char *)file + at;
    }
    return NULL;
}

/* Whether the file is a 64-bit program for this processor, with its table of segments inside the
 * file. */
static inline bool elf_sound(const void *file, uint64_t size)
{
    const struct elf_header *h = (const struct elf_header *)file;
    static const uint8_t magic[7] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
    if (size < sizeof *h)
        return false;
    for (unsigned i = 0; i < sizeof magic; i++)
        if (h->magic[i] != magic[i])
            return false;
    return h->machine == ELF_X86_64 && h->segment_size == sizeof(struct elf_segment) &&
           h->segments_at % 8 == 0 &&
           range_within(h->segments_at, (uint64_t)h->segment_count * sizeof(struct elf_segment),
                        size);
}

/* Finds the table of relocations, which may be empty. 0; -ENOEXEC: the program cannot be moved (any
 * more), or the table is not in the file. */
static inline int elf_relocations(void *file, uint64_t size, const struct elf_relocation **table,
                                  uint64_t *count)
{
    const struct elf_header *h = (const struct elf_header *)file;
    const struct elf_segment *s = (const struct elf_segment *)((char *)file + h->segments_at);
    uint64_t at = 0, bytes = 0;
    bool movable = false;
    for (unsigned i = 0; i < h->segment_count; i++) {
        if (s[i].type != ELF_DYNAMIC)
            continue;
        movable = true;
        const struct elf_dynamic *d = (const struct elf_dynamic *)elf_bytes(
            file, size, s[i].address, s[i].file_size);
        for (uint64_t n = d ? s[i].file_size / sizeof *d : 0; n && d->tag != ELF_TAG_END;
             n--, d++) {
            at = d->tag == ELF_TAG_RELOCATIONS ? d->value : at;
            bytes = d->tag == ELF_TAG_RELOCATIONS_SIZE ? d->value : bytes;
        }
    }
    *table = (const struct elf_relocation *)elf_bytes(file, size, at, bytes);
    *count = bytes / sizeof **table;
    return movable && (*table || !bytes) ? 0 : -ENOEXEC;
}

/* Relocates, in the file itself, a position-independent program to `slide` bytes above its linked
 * addresses; it has no ELF_DYNAMIC afterwards. The file may hold anything. 0, or -ENOEXEC: it is no
 * such program, and may be spoiled. */
static inline int elf_relocate(void *file, uint64_t size, uint64_t slide)
{
    struct elf_header *h = (struct elf_header *)file;
    const struct elf_relocation *r;
    uint64_t count;
    if (!elf_sound(file, size) || elf_relocations(file, size, &r, &count) < 0)
        return -ENOEXEC;
    for (; count; count--, r++) {
        uint64_t *word = (uint64_t *)elf_bytes(file, size, r->at, sizeof *word);
        if ((uint32_t)r->info != ELF_RELATIVE || !word)
            return -ENOEXEC;
        *word = r->addend + slide;
    }
    struct elf_segment *s = (struct elf_segment *)((char *)file + h->segments_at);
    for (unsigned i = 0; i < h->segment_count; i++) {
        s[i].address += slide;
        s[i].type = s[i].type == ELF_DYNAMIC ? ELF_UNUSED : s[i].type;
    }
    h->entry += slide;
    return 0;
}

#endif
