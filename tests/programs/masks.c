/* Masks of signals, and what a handler's context may ask for when it returns: who changes a mask,
 * who inherits it, what is delivered before the change returns, and to which thread. */
#define _GNU_SOURCE
#include "oracle.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

static volatile int count;
static volatile pid_t taken_by;

static void handle(int sig)
{
    (void)sig;
    count++;
    taken_by = syscall(SYS_gettid);
}

static void on(int sig, void (*handler)(int), int flags)
{
    struct sigaction a = { .sa_handler = handler, .sa_flags = flags };
    sigaction(sig, &a, NULL);
}
static void on_info(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction a = { .sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO };
    sigaction(sig, &a, NULL);
}

static long mask(int how, const uint64_t *set, uint64_t *old, size_t size)
{
    return syscall(SYS_rt_sigprocmask, how, set, old, size);
}
static uint64_t bit(int sig) { return 1ul << (sig - 1); }
static uint64_t now(void)
{
    uint64_t set = 0;
    mask(SIG_BLOCK, NULL, &set, 8);
    return set;
}

static void calls(void)
{
    uint64_t all = ~0ul, some = bit(SIGUSR1) | bit(SIGTERM), old = 77;
    char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(edge + 4096, 4096);
    SHOW(mask(SIG_SETMASK, &all, NULL, 8));
    SAY("all: %016lx", now());
    SHOW(mask(SIG_UNBLOCK, &all, &old, 8));
    SAY("was %016lx, is %016lx", old, now());
    SHOW(mask(SIG_BLOCK, &some, NULL, 8));
    SHOW(mask(3, &some, &old, 8));
    SHOW(mask(3, NULL, &old, 8));
    SHOW(mask(-1, &some, NULL, 8));
    SHOW(mask(SIG_BLOCK, &some, NULL, 4));
    SHOW(mask(SIG_BLOCK, &some, NULL, 16));
    SHOW(mask(SIG_BLOCK, (uint64_t *)8, NULL, 8));
    SHOW(mask(SIG_BLOCK, NULL, (uint64_t *)8, 8));
    SHOW(mask(SIG_BLOCK, NULL, (uint64_t *)(edge + 4092), 8));
    SHOW(mask(SIG_BLOCK, (uint64_t *)(edge + 4092), NULL, 8));
    SHOW(mask(SIG_BLOCK, (uint64_t *)0xffffffff80000000, NULL, 8));
    SHOW(mask(SIG_BLOCK, (uint64_t *)-4l, NULL, 8));
    SHOW(mask(SIG_BLOCK, NULL, (uint64_t *)calls, 8));
    SHOW(mask(0x100000000 + SIG_SETMASK - 0x100000000, &some, &old, 8));
    SAY("old %016lx", old);
    char *fresh = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(mask(SIG_BLOCK, NULL, (uint64_t *)(fresh + 4092), 8)); /* on two new pages */
    SAY("found %d", *(uint64_t *)(fresh + 4092) == some);
    SHOW(mask(SIG_SETMASK, (uint64_t *)(fresh + 65536), NULL, 8));
    show_status_line(getpid(), "SigBlk");
}

/* What waits is delivered before the call that lets it through returns. */
static void delivery(void)
{
    uint64_t one = bit(SIGUSR1), none = 0, both = one | bit(SIGUSR2);
    on(SIGUSR1, handle, 0);
    on(SIGUSR2, handle, 0);
    for (int i = 0; i < 3; i++) {
        count = 0;
        mask(SIG_BLOCK, &both, NULL, 8);
        kill(getpid(), SIGUSR1);
        syscall(SYS_tkill, getpid(), SIGUSR2);
        int before = count;
        mask(SIG_BLOCK, &one, NULL, 8);
        int same = count;
        mask(SIG_UNBLOCK, &one, NULL, 8);
        int first = count;
        mask(SIG_SETMASK, &none, NULL, 8);
        SAY("delivered: %d %d %d %d, mask %016lx", before, same, first, count, now());
    }
    signal(SIGUSR1, SIG_IGN);
    mask(SIG_BLOCK, &one, NULL, 8);
    kill(getpid(), SIGUSR1);
    show_status_line(getpid(), "SigBlk");
    on(SIGUSR1, handle, 0);
    count = 0;
    mask(SIG_UNBLOCK, &one, NULL, 8);
    SAY("ignored while it was blocked, then handled: %d", count);
}

