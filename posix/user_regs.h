/* A thread's registers as Linux shows them: struct user_regs_struct of ptrace(2) and core files. */
#ifndef USER_REGS_H
#define USER_REGS_H

#include <minnow/types.h>

struct regs;

struct user_regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip,
        cs, eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};
enum { USER_CS = 0x33, USER_SS = 0x2b };

/* r, of a thread whose last system call had this number (NO_SYSCALL: it is in none). */
void user_regs_make(struct user_regs *u, const struct regs *r, uint64_t number);
/* Makes FPU_SIZE bytes, which SYS_REGS_GET has filled with `size` of them, what Linux shows. */
void user_fpu_make(uint8_t *area, int64_t size);

#endif
