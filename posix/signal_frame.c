/* Signal frames: what a handler finds on its stack, and what sigreturn makes of that. They are laid
 * out as Linux lays them on x86-64 (minnow/context.h), because programs read and write them: musl's
 * cancellation changes the saved rip and signal mask. sigreturn comes here only when an alternate
 * stack is concerned, or something is wrong: else the kernel does it (SYS_CONTEXT_RETURN).
 *
 *   higher   the interrupted stack, or the end of the alternate one
 *            the red zone, 128 bytes that the program may use below its stack pointer
 *            a magic word, FPU_MAGIC2
 *      fp:   the XSAVE area, aligned to 64 bytes; struct fpu_software lies in it
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
#include <minnow/context.h>

enum { RED_ZONE = 128, TRAP_FLAG = 0x100, DIRECTION_FLAG = 0x400, RESUME_FLAG = 0x10000 };
enum { UC_FP_XSTATE = 1, UC_SIGCONTEXT_SS = 2, UC_STRICT_RESTORE_SS = 4 };
enum { USER_CS = 0x33, USER_SS = 0x2b };
enum { NR_RESTART_SYSCALL = 219, SYSCALL_SIZE = 2 };

struct ON_STACK frame {
    caller_t restorer;
    struct signal_context uc;
    struct siginfo info;
    uint8_t info_rest[80];
};

/* Room for a frame and what lies between it and the floating point state above it. */
enum { FRAME_SPACE = (sizeof(struct frame) + 16 + 63) / 64 * 64 };

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

uint64_t frame_features(void) { return fpu_features; }

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

static void context_fill(struct context *c, const struct regs *r, uint64_t mask)
{
    *c = (struct context){
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
    struct fpu_software *sw = (struct fpu_software *)(state + FPU_SOFTWARE_AT);
    *sw = (struct fpu_software){ 0 };
    if (fpu_size > FXSAVE_SIZE)
        *sw = (struct fpu_software){ FPU_MAGIC1, fpu_size + 4, fpu_features, fpu_size, { 0 } };
    *(uint32_t *)(state + fpu_size) = FPU_MAGIC2;
}

static void frame_fill(struct frame *frame, const struct thread *t, const struct regs *r,
                       const struct siginfo *info, const struct sigaction *a, caller_t fpstate)
{
    uint64_t mask = t->restore_mask ? t->saved_mask : t->blocked;
    uint32_t stack_flags = on_alt_stack(t, r->rsp) ? SS_ONSTACK : t->alt_flags;
    frame->restorer = a->restorer;
    frame->uc.flags = (fpu_size > FXSAVE_SIZE ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS |
                      UC_STRICT_RESTORE_SS;
    frame->uc.stack = (struct context_stack){ t->alt_base, stack_flags, 0, t->alt_size };
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

int64_t frame_pop(struct thread *t, caller_t sp, uint64_t *mask)
{
    struct signal_context c;
    int64_t error = user_read(t, sp, &c, sizeof c);
    if (error)
        return error;
    error = sys_context_load(t->index, sp + offsetof(struct signal_context, context));
    if (error == -EFAULT)
        return user_throw(t, c.context.fpstate, fpu_size, WINDOW_IN);
    if (error)
        return -EFAULT; /* a floating point state that the processor would not take */
    if (!(c.stack.flags & ~(SS_ONSTACK | SS_DISABLE | SS_AUTODISARM)) &&
        !on_alt_stack(t, c.context.rsp)) {
        t->alt_flags = c.stack.flags & (SS_DISABLE | SS_AUTODISARM);
        t->alt_base = c.stack.base;
        t->alt_size = c.stack.size;
    }
    *mask = c.mask;
    return 0;
}
