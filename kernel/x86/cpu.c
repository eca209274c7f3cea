/* Descriptor tables, processor features, and the switch from thread to thread (Intel SDM vol. 3,
 * chapters 2, 5, 6). */
#include "arch.h"
#include "memory.h"
#include "thread.h"
#include "cpu.h"
#include <minnow/errno.h>

_Static_assert(offsetof(struct regs, rip) == 104 && offsetof(struct regs, r11) == 136,
               "entry.S knows struct regs");
_Static_assert(offsetof(struct thread, iret) == 160, "entry.S knows struct thread");
_Static_assert(offsetof(struct cpu, current) == 0 && offsetof(struct cpu, stack_top) == 8 &&
                   offsetof(struct cpu, scratch) == 16,
               "entry.S knows struct cpu");

struct features features;

extern char boot_stack_guard[], boot_stack_top[], trap_stubs[], trap_clac[], syscall_entry[],
    syscall_entry_traced[];

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1, ist[7], reserved2;
    uint16_t reserved3, iomap;
} __attribute__((packed));
struct gate {
    uint16_t low, selector;
    uint8_t ist, type;
    uint16_t middle;
    uint32_t high, reserved;
} __attribute__((packed));
struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static struct tss tss;
static uint64_t gdt[GDT_TSS / 8 + 2];
static struct gate idt[VECTORS] __attribute__((aligned(16)));

/* Exceptions that may come in the kernel while the stack pointer is still the program's: at the
 * first instructions of a system call. Each has a stack of its own, with an unmapped page below
 * (SDM vol. 3, 6.14.5). */
static const uint8_t alone[] = { TRAP_DB, TRAP_NMI, TRAP_DF, TRAP_SS, TRAP_GP, TRAP_MC };
enum { ALONE = sizeof alone, ALONE_STACK = 2 * PAGE_SIZE };
static struct {
    uint8_t guard[PAGE_SIZE], stack[ALONE_STACK];
} alone_stacks[ALONE] __attribute__((aligned(PAGE_SIZE)));

bool cpu_guard_page(vaddr_t va)
{
    for (unsigned i = 0; i < ALONE; i++)
        if (va == (vaddr_t)alone_stacks[i].guard)
            return true;
    return va == (vaddr_t)boot_stack_guard;
}

vaddr_t arch_stack_end(vaddr_t sp)
{
    for (unsigned i = 0; i < ALONE; i++)
        if (sp - (vaddr_t)alone_stacks[i].stack < ALONE_STACK)
            return (vaddr_t)alone_stacks[i].stack + ALONE_STACK;
    bool usual = sp > (vaddr_t)boot_stack_guard && sp < (vaddr_t)boot_stack_top;
    return usual ? (vaddr_t)boot_stack_top : sp;
}

static void gdt_init(void)
{
    uint64_t base = (uint64_t)&tss;
    tss.rsp[0] = (uint64_t)boot_stack_top;
    for (unsigned i = 0; i < ALONE; i++)
        tss.ist[i] = (uint64_t)alone_stacks[i].stack + ALONE_STACK;
    tss.iomap = sizeof tss;
    gdt[GDT_KERNEL_CODE / 8] = 0x00209a0000000000;
    gdt[GDT_KERNEL_DATA / 8] = 0x0000920000000000;
    gdt[GDT_USER_DATA / 8] = 0x0000f20000000000;
    gdt[GDT_USER_CODE / 8] = 0x0020fa0000000000;
    gdt[GDT_TSS / 8] = (sizeof tss - 1) | (base & 0xffffff) << 16 | 0x89ul << 40 |
                       (base >> 24 & 0xff) << 56;
    gdt[GDT_TSS / 8 + 1] = base >> 32;
    struct table_pointer p = { sizeof gdt - 1, (uint64_t)gdt };
    __asm__ volatile("lgdt %0" : : "m"(p));
    __asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:"
                     :
                     : "i"((uint64_t)GDT_KERNEL_CODE)
                     : "rax", "memory");
    __asm__ volatile("mov %0, %%ss; mov %0, %%ds; mov %0, %%es" : : "r"((uint32_t)GDT_KERNEL_DATA));
    __asm__ volatile("ltr %w0" : : "r"((uint32_t)GDT_TSS));
}

