/* Signal frames: what a handler finds on its stack, and what sigreturn makes of that. They are laid
 * out as Linux lays them on x86-64 (arch/x86/include/uapi/asm/sigcontext.h, asm/ucontext.h),
 * because programs read and write them: musl's cancellation changes the saved rip and signal mask.
 *
 *   higher   the interrupted stack, or the end of the alternate one
 *            the red zone, 128 bytes that the program may use below its stack pointer
 *            a magic word, MAGIC2
 *      fp:   the XSAVE area, aligned to 64 bytes; struct fp_software lies in it
 *            siginfo                                    <- rsi
 *            ucontext: registers, mask, stack           <- rdx
 *      at:   return address, the restorer               <- rsp, 8 less than a multiple of 16
 *   lower
 *
 * Frame and floating point state are built in one buffer, and go out by one copy. */
#include "signal_frame.h"

#include "service.h"
#include "syscalls.h"
#include "user_memory.h"

enum {
    RED_ZONE = 128,
    TRAP_FLAG = 0x100,
    DIRECTION_FLAG = 0x400,
    RESUME_FLAG = 0x10000,
    FXSAVE_SIZE = 512
};
enum {
    FLAGS_KEPT = 0x0dd5 | 0x40000 /* what sigreturn may set: arithmetic, TF, DF, OF, AC */,
    FLAGS_ALWAYS = 0x202
};
enum { MAGIC1 = 0x46505853, MAGIC2 = 0x46505845 };
enum { UC_FP_XSTATE = 1, UC_SIGCONTEXT_SS = 2, UC_STRICT_RESTORE_SS = 4 };
enum { USER_CS = 0x33, USER_SS = 0x2b };
enum { NR_RESTART_SYSCALL = 219, SYSCALL_SIZE = 2 };

struct ON_STACK sigcontext {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip,
        rflags;
    uint16_t cs, gs, fs, ss;
    uint64_t error, trap, old_mask, cr2;
    caller_t fpstate;
    uint64_t reserved[8];
};
struct ON_STACK sigstack {
    uint64_t base;
    uint32_t flags, pad;
    uint64_t size;
};
struct ON_STACK ucontext {
    uint64_t flags, link;
    struct sigstack stack;
    struct sigcontext context;
    uint64_t mask;
};
_Static_assert(sizeof(struct ucontext) == 304,
               "the head of ucontext_t, without the unused part of its mask");

struct ON_STACK frame {
    caller_t restorer;
    struct ucontext uc;
    struct siginfo info;
    uint8_t info_rest[80];
};

/* Room for a frame and what lies between it and the floating point state above it. */
enum { FRAME_SPACE = (sizeof(struct frame) + 16 + 63) / 64 * 64 };

/* Stands at the end of the FXSAVE area, and says what follows that. */
struct ON_STACK fp_software {
    uint32_t magic1, extended_size;
    uint64_t features;
    uint32_t size, pad[7];
};
enum { FP_SOFTWARE_AT = 464 };

static size_t fpu_size;
static uint64_t fpu_features;

/* The exception that is being handled, for the frame of its handler. */
static uint64_t fault_vector, fault_error, fault_address;

void frame_fault(uint64_t vector, uint64_t error, uint64_t address)
{
    fault_vector = vector;
    fault_error = error;
    fault_address = address;
}

void frame_init(void)
{
    int64_t size = ask_info(INFO_FPU_SIZE, 0, NULL, 0);
    if (size < FXSAVE_SIZE || size > FPU_SIZE)
        die("a floating point state of %ld bytes", size);
    fpu_size = size;
    if (fpu_size > FXSAVE_SIZE) {
        uint32_t low, high;
        __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        fpu_features = (uint64_t)high << 32 | low;
    }
}

static bool on_alt_stack(const struct thread *t, uint64_t sp)
{
    return !(t->alt_flags & SS_DISABLE) && sp > t->alt_base && sp - t->alt_base <= t->alt_size;
}

void registers_finish(struct thread *t, int64_t result)
{
    struct regs r;
    if (result == REGISTERS || ask_regs_get(t->index, &r, NULL) < 0)
        return;
    if (result <= -ERESTARTSYS) {
        r.rip -= SYSCALL_SIZE;
        if (result == -ERESTART_RESTARTBLOCK)
            r.rax = NR_RESTART_SYSCALL;
        else if (t->number != NO_SYSCALL)
            r.rax = t->number;
    } else {
        r.rax = result;
    }
    sys_regs_set(t->index, &r, 0);
}

