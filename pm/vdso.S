/* The vDSO, as posix/vdso builds it, on pages of its own: exec maps them into programs. Empty when
 * there is none. */
    .section .rodata.vdso, "a", @progbits
    .globl vdso_start, vdso_end
    .balign 4096
vdso_start:
#ifdef VDSO
    .incbin VDSO
#endif
vdso_end:
    .balign 4096
    .section .note.GNU-stack, "", @progbits
