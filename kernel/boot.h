/* What the boot loader has handed over: memory, options, modules. */
#ifndef BOOT_H
#define BOOT_H

#include <minnow/limits.h>

extern paddr_t boot_memory_end;             /* end of the highest usable range */
extern char boot_options[BOOT_OPTIONS_MAX]; /* the kernel's command line */
/* Whether `word` is one of the options. */
bool boot_option(const char *word);

enum { MODULES_MAX = 96 };
/* A boot module: a file that the boot loader has put into memory. */
struct module {
    paddr_t at;
    size_t size;
    char name[64];
    /* A relocated program: how many bytes above its linked addresses it is to stand (layout.c). */
    vaddr_t slide;
};
extern struct module modules[];
extern unsigned module_count;

/* Reads the multiboot2 information at this physical address: fills memory_ranges[] (then calls
 * memory_init), boot_options and modules[]. Panics when magic is not the loader's. */
void boot_read(uint32_t magic, paddr_t information);

#endif
