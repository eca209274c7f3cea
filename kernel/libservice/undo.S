/* The undo log: the old content of what a service has written since it last came out of the kernel
 * by a call that commits. The compiler (undo/plugin.cc) puts a call of undo_note* before each store
 * to memory that is not the stack; stubs.S empties the log when a call has committed; recover.c
 * takes the stores back, newest first, when the service was stopped in between.
 *
 * The log grows upwards from undo_log; undo_next is the end of its last entry. The last two words
 * of an entry are its head, since recover.c reads the log from its end:
 *
 *     of a quadword      address, old quadword
 *     of a longer piece  old bytes, padded to quadwords; address | 1 << 63, length
 *
 * A service may be stopped between any two of these instructions. The order keeps the log right at
 * each: first the entry is written behind undo_next, where it does not count; then undo_next moves,
 * and it counts; then the caller makes its store. Stopped before undo_next moves, there is nothing
 * to take back; stopped after it but before the store, the old value is written over itself.
 *
 * When the log is full the service commits by itself, in the middle of what it is doing
 * (undo_commit): what was written stays, the stack is saved, the log is empty, and the entry is
 * made again. From then on the thread would begin again there. service.ld gives the log its place
 * and its size.
 *
 * All entry points here spoil only rax, rdi and the flags, which the plugin tells the compiler. */

    .text

/* Notes 1, 2 or 4 aligned bytes at rdi: the quadword they lie in. */
    .globl undo_note_part
undo_note_part:
    andq $-8, %rdi

/* Notes the quadword at rdi. */
    .globl undo_note
undo_note:
    movq undo_next(%rip), %rax
    cmpq undo_last(%rip), %rax
    ja 1f
    movq %rdi, (%rax)
    movq (%rdi), %rdi
    movq %rdi, 8(%rax)
    addq $16, undo_next(%rip)
    ret
1:  call undo_commit
    jmp undo_note

/* Notes so many quadwords at rdi. */
    .irp words, 2, 3, 4, 5, 6, 7, 8
    .globl undo_note_\words
undo_note_\words:
    movq undo_next(%rip), %rax
    cmpq undo_last(%rip), %rax
    ja 1f
    .set at, 0
    .rept \words
    pushq at(%rdi)
    popq at(%rax)
    .set at, at + 8
    .endr
    btsq $63, %rdi
    movq %rdi, at(%rax)
    movq $at, at + 8(%rax)
    addq $at + 16, undo_next(%rip)
    ret
1:  call undo_commit
    jmp undo_note_\words
    .endr

/* Notes rax bytes at rdi; no more than fit into the log. */
    .globl undo_note_range
undo_note_range:
    pushq %rcx
    pushq %rsi
    pushq %rdx
    movq %rdi, %rsi
    movq %rax, %rdx
    movq undo_next(%rip), %rdi
    leaq 23-16(%rdi, %rax), %rcx    /* where its head would be */
    andq $-8, %rcx
    cmpq undo_last(%rip), %rcx
    ja 1f
    movq %rsi, %rax
    movq %rdx, %rcx
    shrq $3, %rcx
    rep movsq
    movq %rdx, %rcx
    andq $7, %rcx
    rep movsb
    addq $7, %rdi
    andq $-8, %rdi
    btsq $63, %rax
    movq %rax, (%rdi)
    movq %rdx, 8(%rdi)
    addq $16, %rdi
    movq %rdi, undo_next(%rip)
    popq %rdx
    popq %rsi
    popq %rcx
    ret
1:  popq %rdx
    movq %rsi, %rdi
    popq %rsi
    popq %rcx
    call undo_commit
    jmp undo_note_range

/* Commits: what has been written until now stays, and the thread would begin again here. Spoils no
 * register. */
    .globl undo_commit
undo_commit:
    pushq %rcx
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    call settle                     /* in stubs.S; keeps the other registers */
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rcx
    ret

    .data
    .balign 8
    .globl undo_next
    .hidden undo_next, undo_log, undo_end, undo_commit, settle
undo_next:
    .quad undo_log
undo_last:                          /* the last place for an entry of 8 quadwords */
    .quad undo_end - 64 - 16

    .section .note.GNU-stack, "", @progbits
