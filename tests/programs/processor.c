/* The processor's corners (Intel SDM volume 3, chapters 5 and 6): what a program does with its
 * flags, segments, addresses and signal frames ends it by a signal, or has no effect on other
 * programs. kernel/x86/README.md lists them.
 *
 * usage: processor [CASE...]   all but these cases */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

enum { TF = 0x100, DF = 0x400, NT = 0x4000, RF = 0x10000, AC = 0x40000, ID = 0x200000 };
#define NOWHERE 0x800000000000ul /* the first address that is not canonical */

static uint64_t flags_after_call(uint64_t set)
{
    uint64_t after, number = SYS_getppid;
    __asm__ volatile("pushfq; orq %2, (%%rsp); popfq; syscall; pushfq; popq %0; cld; pushfq; andq "
                     "%3, (%%rsp); popfq"
                     : "=&r"(after), "+a"(number)
                     : "r"(set), "r"(~(uint64_t)(NT | AC))
                     : "rcx", "r11", "memory");
    return after & set;
}

/* Long enough for the clock to interrupt it, and another program to run meanwhile. */
static uint64_t flags_after_interrupts(uint64_t set)
{
    uint64_t after, rounds = 60000000;
    __asm__ volatile("pushfq; orq %2, (%%rsp); popfq; 1: decq %1; jnz 1b; pushfq; popq %0; cld; "
                     "pushfq; andq %3, (%%rsp); popfq"
                     : "=&r"(after), "+r"(rounds)
                     : "r"(set), "r"(~(uint64_t)(NT | AC))
                     : "memory", "cc");
    return after & set;
}

#define WITH_FLAG(flag, text)                                                \
    __asm__ volatile("mov $39, %%eax; pushfq; orq %0, (%%rsp); popfq; " text \
                     :                                                       \
                     : "r"((uint64_t)(flag))                                 \
                     : "rax", "rcx", "r11", "memory")

static void trap_at_call(void) { WITH_FLAG(TF, "syscall; nop"); }
static void trap_at_breakpoint(void) { WITH_FLAG(TF, "int3; nop"); }
static void trap_behind_stack_load(void)
{
    WITH_FLAG(TF, "mov %%ss, %%ecx; mov %%ecx, %%ss; syscall; nop");
}
static void trap_behind_stack_load_breakpoint(void)
{
    WITH_FLAG(TF, "mov %%ss, %%ecx; mov %%ecx, %%ss; int3; nop");
}
static void trap_and_wait(void)
{
    usleep(1000);
    WITH_FLAG(TF, "nop; nop");
}
static void in_circuit_breakpoint(void) { __asm__ volatile(".byte 0xf1"); }
static void overflow(void) { __asm__ volatile("int $4"); }
static void nested_return(void)
{
    WITH_FLAG(NT, "push %%rax; push %%rax; pushfq; push %%rax; push %%rax; iretq");
}

static void stack_nowhere(void)
{
    __asm__ volatile("mov %0, %%rsp; push %%rax" : : "r"(NOWHERE + 64));
}
static void call_with_stack_nowhere(void)
{
    __asm__ volatile("mov %%rsp, %%rbx; mov %1, %%rsp; syscall; mov %%rbx, %%rsp"
                     :
                     : "a"(SYS_getppid), "r"(NOWHERE + 64)
                     : "rbx", "rcx", "r11", "memory");
}
static void fault_with_stack_nowhere(void)
{
    __asm__ volatile("mov %0, %%rsp; ud2" : : "r"(~0ul << 20));
}
static void jump_nowhere(void) { __asm__ volatile("jmp *%0" : : "r"(NOWHERE)); }
static void jump_to_the_kernel(void) { __asm__ volatile("jmp *%0" : : "r"(0xffffffff80101000)); }
static void read_nowhere(void) { __asm__ volatile("mov (%0), %%rax" : : "r"(NOWHERE) : "rax"); }
static void read_the_kernel(void)
{
    __asm__ volatile("mov (%0), %%rax" : : "r"(0xffff800000100000) : "rax");
}
static void return_nowhere(void)
{
    __asm__ volatile("mov %%ss, %%eax; push %%rax; push %%rsp; pushfq; mov %%cs, %%eax; push "
                     "%%rax; push %0; iretq"
                     :
                     : "r"(NOWHERE)
                     : "rax");
}

/* The last `syscall` that there is room for: its return address is the first of the page that
 * programs never have. */
