/* The end: registers, a symbolised back-trace, who waits for whom; on the screen, the serial line,
 * and in frames of the test harness's channel. The back-trace takes every word of the stack that
 * points behind a call in the kernel's code, so it may show stale ones. dump_waits() is the same
 * view on demand, while the system runs. */
#include "arch.h"
#include "ipc.h"
#include "log.h"
#include "memory.h"
#include "thread.h"
#include <minnow/format.h>
#include <minnow/protocol.h>

/* Made by the Makefile: addresses as linked, from ARCH_LINKED on; names as offsets. */
struct ksym {
    uint32_t address, name;
};
extern const struct ksym ksyms[];
extern const char ksym_names[];
extern const uint32_t ksyms_count;
extern char kernel_text[], kernel_text_end[];

enum {
    HOST_PORT = 0xe9,
    VGA = 0xb8000,
    COLUMNS = 80,
    ROWS = 25,
    WHITE_ON_BLUE = 0x1f,
    TRACE_MAX = 16
};

bool panicking;
uintptr_t __stack_chk_guard = 0x9d3f00a5c1e700; /* x86/early.c stirs it */

_Noreturn void __stack_chk_fail(void);
void __stack_chk_fail(void) { panic(NULL, "a kernel function has overrun its stack frame"); }

static void screen_put(char c)
{
    static unsigned row, column;
    uint16_t *screen = phys_to_virt(VGA);
    if (row == 0 && column == 0)
        for (unsigned i = 0; i < COLUMNS * ROWS; i++)
            screen[i] = WHITE_ON_BLUE << 8 | ' ';
    if (c == '\n' || column == COLUMNS)
        row++, column = 0;
    if (c == '\n' || row >= ROWS)
        return;
    screen[row * COLUMNS + column++] = WHITE_ON_BLUE << 8 | (uint8_t)c;
}

static void host_put(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        arch_port_out(HOST_PORT, 1, (uint8_t)bytes[i]);
}

void panic_screen(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        screen_put(text[i]);
}

void panic_text(const char *text, size_t length)
{
    uint32_t n = length;
    host_put("\x7fMNWp", 5);
    host_put((const char *)&n, 4);
    host_put(text, length);
    panic_screen(text, length);
}

static void print_symbol(uint64_t address)
{
    uint64_t linked = address - kernel_slide - ARCH_LINKED;
    unsigned long low = 0, high = ksyms_count;
    while (high - low > 1) {
        unsigned long middle = (low + high) / 2;
        if (ksyms[middle].address <= linked)
            low = middle;
        else
            high = middle;
    }
    if (ksyms_count)
        kprintf("  %lx %s+%lx\n", linked + ARCH_LINKED, ksym_names + ksyms[low].name,
                linked - ksyms[low].address);
}

static void back_trace(const uint64_t *sp)
{
    const uint64_t *end = (const uint64_t *)arch_stack_end((vaddr_t)sp);
    unsigned shown = 0;
    for (; sp < end && shown < TRACE_MAX; sp++)
        if (*sp > (uint64_t)kernel_text && *sp < (uint64_t)kernel_text_end) {
            print_symbol(*sp);
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
        if (!t || (t->state == THREAD_RECEIVING && !panicking))
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
    twice = panicking = log_to_serial = true;
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
        print_symbol(r->rip);
    }
    bool kernel_stack = r && arch_stack_end(r->rsp) != r->rsp;
    back_trace(kernel_stack ? (const uint64_t *)r->rsp : __builtin_frame_address(0));
    dump_waits();
    arch_stop();
}