static void idt_init(void)
{
    for (unsigned v = 0; v < VECTORS; v++) {
        uint64_t at = (uint64_t)trap_stubs + v * 16;
        idt[v] = (struct gate){ .low = at,
                                .selector = GDT_KERNEL_CODE,
                                .middle = at >> 16,
                                .high = at >> 32,
                                .type = v == TRAP_BP || v == TRAP_OF ? 0xee : 0x8e };
    }
    for (unsigned i = 0; i < ALONE; i++)
        idt[alone[i]].ist = i + 1;
    struct table_pointer p = { sizeof idt - 1, (uint64_t)idt };
    __asm__ volatile("lidt %0" : : "m"(p));
}

static void features_init(void)
{
    uint32_t r[4];
    cpuid(0, 0, r);
    uint32_t last = r[0];
    cpuid(1, 0, r);
    features.xsave = r[2] >> 26 & 1;
    if (last >= 7) {
        cpuid(7, 0, r);
        features.smep = r[1] >> 7 & 1;
        features.smap = r[1] >> 20 & 1;
        features.umip = r[2] >> 2 & 1;
    }
    if (features.smap)
        memcpy(trap_clac, "\x0f\x01\xca", 3); /* the boot page tables still let code be written */
    cpuid(0x80000001, 0, r);
    features.pages_1g = r[3] >> 26 & 1;
    uint64_t cr4 = read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_PGE;
    cr4 |= (features.smep ? CR4_SMEP : 0) | (features.smap ? CR4_SMAP : 0) |
           (features.umip ? CR4_UMIP : 0);
    write_cr4(cr4);
}

void cpu_init(void)
{
    gdt_init();
    idt_init();
    features_init();
}

void syscall_init(void)
{
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1);
    wrmsr(MSR_STAR, (uint64_t)GDT_KERNEL_CODE << 32 | (uint64_t)GDT_USER_BASE << 48);
    wrmsr(MSR_SFMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC | RFLAGS_RF);
    arch_trace(false);
    cpu0.stack_top = (uint64_t)boot_stack_top;
}

/* With tracing on, system calls enter by a longer way; so tracing costs nothing while it is off. */
void arch_trace(bool traced)
{
    wrmsr(MSR_LSTAR, (uint64_t)(traced ? syscall_entry_traced : syscall_entry));
}

/* SYSRET takes the return address from rcx and leaves it there, so rcx equals rip until the program
 * has executed an instruction. */
bool arch_in_call(const struct thread *t) { return t->regs.rcx == t->regs.rip; }

void arch_bases_changed(const struct thread *t)
{
    struct cpu *cpu = this_cpu();
    if (cpu->charged != t)
        return;
    load_bases(&t->regs);
    if (cpu->breaks | t->breakpoints)
        breakpoints_load(cpu, t);
}

/* ---- breakpoints ---- */

/* The control word (DR7, Intel SDM vol. 3, 17.2.4): two bits for each breakpoint that switch it on,
 * and from KINDS_SHIFT on four that say what it is for. The processor wants DR7_SET. */
enum { DR7_SET = 0x400, KINDS_SHIFT = 16, KIND_PORT = 2, LENGTHS = 12 };
#define DR7_KNOWN 0xffff03fful

/* Of the threads that have breakpoints, which are few. */
static struct breakpoint_set {
    bool used;
    uint64_t address[BREAKPOINTS], control;
} sets[BREAKPOINT_SETS];

static inline void write_dr7(uint64_t v) { __asm__ volatile("mov %0, %%dr7" : : "r"(v)); }

void breakpoints_load(struct cpu *cpu, const struct thread *t)
{
    write_dr7(DR7_SET);
    cpu->breaks = t->breakpoints;
    if (!t->breakpoints)
        return;
    const struct breakpoint_set *s = &sets[t->breakpoints - 1];
    __asm__ volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3"
                     :
                     : "r"(s->address[0]), "r"(s->address[1]), "r"(s->address[2]),
                       "r"(s->address[3]));
    write_dr7(s->control | DR7_SET);
}

uint64_t breakpoints_met(void)
{
    const uint64_t nothing = 0xffff0ff0;
    uint64_t met;
    __asm__ volatile("mov %%dr6, %0; mov %1, %%dr6" : "=&r"(met) : "r"(nothing));
    return met & (DR6_BREAKPOINTS | DR6_STEP);
}

