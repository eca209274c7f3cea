/* The kernel chooses its own place, before anything holds an address of it. boot.S calls this code
 * where GRUB has put it, in physical memory; it is compiled to reach code and data relative to the
 * instruction pointer (KERNEL_FLAGS in the Makefile). Variables that hold an address are not
 * relocated yet, and nothing here may use one. The Makefile makes the tables of where addresses
 * stand. */
#include "arch.h"
#include "cpu.h"

enum { PLACES = 480, PLACE = 0x200000, OPTIONS_TAG = 1, BIT_RDRAND = 30, BIT_XORSHIFT = 17 };

/* Where the image holds addresses of itself, of 4 and 8 bytes: offsets from ARCH_LINKED. */
extern const uint32_t relocations_4[], relocations_8[], relocations_end[];
extern uintptr_t __stack_chk_guard;

vaddr_t kernel_slide;

uint64_t early_place(uint32_t information);

uint64_t arch_random(void)
{
    static uint64_t state;
    uint32_t r[4];
    uint64_t hardware = 0;
    cpuid(1, 0, r);
    if (r[2] >> BIT_RDRAND & 1)
        __asm__ volatile("rdrand %0" : "+r"(hardware) : : "cc");
    state = (state ^ hardware ^ rdtsc()) * 0x9e3779b97f4a7c15 + 1;
    return state ^ state >> BIT_XORSHIFT ^ state << BIT_XORSHIFT >> 1;
}

/* Whether the command line that the boot loader brought contains `word`. (Multiboot2 specification,
 * 3.6.) */
static bool option(uint32_t information, const char *word, size_t length)
{
    const char *info = (const char *)(uintptr_t)information;
    uint32_t total = *(const uint32_t *)info;
    for (uint32_t at = 8; at + 8 <= total;) {
        const uint32_t *tag = (const uint32_t *)(info + at);
        for (uint32_t i = 8; tag[0] == OPTIONS_TAG && i + length < tag[1]; i++) {
            size_t same = 0;
            while (same < length && info[at + i + same] == word[same])
                same++;
            if (same == length)
                return true;
        }
        at += (tag[1] + 7) & ~7u;
        if (!tag[1])
            break;
    }
    return false;
}

/* Chooses how many bytes above its linked place the kernel is to stand, adds that to every address
 * in the image, and returns it. */
__attribute__((no_stack_protector)) uint64_t early_place(uint32_t information)
{
    static const char fixed[] = "nokaslr";
    uint64_t slide = option(information, fixed, sizeof fixed - 1) ? 0
                                                                  : arch_random() % PLACES * PLACE;
    for (const uint32_t *at = relocations_4; at < relocations_8; at++)
        *(uint32_t *)(uintptr_t)*at += slide;
    for (const uint32_t *at = relocations_8; at < relocations_end; at++)
        *(uint64_t *)(uintptr_t)*at += slide;
    kernel_slide = slide;
    __stack_chk_guard ^= arch_random() & ~0xfful;
    return slide;
}
