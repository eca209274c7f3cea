/* What the processor forbids becomes a signal (the table is Linux's, arch/x86/kernel/traps.c). A
 * page fault comes here only when PM has decided that there is nothing to bring: the error says
 * why. */
#include "exception.h"

#include "delivery.h"
#include "signal.h"
#include "signal_frame.h"
#include "syscalls.h"
#include "trace.h"

enum {
    DIVIDE = 0,
    DEBUG = 1,
    BREAKPOINT = 3,
    INVALID_OPCODE = 6,
    STACK = 12,
    PAGE = 14,
    FPU = 16,
    ALIGNMENT = 17,
    SIMD = 19
};
enum {
    SEGV_MAPERR = 1,
    SEGV_ACCERR = 2,
    BUS_ADRALN = 1,
    BUS_ADRERR = 2,
    FPE_INTDIV = 1,
    FPE_FLTDIV = 3,
    FPE_FLTOVF,
    FPE_FLTUND,
    FPE_FLTRES,
    FPE_FLTINV,
    ILL_ILLOPN = 2
};

/* Makes *info the signal of a page fault at `address`, which PM answered with `error`. */
static void page_fault(struct thread *t, struct siginfo *info, int64_t error, uint64_t address)
{
    info->fault.address = address;
    info->signo = SIGSEGV;
    info->code = SEGV_MAPERR;
    if (error == -EACCES) {
        info->code = SEGV_ACCERR;
    } else if (error == -EIO) {
        info->signo = SIGBUS;
        info->code = BUS_ADRERR;
    } else if (error == -ENOMEM) {
        print("out of memory: process %u (%s) is ended", t->process->i.pid, t->process->i.name);
        info->signo = SIGKILL;
    }
}

/* The si_code of the floating point exception that t has met: one that the status word reports and
 * the control word does not mask (Intel, volume 1, 8.1.3 and 10.2.3). */
static int floating_code(const struct thread *t, uint64_t vector)
{
    enum { CONTROL_AT = 0, STATUS_AT = 2, MXCSR_AT = 24, MXCSR_MASKS = 7 };
    enum { INVALID = 1, ZERO = 4, OVER = 8, UNDER = 0x10, DENORMAL = 2, INEXACT = 0x20 };
    static uint8_t state[FPU_SIZE] __attribute__((aligned(64)));
    struct regs r;
    if (ask_regs_get(t->index, &r, state) < 0)
        return FPE_FLTINV;
    uint16_t control = *(uint16_t *)(state + CONTROL_AT), status = *(uint16_t *)(state + STATUS_AT);
    uint32_t mxcsr = *(uint32_t *)(state + MXCSR_AT);
    unsigned met = vector == SIMD ? mxcsr & ~(mxcsr >> MXCSR_MASKS) : status & ~control;
    if (met & INVALID)
        return FPE_FLTINV;
    if (met & ZERO)
        return FPE_FLTDIV;
    if (met & OVER)
        return FPE_FLTOVF;
    if (met & (UNDER | DENORMAL))
        return FPE_FLTUND;
    return met & INEXACT ? FPE_FLTRES : FPE_FLTINV;
}

/* The si_code of a debug exception, of which the processor says this; the tracer sees that too. */
static int debug_code(struct thread *t, uint64_t status)
{
    enum { BREAKPOINTS_MET = 15, STEP = 0x4000, TRAP_HWBKPT = 4 };
    if (t->trace)
        t->trace->breakpoints.status = status;
    return status & BREAKPOINTS_MET && !(status & STEP) ? TRAP_HWBKPT : TRAP_TRACE;
}

/* The address of the instruction that t's program is at; 0: t has gone. */
static uint64_t instruction(const struct thread *t)
{
    struct regs r;
    return ask_regs_get(t->index, &r, NULL) < 0 ? 0 : r.rip;
}

/* What the processor would say of an access to a page that PM has refused, as PM_FAULT_... says it
 * (Intel SDM, volume 3, 4.7: present 1, write 2, user 4, instruction fetch 16). */
static uint64_t page_error(uint64_t access)
{
    return 4 | (access & PM_FAULT_PRESENT ? 1 : 0) | (access & PM_FAULT_WRITE ? 2 : 0) |
           (access & PM_FAULT_EXEC ? 16 : 0);
}

int64_t exception_arrived(struct thread *t, struct message *m)
{
    struct siginfo info = { .code = SI_KERNEL };
    uint64_t error = m->w[0] == DEBUG ? 0 : m->w[0] == PAGE ? page_error(m->w[1]) : m->w[1];
    t->number = NO_SYSCALL;
    frame_fault(m->w[0], error, m->w[2]);
    switch (m->w[0]) {
    case DIVIDE: info.signo = SIGFPE, info.code = FPE_INTDIV; break;
    case DEBUG:
        info.signo = SIGTRAP;
        info.code = debug_code(t, m->w[1]);
        break;
    case BREAKPOINT: info.signo = SIGTRAP; break;
    case FPU:
    case SIMD: info.signo = SIGFPE, info.code = floating_code(t, m->w[0]); break;
    case INVALID_OPCODE: info.signo = SIGILL, info.code = ILL_ILLOPN; break;
    case ALIGNMENT: info.signo = SIGBUS, info.code = BUS_ADRALN; break;
    case PAGE: page_fault(t, &info, m->w[3], m->w[2]); break;
    case STACK: info.signo = SIGBUS; break;
    default: info.signo = SIGSEGV; break;
    }
    if (info.signo == SIGFPE || info.signo == SIGILL || m->w[0] == DEBUG)
        info.fault.address = instruction(t);
    if (info.signo == SIGKILL)
        process_end(t->process, SIGKILL);
    else
        signal_force(t, &info);
    return t->dead ? LATER : REGISTERS;
}
