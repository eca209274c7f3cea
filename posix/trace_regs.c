/* Registers of traced threads, as their tracers read and write them: in sets, as words of struct
 * user, and the processor's breakpoints as its debug registers. */
#include "trace_regs.h"

#include "syscalls.h"
#include "user_memory.h"
#include <minnow/context.h>
#include <minnow/file.h>

/* struct user: its registers, and where those for debugging stand */
enum { USER_SIZE = 928, USER_DEBUG = 848, WORD = sizeof(uint64_t) };

int64_t trace_registers(const struct thread *t, struct user_regs *u)
{
    struct regs r;
    if (ask_regs_get(t->index, &r, NULL) < 0)
        return -ESRCH;
    if (t->trace->stop == TRACE_INSIDE && t->result != REGISTERS)
        r.rax = -ENOSYS;
    user_regs_make(u, &r, t->number);
    return 0;
}

/* Sets t's registers; fpu: also its XSAVE area, unless NULL. 0; -EIO: a program cannot have such
 * ones; -EINVAL, -ENOMEM of the floating point state. */
static int64_t registers_write(struct thread *t, const struct user_regs *u, const void *fpu)
{
    struct regs r;
    if (ask_regs_get(t->index, &r, NULL) < 0)
        return -ESRCH;
    if (u->fs_base >= USER_TOP || u->gs_base >= USER_TOP || u->cs != USER_CS || u->ss != USER_SS)
        return -EIO;
    bool inside = t->trace->stop == TRACE_INSIDE && t->result != REGISTERS;
    r = (struct regs){
        .r15 = u->r15,
        .r14 = u->r14,
        .r13 = u->r13,
        .r12 = u->r12,
        .rbp = u->rbp,
        .rbx = u->rbx,
        .r11 = u->r11,
        .r10 = u->r10,
        .r9 = u->r9,
        .r8 = u->r8,
        .rax = inside ? r.rax : u->rax,
        .rcx = u->rcx,
        .rdx = u->rdx,
        .rsi = u->rsi,
        .rdi = u->rdi,
        .rip = u->rip,
        .rflags = u->eflags,
        .rsp = u->rsp,
        .fs_base = u->fs_base,
        .gs_base = u->gs_base,
    };
    t->number = u->orig_rax;
    return sys_regs_set(t->index, &r, (uint64_t)fpu);
}

/* Reads t's floating point state as Linux shows it. Returns its size. */
static int64_t fpu_read(const struct thread *t, uint8_t *area)
{
    struct regs r;
    int64_t size = ask_regs_get(t->index, &r, area);
    if (size < FXSAVE_SIZE)
        return -ESRCH;
    user_fpu_make(area, size);
    return size;
}

/* One of the register sets of t, to be read or written by its tracer. */
struct regset {
    union {
        struct user_regs general;
        uint8_t fpu[FPU_SIZE];
    } __attribute__((aligned(64)));
};

/* Reads the set into *s. Returns its size; -EINVAL: there is no such set. */
static int64_t regset_read(const struct thread *t, unsigned type, struct regset *s)
{
    if (type == NT_PRSTATUS) {
        int64_t error = trace_registers(t, &s->general);
        return error ? error : (int64_t)sizeof s->general;
    }
    if (type != NT_PRFPREG && type != NT_X86_XSTATE)
        return -EINVAL;
    int64_t size = fpu_read(t, s->fpu);
    return type == NT_PRFPREG && size > 0 ? FXSAVE_SIZE : size;
}

static int64_t regset_write(struct thread *t, unsigned type, struct regset *s)
{
    struct user_regs u;
    if (type == NT_PRSTATUS)
        return registers_write(t, &s->general, NULL);
    int64_t error = trace_registers(t, &u);
    if (error)
        return error;
    if (type == NT_PRFPREG) /* the header: x87 and SSE are there */
        *(uint64_t *)(s->fpu + FXSAVE_SIZE) |= 3;
    return registers_write(t, &u, s->fpu);
}

int64_t trace_regset_move(struct thread *tracer, struct thread *t, unsigned type, caller_t at,
                          uint64_t *size, bool write)
{
    struct regset s;
    int64_t all = regset_read(t, type, &s);
    if (all < 0)
        return all;
    *size = MIN(*size, (uint64_t)all);
    if (!write)
        return user_write(tracer, at, &s, *size);
    int64_t error = user_read(tracer, at, &s, *size);
    return error ? error : regset_write(t, type, &s);
}

