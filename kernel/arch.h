/* The whole contract between the portable kernel and the processor. What stands here is implemented
 * in kernel/x86/ and nowhere else; no other file knows a control register.
 *
 * The other way, x86/trap.c calls the portable kernel when something has happened: syscall_dispatch
 * (and trace_call, trace_sent) for system calls, ipc_fault, ipc_exception and service_fault for
 * exceptions, irq_arrived and turn_clock for interrupts; then turn_next for the thread to run, and
 * clock_charge when that is another program's. boot.S calls kernel_main. Beside these x86/ uses
 * log.h, panic.h, memory.h and the tables of thread.h.
 *
 * The kernel is an event handler: it runs with interrupts off on one stack a processor, never waits
 * (but for arch_idle), and leaves by naming the thread that is to run. "t waits" always means that
 * t's state says so. */
#ifndef ARCH_H
#define ARCH_H

#include <minnow/syscall.h>

struct thread;
struct space;
struct clock_page;

/* ---- start, stop ---- */
void arch_begin(void); /* called first of all: time counts from here */
/* descriptor tables, processor features, interrupt controller */
void arch_init(void);
_Noreturn void arch_start(struct thread *t); /* leaves the boot context for the first thread */
/* how: HALT_POWEROFF or HALT_REBOOT, tried in every way that emulators and PCs offer */
_Noreturn void arch_halt(int how);
_Noreturn void arch_stop(void); /* after a panic: nothing runs any more */
/* The end (highest address) of the kernel stack in which sp lies; sp itself when it lies in
 * none. */
vaddr_t arch_stack_end(vaddr_t sp);
/* Waits for one interrupt and handles it. poll: executes instructions for a while instead of
 * halting, for measurements: an emulator that counts instructions as time skips the time of a
 * halted processor, so a disk's share would be chance. */
void arch_idle(bool poll);
/* A random word: unpredictable where the processor has a generator, else made of the time. */
uint64_t arch_random(void);

/* ---- time ---- */
uint64_t arch_time(void); /* nanoseconds since boot */
uint64_t arch_tsc_hz(void);
/* The page from which programs read the time. The kernel writes its wall_base_ns. */
extern struct clock_page *arch_clock_page;
/* One timer interrupt, hence one turn_clock(), at `when` (nanoseconds since boot); it may come
 * early. ~0: none. */
void arch_timer_set(uint64_t when);

/* ---- interrupts: lines 0..15 ---- */
void arch_irq_mask(unsigned irq);
void arch_irq_unmask(unsigned irq);

/* ---- ports ---- */
uint32_t arch_port_in(uint16_t port, unsigned width);
void arch_port_out(uint16_t port, unsigned width, uint32_t value);

/* ---- system calls ---- */
/* System calls are recorded by trace_call() from now on, or (false) no longer. */
void arch_trace(bool traced);

/* ---- registers ---- */
/* Fills *r so that a thread starts in user mode at ip, with sp, and `argument` in rdi; all else is
 * 0. *r is cleaned as below. */
void arch_regs_init(struct regs *r, vaddr_t ip, vaddr_t sp, uint64_t argument);
/* Makes registers that came from outside harmless: user mode, interrupts on, addresses canonical.
 */
void arch_regs_clean(struct regs *r);
/* Whether t, which an interrupt has stopped, has not done an instruction since its last system
 * call: the interrupt came during the call. */
bool arch_in_call(const struct thread *t);
/* fs_base, gs_base or breakpoints of t were changed, or t is charged without a switch: loads them
 * if t is the program charged. */
void arch_bases_changed(const struct thread *t);
/* Sets the address of breakpoint n of t, a program's, or, with n BREAKPOINTS, which are used for
 * what; 0: none. 0; -EINVAL: there is no such one, or not of this kind, or not at this address;
 * -ENOSPC: too many threads have some. */
int arch_breakpoint_set(struct thread *t, unsigned n, uint64_t value);
void arch_breakpoints_drop(struct thread *t); /* the thread dies */
/* How far behind the start of a system call instruction a caller's rip stands. */
enum { ARCH_SYSCALL_SIZE = 2 };

/* ---- floating point state: an XSAVE area for each thread that has used it ---- */
size_t arch_fpu_size(void);                      /* of an area, in bytes */
void arch_fpu_get(struct thread *t, void *area); /* copies arch_fpu_size() bytes to `area` */
/* Replaces t's state by a copy of `area`; NULL: by the initial state. 0; -EINVAL: the area would
 * make the processor fault; -ENOMEM. */
int arch_fpu_set(struct thread *t, const void *area);
int arch_fpu_copy(struct thread *to, struct thread *from); /* 0 or -ENOMEM */
void arch_fpu_drop(struct thread *t);                      /* the thread dies */