static void call_at_the_end(void)
{
    uint8_t *end = (uint8_t *)0x7ffffffff000;
    uint8_t *page = mmap(end - 4096, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (page == MAP_FAILED || page != end - 4096)
        _exit(9);
    end[-2] = 0x0f, end[-1] = 0x05;
    __asm__ volatile("jmp *%0" : : "r"(end - 2), "a"(SYS_getppid) : "rcx", "r11", "memory");
}

static void port_out(void) { __asm__ volatile("outb %%al, $0x80" : : "a"(0)); }
static void interrupts_off(void) { __asm__ volatile("cli"); }
static void halt(void) { __asm__ volatile("hlt"); }
static void debug_register(void) { __asm__ volatile("mov %0, %%dr7" : : "r"(0x400ul)); }
static void control_register(void) { __asm__ volatile("mov %%cr3, %0" : "=r"((uint64_t){ 0 })); }
static void model_register(void) { __asm__ volatile("rdmsr" : : "c"(0xc0000101) : "rax", "rdx"); }
static void swap_gs(void) { __asm__ volatile("swapgs"); }
static void allow_access(void) { __asm__ volatile("stac"); }
static void load_descriptors(void)
{
    static uint8_t p[10];
    __asm__ volatile("lgdt %0" : : "m"(p));
}
static void kernel_return(void) { __asm__ volatile("sysretq" : : "c"(0ul)); }
static void kernel_gate(void) { __asm__ volatile("int $0x20"); }
static void double_fault(void) { __asm__ volatile("int $8"); }
static void far_to(uint64_t selector)
{
    __asm__ volatile("push %0; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:"
                     :
                     : "r"(selector)
                     : "rax", "memory");
}
static void far_to_kernel(void) { far_to(0x10); }
static void far_to_data(void) { far_to(0x2b); }
static void far_to_task(void) { far_to(0x40); }
static void far_to_nothing(void) { far_to(0); }
static void far_to_own_code(void)
{
    uint64_t cs;
    __asm__("mov %%cs, %0" : "=r"(cs));
    far_to(cs);
}
static void stack_segment_of_kernel(void) { __asm__ volatile("mov %0, %%ss" : : "r"(0x18)); }
static void gs_of_kernel(void) { __asm__ volatile("mov %0, %%gs" : : "r"(0x18)); }
static void gs_null(void)
{
    __asm__ volatile("mov %0, %%gs" : : "r"(0));
    getppid();
    usleep(1000);
}
static void task_register(void) { __asm__ volatile("ltr %%ax" : : "a"(0x40)); }

/* A handler returns by a frame that it has changed. */
static void (*change)(ucontext_t *c);
static void changer(int sig, siginfo_t *i, void *context)
{
    (void)sig, (void)i;
    change(context);
}
static void return_changed(void (*how)(ucontext_t *c))
{
    struct sigaction a = { .sa_sigaction = changer, .sa_flags = SA_SIGINFO };
    change = how;
    sigaction(SIGUSR1, &a, NULL);
    raise(SIGUSR1);
}
static uint64_t *header(ucontext_t *c)
{
    return (uint64_t *)((uint8_t *)c->uc_mcontext.fpregs + 512);
}
static void ip_nowhere(ucontext_t *c) { c->uc_mcontext.gregs[REG_RIP] = NOWHERE; }
static void sp_nowhere(ucontext_t *c) { c->uc_mcontext.gregs[REG_RSP] = NOWHERE; }
static void odd_flags(ucontext_t *c)
{
    c->uc_mcontext.gregs[REG_EFL] |= 0x3000 | NT | RF | 0x20000 | 0x80000;
}
static void no_interrupts(ucontext_t *c) { c->uc_mcontext.gregs[REG_EFL] &= ~0x200; }
static void trap_flag(ucontext_t *c) { c->uc_mcontext.gregs[REG_EFL] |= TF; }
static void bad_control(ucontext_t *c) { c->uc_mcontext.fpregs->mxcsr = 0xffffffff; }
static void bad_components(ucontext_t *c) { header(c)[0] = ~0ul; }
static void bad_compaction(ucontext_t *c) { header(c)[1] = 1ul << 63; }
static void bad_header(ucontext_t *c) { header(c)[4] = 1; }
static void fp_null(ucontext_t *c) { c->uc_mcontext.fpregs = NULL; }
static void fp_unmapped(ucontext_t *c) { c->uc_mcontext.fpregs = (void *)4096; }
static void fp_kernel(ucontext_t *c) { c->uc_mcontext.fpregs = (void *)0xffff800000100000; }
static void fp_wrapping(ucontext_t *c) { c->uc_mcontext.fpregs = (void *)-64ul; }
static void fp_end(ucontext_t *c) { c->uc_mcontext.fpregs = (void *)0x7fffffffef80; }
#define CHANGED(name) \
    static void changed_##name(void) { return_changed(name); }
CHANGED(ip_nowhere)
CHANGED(sp_nowhere)
CHANGED(odd_flags)
CHANGED(no_interrupts)
CHANGED(trap_flag)
CHANGED(bad_control)
CHANGED(bad_components)
CHANGED(bad_compaction)
CHANGED(bad_header)
CHANGED(fp_null)
CHANGED(fp_unmapped)
CHANGED(fp_kernel)
CHANGED(fp_wrapping)
CHANGED(fp_end)

/* No frame at all: the stack pointer is somewhere. */
static void return_from(uint64_t sp)
{
    __asm__ volatile("mov %0, %%rsp; syscall" : : "r"(sp), "a"(SYS_rt_sigreturn) : "memory");
}
static void frame_nowhere(void) { return_from(NOWHERE); }
static void frame_in_kernel(void) { return_from(0xffff800000100000); }
static void frame_at_zero(void) { return_from(0); }
static void frame_at_end(void) { return_from(-64ul); }

#define CASE(name)  \
    {               \
#name, name \
    }
static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    CASE(trap_at_call),
    CASE(trap_at_breakpoint),
    CASE(trap_behind_stack_load),
    CASE(trap_behind_stack_load_breakpoint),
    CASE(trap_and_wait),
    CASE(in_circuit_breakpoint),
    CASE(overflow),
    CASE(nested_return),
    CASE(stack_nowhere),
    CASE(call_with_stack_nowhere),
    CASE(fault_with_stack_nowhere),
    CASE(jump_nowhere),
    CASE(jump_to_the_kernel),
    CASE(read_nowhere),
    CASE(read_the_kernel),
    CASE(return_nowhere),
    CASE(call_at_the_end),
    CASE(port_out),
    CASE(interrupts_off),
    CASE(halt),
    CASE(debug_register),
    CASE(control_register),
    CASE(model_register),
    CASE(swap_gs),
    CASE(allow_access),
    CASE(load_descriptors),
    CASE(kernel_return),
    CASE(kernel_gate),
    CASE(double_fault),
    CASE(far_to_kernel),
    CASE(far_to_data),
    CASE(far_to_task),
    CASE(far_to_nothing),
    CASE(far_to_own_code),
    CASE(stack_segment_of_kernel),
    CASE(gs_of_kernel),
    CASE(gs_null),
    CASE(task_register),
    CASE(changed_ip_nowhere),
    CASE(changed_sp_nowhere),
    CASE(changed_odd_flags),
    CASE(changed_no_interrupts),
    CASE(changed_trap_flag),
    CASE(changed_bad_control),
    CASE(changed_bad_components),
    CASE(changed_bad_compaction),
    CASE(changed_bad_header),
    CASE(changed_fp_null),
    CASE(changed_fp_unmapped),
    CASE(changed_fp_kernel),
    CASE(changed_fp_wrapping),
    CASE(changed_fp_end),
    CASE(frame_nowhere),
    CASE(frame_in_kernel),
    CASE(frame_at_zero),
    CASE(frame_at_end),
};

static int listed(char **words, const char *name)
{
    while (*++words)
        if (strcmp(*words, name) == 0)
            return 1;
    return 0;
}

int main(int count, char **words)
{
    (void)count;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (listed(words, cases[i].name))
            continue;
        int status;
        pid_t child = fork();
        if (child == 0) {
            cases[i].run();
            _exit(0);
        }
        waitpid(child, &status, 0);
        show_status(cases[i].name, status);
    }
    SAY("segments %x %x", ({
            int s;
            __asm__("mov %%cs, %0" : "=r"(s));
            s;
        }),
        ({
            int s;
            __asm__("mov %%ss, %0" : "=r"(s));
            s;
        }));
    SAY("flags after a call: %lx %lx %lx %lx", flags_after_call(DF), flags_after_call(NT),
        flags_after_call(AC), flags_after_call(ID));
    SAY("after interrupts: %lx", flags_after_interrupts(DF | NT | AC));
    return 0;
}
