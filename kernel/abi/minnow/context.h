/* What a signal handler finds on its stack, as far as the kernel reads it when the handler returns:
 * registers, floating point state and mask, as Linux lays them out on x86-64 (its
 * arch/x86/include/uapi/asm/sigcontext.h and asm/ucontext.h), because programs read and write
 * them. */
#ifndef MINNOW_CONTEXT_H
#define MINNOW_CONTEXT_H

#include <minnow/types.h>

struct ON_STACK context {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip,
        rflags;
    uint16_t cs, gs, fs, ss;
    uint64_t error, trap, old_mask, cr2;
    caller_t fpstate; /* 0: the initial state */
    uint64_t reserved[8];
};
struct ON_STACK context_stack {
    uint64_t base;
    uint32_t flags, pad;
    uint64_t size;
};
enum { CONTEXT_NO_STACK = 2 /* flags: SS_DISABLE */ };
struct ON_STACK signal_context {
    uint64_t flags, link;
    struct context_stack stack; /* the alternate one */
    struct context context;
    uint64_t mask;
};
_Static_assert(sizeof(struct signal_context) == 304,
               "the head of ucontext_t, without the unused part of its mask");

/* The floating point state is an XSAVE area. The processor leaves these bytes of it to software,
 * which says there what follows the part that FXSAVE knows. */
struct ON_STACK fpu_software {
    uint32_t magic1, extended_size;
    uint64_t features;
    uint32_t size, pad[7];
};
enum { FXSAVE_SIZE = 512, FPU_SOFTWARE_AT = 464 };
enum { FPU_MAGIC1 = 0x46505853, FPU_MAGIC2 = 0x46505845 /* behind the state */ };

#endif
