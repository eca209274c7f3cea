/* Exceptions, interrupts and system calls, from the assembly in entry.S: what happened, who must
 * know, who runs next. */
#include "arch.h"
#include "clock.h"
#include "ipc.h"
#include "kcall.h"
#include "log.h"
#include "sched.h"
#include "trace.h"
#include "switch.h"
#include <minnow/protocol.h>

void timer_fired(void);

/* What the stubs push when the kernel itself was interrupted. */
struct kernel_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax, vector, error,
        rip, cs, rflags, rsp, ss;
};

enum { PF_PRESENT = 1, PF_WRITE = 2, PF_RESERVED = 8, PF_EXEC = 16 };

static inline struct thread *next(struct thread *before)
{
    struct cpu *cpu = this_cpu();
    struct thread *t = cpu->current ? cpu->current : sched_next();
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
    trace_call(t);
    syscall_dispatch(t);
    return arch_switch(sched_next());
}

static void interrupt(unsigned vector)
{
    this_cpu()->interrupts++;
    if (vector == VECTOR_TIMER) {
        lapic_eoi();
        timer_fired();
    } else if (vector >= VECTOR_IRQ && vector < VECTOR_IRQ + 16 &&
               !pic_spurious(vector - VECTOR_IRQ)) {
        irq_arrived(vector - VECTOR_IRQ);
        pic_eoi(vector - VECTOR_IRQ);
    }
}

static void page_fault(struct thread *t, uint64_t error)
{
    uint64_t access = (error & PF_WRITE ? PM_FAULT_WRITE : 0) |
                      (error & PF_EXEC ? PM_FAULT_EXEC : 0) |
                      (error & PF_PRESENT ? PM_FAULT_PRESENT : 0);
    vaddr_t at = read_cr2();
    /* a service's manifest may name addresses that the processor has not */
    if (error & PF_RESERVED && !t->task->service)
        panic(&t->regs, "page table of %s is corrupt at %lx", t->task->name, at);
    t->kind = CALL_FAULT;
    if (at >> USER_TOP_SHIFT)
        ipc_event(t, KERNEL_EXCEPTION, TRAP_PF, error, at, -14, t->index);
    else
        ipc_fault(t, CALL_FAULT, at, access, 1);
}

struct thread *trap_enter(struct thread *t, uint64_t vector, uint64_t error)
{
    if (vector >= VECTOR_IRQ)
        interrupt(vector);
    else if (vector == TRAP_PF)
        page_fault(t, error);
    else if (vector == TRAP_NM)
        fpu_trap(t);
    else if (vector == TRAP_NMI)
        kprintf("processor: a non-maskable interrupt, which nobody asked for\n");
    else if (vector == TRAP_DF || vector == TRAP_MC)
        panic(&t->regs, "processor exception %lu, error %lx", vector, error);
    else
        ipc_event(t, KERNEL_EXCEPTION, vector, error, 0, 0, t->index);
    return arch_switch(sched_next());
}

/* Interrupts are off in the kernel but for the moment when it idles. `sti` puts them off until
 * `hlt` waits, but an NMI can come between the two and end that: an interrupt then finds `hlt`
 * still to come, which would sleep over what it has made ready. A program that sets TF before
 * `syscall`, or hides a single step behind a load of SS, makes a processor stop at the kernel's
 * first instruction (SDM vol. 3, 6.8.3 and 17.3.1.4); the kernel goes on, and the program's own TF
 * makes it stop again when it is back. Anything else is a bug of the kernel. */
void trap_kernel(struct kernel_frame *f)
{
    if (f->vector >= VECTOR_IRQ) {
        interrupt(f->vector);
        if (f->rip == (uintptr_t)idle_halt)
            f->rip = (uintptr_t)idle_end;
        return;
    }
    if (f->vector == TRAP_NMI)
        return;
    if (f->vector == TRAP_DB) {
        f->rflags &= ~(uint64_t)RFLAGS_TF;
        return;
    }
    struct regs r = { .rdi = f->rdi,
                      .rsi = f->rsi,
                      .rdx = f->rdx,
                      .r10 = f->r10,
                      .r8 = f->r8,
                      .r9 = f->r9,
                      .rax = f->rax,
                      .rbx = f->rbx,
                      .rbp = f->rbp,
                      .r12 = f->r12,
                      .r13 = f->r13,
                      .r14 = f->r14,
                      .r15 = f->r15,
                      .rip = f->rip,
                      .rflags = f->rflags,
                      .rsp = f->rsp,
                      .rcx = f->rcx,
                      .r11 = f->r11 };
    panic(&r, "exception %lu in the kernel, error %lx, address %lx", f->vector, f->error,
          read_cr2());
}
