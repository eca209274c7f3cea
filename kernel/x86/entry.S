/* Into the kernel and out of it. The current thread's registers are stored straight into its struct
 * thread, whose first member they are; the kernel then runs on the processor's one stack, and
 * leaves by the thread that C returns. cpu.c checks the offsets of struct regs (minnow/syscall.h),
 * struct thread and struct cpu (thread.h).
 *
 *     entry                    saves                           leaves by
 *     syscall                  all but rcx, r11, which the     sysretq, unless the thread to run
 *                              instruction spoils anyway       has IRET set
 *     exception or interrupt   all, and sets IRET              iretq, which clears IRET
 *     in a program
 *     the same in the kernel   all, on the kernel's stack      iretq, to where it was
 *
 * So no thread has IRET set while it executes its own instructions. There is one processor, so
 * struct cpu has a fixed address, and the segment bases are always the program's. */

#define RDI    0
#define RSI    8
#define RDX    16
#define R10    24
#define R8     32
#define R9     40
#define RAX    48
#define RBX    56
#define RBP    64
#define R12    72
#define R13    80
#define R14    88
#define R15    96
#define RIP    104
#define RFLAGS 112
#define RSP    120
#define RCX    128
#define R11    136
#define IRET   160

#define KERNEL_FRAME 168            /* struct regs, and the stack stays aligned */

#define CPU_CURRENT cpu0(%rip)
#define CPU_STACK   cpu0 + 8(%rip)
#define CPU_SCRATCH cpu0 + 16(%rip)

#define USER_CS 0x33                /* Linux's values, which programs look at */
#define USER_SS 0x2b

    .text

.macro SAVE_COMMON base             /* all but rax rcx r11 rip rflags rsp */
    movq %rdi, RDI(\base)
    movq %rsi, RSI(\base)
    movq %rdx, RDX(\base)
    movq %r10, R10(\base)
    movq %r8, R8(\base)
    movq %r9, R9(\base)
    movq %rbx, RBX(\base)
    movq %rbp, RBP(\base)
    movq %r12, R12(\base)
    movq %r13, R13(\base)
    movq %r14, R14(\base)
    movq %r15, R15(\base)
.endm

.macro RESTORE_COMMON base
    movq RDI(\base), %rdi
    movq RSI(\base), %rsi
    movq RDX(\base), %rdx
    movq R10(\base), %r10
    movq R8(\base), %r8
    movq R9(\base), %r9
    movq RBX(\base), %rbx
    movq RBP(\base), %rbp
    movq R12(\base), %r12
    movq R13(\base), %r13
    movq R14(\base), %r14
    movq R15(\base), %r15
.endm

/* The `syscall` instruction: rcx = return address, r11 = flags, interrupts off by SFMASK. */
.macro SYSCALL_ENTRY name target
    .globl \name
    .balign 16
\name:
    movq %rsp, CPU_SCRATCH
    movq CPU_CURRENT, %rsp
    SAVE_COMMON %rsp
    movq %rax, RAX(%rsp)
    movq %rcx, RIP(%rsp)
    movq %r11, RFLAGS(%rsp)
    movq CPU_SCRATCH, %rcx
    movq %rcx, RSP(%rsp)
    movq %rsp, %rdi
    movq CPU_STACK, %rsp
    call \target
.endm

SYSCALL_ENTRY syscall_entry_traced syscall_enter_traced
    jmp leave_kernel
SYSCALL_ENTRY syscall_entry syscall_enter

/* Leaves by the thread in rax. */
    .globl leave_kernel
leave_kernel:
    cmpb $0, IRET(%rax)
    jne 1f
    movq %rax, %rsp
    RESTORE_COMMON %rsp
    movq RAX(%rsp), %rax
    movq RIP(%rsp), %rcx
    movq RFLAGS(%rsp), %r11
    movq RSP(%rsp), %rsp
    sysretq
1:  movb $0, IRET(%rax)             /* interrupted, or given new registers: all are restored */
    pushq $USER_SS
    pushq RSP(%rax)
    pushq RFLAGS(%rax)
    pushq $USER_CS
    pushq RIP(%rax)
    RESTORE_COMMON %rax
    movq RCX(%rax), %rcx
    movq R11(%rax), %r11
    movq RAX(%rax), %rax
    iretq

    .globl idle_wait, idle_halt, idle_end
    .balign 16
idle_wait:
    sti
idle_halt:
    hlt
idle_end:
    cli
    ret

/* Exceptions and interrupts. Each stub pushes its vector (and a zero where the processor pushes no
 * error code). */
    .macro STUB vector
    .balign 16
    .if (\vector == 8) || (\vector >= 10 && \vector <= 14) || (\vector == 17) || \
        (\vector == 21) || (\vector == 29) || (\vector == 30)
    .else
    pushq $0
    .endif
    pushq $\vector
    jmp trap_common
    .endm

    .balign 16
    .globl trap_stubs
trap_stubs:
    .altmacro
    .set i, 0
    .rept 64
    STUB %i
    .set i, i + 1
    .endr
    .noaltmacro

/* Stack: vector 0, error 8, rip 16, cs 24, rflags 32, rsp 40, ss 48. The processor does not clear
 * AC, with which SMAP lets the kernel touch a program's memory; cpu.c makes the first instruction
 * `clac` where the processor has that. */
    .globl trap_clac
trap_common:
trap_clac:
    .byte 0x0f, 0x1f, 0x00          /* a `nop` as long as `clac` */
    testb $3, 24(%rsp)
    jz 1f
    pushq %rax                      /* the offsets above are 8 larger now */
    movq CPU_CURRENT, %rax
    SAVE_COMMON %rax
    movq %rcx, RCX(%rax)
    movq %r11, R11(%rax)
    popq %rcx
    movq %rcx, RAX(%rax)
    movq 16(%rsp), %rcx
    movq %rcx, RIP(%rax)
    movq 32(%rsp), %rcx
    movq %rcx, RFLAGS(%rax)
    movq 40(%rsp), %rcx
    movq %rcx, RSP(%rax)
    movb $1, IRET(%rax)
    movq %rax, %rdi
    movq 0(%rsp), %rsi
    movq 8(%rsp), %rdx
    movq CPU_STACK, %rsp
    cld
    call trap_enter
    jmp leave_kernel

1:  subq $KERNEL_FRAME, %rsp        /* in the kernel: an interrupt while idle, or a bug */
    SAVE_COMMON %rsp
    movq %rax, RAX(%rsp)
    movq %rcx, RCX(%rsp)
    movq %r11, R11(%rsp)
    movq KERNEL_FRAME + 16(%rsp), %rax
    movq %rax, RIP(%rsp)
    movq KERNEL_FRAME + 32(%rsp), %rax
    movq %rax, RFLAGS(%rsp)
    movq KERNEL_FRAME + 40(%rsp), %rax
    movq %rax, RSP(%rsp)
    movq %rsp, %rdi
    movq KERNEL_FRAME(%rsp), %rsi
    movq KERNEL_FRAME + 8(%rsp), %rdx
    cld
    call trap_kernel                /* trap_kernel may change rip and rflags */
    movq RIP(%rsp), %rax
    movq %rax, KERNEL_FRAME + 16(%rsp)
    movq RFLAGS(%rsp), %rax
    movq %rax, KERNEL_FRAME + 32(%rsp)
    RESTORE_COMMON %rsp
    movq RAX(%rsp), %rax
    movq RCX(%rsp), %rcx
    movq R11(%rsp), %r11
    addq $KERNEL_FRAME + 16, %rsp
    iretq

    .section .note.GNU-stack, "", @progbits
