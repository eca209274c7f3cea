/* The kernel calls that move whole messages in registers, and the start of a service. Offsets are those of struct message
 * (minnow/message.h), struct call_frame (syscalls.h) and struct reply (service.h); the numbers are checked in message.c. */

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
#define TO       104
#define WINDOW   112
#define R1       120
#define R2       128
#define R3       136

#define SYS_CALL          0
#define SYS_RECEIVE       1
#define SYS_REPLY_RECEIVE 3
#define SYS_FORWARD       4

.macro PUSH_SAVED
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
.endm

.macro POP_SAVED
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
.endm

.macro LOAD_MESSAGE base            /* all but rax, rbp, r15; base is rdi and goes last */
    movq OP(\base), %rbx
    movq W1(\base), %rsi
    movq W2(\base), %rdx
    movq W3(\base), %r10
    movq W4(\base), %r8
    movq W5(\base), %r9
    movq OBJECT(\base), %r12
    movq POSITION(\base), %r13
    movq FLAGS(\base), %r14
    movq W0(\base), %rdi
.endm

.macro STORE_MESSAGE                /* the pointer to it was pushed */
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

    .globl message_call
message_call:
    PUSH_SAVED
    pushq %rdi
    movq TO(%rdi), %rbp
    movq WINDOW(%rdi), %r15
    LOAD_MESSAGE %rdi
    movl $SYS_CALL, %eax
    syscall
    popq %rcx
    movq %rdi, R1(%rcx)
    movq %rsi, R2(%rcx)
    movq %rdx, R3(%rcx)
    POP_SAVED
    ret

    .globl message_forward
message_forward:
    PUSH_SAVED
    movq %rsi, %rbp
    movq CALL(%rdi), %r15
    LOAD_MESSAGE %rdi
    movl $SYS_FORWARD, %eax
    syscall
    POP_SAVED
    ret

    .globl message_receive
message_receive:
    PUSH_SAVED
    pushq %rdi
    movl $SYS_RECEIVE, %eax
    syscall
    STORE_MESSAGE
    POP_SAVED
    ret

    .globl message_reply_receive
message_reply_receive:
    PUSH_SAVED
    pushq %rdi
    movq CALL(%rdi), %rdi
    movq 24(%rdx), %r9
    movq 16(%rdx), %r8
    movq 8(%rdx), %r10
    movq 0(%rdx), %rdx
    movl $SYS_REPLY_RECEIVE, %eax
    syscall
    STORE_MESSAGE
    POP_SAVED
    ret

/* A service starts here with an empty stack. */
    .globl _start
_start:
    rdtsc                           /* a stack guard that differs from start to start */
    shlq $32, %rdx
    xorq %rdx, %rax
    xorb %al, %al
    movq %rax, __stack_chk_guard(%rip)
    subq $8, %rsp
    call main
    movl %eax, %edi
    call service_exit

/* Another thread: rdi = struct thread_start. */
    .globl thread_entry
thread_entry:
    subq $8, %rsp
    call thread_main

    .section .note.GNU-stack, "", @progbits
