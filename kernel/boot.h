/* What the boot loader told. */
#ifndef BOOT_H
#define BOOT_H

#include <minnow/types.h>

extern paddr_t boot_memory_end; /* end of the highest usable range */
extern char boot_options[256];  /* the kernel's command line */
/* Is this word among the options? */
bool boot_option(const char *word);

/* Reads the multiboot2 information: memory goes to memory_init, modules to modules[]. */
void boot_read(uint32_t magic, paddr_t information);

#endif
