/* Floating point and vector registers. Only programs have them; servers are compiled without. The
 * registers keep the state of the last program that used them (the owner) while servers run; CR0.TS
 * makes a server that touches them fault. A program gets its save area at its first #NM (Intel SDM
 * vol. 1 ch. 13, vol. 3 ch. 13). */
#include "arch.h"
#include "memory.h"
#include "switch.h"
#include "thread.h"
#include <minnow/context.h>
#include <minnow/errno.h>

enum {
    XCR0_X87 = 1,
    XCR0_SSE = 2,
    XCR0_AVX = 4,
    XCR0_AVX512 = 0xe0,
    AREA_MIN = 1024,
    MXCSR_AT = 24,
    MXCSR_MASK_AT = 28
};

static uint8_t initial[4096] __attribute__((aligned(64)));
static uint64_t cr0_on;
uint64_t fpu_cr0_off;
static uint32_t mxcsr_allowed; /* bits of MXCSR that this processor has */

static void save(void *area)
{
    if (features.xsave)
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

static void restore(const void *area)
{
    if (features.xsave)
        __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

/* The bits of MXCSR that may be set: fxsave tells them, and 0 stands for the mask of the first
 * processors (SDM vol. 1, 11.6.6). */
static uint32_t mxcsr_mask(void)
{
    static uint8_t area[FXSAVE_SIZE] __attribute__((aligned(16)));
    write_cr0(cr0_on);
    __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
    uint32_t mask = *(const uint32_t *)(area + MXCSR_MASK_AT);
    return mask ? mask : 0xffbf;
}

static size_t area_size(void) { return features.fpu_size > AREA_MIN ? PAGE_SIZE : AREA_MIN; }

void fpu_init(void)
{
    uint32_t r[4];
    features.fpu_size = FXSAVE_SIZE;
    if (features.xsave) {
        write_cr4(read_cr4() | CR4_OSXSAVE);
        cpuid(0xd, 0, r);
        features.xcr0 = (XCR0_X87 | XCR0_SSE | XCR0_AVX) & (r[0] | (uint64_t)r[3] << 32);
        if ((r[0] & XCR0_AVX512) == XCR0_AVX512)
            features.xcr0 |= XCR0_AVX512;
        __asm__ volatile("xsetbv"
                         :
                         : "c"(0), "a"((uint32_t)features.xcr0),
                           "d"((uint32_t)(features.xcr0 >> 32)));
        cpuid(0xd, 0, r);
        features.fpu_size = r[1];
    }
    cr0_on = (read_cr0() | CR0_MP | CR0_NE | CR0_WP | CR0_AM) & ~(uint64_t)(CR0_TS | 4);
    fpu_cr0_off = cr0_on | CR0_TS;
    /* x87 control word: all exceptions masked, 64-bit precision */
    *(uint16_t *)initial = 0x37f;
    *(uint32_t *)(initial + MXCSR_AT) = 0x1f80; /* MXCSR: all exceptions masked */
    mxcsr_allowed = mxcsr_mask();
    write_cr0(fpu_cr0_off);
    this_cpu()->fpu_off = true;
}

size_t arch_fpu_size(void) { return features.fpu_size; }

/* Saves the registers' content in the area of their owner. No thread owns them then. */
static void evict(struct cpu *cpu)
{
    fpu_enable(cpu);
    if (cpu->fpu_owner)
        save(cpu->fpu_owner->fpu);
    cpu->fpu_owner = NULL;
}

void fpu_take(struct cpu *cpu, struct thread *t)
{
    evict(cpu);
    restore(t->fpu);
    cpu->fpu_owner = t;
}

static int area_make(struct thread *t)
{
    if (t->fpu)
        return 0;
    t->fpu = kmalloc_for(area_size(), t->task->user);
    if (!t->fpu)
        return -ENOMEM;
    copy_bytes(t->fpu, initial, features.fpu_size);
    return 0;
}

/* #NM: a program uses the registers for the first time, which a server must not. */
bool fpu_trap(struct thread *t) { return t->user && area_make(t) == 0; }

void arch_fpu_get(struct thread *t, void *area)
{
    struct cpu *cpu = this_cpu();
    if (cpu->fpu_owner == t) {
        fpu_enable(cpu);
        save(t->fpu);
    }
    copy_bytes(area, t->fpu ? t->fpu : initial, features.fpu_size);
    /* QEMU lets programs load bits that the processor does not have */
    *(uint32_t *)((char *)area + MXCSR_AT) &= mxcsr_allowed;
}

/* Whether an area from outside may be loaded: xrstor faults at what is refused here (SDM vol. 1,
 * 13.8). */
static bool area_sound(const uint8_t *area)
{
    if (*(const uint32_t *)(area + MXCSR_AT) & ~mxcsr_allowed)
        return false;
    if (!features.xsave)
        return true;
    const uint64_t *header = (const uint64_t *)(area + FXSAVE_SIZE);
    /* the words behind these are ignored */
    return !(header[0] & ~features.xcr0) && !header[1] && !header[2];
}

int arch_fpu_set(struct thread *t, const void *area)
{
    struct cpu *cpu = this_cpu();
    if (!area && !t->fpu)
        return 0;
    if (area && !area_sound(area))
        return -EINVAL;
    if (area_make(t) < 0)
        return -ENOMEM;
    copy_bytes(t->fpu, area ? area : initial, features.fpu_size);
    if (cpu->fpu_owner == t) { /* which may go on without a switch */
        fpu_enable(cpu);
        restore(t->fpu);
    }
    return 0;
}

int arch_fpu_copy(struct thread *to, struct thread *from)
{
    if (!from->fpu)
        return 0;
    if (area_make(to) < 0)
        return -ENOMEM;
    arch_fpu_get(from, to->fpu);
    return 0;
}

void arch_fpu_drop(struct thread *t)
{
    struct cpu *cpu = this_cpu();
    if (cpu->fpu_owner == t)
        cpu->fpu_owner = NULL;
    kfree(t->fpu, area_size());
    t->fpu = NULL;
}
