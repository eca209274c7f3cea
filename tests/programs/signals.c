/* Signals: handlers, masks, the information that handlers get, alternate stacks, changed contexts.
 */
#define _GNU_SOURCE
#include "oracle.h"
#include <setjmp.h>
#include <ucontext.h>

static volatile int count, depth, deepest, calls;
static volatile sig_atomic_t last;
static siginfo_t seen;

static void simple(int sig)
{
    last = sig;
    count++;
}
static void nested(int sig)
{
    if (++depth > deepest)
        deepest = depth;
    if (depth < 3 && calls++ < 4)
        raise(sig);
    depth--;
}
static void info(int sig, siginfo_t *i, void *context)
{
    (void)context;
    last = sig;
    seen = *i;
}

static void set(int sig, void (*handler)(int), int flags)
{
    struct sigaction a = { .sa_handler = handler, .sa_flags = flags };
    sigaction(sig, &a, NULL);
}
static void set_info(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction a = { .sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO };
    sigaction(sig, &a, NULL);
}

static sigjmp_buf back;
static volatile uintptr_t wild = 16; /* an address where nothing is */
static void *fault_at;
static int fault_code;
static void fault(int sig, siginfo_t *i, void *context)
{
    (void)context;
    last = sig;
    fault_at = i->si_addr;
    fault_code = i->si_code;
    siglongjmp(back, 1);
}

static char alternate[32768];
static int on_alternate;
static void where(int sig)
{
    char here;
    (void)sig;
    on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
    stack_t now;
    sigaltstack(NULL, &now);
    SAY("inside: flags %d", now.ss_flags);
}

static int order[16], ordered;
static void keep_order(int sig, siginfo_t *i, void *c)
{
    (void)c;
    order[ordered++] = sig * 100 + i->si_value.sival_int;
}

/* A handler may send the program elsewhere. */
static void skip(int sig, siginfo_t *i, void *context)
{
    (void)sig, (void)i;
    ucontext_t *u = context;
    u->uc_mcontext.gregs[REG_RIP] += 2; /* over ud2 */
    u->uc_mcontext.gregs[REG_RAX] = 4711;
    sigaddset(&u->uc_sigmask, SIGUSR2);
}

static double floats(double x)
{
    double a = x * 1.5, b = x + 2.25, c = x * x;
    raise(SIGUSR1);
    return a + b * c;
}
static void use_floats(int sig)
{
    (void)sig;
    volatile double x = 3.0;
    for (int i = 0; i < 10; i++)
        x = x * 1.1 + 7;
}

