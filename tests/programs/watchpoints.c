/* The processor's debug registers by ptrace: what is kept and what is refused. No breakpoint is
 * met, since Linux meets none in many a virtual machine: _watchpoints.c. */
#define _GNU_SOURCE
#include "debug_registers.h"

static uint64_t never; /* touched */

static void next(void)
{
    int status;
    waitpid(child, &status, __WALL);
    show_status("child", status);
}

static void begin(void (*work)(void))
{
    child_begin(work);
    next();
}

static void none(void) { raise(SIGUSR2); }

static void refused(void)
{
    begin(none);
    SAY("%lx %lx %lx %lx", (long)get(0), (long)get(3), (long)get(STATUS), (long)get(CONTROL));
    SHOW(set(STATUS, 0xffff0ff1));
    SAY("%lx", (long)get(STATUS));
    SHOW(set(CONTROL, 0));
    SHOW(set(CONTROL, control(0, WRITE, BYTES_1))); /* without an address */
    SHOW(set(0, 1));
    SHOW(set(CONTROL, 1));
    SHOW(set(0, 0xffff800000000000));
    SHOW(set(0, -1));
    SHOW(set(0, -8));
    SAY("%lx", (long)get(0));
    SHOW(set(0, 2));
    SAY("%lx", (long)get(0));
    SHOW(set(CONTROL, control(0, EXECUTE, BYTES_4)));
    SHOW(set(CONTROL, control(0, PORT, BYTES_1)));
    SHOW(set(CONTROL, control(0, WRITE, BYTES_4))); /* 2 is no multiple */
    SHOW(set(CONTROL, control(1, WRITE, BYTES_1)));
    SAY("%lx", (long)get(CONTROL));
    SHOW(set(0, 16));
    SHOW(set(CONTROL, control(0, WRITE, BYTES_4)));
    SAY("%lx", (long)get(CONTROL));
    SHOW(set(0, 18));
    SHOW(set(4, 1));
    SHOW(set(5, 1));
    SAY("%lx %lx", (long)get(4), (long)get(5));
    go_on();
    next();
    ptrace(PTRACE_CONT, child, 0, 0);
    next();
}

/* A child of the tracee has no breakpoints, and a new program neither. */
static void birth(void)
{
    if (!fork()) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        _exit(0);
    }
    raise(SIGUSR2);
    execl("/bin/true", "true", NULL);
    execl("/usr/bin/true", "true", NULL);
}

static void owners(void)
{
    begin(birth);
    ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEFORK);
    SHOW(set(0, (uintptr_t)&never));
    SHOW(set(CONTROL, control(0, WRITE, BYTES_1)));
    int status, parent = child;
    go_on();
    waitpid(parent, &status, __WALL);
    unsigned long born = 0;
    ptrace(PTRACE_GETEVENTMSG, parent, 0, &born);
    child = born;
    waitpid(child, &status, __WALL);
    SAY("born with %lx", (long)get(0));
    kill(child, SIGKILL);
    waitpid(child, &status, __WALL);
    child = parent;
    SAY("its parent has %d %lx", get(0) == (uintptr_t)&never, (long)get(CONTROL));
    for (int n = 0; n < 4; n++) {
        go_on();
        waitpid(child, &status, __WALL);
        if (!WIFSTOPPED(status))
            break;
        if (WSTOPSIG(status) == SIGTRAP)
            SAY("a new program has %lx %lx", (long)get(0), (long)get(CONTROL));
    }
    show_status("child", status);
}

int main(void)
{
    refused();
    owners();
    return 0;
}