/* A blocked signal that would be fatal waits; it kills who lets it through. */
static void fatal(void)
{
    int status;
    pid_t pid = fork();
    if (!pid) {
        uint64_t all = ~0ul, none = 0;
        mask(SIG_SETMASK, &all, NULL, 8);
        kill(getppid(), 0);
        for (volatile int i = 0; i < 200000; i++) /* away, where nobody knows its mask */
            ;
        raise(SIGTERM);
        printf("lives\n");
        fflush(stdout);
        mask(SIG_SETMASK, &none, NULL, 8);
        _exit(1);
    }
    waitpid(pid, &status, 0);
    show_status("let it through", status);
    /* sent by another, while it runs */
    int ready[2];
    pipe(ready);
    pid = fork();
    if (!pid) {
        uint64_t all = ~0ul;
        mask(SIG_SETMASK, &all, NULL, 8);
        write(ready[1], "x", 1);
        for (;;)
            ;
    }
    char c;
    read(ready[0], &c, 1);
    kill(pid, SIGTERM);
    pause_ms(20);
    SAY("runs on: %d", waitpid(pid, &status, WNOHANG) == 0);
    show_status_line(pid, "SigBlk");
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    show_status("killed", status);
    close(ready[0]), close(ready[1]);
}

static void heirs(char *self)
{
    uint64_t some = bit(SIGUSR1) | bit(SIGRTMIN), none = 0;
    int status;
    mask(SIG_SETMASK, &some, NULL, 8);
    pid_t pid = fork();
    if (!pid) {
        show_status_line(getpid(), "SigBlk");
        execl(self, self, "heir", NULL);
        _exit(1);
    }
    waitpid(pid, &status, 0);
    show_status("heir", status);
    mask(SIG_SETMASK, &none, NULL, 8);
}

/* ---- threads ---- */

static volatile int go, done;
static pid_t second;

static void *sleeper(void *how)
{
    uint64_t all = ~0ul, none = 0;
    mask(SIG_SETMASK, &all, NULL, 8);
    second = syscall(SYS_gettid);
    done = 1;
    while (!go)
        if (how)
            pause_ms(1);
    uint64_t before = now();
    mask(SIG_SETMASK, &none, NULL, 8);
    SAY("the second thread had %016lx, took it: %d", before, taken_by == second);
    return NULL;
}

/* All threads block a signal of the process; who lets it through first takes it. */
static void threads(int sleeps)
{
    pthread_t t;
    uint64_t all = ~0ul, none = 0;
    count = go = done = 0;
    taken_by = 0;
    mask(SIG_SETMASK, &all, NULL, 8);
    pthread_create(&t, NULL, sleeper, sleeps ? (void *)&go : NULL);
    while (!done)
        pause_ms(1);
    kill(getpid(), SIGUSR1);
    go = 1;
    pthread_join(t, NULL);
    mask(SIG_SETMASK, &none, NULL, 8);
    SAY("taken once: %d", count);
}

static void *leaver(void *unused)
{
    (void)unused;
    done = 1;
    while (!go)
        ;
    return NULL;
}

/* Signals of the process while threads begin and end: none is lost. */
static void storm(void)
{
    int sent = 0;
    count = 0;
    for (int i = 0; i < 50; i++) {
        pthread_t t;
        go = done = 0;
        pthread_create(&t, NULL, leaver, NULL);
        while (!done)
            pause_ms(1);
        go = 1;
        kill(getpid(), SIGUSR1);
        sent++;
        pthread_join(t, NULL);
        while (count < sent)
            ;
    }
    SAY("sent %d, handled %d", sent, count);
}

/* ---- contexts ---- */

static void let_through(int sig, siginfo_t *i, void *context)
{
    (void)sig, (void)i;
    sigdelset(&((ucontext_t *)context)->uc_sigmask, SIGUSR2);
}
static void block_all(int sig, siginfo_t *i, void *context)
{
    (void)sig, (void)i;
    sigfillset(&((ucontext_t *)context)->uc_sigmask);
}
static void no_floats(int sig, siginfo_t *i, void *context)
{
    (void)sig, (void)i;
    ((ucontext_t *)context)->uc_mcontext.fpregs = NULL;
}
static void bad_floats(int sig, siginfo_t *i, void *context)
{
    (void)sig, (void)i;
    ((ucontext_t *)context)->uc_mcontext.fpregs->mxcsr = -1;
}
static void wild_floats(int sig, siginfo_t *i, void *context)
{
    (void)sig, (void)i;
    ((ucontext_t *)context)->uc_mcontext.fpregs = (void *)0x1000;
}
static void wild_flags(int sig, siginfo_t *i, void *context)
{
    (void)sig, (void)i;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] |= 0x3000 | 0x20000 | 0x100000 | 1;
}
static void wild_stack(int sig)
{
    (void)sig;
    __asm__ volatile("mov $0x1000, %rsp; mov $15, %eax; syscall; hlt");
}
static char alternate[65536], another[65536];
static void new_stack(int sig, siginfo_t *i, void *context)
{
    (void)sig, (void)i;
    ucontext_t *u = context;
    u->uc_stack.ss_sp = another;
    u->uc_stack.ss_size = sizeof another;
    u->uc_stack.ss_flags = 0;
}
static void changes_stack(int sig)
{
    (void)sig;
    stack_t s = { .ss_sp = another, .ss_size = sizeof another };
    SHOW(sigaltstack(&s, NULL));
}
static void show_stack(void)
{
    stack_t s;
    sigaltstack(NULL, &s);
    SAY("stack %s, flags %d, size %zu",
        s.ss_sp == alternate ? "alternate"
        : s.ss_sp == another ? "another"
                             : "none",
        s.ss_flags, s.ss_size);
}

