/* ELF files as exec needs them (System V ABI, chapters 4 and 5; x86-64 supplement). Nothing here
 * believes the file: every number is checked before it is used. As on Linux, what is no program at
 * all is -ENOEXEC, and what would be found out only while it is mapped, when the old program has
 * gone, is `broken`. Tested on the host. */
#ifndef ELF_H
#define ELF_H

#include <minnow/types.h>

/* As on Linux: the table's bytes, and those of the interpreter's path with its NUL. */
enum { ELF_HEADER_SIZE = 64, ELF_ENTRY_SIZE = 56, ELF_TABLE_MAX = 65536, ELF_INTERP_MAX = 4096 };

struct elf_segment {
    uint64_t address, memory_size; /* where it will be, before the bias */
    uint64_t offset, file_size;    /* in the file; address and offset agree within a page */
    uint8_t protection;            /* PAGE_READ ... */
};

struct elf_image {
    uint64_t entry;         /* addresses are without the bias */
    uint64_t table_offset;  /* of the program headers in the file */
    uint64_t table_address; /* in memory; 0: not loaded */
    uint16_t table_count;
    bool fixed; /* ET_EXEC: the bias is 0 */
    /* it is a program by its header, but cannot be mapped: a process that runs it is killed */
    bool broken;
    bool stack_runs; /* the program wants a stack that is executable */
    uint16_t segment_count;
    uint64_t low, high;                  /* page-aligned: all segments lie between */
    uint64_t interp_offset, interp_size; /* the interpreter's path with its NUL; size 0: none */
    /* in the order of the file; where they overlap, the last one has the page */
    struct elf_segment *segment;
};

/* The file's first ELF_HEADER_SIZE bytes: fills in entry, fixed and where the table stands. 0 or
 * -ENOEXEC. */
int elf_header(const void *bytes, struct elf_image *image);
/* The table's table_count * ELF_ENTRY_SIZE bytes: fills in the rest; the segments, for which
 * image->segment has table_count places, only if it is not broken. 0 or -ENOEXEC. */
int elf_table(const void *bytes, struct elf_image *image);

#endif