int64_t trace_regset_call(struct thread *tracer, struct thread *t, const uint64_t *w, bool write)
{
    struct iovec v;
    int64_t error = user_read(tracer, w[3], &v, sizeof v);
    if (!error && v.length % WORD)
        error = -EINVAL;
    if (!error)
        error = trace_regset_move(tracer, t, w[2], v.base, &v.length, write);
    return error ? error : user_write(tracer, w[3], &v, sizeof v);
}

/* ---- breakpoints of the processor, as its debug registers ---- */

enum { SLOTS = BREAKPOINTS, DEBUG_STATUS = 6, DEBUG_CONTROL = 7 };
/* What is 1 in the status while nothing is met; what the control word has (Linux:
 * DR_CONTROL_RESERVED). */
#define STATUS_IDLE   0xffff0ff0ul
#define CONTROL_KNOWN 0xffff03fful

/* Whether breakpoint n can be what the control word says of it. (Linux: hw_breakpoint_arch_parse())
 */
static bool slot_valid(uint64_t control, unsigned n, uint64_t address)
{
    enum { EXECUTE, WRITE, PORT };
    static const uint8_t length[] = { 1, 2, 8, 4 };
    uint64_t what = control >> (16 + SLOTS * n), bytes = length[what >> 2 & 3];
    if ((what & 3) == PORT || ((what & 3) == EXECUTE && bytes != 1))
        return false;
    return address % bytes == 0 && address <= USER_TOP - bytes;
}

static uint64_t debug_peek(const struct thread *t, unsigned n)
{
    const struct trace *x = t->trace;
    return n < SLOTS            ? x->breakpoints.address[n]
           : n == DEBUG_STATUS  ? x->breakpoints.status ^ STATUS_IDLE
           : n == DEBUG_CONTROL ? x->breakpoints.control
                                : 0;
}

/* 0, -EINVAL; -EIO: there is no such register; or as trace_breakpoints_set(). */
static int64_t debug_poke(struct trace *x, unsigned n, uint64_t value)
{
    uint64_t *address = x->breakpoints.address,
             *to = n < SLOTS ? &address[n] : &x->breakpoints.control, before = *to;
    if (n == DEBUG_STATUS) {
        x->breakpoints.status = value ^ STATUS_IDLE;
        return 0;
    }
    if (n >= SLOTS && n != DEBUG_CONTROL)
        return -EIO;
    value &= n == DEBUG_CONTROL ? CONTROL_KNOWN : ~0ul;
    if (n < SLOTS && !slot_valid(x->breakpoints.control, n, value))
        return -EINVAL;
    for (unsigned i = 0; n == DEBUG_CONTROL && i < SLOTS; i++)
        if ((value >> 2 * i & 3 || address[i]) && !slot_valid(value, i, address[i]))
            return -EINVAL;
    *to = value;
    int64_t error = trace_breakpoints_set(x);
    if (error)
        *to = before;
    return error;
}

int64_t trace_word_peek(struct thread *tracer, struct thread *t, uint64_t at, caller_t to)
{
    union {
        struct user_regs u;
        uint64_t word[USER_SIZE / WORD];
    } user = { .word = { 0 } };
    if (at % WORD || at > USER_SIZE - WORD)
        return -EIO;
    int64_t error = trace_registers(t, &user.u);
    if (at >= USER_DEBUG)
        user.word[at / WORD] = debug_peek(t, (at - USER_DEBUG) / WORD);
    return error ? error : user_write(tracer, to, &user.word[at / WORD], WORD);
}

int64_t trace_word_poke(struct thread *t, uint64_t at, uint64_t value)
{
    union {
        struct user_regs u;
        uint64_t word[sizeof(struct user_regs) / WORD];
    } user;
    if (at % WORD || at > USER_SIZE - WORD)
        return -EIO;
    if (at >= USER_DEBUG)
        return debug_poke(t->trace, (at - USER_DEBUG) / WORD, value);
    if (at >= sizeof user)
        return -EIO;
    int64_t error = trace_registers(t, &user.u);
    user.word[at / WORD] = value;
    return error ? error : registers_write(t, &user.u, NULL);
}

int64_t trace_base(struct thread *tracer, struct thread *t, uint64_t word, uint64_t code)
{
    enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS };
    struct user_regs u;
    int64_t error = trace_registers(t, &u);
    if (error)
        return error;
    uint64_t *base = code == ARCH_SET_FS || code == ARCH_GET_FS ? &u.fs_base : &u.gs_base;
    if (code == ARCH_GET_FS || code == ARCH_GET_GS)
        return user_write(tracer, word, base, sizeof *base);
    if (code != ARCH_SET_FS && code != ARCH_SET_GS)
        return -EINVAL;
    *base = word;
    return word >= USER_TOP ? -EPERM : registers_write(t, &u, NULL);
}
