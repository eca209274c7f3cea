/* The processor's exceptions as signals: number, code, and whether the address is that of the
 * instruction. SSE's exceptions are tested only on emulators that raise them: `faults sse`. */
#define _GNU_SOURCE
#include "oracle.h"

#include <limits.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile int number, code, at_instruction, told;

static void handler(int sig, siginfo_t *info, void *context)
{
    number = sig;
    code = info->si_code;
    told = info->si_addr != NULL;
    at_instruction = (greg_t)info->si_addr == ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    siglongjmp(back, 1);
}

static void normal(void)
{
    unsigned mxcsr = 0x1f80;
    __asm__ volatile("fninit; ldmxcsr %0" : : "m"(mxcsr));
}

#define MEET(what)                                                                           \
    do {                                                                                     \
        number = code = at_instruction = told = 0;                                           \
        if (!sigsetjmp(back, 1)) {                                                           \
            what;                                                                            \
        }                                                                                    \
        normal();                                                                            \
        SAY("%s: signal %d code %d address %d at instruction %d", #what, number, code, told, \
            at_instruction);                                                                 \
    } while (0)

static void x87(unsigned short control, const char *what, long double a, long double b)
{
    SAY("%s", what);
    MEET(__asm__ volatile("fldcw %0; fldt %2; fldt %1; fdivp; fwait"
                          :
                          : "m"(control), "m"(a), "m"(b)));
}

static void x87_store(unsigned short control, const char *what, long double a)
{
    float to;
    SAY("%s", what);
    MEET(__asm__ volatile("fldcw %1; fldt %2; fstps %0; fwait" : "=m"(to) : "m"(control), "m"(a)));
}

static void sse(unsigned mask, const char *what, float a, float b)
{
    unsigned mxcsr = 0x1f80 & ~mask;
    SAY("%s", what);
    MEET(__asm__ volatile("ldmxcsr %0; divss %2, %1" : : "m"(mxcsr), "x"(a), "x"(b)));
}

int main(int count, char **argument)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    static const int signals[] = { SIGFPE, SIGILL, SIGTRAP, SIGSEGV, SIGBUS };
    for (unsigned i = 0; i < 5; i++)
        sigaction(signals[i], &action, NULL);
    if (count > 1 && !strcmp(argument[1], "sse")) {
        sse(0x200, "zero", 1, 0);
        sse(0x80, "invalid", 0, 0);
        sse(0x400, "overflow", 1e38f, 1e-38f);
        sse(0x800, "underflow", 1e-38f, 1e38f);
        sse(0x1000, "inexact", 1, 3);
        return 0;
    }
    volatile int zero = 0, least = INT_MIN, minus = -1;
    MEET(__asm__ volatile("cltd; idivl %0" : : "m"(zero), "a"(1) : "edx"));
    MEET(least = least / minus);
    x87(0x037b, "zero", 1, 0);
    x87(0x037e, "invalid", 0, 0);
    x87(0x035f, "inexact", 1, 3);
    x87_store(0x0377, "overflow", 1e300L);
    x87_store(0x036f, "underflow", 1e-300L);
    MEET(__asm__ volatile("ud2"));
    MEET(__asm__ volatile("int3"));
    MEET(__asm__ volatile("hlt"));
    MEET(__asm__ volatile("pushfq; orq $0x100, (%rsp); popfq; nop; nop"));
    volatile int *volatile low = (int *)0x10, *volatile nowhere = (int *)0x1234567800000000ul;
    MEET(*low = 1);
    MEET(*nowhere = 1);
    return 0;
}
