/* What the calls that wait for readiness have in common: see poll.c. */
#ifndef POLL_H
#define POLL_H

#include "process.h"

/* Reads a time limit in seconds and `unit` nanoseconds; of microseconds there may be any number.
 * 0, and *ns from now, -1: none; or -EINVAL, or as user_read(). Does not wait. */
int64_t read_limit(struct thread *t, caller_t at, int64_t unit, int64_t *ns);
/* Has t block the signals of the set at `at`, of `size` bytes, for the time of the call (ppoll,
 * pselect, epoll_pwait); at 0: nothing changes. 0, -EINVAL, or as user_read(). Does not wait. */
int64_t mask_for_now(struct thread *t, caller_t at, uint64_t size);
/* The result of a call behind mask_for_now(), returned as it is. One that is thrown back begins
 * anew, with the old mask. */
int64_t mask_with_result(struct thread *t, int64_t result);

/* For a call of t that can do nothing until one of these events holds for a descriptor: t waits for
 * that, and its call is made again from its start. Returns what the handler is to return. May wait.
 */
int64_t poll_again(struct thread *t, unsigned descriptor, int events);

#endif
