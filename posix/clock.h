/* The time of day, and times as programs write them. */
#ifndef CLOCK_H
#define CLOCK_H

#include <minnow/file.h>
#include "process.h"

/* As older calls have times. */
struct timeval {
    int64_t sec, usec;
};

/* As programs set timers: the time to the first expiry, and from each to the next. */
struct itimerspec {
    struct timespec64 interval, value;
};

/* What a program is told of a timer by a clock that shows `now`: the time until its next expiry,
 * which was set for `due` (0: it does not run) and comes each `interval` from then on (0: once). */
struct itimerspec timer_shown(uint64_t due, uint64_t interval, uint64_t now);

/* Sets the time of day, nanoseconds since 1970; not less than the time since boot. */
void wall_set(uint64_t ns);
extern uint32_t wall_settings; /* counts these */
/* Moves the time of day by so little that nobody has to know. */
void wall_step(int64_t ns);
/* As wall_set(). 0; -EINVAL: that is no time, lies before the boot, or too far ahead. */
int64_t wall_change(int64_t sec, int64_t nsec);
/* The clock has been set: tells it to the timerfds that are to be cancelled by that. */
void timerfds_wall_set(void);
/* The clock by which `clock` runs. The alarm clocks are those without alarms, for this machine
 * never sleeps; and TAI is UTC, as on Linux while nobody has told the difference. */
int clock_base(int clock);
/* Whether t's program may make a timer by this clock, or sleep by it: 0 or -EPERM. */
int64_t clock_permitted(const struct thread *t, int clock);

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