/* Whether the processor knows what the control word says of breakpoint n, if it is switched on. */
static bool kind_known(uint64_t control, unsigned n)
{
    uint64_t kind = control >> (KINDS_SHIFT + 4 * n) & 15;
    return !(control >> 2 * n & 3) || ((kind & 3) != KIND_PORT && (kind & 3 || !(kind & LENGTHS)));
}

/* The set of t, which gets one if it has none. NULL: all are used. */
static struct breakpoint_set *set_of(struct thread *t)
{
    for (unsigned i = 0; !t->breakpoints && i < BREAKPOINT_SETS; i++)
        if (!sets[i].used) {
            sets[i] = (struct breakpoint_set){ .used = true };
            t->breakpoints = i + 1;
        }
    return t->breakpoints ? &sets[t->breakpoints - 1] : NULL;
}

int arch_breakpoint_set(struct thread *t, unsigned n, uint64_t value)
{
    if (n > BREAKPOINTS || (n == BREAKPOINTS ? value & ~DR7_KNOWN : value >> USER_TOP_SHIFT))
        return -EINVAL;
    for (unsigned i = 0; n == BREAKPOINTS && i < BREAKPOINTS; i++)
        if (!kind_known(value, i))
            return -EINVAL;
    struct breakpoint_set *s = n == BREAKPOINTS && !value ? NULL : set_of(t);
    if (!s && (n < BREAKPOINTS || value))
        return -ENOSPC;
    if (!s)
        arch_breakpoints_drop(t);
    else
        *(n == BREAKPOINTS ? &s->control : &s->address[n]) = value;
    arch_bases_changed(t);
    return 0;
}

void arch_breakpoints_drop(struct thread *t)
{
    if (t->breakpoints)
        sets[t->breakpoints - 1].used = false;
    t->breakpoints = 0;
}

void arch_regs_init(struct regs *r, vaddr_t ip, vaddr_t sp, uint64_t argument)
{
    *r = (struct regs){ .rip = ip, .rsp = sp, .rdi = argument };
    arch_regs_clean(r);
}

void arch_regs_clean(struct regs *r)
{
    /* the flags that a program may set: arithmetic, DF, TF, AC, ID */
    const uint64_t user_flags = 0xcd5 | RFLAGS_TF | RFLAGS_AC | 0x200000;
    r->rflags = (r->rflags & user_flags) | RFLAGS_IF | 2;
    if (r->rip >> USER_TOP_SHIFT)
        r->rip = 0;
    if (r->fs_base >> USER_TOP_SHIFT)
        r->fs_base = 0;
    if (r->gs_base >> USER_TOP_SHIFT)
        r->gs_base = 0;
}

void arch_idle(bool poll)
{
    if (poll) {
        uint32_t rounds = 5000;
        __asm__ volatile("sti; 1: decl %0; jnz 1b; cli" : "+r"(rounds) : : "memory", "cc");
    } else {
        idle_wait();
    }
}

uint32_t arch_port_in(uint16_t port, unsigned width)
{
    return width == 1 ? inb(port) : width == 2 ? inw(port) : inl(port);
}

void arch_port_out(uint16_t port, unsigned width, uint32_t value)
{
    if (width == 1)
        outb(port, value);
    else if (width == 2)
        outw(port, value);
    else
        outl(port, value);
}

void arch_stop(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* Every way to power off or reset that the emulators and PCs know; see the emulators' manuals. */
void arch_halt(int how)
{
    if (how == HALT_POWEROFF) {
        outl(0xf4, 0); /* QEMU isa-debug-exit */
        for (const char *s = "Shutdown"; *s; s++)
            outb(0x8900, *s); /* Bochs */
        outw(0x604, 0x2000);  /* QEMU, ACPI PM1a */
        outw(0xb004, 0x2000); /* Bochs and old QEMU, ACPI PM1a */
    }
    outb(0xcf9, 2); /* the chipset's reset control: hard, */
    /* pulsed (PIIX3; in Bochs the BIOS comes up again after no other) */
    outb(0xcf9, 6);
    for (unsigned n = 0; n < 100000 && inb(0x64) & 2; n++)
        ;
    /* keyboard controller: pulse the reset line */
    outb(0x64, 0xfe);
    struct table_pointer none = { 0, 0 };
    __asm__ volatile("lidt %0; int3" : : "m"(none)); /* triple fault */
    arch_stop();
}
