/* The time of day, and times as programs write them. */
#ifndef CLOCK_H
#define CLOCK_H

#include <minnow/file.h>
#include "process.h"

/* As programs set timers: the time to the first expiry, and from each to the next. */
struct itimerspec {
    struct timespec64 interval, value;
};

/* CLOCK_REALTIME less time_now(), in nanoseconds. */
int64_t wall_offset(void);

/* Reads a struct timespec from the memory of t's program. 0; -EINVAL: its numbers are no time; or
 * what user_read() returns. Does not wait. */
int64_t timespec_read(struct thread *t, caller_t at, struct timespec64 *time);
static inline bool timespec_valid(const struct timespec64 *t)
{
    return t->sec >= 0 && t->nsec >= 0 && t->nsec < SECOND;
}
/* A valid timespec in nanoseconds; INT64_MAX when it is more than some 250 years. */
static inline uint64_t timespec_ns(const struct timespec64 *t)
{
    return t->sec > 8000000000 ? INT64_MAX : (uint64_t)t->sec * SECOND + t->nsec;
}

#endif
