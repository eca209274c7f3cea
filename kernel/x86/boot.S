/* From GRUB to C. Multiboot2 (specification 2.0) enters here in 32-bit protected mode without
 * paging, eax = magic, ebx = physical address of the boot information. The code turns long mode on
 * with three views of the first GiB: identity (until C runs), the direct map, and the kernel's own
 * addresses, once x86/early.c has chosen them; paging.c builds the final tables. This section is
 * never moved from where it is linked. */

#define KERNEL_BASE 0xffffffff80000000

    .section .multiboot, "a"
    .balign 8
header:
    .long 0xe85250d6                /* magic */
    .long 0                         /* architecture: i386 protected mode */
    .long header_end - header
    .long -(0xe85250d6 + 0 + (header_end - header))
    .short 6, 0                     /* modules are to be page-aligned */
    .long 8
    .short 0, 0                     /* end of tags */
    .long 8
header_end:

    .section .boot, "awx"
    .code32
    .globl boot_entry
boot_entry:
    cli
    cld
    movl $boot_stack_low, %esp
    movl %eax, %edi                 /* magic and information: arguments of kernel_main */
    movl %ebx, %esi

    movl $boot_pd, %ecx             /* 512 pages of 2 MiB: the first GiB */
    movl $0x83, %eax                /* present, writable, large */
1:  movl %eax, (%ecx)
    addl $0x200000, %eax
    addl $8, %ecx
    cmpl $boot_pd + 4096, %ecx
    jne 1b

    movl $boot_pml4, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x20, %eax                 /* PAE */
    movl %eax, %cr4
    movl $0xc0000080, %ecx          /* EFER */
    rdmsr
    orl $0x901, %eax                /* SCE, LME, NXE */
    wrmsr
    movl %cr0, %eax
    orl $0x80010000, %eax           /* PG, WP */
    movl %eax, %cr0
    lgdt boot_gdt_pointer
    ljmp $8, $boot_long

    .code64
boot_long:
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    xorl %ebp, %ebp
    movl %edi, %ebx
    movl %esi, %r12d
    movl %esi, %edi
    leaq early_place - KERNEL_BASE(%rip), %rax
    call *%rax                      /* -> how far above its linked place the kernel stands */
    movq %rax, %r13
    shrq $21, %rax
    leaq boot_pd_high(, %rax, 8), %rdi
    movl $boot_pd, %esi
    movl $512, %ecx
    subl %eax, %ecx
    rep movsq                       /* the same frames, that much higher */
    movl %ebx, %edi
    movl %r12d, %esi
    leaq boot_stack_top(%r13), %rsp
    leaq kernel_main(%r13), %rax
    call *%rax
1:  hlt
    jmp 1b

    .balign 16
boot_gdt:
    .quad 0, 0x00209a0000000000, 0x0000920000000000
boot_gdt_pointer:
    .short . - boot_gdt - 1
    .long boot_gdt

    .balign 4096
boot_pml4:
    .quad boot_pdpt_low + 3         /* identity */
    .fill 255, 8, 0
    .quad boot_pdpt_low + 3         /* direct map */
    .fill 254, 8, 0
    .quad boot_pdpt_high + 3        /* kernel */
boot_pdpt_low:
    .quad boot_pd + 3
    .fill 511, 8, 0
boot_pdpt_high:
    .fill 510, 8, 0
    .quad boot_pd_high + 3
    .quad 0
boot_pd:
    .fill 512, 8, 0
boot_pd_high:
    .fill 512, 8, 0
    .fill 256, 8, 0
boot_stack_low:

/* The kernel's one stack a processor. The page below it stays unmapped (cpu_guard_page). */
    .section .bss
    .balign 4096
    .globl boot_stack_guard, boot_stack_top
boot_stack_guard:
    .skip 4096
    .skip 16384
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
