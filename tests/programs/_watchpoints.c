/* The processor's breakpoints by ptrace, met: at data, at instructions, and not by others. What is
 * refused shows the oracle watchpoints.c; of this the host may know nothing, if it is a virtual
 * machine. */
#define _GNU_SOURCE
#include "debug_registers.h"
#include <sched.h>

enum { HARDWARE = 4 /* TRAP_HWBKPT */ };

static volatile uint64_t watched, other;

static int next(void)
{
    int status = 0;
    siginfo_t info = { 0 };
    waitpid(child, &status, __WALL);
    if (!WIFSTOPPED(status)) {
        show_status("child", status);
        return 0;
    }
    ptrace(PTRACE_GETSIGINFO, child, 0, &info);
    if (WSTOPSIG(status) == SIGTRAP && info.si_code == HARDWARE)
        SAY("breakpoints %d, values %d %d", (int)(get(STATUS) & 15),
            (int)ptrace(PTRACE_PEEKDATA, child, &watched, 0),
            (int)ptrace(PTRACE_PEEKDATA, child, &other, 0));
    else
        SAY("stopped by %d", WSTOPSIG(status));
    return 1;
}

__attribute__((noinline)) static void stepped_on(int n)
{
    other += n;
    __asm__ volatile("");
}

static void begin(void (*work)(void))
{
    child_begin(work);
    next();
}

static void writes(void)
{
    uint64_t seen = watched;
    other = 1;
    watched = 7;
    other = 2 + (seen != 0);
    ((volatile uint8_t *)&watched)[5] = 1;
    watched = 8;
    stepped_on(10);
    stepped_on(100);
}

static void data(void)
{
    begin(writes);
    SHOW(set(0, (uintptr_t)&watched));
    SHOW(set(CONTROL, control(0, WRITE, BYTES_4)));
    for (go_on(); next(); go_on())
        ;
    SAY("and for reading, eight bytes");
    begin(writes);
    SHOW(set(3, (uintptr_t)&watched));
    SHOW(set(CONTROL, control(3, ACCESS, BYTES_8)));
    for (go_on(); next(); go_on())
        ;
}

static void instructions(void)
{
    begin(writes);
    SHOW(set(1, (uintptr_t)stepped_on));
    SHOW(set(2, (uintptr_t)&other));
    SHOW(set(CONTROL, control(1, EXECUTE, BYTES_1) | control(2, WRITE, BYTES_1)));
    for (int n = 0; n < 4; n++)
        go_on(), next();
    SHOW(set(CONTROL, control(1, EXECUTE, BYTES_1)));
    for (go_on(); next(); go_on())
        ;
}

/* A child of the tracee has no breakpoints, and a new program neither. */
static void birth(void)
{
    if (!fork()) {
        watched = 5;
        _exit(0);
    }
    int status;
    wait(&status);
    show_status("grandchild", status);
    watched = 6;
    execl("/bin/true", "true", NULL);
    execl("/usr/bin/true", "true", NULL);
}

static void owners(void)
{
    begin(birth);
    SHOW(set(0, (uintptr_t)&watched));
    SHOW(set(CONTROL, control(0, WRITE, BYTES_1)));
    for (int n = 0; n < 5; n++) {
        go_on();
        if (!next())
            return;
        SAY("%d %lx", get(0) == (uintptr_t)&watched, (long)get(CONTROL));
    }
}

/* What the kernel itself writes is nobody's breakpoint. */
static void by_kernel(void)
{
    int p[2];
    pipe(p);
    write(p[1], "12345678", 8);
    read(p[0], (void *)&watched, 8);
    for (int n = 0; n < 1000; n++)
        getppid(), sched_yield();
    watched = 9;
}

static void kernel(void)
{
    begin(by_kernel);
    SHOW(set(0, (uintptr_t)&watched));
    SHOW(set(CONTROL, control(0, WRITE, BYTES_8)));
    for (go_on(); next(); go_on())
        ;
}

int main(void)
{
    data();
    instructions();
    owners();
    kernel();
    return 0;
}
