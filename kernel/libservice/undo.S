/* The undo log: what stood where a service has written since it last came out of the kernel by a
 * call that commits. The compiler (undo/plugin.cc) puts a call of undo_note* before each store;
 * stubs.S empties the log; recover.c walks it backwards.
 *
 * An entry is 16 bytes, address and old quadword. That of a longer piece is the old bytes, padded
 * to whole quadwords, and behind them address | 1 << 63 and the length. undo_next moves last, so a
 * log is whole at every instruction.
 *
 * When the log is full the service commits by itself, in the middle of what it is doing: there it
 * would begin again. service.ld gives the log its place and size. All of these spoil rax, rdi and
 * the flags alone. */

    .text

/* 1, 2 or 4 aligned bytes at rdi: the quadword they lie in. */
    .globl undo_note_part
undo_note_part:
    andq $-8, %rdi

/* The quadword at rdi. */
    .globl undo_note
undo_note:
    movq undo_next(%rip), %rax
    cmpq undo_last(%rip), %rax
    ja 1f
    movq %rdi, (%rax)
    movq (%rdi), %rdi
    movq %rdi, 8(%rax)
    addq $16, %rax
    movq %rax, undo_next(%rip)
    ret
1:  call undo_commit
    jmp undo_note

/* rax bytes at rdi; no more than fit into the log. */
    .globl undo_note_range
undo_note_range:
    pushq %rcx
    pushq %rsi
    pushq %rdx
    movq %rdi, %rsi
    movq %rax, %rdx
    movq undo_next(%rip), %rdi
    leaq 23-16(%rdi, %rax), %rcx    /* where its head would stand */
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

/* What has been written until now stands, and the thread would begin again here. Spoils nothing. */
    .globl undo_commit
undo_commit:
    pushq %rcx
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    call settle                     /* in stubs.S: keeps the others */
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
undo_last:                          /* where an entry's head may stand at most */
    .quad undo_end - 16

    .section .note.GNU-stack, "", @progbits