static void spoil(int sig)
{
    (void)sig;
    __asm__ volatile("pxor %%xmm0, %%xmm0; pxor %%xmm1, %%xmm1; fninit; fldpi" ::: "xmm0", "xmm1");
}

/* Registers that no function keeps, over a system call that a handler interrupts. */
static void floats(int number)
{
    double in[2] = { 1.5, -2.25 }, out[2];
    long result = SYS_kill, rounding = 0;
    on(SIGUSR1, number ? spoil : handle, 0);
    __asm__ volatile(
        "movsd (%2), %%xmm0; movsd 8(%2), %%xmm1; fninit; fld1; syscall; movsd %%xmm0, (%3);"
        "movsd %%xmm1, 8(%3); fistpll %1"
        : "+a"(result), "=m"(rounding)
        : "b"(in), "r"(out), "D"(getpid()), "S"(SIGUSR1)
        : "rcx", "r11", "xmm0", "xmm1", "memory");
    SAY("kept: %ld, %.2f %.2f, %ld", result, out[0], out[1], rounding);
}

static void child(const char *what, void (*handler)(int, siginfo_t *, void *))
{
    int status;
    pid_t pid = fork();
    if (!pid) {
        on_info(SIGUSR1, handler, 0);
        raise(SIGUSR1);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    show_status(what, status);
}

static void contexts(void)
{
    uint64_t two = bit(SIGUSR2), none = 0;
    count = 0;
    on(SIGUSR2, handle, 0);
    on_info(SIGUSR1, let_through, 0);
    mask(SIG_BLOCK, &two, NULL, 8);
    raise(SIGUSR2);
    kill(getpid(), SIGUSR1);
    SAY("let through by a context: %d, mask %016lx", count, now());
    on_info(SIGUSR1, block_all, 0);
    kill(getpid(), SIGUSR1);
    SAY("mask %016lx", now());
    mask(SIG_SETMASK, &none, NULL, 8);

    floats(0);
    floats(1);
    child("no floating point state", no_floats);
    child("one that cannot be", bad_floats);
    child("one that is nowhere", wild_floats);
    child("flags", wild_flags);
    int status;
    pid_t pid = fork();
    if (!pid) {
        on(SIGUSR1, wild_stack, 0);
        kill(getpid(), SIGUSR1);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    show_status("no frame", status);

    on_info(SIGUSR1, new_stack, 0);
    kill(getpid(), SIGUSR1);
    show_stack();
    stack_t s = { .ss_sp = alternate, .ss_size = sizeof alternate };
    sigaltstack(&s, NULL);
    on(SIGUSR1, changes_stack, 0);
    kill(getpid(), SIGUSR1);
    show_stack();
    on(SIGUSR1, changes_stack, SA_ONSTACK);
    kill(getpid(), SIGUSR1);
    show_stack();
    s.ss_flags = SS_DISABLE;
    sigaltstack(&s, NULL);
    kill(getpid(), SIGUSR1);
    show_stack();
}

/* ---- masks for the time of a call ---- */

static void for_a_call(void)
{
    int status;
    uint64_t two = bit(SIGUSR2);
    on(SIGUSR1, handle, 0);
    pid_t pid = fork();
    if (!pid) {
        sigset_t s;
        mask(SIG_SETMASK, &two, NULL, 8);
        sigemptyset(&s);
        sigaddset(&s, SIGHUP);
        sigsuspend(&s);
        SAY("then %016lx", now());
        _exit(0);
    }
    pause_ms(50);
    show_status_line(pid, "SigBlk");
    kill(pid, SIGUSR1);
    waitpid(pid, &status, 0);
    show_status("sigsuspend", status);
    struct pollfd p = { .fd = -1 };
    sigset_t s;
    struct timespec short_time = { 0, 1000000 };
    mask(SIG_SETMASK, &two, NULL, 8);
    count = 0;
    raise(SIGUSR2);
    sigemptyset(&s);
    SHOW(ppoll(&p, 1, &short_time, &s));
    SAY("count %d, mask %016lx", count, now());
    mask(SIG_UNBLOCK, &two, NULL, 8);
}

int main(int argc, char **argv)
{
    uint64_t none = 0;
    if (argc > 1) {
        SAY("an heir has %016lx", now());
        return 0;
    }
    mask(SIG_SETMASK, &none, NULL, 8);
    calls();
    mask(SIG_SETMASK, &none, NULL, 8);
    delivery();
    fatal();
    heirs(argv[0]);
    on(SIGUSR1, handle, SA_RESTART);
    threads(0);
    threads(1);
    storm();
    contexts();
    for_a_call();
    return 0;
}
