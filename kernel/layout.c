/* Where services stand: see layout.h. An attacker who has found a way to write somewhere does not
 * know where that is; random addresses are one wall more, not the only one (Shacham et al., "On the
 * effectiveness of address-space randomization", 2004). The kernel's own place is chosen earlier,
 * in x86/early.c. */
#include "layout.h"

#include "arch.h"
#include "boot.h"
#include "log.h"
#include "service.h"
#include <minnow/elf.h>

/* Services stand below their heaps. With `nokaslr` module n of the boot loader's list stands at (n
 * + 1) * STRIDE, so that a debugger can tell from an address which service it is in. */
#define SLIDE_END 0x0f0000000000ul
#define STRIDE    0x100000000ul

uint64_t layout_random(uint64_t choices)
{
    return boot_option("nokaslr") ? 0 : arch_random() % choices;
}

void layout_modules(void)
{
    bool fixed = boot_option("nokaslr");
    for (unsigned i = 0; i < module_count; i++) {
        void *file = phys_to_virt(modules[i].at);
        uint64_t slide = fixed ? (i + 1) * STRIDE
                               : layout_random(SLIDE_END / PAGE_SIZE) * PAGE_SIZE;
        if (!elf_sound(file, modules[i].size))
            continue;
        if (elf_relocate(file, modules[i].size, slide) < 0)
            kprintf("boot module %s cannot be relocated\n", modules[i].name);
        modules[i].slide = slide;
    }
}
