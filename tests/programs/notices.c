/* Signals and timers whose requests make no sense, or more sense than they seem to: sigevent,
 * flags of actions, siginfo of programs, kill of everybody. */
#define _GNU_SOURCE
#include "oracle.h"
#include <pthread.h>
#include <sys/syscall.h>

/* As the kernel has it, whose fourth word is the thread of SIGEV_THREAD_ID. */
struct event {
    uint64_t value;
    int32_t signo, notify, tid, rest[11];
};
enum { BY_SIGNAL, BY_NONE, BY_THREAD, BY_THREAD_ID = 4 };

static long timer(int notify, int signo, int tid)
{
    struct event e = { .signo = signo, .notify = notify, .tid = tid };
    int id;
    long error = syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &id);
    if (!error)
        syscall(SYS_timer_delete, id);
    return error;
}

static volatile int other_tid;
static void *thread(void *unused)
{
    other_tid = syscall(SYS_gettid);
    pause();
    return unused;
}

static void events(void)
{
    pthread_t t;
    pthread_create(&t, NULL, thread, NULL);
    while (!other_tid)
        pause_ms(1);
    SHOW(timer(BY_SIGNAL, SIGUSR1, 0));
    SHOW(timer(BY_SIGNAL, 0, 0));
    SHOW(timer(BY_SIGNAL, 64, 0));
    SHOW(timer(BY_SIGNAL, 65, 0));
    SHOW(timer(BY_SIGNAL, -1, 0));
    SHOW(timer(BY_NONE, 0, 0));
    SHOW(timer(BY_NONE, 99, -5));
    SHOW(timer(BY_THREAD, SIGUSR1, 0));
    SHOW(timer(BY_THREAD, 0, 0));
    SHOW(timer(3, SIGUSR1, 0));
    SHOW(timer(BY_THREAD_ID, SIGUSR1, getpid()));
    SHOW(timer(BY_THREAD_ID, SIGUSR1, other_tid));
    SHOW(timer(BY_THREAD_ID, SIGUSR1, getppid()));
    SHOW(timer(BY_THREAD_ID, SIGUSR1, 0));
    SHOW(timer(BY_THREAD_ID, SIGUSR1, -1));
    SHOW(timer(BY_THREAD_ID, 0, getpid()));
    SHOW(timer(5, SIGUSR1, getpid()));
    SHOW(timer(BY_THREAD_ID | BY_THREAD, SIGUSR1, getpid()));
    SHOW(timer(99, SIGUSR1, 0));
    SHOW(timer(-1, SIGUSR1, 0));
}

/* sigaction(2), "Dynamically probing for flag bit support". */
static void flags(void)
{
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)(void);
        unsigned long mask;
    } action = { .handler = SIG_IGN }, kept;
    static const unsigned long asked[] = {
        0, ~0ul, 1, 2, 4, 8, 0x400, 0x800, 0x08000000, 0x20000000
    };
    for (unsigned i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        action.flags = asked[i];
        syscall(SYS_rt_sigaction, SIGUSR2, &action, NULL, 8);
        syscall(SYS_rt_sigaction, SIGUSR2, NULL, &kept, 8);
        SAY("%lx: kept %lx", asked[i], kept.flags);
    }
}

static siginfo_t with_code(int code)
{
    siginfo_t info = { .si_code = code };
    return info;
}

static void infos(void)
{
    enum { NOBODY = 1 << 22 }; /* beyond all numbers of processes */
    siginfo_t kernels = with_code(SI_USER), tkills = with_code(SI_TKILL), own = with_code(SI_QUEUE);
    signal(SIGUSR1, SIG_IGN);
    SHOW(syscall(SYS_rt_sigqueueinfo, NOBODY, SIGUSR1, &kernels));
    SHOW(syscall(SYS_rt_sigqueueinfo, NOBODY, 99, &kernels));
    SHOW(syscall(SYS_rt_sigqueueinfo, NOBODY, SIGUSR1, &own));
    SHOW(syscall(SYS_rt_sigqueueinfo, NOBODY, 99, &own));
    SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), 99, &own));
    SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &own));
    SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &kernels));
    SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &tkills));
    SHOW(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &kernels));
    SHOW(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &tkills));
    SHOW(syscall(SYS_rt_sigqueueinfo, 0, SIGUSR1, &own));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, 0, getpid(), SIGUSR1, &own));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, &own));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), -1, SIGUSR1, &own));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, -1, -1, SIGUSR1, (void *)8));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, NOBODY, NOBODY, SIGUSR1, &kernels));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, NOBODY, NOBODY, SIGUSR1, &own));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), 99, &own));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, &kernels));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), other_tid, SIGUSR1, &own));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), other_tid, SIGUSR1, &kernels));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getppid(), other_tid, SIGUSR1, &own));
}

/* One who may send to nobody sends to everybody. */
static void everybody(void)
{
    if (!fork()) {
        if (setresgid(4242, 4242, 4242) || setresuid(4242, 4242, 4242))
            SAY("root is needed");
        SHOW(kill(-1, 0));
        SHOW(kill(1, 0));
        SHOW(kill(-getpgrp(), 0));
        SHOW(kill(-1, 99));
        _exit(0);
    }
    wait(NULL);
}

int main(void)
{
    events();
    flags();
    infos();
    everybody();
    return 0;
}
