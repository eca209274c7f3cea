/* Kernel calls on the registers, floating point state and masks of programs' threads: those by
 * which the personality server reads and sets them, and two that programs make by a route, since
 * they change nothing else: sigprocmask, and sigreturn as far as no alternate stack is concerned.
 *
 * The mask. What the 64 bits mean is the personality's business; the kernel keeps them, so that
 * programs can change them at its price. Each call and event that a program's thread sends to its
 * personality brings its mask along, and the reply may set it. The personality says when something
 * waits that the mask may keep away (t->waits); from then on a thread that lets something through
 * makes KERNEL_SIGNAL before it goes on. */
#include "arch.h"
#include "ipc.h"
#include "kcall.h"
#include "memory.h"
#include "space.h"
#include <minnow/context.h>
#include <minnow/errno.h>

static uint8_t fpu_buffer[FPU_SIZE + 64] __attribute__((aligned(64)));

/* ---- registers ---- */

int64_t sys_regs_get(struct thread *t, const uint64_t *a)
{
    struct thread *x = program_thread(a[0]);
    if (!x)
        return -ESRCH;
    if (space_write(t->space, a[1], &x->regs, sizeof x->regs) < 0)
        return -EFAULT;
    if (!a[2])
        return 0;
    arch_fpu_get(x, fpu_buffer);
    int error = space_write(t->space, a[2], fpu_buffer, arch_fpu_size());
    return error ? error : (int64_t)arch_fpu_size();
}

/* Makes *r the registers of x, as far as a program may have them. */
static void set_registers(struct thread *x, struct regs *r)
{
    arch_regs_clean(r);
    x->regs = *r;
    x->iret = 1;
    arch_bases_changed(x);
}

int64_t sys_regs_set(struct thread *t, const uint64_t *a)
{
    struct regs r;
    struct thread *x = program_thread(a[0]);
    if (!x)
        return -ESRCH;
    if (space_read(t->space, a[1], &r, sizeof r) < 0)
        return -EFAULT;
    if (a[2] && a[2] != FPU_RESET && space_read(t->space, a[2], fpu_buffer, arch_fpu_size()) < 0)
        return -EFAULT;
    int error = a[2] ? arch_fpu_set(x, a[2] == FPU_RESET ? NULL : fpu_buffer) : 0;
    if (error)
        return error;
    set_registers(x, &r);
    return 0;
}

/* ---- contexts ---- */

/* Reads the floating point state of a context: to fpu_buffer, as the processor takes it. 0;
 * -EFAULT. (Linux, arch/x86/kernel/fpu/signal.c: without the magic word, or with an odd size, only
 * the part that FXSAVE knows counts.) */
static int fpu_read(struct space *s, vaddr_t from)
{
    const struct fpu_software *sw = (const struct fpu_software *)(fpu_buffer + FPU_SOFTWARE_AT);
    size_t all = arch_fpu_size(), size = FXSAVE_SIZE;
    bool whole = space_read(s, from, fpu_buffer, all) == 0;
    if (!whole && space_read(s, from, fpu_buffer, size) < 0)
        return -EFAULT;
    if (all > size && sw->magic1 == FPU_MAGIC1 && sw->size <= all && sw->size >= size + 64)
        size = sw->size;
    if (!whole && size > FXSAVE_SIZE &&
        space_read(s, from + FXSAVE_SIZE, fpu_buffer + FXSAVE_SIZE, size - FXSAVE_SIZE) < 0)
        return -EFAULT;
    if (size < all)
        memset(fpu_buffer + size, 0, all - size);
    if (size == FXSAVE_SIZE)
        fpu_buffer[FXSAVE_SIZE] = 3; /* the header: x87 and SSE are there */
    return 0;
}

/* Gives x the registers and the floating point state of a context in its memory. 0; -EFAULT,
 * -EINVAL, -ENOMEM: nothing has changed. */
static int context_load(struct thread *x, const struct context *c)
{
    enum { FLAGS = 0x50dd5 }; /* what sigreturn may set: arithmetic, TF, DF, OF, RF, AC */
    struct regs r = {
        .rdi = c->rdi,
        .rsi = c->rsi,
        .rdx = c->rdx,
        .r10 = c->r10,
        .r8 = c->r8,
        .r9 = c->r9,
        .rax = c->rax,
        .rbx = c->rbx,
        .rbp = c->rbp,
        .r12 = c->r12,
        .r13 = c->r13,
        .r14 = c->r14,
        .r15 = c->r15,
        .rip = c->rip,
        .rflags = c->rflags & FLAGS,
        .rsp = c->rsp,
        .rcx = c->rcx,
        .r11 = c->r11,
        .fs_base = x->regs.fs_base,
        .gs_base = x->regs.gs_base,
    };
    int error = c->fpstate ? fpu_read(x->space, c->fpstate) : 0;
    if (!error)
        error = arch_fpu_set(x, c->fpstate ? fpu_buffer : NULL);
    if (!error)
        set_registers(x, &r);
    return error;
}

int64_t sys_context_load(struct thread *t, const uint64_t *a)
{
    struct context c;
    struct thread *x = program_thread(a[0]);
    if (!x)
        return -ESRCH;
    if (space_read(x->space, a[1], &c, sizeof c) < 0)
        return -EFAULT;
    return context_load(x, &c);
}

/* ---- masks ---- */

/* Makes `mask` the mask of t, which has made a kernel call. If it lets through what may wait for t,
 * t asks its personality before it goes on. */
static void mask_set(struct thread *t, uint64_t mask)
{
    uint64_t before = t->mask;
    t->mask = mask & ~t->task->personality->never_masked;
    if (__builtin_expect(t->waits && before & ~t->mask, 0))
        ipc_signal(t);
}

int64_t sys_mask(struct thread *t, const uint64_t *a)
{
    uint32_t how = a[0];
    uint64_t set = 0, now = t->mask;
    if (a[3] != sizeof set)
        return -EINVAL;
    if (a[1] && space_read(t->space, a[1], &set, sizeof set) < 0)
        return kcall_missing(t, a[1], sizeof set, false);
    if (a[1] && how > MASK_SET)
        return -EINVAL;
    if (a[2] && space_write(t->space, a[2], &now, sizeof now) < 0)
        return kcall_missing(t, a[2], sizeof now, true);
    if (a[1])
        mask_set(t, how == MASK_BLOCK ? now | set : how == MASK_UNBLOCK ? now & ~set : set);
    return 0;
}

int64_t sys_mask_watch(struct thread *t, const uint64_t *a)
{
    struct thread *x = program_thread(a[0]);
    if (!x)
        return -ESRCH;
    x->waits = 1;
    return space_write(t->space, a[1], &x->mask, sizeof x->mask);
}

/* What is not plain goes up: a frame that cannot be read or loaded, an alternate stack. */
int64_t sys_context_return(struct thread *t, const uint64_t *a)
{
    struct signal_context c;
    if (t->context_up || space_read(t->space, t->regs.rsp, &c, sizeof c) < 0 ||
        c.stack.flags != CONTEXT_NO_STACK || context_load(t, &c.context) < 0)
        return go_up(t);
    mask_set(t, c.mask);
    return t->regs.rax;
}
