/* Signals: sending them. Numbers are signal_abi.h's, delivery is delivery.h's. */
#ifndef SIGNAL_H
#define SIGNAL_H

#include "process.h"

/* Sends a signal to thread t of p, or with t NULL to the process. May end p, and then wait; the
 * caller looks at t and p again afterwards. 0, or -EAGAIN: a queued signal (sigqueue, timers,
 * SIGRTMIN and above) when the receiver's user has as many waiting as the limits allow. */
int signal_post(struct process *p, struct thread *t, const struct siginfo *info);
/* Likewise, from the kernel (SI_KERNEL): to a process, to all processes of a group. */
void signal_kernel(struct process *p, int sig);
void signal_group(unsigned pgid, int sig);
/* Sends t the signal that goes with an error of its call: SIGPIPE with -EPIPE, SIGXFSZ with -EFBIG.
 * May end t's process, and then wait. */
void signal_self(struct thread *t, int sig);
/* Sends t the signal of its own exception, which can be neither blocked nor ignored: without a
 * handler the process ends. t's call must be held; the signal is delivered when it ends. May wait.
 */
void signal_force(struct thread *t, const struct siginfo *info);
/* Whether `from` may send sig to p. */
bool signal_allowed(const struct process *from, const struct process *p, int sig);

#endif
