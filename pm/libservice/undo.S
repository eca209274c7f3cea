/* The undo log: what stood where a service has written since it last came out of the kernel by a call that commits. The compiler
 * (undo/plugin.cc) puts a call of undo_note* before each store; stubs.S empties the log; recover.c walks it backwards.
 *
 * An entry is 16 bytes, address and old quadword. That of a longer piece is the old bytes, padded to whole quadwords, and behind them
 * address | 1 << 63 and the length. undo_next moves last, so a log is whole at every instruction. When the log is full, undo_next stays
 * at its end: what is written from then on cannot be taken back, and recover.c says so.
 *
 * service.ld gives the log its place and size. All of these spoil rax, rdi and the flags alone. */

    .text

/* 1, 2 or 4 aligned bytes at rdi: the quadword they lie in. */
    .globl undo_note_part
undo_note_part:
    andq $-8, %rdi

/* The quadword at rdi. */
    .globl undo_note
undo_note:
    movq undo_next(%rip), %rax
    cmpq $undo_end, %rax
    jae 1f
    movq %rdi, (%rax)
    movq (%rdi), %rdi
    movq %rdi, 8(%rax)
    addq $16, %rax
    movq %rax, undo_next(%rip)
1:  ret

/* rax bytes at rdi. */
    .globl undo_note_range
undo_note_range:
    pushq %rcx
    pushq %rsi
    pushq %rdx
    movq %rdi, %rsi
    movq %rax, %rdx
    movq undo_next(%rip), %rdi
    leaq 23(%rdi, %rax), %rcx       /* where the next entry would stand */
    andq $-8, %rcx
    cmpq $undo_end, %rcx
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
    jmp 2f
1:  movq $undo_end, undo_next(%rip)
2:  popq %rdx
    popq %rsi
    popq %rcx
    ret

    .data
    .balign 8
    .globl undo_next
undo_next:
    .quad undo_log

    .section .note.GNU-stack, "", @progbits