/* ---- page tables ---- */
int arch_space_init(struct space *s);  /* an empty one; 0 or -ENOMEM */
void arch_space_free(struct space *s); /* the tables, in which no page is left */
/* The entry of a page of s; the tables above it are made when `make` is set. NULL: there is no
 * table for it, or no memory for one. */
uint64_t *arch_entry(struct space *s, vaddr_t va, bool make);
/* The pages whose entries stand in one table with va's. */
#define ARCH_TABLE_SPAN (512 * PAGE_SIZE)
/* A walk over the entries of s, from page va on and below end, that are not 0. Holes are skipped by
 * whole tables; `tables` counts down those that were searched in vain, and 0 ends the walk. */
struct page_walk {
    const struct space *space;
    vaddr_t va, end; /* va: where the walk goes on */
    unsigned tables;
    uint64_t *next, *last; /* the entry of va, and where its table's part of the walk ends */
};
uint64_t *arch_next_table(struct page_walk *w);
/* The next entry, which is that of page va - PAGE_SIZE; NULL when the walk has ended, at va. */
static inline uint64_t *arch_next(struct page_walk *w)
{
    if (w->next == w->last || !*w->next)
        return arch_next_table(w);
    w->va += PAGE_SIZE;
    return w->next++;
}
/* Beside PAGE_READ... of minnow/syscall.h: device memory, which the kernel never touches itself. */
enum { PAGE_DEVICE = 16 };
uint64_t arch_entry_make(paddr_t frame, uint32_t protection); /* PAGE_... -> entry */
uint32_t arch_entry_protection(uint64_t entry);
uint64_t arch_entry_out(uint64_t entry); /* -> struct page_out.entry */
static inline bool arch_entry_present(uint64_t e) { return e & 1; }
/* The owner of the space may read it, and it is memory, not a device. */
static inline bool arch_entry_reachable(uint64_t e) { return (e & 0x805) == 5; }
static inline bool arch_entry_writable(uint64_t e) { return e & 2; }
/* Whether the page is reachable and, if `write`, writable. */
static inline bool arch_entry_allows(uint64_t e, bool write)
{
    uint64_t bits = write ? 7 : 5;
    return (e & (0x800 | bits)) == bits;
}
/* A mark on a service's page: programs may have the page mapped too. */
static inline bool arch_entry_shown(uint64_t e) { return e & 0x400; }
static inline void arch_entry_show(uint64_t *e) { *e |= 0x400; }
static inline void arch_entry_write_protect(uint64_t *e) { *e &= ~2ul; }
/* The processor's mark that the page has been accessed is cleared. */
static inline void arch_entry_age(uint64_t *e) { *e &= ~0x20ul; }
static inline paddr_t arch_entry_frame(uint64_t e) { return e & 0x000ffffffffff000; }
/* Where all physical memory is visible to the kernel. */
#define ARCH_DIRECT 0xffff800000000000ul
/* Where the kernel is linked: this is physical address 0 (kernel.ld). The running kernel stands
 * kernel_slide bytes above that. */
#define ARCH_LINKED 0xffffffff80000000ul
extern vaddr_t kernel_slide;
/* The physical address of a part of the kernel's image. */
static inline paddr_t arch_image_phys(const void *v)
{
    return (vaddr_t)v - ARCH_LINKED - kernel_slide;
}
static inline void *phys_to_virt(paddr_t p) { return (void *)(p + ARCH_DIRECT); }
static inline paddr_t virt_to_phys(const void *v) { return (uint64_t)v - ARCH_DIRECT; }

/* The same as arch_entry(s, va, false), without a loop: every copy to or from user memory calls
 * it. */
static inline uint64_t *arch_walk(const struct space *s, vaddr_t va)
{
    /* root is the first member of struct space */
    uint64_t e = ((uint64_t *)phys_to_virt(*(const paddr_t *)s))[va >> 39 & 511];
    if (!(e & 1))
        return NULL;
    e = ((uint64_t *)phys_to_virt(arch_entry_frame(e)))[va >> 30 & 511];
    if (!(e & 1))
        return NULL;
    e = ((uint64_t *)phys_to_virt(arch_entry_frame(e)))[va >> 21 & 511];
    if (!(e & 1))
        return NULL;
    return &((uint64_t *)phys_to_virt(arch_entry_frame(e)))[va >> 12 & 511];
}
/* Must be called after an entry of s that was present has changed. */
void arch_flush(struct space *s, vaddr_t va);

/* Maps a page of device memory, uncached, for the kernel itself, for ever. The address of `at` in
 * it. */
void *arch_map_device(paddr_t at);

#endif
