/* uint64_t raw_calls(endpoint_t to, uint64_t op, uint64_t rounds): calls in the fewest instructions
 * that can be; the kernel's part of the message path is nearly all of what they cost. */
    .text
    .globl raw_calls
raw_calls:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rdx    /* what is left to do: only the stack pointer outlives a call for sure */
    movq %rdi, %rbp
    movq %rsi, %rbx
    xorl %r15d, %r15d
1:  xorl %eax, %eax                 /* SYS_CALL */
    syscall
    decq (%rsp)
    jnz 1b
    popq %rdx
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
    .section .note.GNU-stack, "", @progbits
