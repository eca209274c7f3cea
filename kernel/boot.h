/* What the boot loader told. */
#ifndef BOOT_H
#define BOOT_H

#include <minnow/types.h>

extern paddr_t boot_memory_end; /* end of the highest usable range */
extern char boot_options[256];  /* the kernel's command line */
/* Is this word among the options? */
bool boot_option(const char *word);

enum { MODULES_MAX = 96 };
/* A boot module, where it lies in physical memory. */
struct module {
    paddr_t at;
    size_t size;
    char name[64];
    /* of a program that has been relocated: how far behind where it is linked it is to stand */
    vaddr_t slide;
};
extern struct module modules[];
extern unsigned module_count;

/* Reads the multiboot2 information: memory goes to memory_init, modules to modules[]. */
void boot_read(uint32_t magic, paddr_t information);

#endif
