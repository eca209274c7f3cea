/* One-instruction inlines and the processor's numbers (Intel SDM volumes 2 and 3), and the calls of
 * x86/ among its files. Only kernel/x86 includes this header. */
#ifndef X86_CPU_H
#define X86_CPU_H

#include <minnow/syscall.h>

enum {
    MSR_EFER = 0xc0000080,
    MSR_STAR = 0xc0000081,
    MSR_LSTAR = 0xc0000082,
    MSR_SFMASK = 0xc0000084,
    MSR_FS_BASE = 0xc0000100,
    MSR_GS_BASE = 0xc0000101,
    MSR_APIC_BASE = 0x1b,
};
enum { CR0_MP = 1 << 1, CR0_TS = 1 << 3, CR0_NE = 1 << 5, CR0_WP = 1 << 16, CR0_AM = 1 << 18 };
enum {
    CR4_PGE = 1 << 7,
    CR4_OSFXSR = 1 << 9,
    CR4_OSXMMEXCPT = 1 << 10,
    CR4_UMIP = 1 << 11,
    CR4_OSXSAVE = 1 << 18,
    CR4_SMEP = 1 << 20,
    CR4_SMAP = 1 << 21
};
enum {
    RFLAGS_TF = 0x100,
    RFLAGS_IF = 0x200,
    RFLAGS_DF = 0x400,
    RFLAGS_NT = 0x4000,
    RFLAGS_RF = 0x10000,
    RFLAGS_AC = 0x40000
};
/* SYSCALL expects the kernel's data segment behind its code segment; SYSRET expects the user's data
 * and 64-bit code 8 and 16 above GDT_USER_BASE. */
enum {
    GDT_KERNEL_CODE = 0x10,
    GDT_KERNEL_DATA = 0x18,
    GDT_USER_BASE = 0x20,
    GDT_USER_DATA = 0x28,
    GDT_USER_CODE = 0x30,
    GDT_TSS = 0x40
};
enum {
    TRAP_DB = 1,
    TRAP_NMI = 2,
    TRAP_BP = 3,
    TRAP_OF = 4,
    TRAP_NM = 7,
    TRAP_DF = 8,
    TRAP_SS = 12,
    TRAP_GP = 13,
    TRAP_PF = 14,
    TRAP_MC = 18
};
enum { DR6_BREAKPOINTS = 15, DR6_STEP = 0x4000 };
enum { VECTOR_IRQ = 32, VECTOR_TIMER = 48, VECTOR_SPURIOUS = 63, VECTORS = 64 };

static inline uint64_t rdmsr(uint32_t n)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(n));
    return low | (uint64_t)high << 32;
}
static inline void wrmsr(uint32_t n, uint64_t v)
{
    __asm__ volatile("wrmsr" : : "c"(n), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}
static inline uint64_t rdtsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (uint64_t)high << 32;
}
static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                     : "a"(leaf), "c"(sub));
}
static inline uint64_t read_cr0(void)
{
    uint64_t v;
    __asm__ volatile("mov %%cr0, %0" : "=r"(v));
    return v;
}
static inline void write_cr0(uint64_t v) { __asm__ volatile("mov %0, %%cr0" : : "r"(v)); }
static inline uint64_t read_cr2(void)
{
    uint64_t v;
    __asm__ volatile("mov %%cr2, %0" : "=r"(v));
    return v;
}
static inline uint64_t read_cr3(void)
{
    uint64_t v;
    __asm__ volatile("mov %%cr3, %0" : "=r"(v));
    return v;
}
static inline void write_cr3(uint64_t v)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}
static inline uint64_t read_cr4(void)
{
    uint64_t v;
    __asm__ volatile("mov %%cr4, %0" : "=r"(v));
    return v;
}
static inline void write_cr4(uint64_t v) { __asm__ volatile("mov %0, %%cr4" : : "r"(v)); }
static inline void clts(void) { __asm__ volatile("clts"); }
static inline void invlpg(uint64_t va) { __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory"); }
static inline void outb(uint16_t p, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(p));
}
static inline void outw(uint16_t p, uint16_t v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(p));
}
static inline void outl(uint16_t p, uint32_t v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(p));
}
static inline uint8_t inb(uint16_t p)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(p));
    return v;
}
static inline uint16_t inw(uint16_t p)
{
    uint16_t v;
    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(p));
    return v;
}
static inline uint32_t inl(uint16_t p)
{
    uint32_t v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(p));
    return v;
}

/* What this processor has, by CPUID; set by cpu_init() and fpu_init(). */
struct features {
    bool smep, smap, umip, xsave, pages_1g;
    uint32_t fpu_size;
    uint64_t xcr0;
};
extern struct features features;

struct cpu;
struct thread;
/* Gives the processor the breakpoints of t, a program's, which is charged. */
void breakpoints_load(struct cpu *cpu, const struct thread *t);
/* What has caused a debug exception, DR6_...; it is forgotten then. */
uint64_t breakpoints_met(void);

/* Loads a program's segment bases, even if the program before had the same: that program may have
 * loaded a selector, which sets the base unseen. */
static inline void load_bases(const struct regs *r)
{
    wrmsr(MSR_FS_BASE, r->fs_base);
    wrmsr(MSR_GS_BASE, r->gs_base);
}

/* ---- calls between the files of x86/ ---- */
void idle_wait(void);                      /* enables interrupts until one has been handled */
extern const char idle_halt[], idle_end[]; /* labels in idle_wait(): its `hlt`, and what follows */
/* whether va is in a page below a kernel stack, which stays unmapped */
bool cpu_guard_page(vaddr_t va);
void cpu_init(void);
void syscall_init(void);
void paging_init(void);
void clock_init(void);
void timer_fired(void);
void pic_init(void);
void pic_eoi(unsigned irq);
bool pic_spurious(unsigned irq);
void lapic_init(void);
void lapic_eoi(void);
void fpu_init(void);
/* t has touched the registers without an area: makes one. false: t is a service's, or no memory */
bool fpu_trap(struct thread *t);
/* Saves the registers' content in the area of their owner, and loads that of t, which has one. */
void fpu_take(struct cpu *cpu, struct thread *t);
extern uint64_t fpu_cr0_off; /* CR0 with which the registers cannot be touched */

#endif
