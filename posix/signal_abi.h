/* Signals as programs know them: Linux's numbers and flags on x86-64. */
#ifndef SIGNAL_ABI_H
#define SIGNAL_ABI_H

#include <stdint.h>

enum { SIGNALS = 64 };
enum {
    SIGHUP = 1,
    SIGINT,
    SIGQUIT,
    SIGILL,
    SIGTRAP,
    SIGABRT,
    SIGBUS,
    SIGFPE,
    SIGKILL,
    SIGUSR1,
    SIGSEGV,
    SIGUSR2,
    SIGPIPE,
    SIGALRM,
    SIGTERM,
    SIGSTKFLT,
    SIGCHLD,
    SIGCONT,
    SIGSTOP,
    SIGTSTP,
    SIGTTIN,
    SIGTTOU,
    SIGURG,
    SIGXCPU,
    SIGXFSZ,
    SIGVTALRM,
    SIGPROF,
    SIGWINCH,
    SIGIO,
    SIGPWR,
    SIGSYS,
    SIGRTMIN = 32
};
#define BIT(sig)           (1ul << ((sig)-1))
#define STOP_SIGNALS       (BIT(SIGSTOP) | BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU))
#define IGNORED_BY_DEFAULT (BIT(SIGCHLD) | BIT(SIGCONT) | BIT(SIGURG) | BIT(SIGWINCH))
#define UNBLOCKABLE        (BIT(SIGKILL) | BIT(SIGSTOP))

enum { SIG_DFL = 0, SIG_IGN = 1 };
enum {
    SA_NOCLDSTOP = 1,
    SA_NOCLDWAIT = 2,
    SA_SIGINFO = 4,
    SA_EXPOSE_TAGBITS = 0x800,
    SA_RESTORER = 0x04000000,
    SA_ONSTACK = 0x08000000,
    SA_RESTART = 0x10000000,
    SA_NODEFER = 0x40000000,
};
#define SA_RESETHAND 0x80000000u
/* All that there are. Programs find out what there is by what rt_sigaction has kept. */
#define SA_KNOWN                                                                               \
    (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_EXPOSE_TAGBITS | SA_RESTORER | SA_ONSTACK | \
     SA_RESTART | SA_NODEFER | SA_RESETHAND)
enum { SS_ONSTACK = 1, SS_DISABLE = 2, MINSIGSTKSZ = 2048 };
#define SS_AUTODISARM 0x80000000u
enum { SI_USER = 0, SI_KERNEL = 0x80, SI_TIMER = -2, SI_TKILL = -6 };
enum { TRAP_TRACE = 2 };
enum { CLD_EXITED = 1, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED };

/* What a call that a signal interrupted ends with (Linux, linux/errno.h; programs never see them).
 * If no handler runs all are made again. */
enum {
    ERESTARTSYS = 512,    /* made again if the handler was set with SA_RESTART, else -EINTR */
    ERESTARTNOINTR = 513, /* always made again */
    ERESTARTNOHAND = 514, /* -EINTR when a handler runs */
    ERESTART_RESTARTBLOCK = 516, /* -EINTR when a handler runs, else restart_syscall */
};

/* siginfo_t without its unused tail. fields: as Linux lays them, from offset 16 on. */
struct siginfo {
    int32_t signo, error, code, pad;
    union {
        struct {
            int32_t pid;
            uint32_t uid;
            uint64_t value;
        } sent;
        struct {
            int32_t pid;
            uint32_t uid;
            int32_t status;
            int32_t pad;
            int64_t user, system;
        } child;
        struct {
            uint64_t address;
        } fault;
        struct {
            int64_t band;
            int32_t fd;
        } event;
        struct {
            int32_t id;
            int32_t overrun;
            uint64_t value;
        } timer;
        uint64_t fields[4];
    };
};
_Static_assert(sizeof(struct siginfo) == 48, "the head of siginfo_t");
enum { SIGINFO_SIZE = 128 }; /* all of siginfo_t, in bytes */

/* An action, as rt_sigaction reads and writes it. */
struct sigaction {
    uint64_t handler, flags, restorer, mask;
};

#endif
