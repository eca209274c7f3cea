/* The processor's debug registers of a traced child, as ptrace shows them. */
#ifndef DEBUG_REGISTERS_H
#define DEBUG_REGISTERS_H

#include "oracle.h"
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

/* What a breakpoint is for, and how many bytes it covers; and the registers beside the addresses.
 */
enum { EXECUTE = 0, WRITE = 1, PORT = 2, ACCESS = 3 };
enum { BYTES_1 = 0, BYTES_8 = 8, BYTES_4 = 12 };
enum { STATUS = 6, CONTROL = 7 };

static pid_t child;

static inline long set(unsigned n, uint64_t value)
{
    return syscall(SYS_ptrace, PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg[n]), value);
}
static inline uint64_t get(unsigned n)
{
    uint64_t value = 0;
    if (syscall(SYS_ptrace, PTRACE_PEEKUSER, child, offsetof(struct user, u_debugreg[n]), &value))
        SAY("register %u: %s", n, error_name(errno));
    return value;
}
/* The control word for breakpoint n. */
static inline uint64_t control(unsigned n, unsigned kind, unsigned bytes)
{
    return 1ul << 2 * n | (uint64_t)(kind | bytes) << (16 + 4 * n);
}
static inline void go_on(void) { ptrace(PTRACE_CONT, child, 0, 0); }

/* Begins a child that stops, and does `work` when it is let go. */
static inline void child_begin(void (*work)(void))
{
    child = fork();
    if (!child) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        work();
        _exit(0);
    }
}

#endif
