/* Exceptions, interrupts and system calls, called by the assembly in entry.S: which part of the
 * kernel deals with each, and which thread runs next. This file alone of x86/ calls the portable
 * kernel: syscall_dispatch, turn_next, turn_clock, irq_arrived, ipc_fault, ipc_exception,
 * service_fault, clock_charge, trace_call, trace_sent. At the end: the start of the processor. */
#include "arch.h"
#include "ipc.h"
#include "irq.h"
#include "log.h"
#include "panic.h"
#include "service.h"
#include "syscall.h"
#include "trace.h"
#include "turn.h"
#include "switch.h"
#include <minnow/protocol.h>

enum { PF_PRESENT = 1, PF_WRITE = 2, PF_RESERVED = 8, PF_EXEC = 16 };

static inline struct thread *next(struct thread *before)
{
    struct cpu *cpu = this_cpu();
    struct thread *t = cpu->current ? cpu->current : turn_next();
    if (t != before || t->space != cpu->space) {
        cpu->switches++;
        return arch_switch(t);
    }
    return t;
}

struct thread *syscall_enter(struct thread *t)
{
    syscall_dispatch(t);
    return next(t);
}

struct thread *syscall_enter_traced(struct thread *t)
{
    bool program = t->user; /* t may be gone afterwards if it is a service's */
    uint64_t record = trace_call(t);
    syscall_dispatch(t);
    if (program)
        trace_sent(t, record);
    trace_tell(); /* now: it may take the processor from t, which makes a call only while it runs */
    return arch_switch(turn_next());
}

static void interrupt(unsigned vector)
{
    this_cpu()->interrupts++;
    if (vector == VECTOR_TIMER) {
        lapic_eoi();
        timer_fired();
        turn_clock();
    } else if (vector >= VECTOR_IRQ && vector < VECTOR_IRQ + 16 &&
               !pic_spurious(vector - VECTOR_IRQ)) {
        irq_arrived(vector - VECTOR_IRQ);
        pic_eoi(vector - VECTOR_IRQ);
    }
}

/* t has done what the processor forbids: a service is frozen, a program's personality decides. */
static void exception(struct thread *t, uint64_t vector, uint64_t error, vaddr_t address,
                      int64_t result)
{
    if (t->task->service)
        service_fault(t, vector, error, address);
    else
        ipc_exception(t, vector, error, address, result);
}

static void page_fault(struct thread *t, uint64_t error)
{
    uint64_t access = (error & PF_WRITE ? PM_FAULT_WRITE : 0) |
                      (error & PF_EXEC ? PM_FAULT_EXEC : 0) |
                      (error & PF_PRESENT ? PM_FAULT_PRESENT : 0);
    vaddr_t at = read_cr2();
    /* (a service's manifest may name device addresses that the processor does not have) */
    if (error & PF_RESERVED && !t->task->service)
        panic(&t->regs, "page table of %s is corrupt at %lx", t->task->name, at);
    t->kind = CALL_FAULT;
    if (at >> USER_TOP_SHIFT || t->task->service)
        exception(t, TRAP_PF, error, at, -EFAULT);
    else
        ipc_fault(t, CALL_FAULT, at, access, 1);
}

/* t has touched floating point registers while CR0.TS was set. */
static void no_fpu(struct thread *t)
{
    if (!fpu_trap(t))
        exception(t, t->user ? TRAP_PF : TRAP_NM, 0, t->regs.rip, -ENOMEM);
}

/* A single step, or a breakpoint. Those of the program charged stay loaded while services work for
 * it, and mean nothing to them. */
static void debug_trap(struct thread *t)
{
    uint64_t met = breakpoints_met();
    if (met & DR6_BREAKPOINTS)
        t->regs.rflags |= RFLAGS_RF; /* an instruction's is met before it: not once more */
    if (met == 0 || met & DR6_STEP || t->breakpoints)
        exception(t, TRAP_DB, met, 0, 0);
}

struct thread *trap_enter(struct thread *t, uint64_t vector, uint64_t error)
{
    if (vector >= VECTOR_IRQ)
        interrupt(vector);
    else if (vector == TRAP_PF)
        page_fault(t, error);
    else if (vector == TRAP_NM)
        no_fpu(t);
    else if (vector == TRAP_DB)
        debug_trap(t);
    else if (vector == TRAP_NMI)
        kprintf("processor: a non-maskable interrupt, which nobody asked for\n");
    else if (vector == TRAP_DF || vector == TRAP_MC)
        panic(&t->regs, "processor exception %lu, error %lx", vector, error);
    else
        exception(t, vector, error, 0, 0);
    return arch_switch(turn_next());
}

/* A trap in the kernel. Those that are legal:
 *
 *   - An interrupt, while the kernel idles. `sti` delays interrupts until `hlt` waits, but an NMI
 *     between the two ends that delay; an interrupt then finds `hlt` still to come, which would
 *     sleep over what the interrupt has made ready. So `hlt` is left out.
 *   - A single step or a breakpoint (#DB) at the kernel's first instruction: a program has set TF
 *     before `syscall`, or has hidden one of them behind a load of SS (SDM vol. 3, 6.8.3 and
 *     17.3.1.4). The kernel goes on; the program's own TF stops the program when it is back.
 *   - An NMI, which is ignored. */
void trap_kernel(struct regs *r, uint64_t vector, uint64_t error)
{
    if (vector >= VECTOR_IRQ) {
        interrupt(vector);
        if (r->rip == (uintptr_t)idle_halt)
            r->rip = (uintptr_t)idle_end;
    } else if (vector == TRAP_DB) {
        breakpoints_met();
        r->rflags &= ~(uint64_t)RFLAGS_TF;
    } else if (vector != TRAP_NMI) {
        panic(r, "exception %lu in the kernel, error %lx, address %lx", vector, error, read_cr2());
    }
}

/* ---- start ---- */

void arch_init(void)
{
    cpu_init();
    paging_init();
    fpu_init();
    pic_init();
    lapic_init();
    clock_init();
    syscall_init();
}

void arch_start(struct thread *t)
{
    arch_switch(t);
    __asm__ volatile("movq %0, %%rsp; movq %1, %%rax; jmp leave_kernel"
                     :
                     : "r"(cpu0.stack_top), "r"(t));
    __builtin_unreachable();
}
