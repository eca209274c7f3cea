/* The time of day, and times as programs write them. */
#ifndef CLOCK_H
#define CLOCK_H

#include <minnow/file.h>
#include "process.h"

/* What CLOCK_REALTIME shows more than time_now(), in nanoseconds. */
int64_t wall_offset(void);

/* A struct timespec that a program gives: 0, -EINVAL for numbers that are no time, or as user_read.
 */
int64_t timespec_read(struct thread *t, caller_t at, struct timespec64 *time);
static inline bool timespec_valid(const struct timespec64 *t)
{
    return t->sec >= 0 && t->nsec >= 0 && t->nsec < SECOND;
}
/* In nanoseconds; INT64_MAX for what is more than 250 years. */
static inline uint64_t timespec_ns(const struct timespec64 *t)
{
    return t->sec > 8000000000 ? INT64_MAX : (uint64_t)t->sec * SECOND + t->nsec;
}

#endif
