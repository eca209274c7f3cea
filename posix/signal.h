/* Signals: numbers, actions, sending. Delivery is thread_attend() in signal.c, frames are
 * signal_frame.c. */
#ifndef SIGNAL_H
#define SIGNAL_H

#include "process.h"

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
#define BIT(sig)     (1ul << ((sig)-1))
#define STOP_SIGNALS (BIT(SIGSTOP) | BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU))
#define UNBLOCKABLE  (BIT(SIGKILL) | BIT(SIGSTOP))

enum { SIG_DFL = 0, SIG_IGN = 1 };
enum {
    SA_NOCLDSTOP = 1,
    SA_NOCLDWAIT = 2,
    SA_SIGINFO = 4,
    SA_RESTORER = 0x04000000,
    SA_ONSTACK = 0x08000000,
    SA_RESTART = 0x10000000,
    SA_NODEFER = 0x40000000,
};
#define SA_RESETHAND 0x80000000u
enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };
enum { SS_ONSTACK = 1, SS_DISABLE = 2, MINSIGSTKSZ = 2048 };
#define SS_AUTODISARM 0x80000000u
enum { SI_USER = 0, SI_KERNEL = 0x80, SI_QUEUE = -1, SI_TIMER = -2, SI_TKILL = -6 };
enum { CLD_EXITED = 1, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED };

/* What a call that a signal interrupted ends with (Linux, linux/errno.h; programs never see them).
 * If no handler runs all are made again. */
enum {
    ERESTARTSYS = 512,    /* made again if the handler was set with SA_RESTART, else -EINTR */
    ERESTARTNOINTR = 513, /* always made again */
    ERESTARTNOHAND = 514, /* -EINTR when a handler runs */
    ERESTART_RESTARTBLOCK = 516, /* likewise; made again it is restart_syscall */
};

/* Sends a signal. t: to this thread; NULL: to the process. May end the process, and then block. 0,
 * or -EAGAIN when it was one of those that are queued and the receiver's user has as many waiting
 * as he may. */
int signal_post(struct process *p, struct thread *t, const struct siginfo *info);
void signal_kernel(struct process *p, int sig); /* SI_KERNEL */
/* an error of t's call that is told by a signal too */
void signal_self(struct thread *t, int sig);
/* SI_KERNEL, to a process group */
void signal_group(unsigned pgid, int sig);
/* An exception of the thread itself: cannot be blocked or ignored. */
void signal_force(struct thread *t, const struct siginfo *info);
bool signal_ignored(const struct process *p, int sig);
/* The mask was changed. */
void signal_mask(struct thread *t, uint64_t mask);
/* Takes the first pending signal in set; 0 when none. */
int signal_take(struct thread *t, uint64_t set, struct siginfo *info);
void signals_drop(struct sigqueue *q, uint64_t set);
void process_stop(struct process *p, int sig);
void process_continue(struct process *p);
/* May `from` send sig to p? */
bool signal_allowed(const struct process *from, const struct process *p, int sig);

/* signal_frame.c. Builds the frame of a handler on the program's stack; registers are set. 0, or
 * -EFAULT when there is no page: then *missing says where and *length how much. */
int frame_push(struct thread *t, const struct siginfo *info, const struct sigaction *a,
               int64_t result, caller_t *missing, size_t *length);
/* Makes the registers those of a call that ended with result (restart codes: that will be made
 * again). */
void registers_finish(struct thread *t, int64_t result);
void frame_init(void);
/* of the exception being handled, for the frame */
extern uint64_t fault_address, fault_error, fault_vector;

#endif
