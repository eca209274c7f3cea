/* A thread's registers as Linux shows them. */
#include "user_regs.h"

#include "signal_frame.h"
#include <minnow/context.h>

enum { XCR0_AT = 464 };

void user_regs_make(struct user_regs *u, const struct regs *r, uint64_t number)
{
    *u = (struct user_regs){
        .r15 = r->r15,
        .r14 = r->r14,
        .r13 = r->r13,
        .r12 = r->r12,
        .rbp = r->rbp,
        .rbx = r->rbx,
        .r11 = r->r11,
        .r10 = r->r10,
        .r9 = r->r9,
        .r8 = r->r8,
        .rax = r->rax,
        .rcx = r->rcx,
        .rdx = r->rdx,
        .rsi = r->rsi,
        .rdi = r->rdi,
        .orig_rax = number,
        .rip = r->rip,
        .cs = USER_CS,
        .eflags = r->rflags,
        .rsp = r->rsp,
        .ss = USER_SS,
        .fs_base = r->fs_base,
        .gs_base = r->gs_base,
    };
}

void user_fpu_make(uint8_t *area, int64_t size)
{
    memset(area + XCR0_AT, 0, FXSAVE_SIZE - XCR0_AT);
    if (size > FXSAVE_SIZE)
        *(uint64_t *)(area + XCR0_AT) = frame_features();
}
