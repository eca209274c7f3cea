/* The kernel calls, and the start of a service. Offsets are those of struct message
 * (minnow/message.h), union call_frame, struct saved_stack (syscalls.h) and struct reply
 * (service.h); message.c and recover.c check them.
 *
 * A call that commits goes through `enter` or `enter_receive` alone. What the service has written
 * before it stays, from the moment that the kernel has the call. A service that is stopped begins
 * again at a place that depends on how far its running thread has got:
 *
 *     before `syscall`                the call before this one counts: the undo log is taken
 *                                     back, and the stack is set to what was saved behind that
 *                                     call
 *     from `settle` to `settle_end`   this call has been made, and the old log must not be
 *                                     taken back: the thread just goes on here
 *     behind `settle_end`             the log is empty and the stack saved: this call counts
 *
 * So what stands first behind `syscall` is the settle code, which saves the stack and empties the
 * log; and before the first instruction of a thread that is new, thread_entry does. The kernel
 * knows these ranges (settle, settle_receive, thread_entry) from struct recovery: a thread stopped
 * there keeps its registers and goes on at its next instruction, as after an interrupt.
 *
 * What is saved is the thread's stack as far as it is in use, copied into its shadow:
 *
 *     low   rax rdi rsi rdx   results of the call
 *           rbp               the register that a function must keep (-fcall-used in the Makefile)
 *           return address    of `enter`
 *     high  the caller's frames, up to struct saved_stack at the stack's top
 *
 * A thread that has received a message begins again by receiving that message (RECEIVE_AGAIN), so
 * enter_receive saves nothing and sets a length of 0. A stack that is deeper than its shadow gets
 * length ~0: the service can then only be started afresh. */

#define CALL     0
#define OP       8
#define FROM     16
#define W0       24
#define W1       32
#define W2       40
#define W3       48
#define W4       56
#define W5       64
#define OBJECT   72
#define POSITION 80
#define FLAGS    88
#define LABEL    96

#define FRAME_OP     0              /* union call_frame */
#define FRAME_W0     8
#define FRAME_OBJECT 56
#define FRAME_TO     80
#define FRAME_WINDOW 84
#define FRAME_R1     0
#define FRAME_R2     8
#define FRAME_R3     16

/* a stack's top is a multiple of it; struct saved_stack is right below */
#define STACK_SPAN 0x10000
#define STACK_SIZE 192
#define SHADOW     0
#define CAPACITY   8
#define LENGTH     16

#define SYS_CALL            0
#define SYS_RECEIVE         1
#define SYS_REPLY_RECEIVE   3
#define SYS_FORWARD         4
#define SYS_RECEIVE_AGAIN   5
#define SYS_FORWARD_RECEIVE 6

.macro LOAD_REQUEST op w0 object    /* all but rax, rbp, r15; from rdi, which is loaded last */
    movq \op(%rdi), %rbx
    movq \w0 + 8(%rdi), %rsi
    movq \w0 + 16(%rdi), %rdx
    movq \w0 + 24(%rdi), %r10
    movq \w0 + 32(%rdi), %r8
    movq \w0 + 40(%rdi), %r9
    movq \object(%rdi), %r12
    movq \object + 8(%rdi), %r13
    movq \object + 16(%rdi), %r14
    movq \w0(%rdi), %rdi
.endm

.macro LOAD_MESSAGE
    LOAD_REQUEST OP W0 OBJECT
.endm

.macro STORE_MESSAGE                /* the pointer to the message was pushed */
    popq %rcx
    movq %rax, CALL(%rcx)
    movq %rbx, OP(%rcx)
    movq %rbp, FROM(%rcx)
    movq %rdi, W0(%rcx)
    movq %rsi, W1(%rcx)
    movq %rdx, W2(%rcx)
    movq %r10, W3(%rcx)
    movq %r8, W4(%rcx)
    movq %r9, W5(%rcx)
    movq %r12, OBJECT(%rcx)
    movq %r13, POSITION(%rcx)
    movq %r14, FLAGS(%rcx)
    movq %r15, LABEL(%rcx)
.endm

    .text

/* In: the registers of a kernel call. Out: its results in rax, rdi, rsi, rdx; and rbp, which a
 * function must keep. */
enter:
    syscall
    .globl settle, settle_end, settle_receive, settle_receive_end
settle:
    pushq %rbp
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %rax
    movq %rsp, %rdx
    orq $STACK_SPAN - 1, %rdx
    subq $STACK_SIZE - 1, %rdx      /* struct saved_stack, where what is saved ends */
    movq %rdx, %rcx
    subq %rsp, %rcx
    cmpq CAPACITY(%rdx), %rcx
    jbe 1f
    movq $-1, LENGTH(%rdx)          /* too deep: the thread cannot begin again here */
    jmp 2f
1:  movq %rcx, LENGTH(%rdx)
    movq %rsp, %rsi
    movq SHADOW(%rdx), %rdi
    shrq $3, %rcx
    rep movsq
2:  leaq undo_log(%rip), %rcx
    movq %rcx, undo_next(%rip)
settle_end:
    popq %rax
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rbp
    ret

/* The same for a call that brings the next message, in all registers but rcx and r11. Nothing of
 * the stack is needed again. */
enter_receive:
    syscall
