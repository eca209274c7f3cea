/* The time of day, and times as programs write them. */
#ifndef CLOCK_H
#define CLOCK_H

#include <minnow/file.h>
#include <minnow/types.h>

/* What CLOCK_REALTIME shows more than time_now(), in nanoseconds. */
int64_t wall_offset(void);

/* A struct timespec as a program gave it may be any number: check it, then convert it. */
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