/* Makes r the registers that the program is to have when the handler returns: the interrupted call
 * has ended with `result`, or is about to be made again. */
static void finish_for_handler(struct regs *r, const struct thread *t, const struct sigaction *a,
                               int64_t result)
{
    if (result == REGISTERS)
        return;
    if (result == -ERESTARTNOINTR || (result == -ERESTARTSYS && (a->flags & SA_RESTART))) {
        r->rip -= SYSCALL_SIZE;
        if (t->number != NO_SYSCALL)
            r->rax = t->number;
    } else {
        r->rax = result <= -ERESTARTSYS ? -EINTR : result;
    }
}

static void context_fill(struct sigcontext *c, const struct regs *r, uint64_t mask)
{
    *c = (struct sigcontext){
        .r8 = r->r8,
        .r9 = r->r9,
        .r10 = r->r10,
        .r11 = r->r11,
        .r12 = r->r12,
        .r13 = r->r13,
        .r14 = r->r14,
        .r15 = r->r15,
        .rdi = r->rdi,
        .rsi = r->rsi,
        .rbp = r->rbp,
        .rbx = r->rbx,
        .rdx = r->rdx,
        .rax = r->rax,
        .rcx = r->rcx,
        .rsp = r->rsp,
        .rip = r->rip,
        .rflags = r->rflags,
        .cs = USER_CS,
        .ss = USER_SS,
        .old_mask = mask,
        .trap = fault_vector,
        .error = fault_error,
        .cr2 = fault_address,
    };
}

/* Fills the part of a floating point state that the processor leaves to software, and the magic
 * word behind the state. */
static void fp_software_fill(uint8_t *state)
{
    struct fp_software *sw = (struct fp_software *)(state + FP_SOFTWARE_AT);
    *sw = (struct fp_software){ 0 };
    if (fpu_size > FXSAVE_SIZE)
        *sw = (struct fp_software){ MAGIC1, fpu_size + 4, fpu_features, fpu_size, { 0 } };
    *(uint32_t *)(state + fpu_size) = MAGIC2;
}