settle_receive:
    movq %rsp, %rcx
    orq $STACK_SPAN - 1, %rcx
    movq $0, LENGTH - STACK_SIZE + 1(%rcx)
    leaq undo_log(%rip), %rcx
    movq %rcx, undo_next(%rip)
settle_receive_end:
    ret

/* The stubs of minnow/kcalls.def. C passes the fourth argument in rcx, which `syscall` spoils. */
#define STUB_COMMITS(name, number) \
    .globl sys_##name; sys_##name: movl $number, %eax; movq %rcx, %r10; jmp enter;
#define STUB_ASKS(name, number) \
    .globl ask_##name; ask_##name: movl $number, %eax; movq %rcx, %r10; syscall; ret;
#define STUB_EITHER(name, number) STUB_COMMITS(name, number) STUB_ASKS(name, number)
#define STUB_NEITHER(name, number)
#define KCALL(NAME, name, number, right, commits, ...) STUB_##commits(name, number)
#define MESSAGE(...)
#include <minnow/kcalls.def>

/* int64_t kernel_call(number, a, b, c, d, e, f) */
    .globl kernel_call
kernel_call:
    movq %rdi, %rax
    movq %rsi, %rdi
    movq %rdx, %rsi
    movq %rcx, %rdx
    movq %r8, %r10
    movq %r9, %r8
    movq 8(%rsp), %r9
    jmp enter

/* A stopped thread that was not settled goes on here: rdi = its index, rsi = enum resume. Takes
 * back what was written (recover_thread), restores the stack that was saved, and returns from the
 * call that counts, with its results. */
    .globl recover
recover:
    leaq recovery_stack_top(%rip), %rsp
    call recover_thread             /* -> struct saved_stack */
    movq LENGTH(%rax), %rcx
    testq %rcx, %rcx
    jz 1f
    movq SHADOW(%rax), %rsi
    movq %rax, %rdi
    subq %rcx, %rdi
    movq %rdi, %rsp
    shrq $3, %rcx
    rep movsq
    popq %rax
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rbp
    ret
1:  leaq -16(%rax), %rsp
    call serve_again

    .globl message_call
message_call:
    pushq %rbp
    pushq %rdi
    movl FRAME_TO(%rdi), %ebp
    movl FRAME_WINDOW(%rdi), %r15d
    LOAD_REQUEST FRAME_OP FRAME_W0 FRAME_OBJECT
    movl $SYS_CALL, %eax
    call enter
    .globl call_returned
call_returned:
    popq %rcx
    movq %rdi, FRAME_R1(%rcx)
    movq %rsi, FRAME_R2(%rcx)
    movq %rdx, FRAME_R3(%rcx)
    popq %rbp
    ret

    .globl message_forward
message_forward:
    pushq %rbp
    movq %rsi, %rbp
    movq CALL(%rdi), %r15
    LOAD_MESSAGE
    movl $SYS_FORWARD, %eax
    call enter
    popq %rbp
    ret

    .globl message_forward_receive
message_forward_receive:
    pushq %rbp
    pushq %rdi
    movq %rsi, %rbp
    movq CALL(%rdi), %r15
    LOAD_MESSAGE
    movl $SYS_FORWARD_RECEIVE, %eax
    call enter_receive
    STORE_MESSAGE
    popq %rbp
    ret

    .globl message_receive
message_receive:
    pushq %rbp
    pushq %rdi
    movl $SYS_RECEIVE, %eax
    call enter_receive
    STORE_MESSAGE
    popq %rbp
    ret

    .globl message_receive_again
message_receive_again:
    pushq %rbp
    pushq %rdi
    movl $SYS_RECEIVE_AGAIN, %eax
    call enter_receive
    STORE_MESSAGE
    popq %rbp
    ret

    .globl message_reply_receive
message_reply_receive:
    pushq %rbp
    pushq %rdi
    movq CALL(%rdi), %rdi
    movq 24(%rdx), %r9
    movq 16(%rdx), %r8
    movq 8(%rdx), %r10
    movq 0(%rdx), %rdx
    movl $SYS_REPLY_RECEIVE, %eax
    call enter_receive
    STORE_MESSAGE
    popq %rbp
    ret

/* A service starts here with an empty stack. rdi: enum start. */
    .globl _start
_start:
    movl %edi, started(%rip)
    rdtsc                           /* a stack guard that is another at each start */
    shlq $32, %rdx
    xorq %rdx, %rax
    xorb %al, %al
    movq %rax, __stack_chk_guard(%rip)
    subq $STACK_SIZE + 8, %rsp      /* struct saved_stack is above */
    call main
    movl %eax, %edi
    call service_exit

/* Another thread starts here: rdi = struct beginning. The log is that of the thread that waits now:
 * its call has been made, so thread_entry settles for it. A thread that is stopped before its first
 * call that commits begins again at thread_begin, with the same rdi. */
    .globl thread_entry, thread_begin
thread_entry:
    leaq undo_log(%rip), %rcx
    movq %rcx, undo_next(%rip)
    subq $STACK_SIZE - 8, %rsp      /* struct saved_stack is above */
thread_begin:
    call thread_main

    .bss
    .balign 16
    .skip 4096
recovery_stack_top:

    .section .note.GNU-stack, "", @progbits
