/* Files that stand for processes: see pidfd.c. */
#ifndef PIDFD_H
#define PIDFD_H

#include "process.h"

/* Gives the caller of m, t, a pidfd of p; flags: O_NONBLOCK. The descriptor, or as anon_make().
 * Does not wait. */
int64_t pidfd_make(struct thread *t, struct message *m, struct process *p, uint64_t flags);
/* The process behind a pidfd of t's program, which may be a zombie. NULL: *error is -EBADF: the
 * descriptor is none; or -ESRCH: nobody has to wait for the process any more. */
struct process *pidfd_process(struct thread *t, uint32_t descriptor, int64_t *error);
/* Whether a pidfd of t's program has PIDFD_NONBLOCK: waitid() does not wait by it. */
bool pidfd_nonblocking(struct thread *t, uint32_t descriptor);

/* As pidfd_process(), for pidfd_send_signal(2), which takes a directory of /proc as well: that of
 * whoever has the number now. */
struct process *pidfd_or_directory(struct thread *t, uint32_t descriptor, int64_t *error);

#endif