static void frame_fill(struct frame *frame, const struct thread *t, const struct regs *r,
                       const struct siginfo *info, const struct sigaction *a, caller_t fpstate)
{
    uint64_t mask = t->restore_mask ? t->saved_mask : t->blocked;
    uint32_t stack_flags = on_alt_stack(t, r->rsp) ? SS_ONSTACK : t->alt_flags;
    frame->restorer = a->restorer;
    frame->uc.flags = (fpu_size > FXSAVE_SIZE ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS |
                      UC_STRICT_RESTORE_SS;
    frame->uc.stack = (struct sigstack){ t->alt_base, stack_flags, 0, t->alt_size };
    context_fill(&frame->uc.context, r, mask);
    frame->uc.context.fpstate = fpstate;
    frame->uc.mask = mask;
    frame->info = *info;
}

/* The registers with which the handler begins, its frame at `at`. */
static void enter_handler(struct regs *r, int signo, uint64_t handler, caller_t at)
{
    r->rdi = signo;
    r->rsi = at + offsetof(struct frame, info);
    r->rdx = at + offsetof(struct frame, uc);
    r->rax = 0;
    r->rip = handler;
    r->rsp = at;
    r->rflags &= ~(uint64_t)(TRAP_FLAG | DIRECTION_FLAG | RESUME_FLAG);
}

int frame_push(struct thread *t, const struct siginfo *info, const struct sigaction *a,
               int64_t result, caller_t *missing, size_t *length)
{
    /* Nothing in this function waits, so one buffer serves all threads: the floating point state,
     * and the frame as far before it as on the stack. */
    static struct {
        uint8_t before[FRAME_SPACE];
        uint8_t fp[FPU_SIZE + 4];
    } image __attribute__((aligned(64)));
    struct regs r;
    if (ask_regs_get(t->index, &r, image.fp) < 0)
        return 0; /* the thread died meanwhile */
    finish_for_handler(&r, t, a, result);

    uint64_t sp = r.rsp - RED_ZONE;
    if ((a->flags & SA_ONSTACK) && !(t->alt_flags & SS_DISABLE) && t->alt_size &&
        !on_alt_stack(t, r.rsp))
        sp = t->alt_base + t->alt_size;
    uint64_t fp = (sp - fpu_size - 4) & ~63ul;
    uint64_t at = ((fp - sizeof(struct frame)) & ~15ul) - 8;
    struct frame *frame = (struct frame *)(image.fp - (fp - at));
    *missing = at;
    *length = fp + fpu_size + 4 - at;
    fp_software_fill(image.fp);
    frame_fill(frame, t, &r, info, a, fp);
    if (user_poke(t, at, frame, *length))
        return -EFAULT;

    if (t->alt_flags & SS_AUTODISARM && on_alt_stack(t, at))
        t->alt_flags = SS_DISABLE;
    t->restore_mask = false;
    frame_fault(0, 0, 0);
    enter_handler(&r, info->signo, a->handler, at);
    sys_regs_set(t->index, &r, 0);
    return 0;
}

/* Reads the floating point state at `at` to `state`, which holds its first `have` bytes already. 0,
 * or as user_read(). */
static int64_t fp_read(struct thread *t, caller_t at, uint8_t *state, size_t have)
{
    struct fp_software *sw = (struct fp_software *)(state + FP_SOFTWARE_AT);
    int64_t error = have >= FXSAVE_SIZE ? 0 : user_read(t, at, state, FXSAVE_SIZE);
    if (error || fpu_size == FXSAVE_SIZE)
        return error;
    size_t size = sw->magic1 == MAGIC1 && sw->size <= fpu_size && sw->size >= FXSAVE_SIZE + 64
                      ? sw->size
                      : FXSAVE_SIZE;
    if (size > have && size > FXSAVE_SIZE &&
        (error = user_read(t, at + FXSAVE_SIZE, state + FXSAVE_SIZE, size - FXSAVE_SIZE)))
        return error;
    if (size < fpu_size)
        memset(state + size, 0, fpu_size - size);
    if (size == FXSAVE_SIZE)
        state[FXSAVE_SIZE] = 3; /* the header: x87 and SSE are there */
    return 0;
}

/* Reads the context at sp and the floating point state; *state is what SYS_REGS_SET takes for that.
 * frame_push() leaves both close together, and then one copy brings them. 0, or as user_read(). */
static int64_t frame_read(struct thread *t, caller_t sp, struct ucontext *uc, uint64_t *state)
{
    static uint8_t image[FRAME_SPACE + FPU_SIZE] __attribute__((aligned(64)));
    static uint8_t elsewhere[FPU_SIZE] __attribute__((aligned(64)));
    size_t all = sizeof(struct frame) + 64 + fpu_size;
    bool together = !user_peek(t, sp, image, MIN(all, sizeof image));
    int64_t error = together ? 0 : user_read(t, sp, image, sizeof *uc);
    if (error)
        return error;
    memcpy(uc, image, sizeof *uc);
    caller_t fp = uc->context.fpstate;
    *state = FPU_RESET;
    if (!fp)
        return 0;
    /* where the state begins in the image, if it lies there at all: both numbers are the program's
     */
    uint64_t from = fp - sp;
    together = together && range_between(from, fpu_size, sizeof *uc, MIN(all, sizeof image));
    uint8_t *at = together ? image + from : elsewhere;
    *state = (uint64_t)at;
    return fp_read(t, fp, at, together ? fpu_size : 0);
}

/* The registers that a context names, as far as a program may set them. */
static struct regs registers_of(const struct sigcontext *c, const struct regs *now)
{
    return (struct regs){
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
        .rsp = c->rsp,
        .rcx = c->rcx,
        .r11 = c->r11,
        .rflags = (c->rflags & FLAGS_KEPT) | FLAGS_ALWAYS,
        .fs_base = now->fs_base,
        .gs_base = now->gs_base,
    };
}

int64_t frame_pop(struct thread *t, uint64_t *mask)
{
    struct regs r;
    struct ucontext uc;
    uint64_t use;
    if (ask_regs_get(t->index, &r, NULL) < 0)
        return -ESRCH;
    int64_t error = frame_read(t, r.rsp, &uc, &use);
    if (error)
        return error;
    const struct sigcontext *c = &uc.context;
    struct regs to = registers_of(c, &r);
    if (sys_regs_set(t->index, &to, use) < 0)
        return -EFAULT; /* a floating point state that the processor would not take */
    if (!(uc.stack.flags & ~(SS_ONSTACK | SS_DISABLE | SS_AUTODISARM)) &&
        !on_alt_stack(t, to.rsp)) {
        t->alt_flags = uc.stack.flags & (SS_DISABLE | SS_AUTODISARM);
        t->alt_base = uc.stack.base;
        t->alt_size = uc.stack.size;
    }
    *mask = uc.mask;
    return 0;
}