int main(void)
{
    sigset_t s, old, pending;
    set(SIGUSR1, simple, 0);
    SHOW(raise(SIGUSR1));
    SAY("handled %d, %d times", last, count);
    SHOW(kill(getpid(), SIGUSR1));
    SAY("count %d", count);

    sigemptyset(&s);
    sigaddset(&s, SIGUSR1);
    SHOW(sigprocmask(SIG_BLOCK, &s, &old));
    raise(SIGUSR1);
    raise(SIGUSR1);
    sigpending(&pending);
    SAY("blocked: count %d, pending %d", count, sigismember(&pending, SIGUSR1));
    SHOW(sigprocmask(SIG_SETMASK, &old, NULL));
    SAY("unblocked: count %d", count);

    set(SIGUSR1, nested, SA_NODEFER);
    raise(SIGUSR1);
    SAY("nested with SA_NODEFER: %d", deepest);
    deepest = calls = 0;
    set(SIGUSR1, nested, 0);
    raise(SIGUSR1);
    SAY("nested without: %d", deepest);

    set(SIGUSR1, simple, SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction a;
    sigaction(SIGUSR1, NULL, &a);
    SAY("reset: %d", a.sa_handler == SIG_DFL);

    set_info(SIGUSR1, info, 0);
    kill(getpid(), SIGUSR1);
    SAY("kill: signo %d code %d pid %d uid %d", seen.si_signo, seen.si_code,
        seen.si_pid == getpid(), seen.si_uid == getuid());
    raise(SIGUSR1);
    SAY("raise: code %d", seen.si_code);
    sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 42 });
    SAY("sigqueue: code %d value %d", seen.si_code, seen.si_value.sival_int);

    for (int i = 0; i < 3; i++)
        set_info(SIGRTMIN + i, keep_order, 0);
    sigemptyset(&s);
    for (int i = 0; i < 3; i++)
        sigaddset(&s, SIGRTMIN + i);
    sigprocmask(SIG_BLOCK, &s, NULL);
    for (int i = 0; i < 6; i++)
        sigqueue(getpid(), SIGRTMIN + 2 - i % 3, (union sigval){ .sival_int = i });
    siginfo_t got;
    SAY("sigwaitinfo takes the lowest: %d, value %d", sigwaitinfo(&s, &got) - SIGRTMIN,
        got.si_value.sival_int);
    sigprocmask(SIG_UNBLOCK, &s, NULL);
    SAY("real-time signals delivered: %d", ordered);
    int in_order = 1;
    for (int i = 0; i < ordered; i++)
        for (int k = i + 1; k < ordered; k++)
            if (order[i] / 100 == order[k] / 100 && order[i] > order[k])
                in_order = 0;
    SAY("each in the order of sending: %d", in_order);
    struct timespec now = { 0, 0 }, soon = { 0, 1000000 };
    SHOW(sigtimedwait(&s, NULL, &now));
    SHOW(sigtimedwait(&s, NULL, &soon));

    set_info(SIGSEGV, fault, 0);
    set_info(SIGFPE, fault, 0);
    set_info(SIGILL, fault, 0);
    if (!sigsetjmp(back, 1))
        *(volatile int *)wild = 1;
    SAY("SIGSEGV %d at %p code %d", last, fault_at, fault_code);
    if (!sigsetjmp(back, 1))
        *(volatile int *)(uintptr_t)main = 1;
    SAY("SIGSEGV %d at main %d code %d", last, fault_at == (void *)main, fault_code);
    volatile int zero = 0, one = 1;
    if (!sigsetjmp(back, 1))
        one = one / zero;
    SAY("SIGFPE %d code %d", last, fault_code);
    if (!sigsetjmp(back, 1))
        __asm__ volatile("ud2");
    SAY("SIGILL %d code %d", last, fault_code);

    stack_t alt = { .ss_sp = alternate, .ss_size = sizeof alternate };
    SHOW(sigaltstack(&alt, NULL));
    set(SIGUSR1, where, SA_ONSTACK);
    raise(SIGUSR1);
    SAY("on the alternate stack: %d", on_alternate);
    set(SIGUSR1, where, 0);
    raise(SIGUSR1);
    SAY("and not: %d", on_alternate);
    alt.ss_size = 100;
    SHOW(sigaltstack(&alt, NULL));

    set_info(SIGILL, skip, 0);
    long rax = 0;
    __asm__ volatile("ud2" : "+a"(rax));
    sigprocmask(SIG_BLOCK, NULL, &old);
    SAY("skipped, rax %ld, SIGUSR2 blocked %d", rax, sigismember(&old, SIGUSR2));

    set(SIGUSR1, use_floats, 0);
    SAY("floating point is kept: %.3f", floats(2.0));

    count = 0;
    set(SIGUSR1, simple, 0);
    sigemptyset(&s);
    sigaddset(&s, SIGUSR1);
    sigprocmask(SIG_BLOCK, &s, &old);
    raise(SIGUSR1);
    SHOW(sigsuspend(&old));
    SAY("sigsuspend: count %d", count);
    sigprocmask(SIG_BLOCK, NULL, &pending);
    SAY("mask is back: %d", sigismember(&pending, SIGUSR1));

    SHOW(kill(getpid(), 65));
    SHOW(kill(999999, 0));
    SHOW(sigaction(SIGKILL, &a, NULL));
    SHOW(sigaction(99, NULL, &a));
    static const int fatal[] = { SIGHUP,  SIGQUIT,   SIGABRT, SIGALRM, SIGPIPE,
                                 SIGTERM, SIGVTALRM, SIGSYS,  SIGIO };
    for (unsigned i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        int status;
        pid_t pid = fork();
        if (!pid) {
            signal(fatal[i], SIG_DFL);
            raise(fatal[i]);
            _exit(0);
        }
        waitpid(pid, &status, 0);
        show_status("default action", status);
    }
    static const int harmless[] = { SIGCHLD, SIGURG, SIGWINCH, SIGCONT };
    for (unsigned i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        SHOW(raise(harmless[i]));
    pid_t pid = fork();
    if (!pid)
        abort();
    int status;
    waitpid(pid, &status, 0);
    show_status("abort", status);
    pid = fork();
    if (!pid) {
        signal(SIGSEGV, SIG_DFL);
        *(volatile int *)wild = 0;
    }
    waitpid(pid, &status, 0);
    show_status("a wild pointer", status);
    pid = fork();
    if (!pid) {
        signal(SIGSEGV, SIG_IGN);
        *(volatile int *)wild = 0;
    }
    waitpid(pid, &status, 0);
    show_status("ignored it", status);
    return 0;
}
