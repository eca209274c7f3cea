/* What the processor forbids becomes a signal (the table is Linux's, arch/x86/kernel/traps.c). */
#include "signal.h"
#include "tty.h"

uint64_t fault_address, fault_error, fault_vector;

enum { DIVIDE = 0, DEBUG = 1, BREAKPOINT = 3, OVERFLOW = 4, BOUND = 5, INVALID_OPCODE = 6, STACK = 12, PROTECTION = 13,
       PAGE = 14, FPU = 16, ALIGNMENT = 17, SIMD = 19 };
enum { SEGV_MAPERR = 1, SEGV_ACCERR = 2, BUS_ADRALN = 1, BUS_ADRERR = 2, FPE_INTDIV = 1, FPE_FLTINV = 7, ILL_ILLOPN = 2,
       TRAP_BRKPT = 1, TRAP_TRACE = 2 };

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

int64_t exception_arrived(struct thread *t, struct message *m)
{
    struct siginfo info = { .code = SI_KERNEL };
    t->number = (uint64_t)-1;
    fault_vector = m->w[0], fault_error = m->w[1], fault_address = m->w[2];
    switch (m->w[0]) {
    case DIVIDE:         info.signo = SIGFPE, info.code = FPE_INTDIV; break;
    case DEBUG:          info.signo = SIGTRAP, info.code = TRAP_TRACE; break;
    case BREAKPOINT:     info.signo = SIGTRAP; break;
    case FPU: case SIMD: info.signo = SIGFPE, info.code = FPE_FLTINV; break;
    case INVALID_OPCODE: info.signo = SIGILL, info.code = ILL_ILLOPN; break;
    case ALIGNMENT:      info.signo = SIGBUS, info.code = BUS_ADRALN; break;
    case PAGE:           page_fault(t, &info, m->w[3], m->w[2]); break;
    case STACK:          info.signo = SIGBUS; break;
    default:             info.signo = SIGSEGV; break;
    }
    if (info.signo == SIGKILL)
        process_exit(t->process, SIGKILL);
    else
        signal_force(t, &info);
    return t->dead ? LATER : REGISTERS;
}
