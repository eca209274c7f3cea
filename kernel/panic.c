/* The end: registers, a back-trace and who waits for whom, on the serial line and in frames of the
 * test harness's channel. The back-trace prints each word of the stack that points into the
 * kernel's code, stale ones too, as it was linked: tests/vm adds the names, elsewhere `addr2line -e
 * build/kernel.elf -f` does. dump_waits() also works while the system runs. */
#include "panic.h"

#include "arch.h"
#include "log.h"
#include "thread.h"
#include <minnow/format.h>

extern char kernel_text[], kernel_text_end[];

enum { TRACE_MAX = 16 };

uintptr_t __stack_chk_guard = 0x9d3f00a5c1e700; /* x86/early.c changes it at each boot */

_Noreturn __attribute__((used)) void __stack_chk_fail(void);
void __stack_chk_fail(void) { panic(NULL, "a kernel function has overrun its stack frame"); }

static void print_address(uint64_t address) { kprintf("  %lx\n", address - kernel_slide); }

static void back_trace(const uint64_t *sp)
{
    const uint64_t *end = (const uint64_t *)arch_stack_end((vaddr_t)sp);
    for (unsigned shown = 0; sp < end && shown < TRACE_MAX; sp++)
        if (*sp > (uint64_t)kernel_text && *sp < (uint64_t)kernel_text_end) {
            print_address(*sp);
            shown++;
        }
}

static const char *state_name(const struct thread *t)
{
    static const char *const names[] = { "ready",    "receiving", "queued", "held",
                                         "position", "parked",    "monitor" };
    return names[t->state];
}

void dump_waits(void)
{
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        const struct thread *t = threads[i];
        if (!t || (t->state == THREAD_RECEIVING && !log_to_host))
            continue;
        kprintf("%4u %s", i, t->task->name);
        if (!t->task->service)
            kprintf("(%lu)", t->task->words[0]);
        kprintf(" %s", state_name(t));
        if ((t->state == THREAD_QUEUED || t->state == THREAD_HELD) && t->holder)
            kprintf(" by %s, operation %lx", t->holder->name, t->op);
        kprintf(" rip %lx\n", t->regs.rip - t->task->rights.slide);
    }
}

void panic(const struct regs *r, const char *format, ...)
{
    static bool twice;
    if (twice)
        arch_stop();
    twice = log_to_serial = log_to_host = true;
    char line[200];
    va_list args;
    va_start(args, format);
    format_text(line, sizeof line, format, args);
    va_end(args);
    struct thread *t = this_cpu()->current;
    kprintf("Minnow panic: %s\nrunning: %s\n", line, t ? t->task->name : "nobody");
    if (r) {
        kprintf("rip %16lx rsp %16lx flags %lx\n", r->rip, r->rsp, r->rflags);
        kprintf("rax %16lx rbx %16lx rcx %16lx rdx %16lx\n", r->rax, r->rbx, r->rcx, r->rdx);
        kprintf("rsi %16lx rdi %16lx rbp %16lx r8  %16lx\n", r->rsi, r->rdi, r->rbp, r->r8);
        kprintf("r9  %16lx r10 %16lx r11 %16lx r12 %16lx\n", r->r9, r->r10, r->r11, r->r12);
        print_address(r->rip);
    }
    bool kernel_stack = r && arch_stack_end(r->rsp) != r->rsp;
    back_trace(kernel_stack ? (const uint64_t *)r->rsp : __builtin_frame_address(0));
    dump_waits();
    arch_stop();
}
