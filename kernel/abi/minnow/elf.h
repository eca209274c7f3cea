/* ELF-64 files, as far as loaders read them (System V gABI, chapter 4 and 5). */
#ifndef MINNOW_ELF_H
#define MINNOW_ELF_H

#include <minnow/types.h>

struct elf_header {
    uint8_t  magic[16];
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

enum { ELF_X86_64 = 62, ELF_EXEC = 2, ELF_DYN = 3, ELF_LOAD = 1, ELF_INTERP = 3, ELF_PHDR = 6, ELF_STACK = 0x6474e551 };
enum { ELF_X = 1, ELF_W = 2, ELF_R = 4 };

#endif
