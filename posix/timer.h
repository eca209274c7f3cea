/* Things to do at a time. */
#ifndef TIMER_H
#define TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
    struct timer *left, *right, *parent; /* in the heap */
    uint64_t when;                       /* nanoseconds since boot, or since 1970 */
    void (*run)(struct timer *);         /* called when the timer has left the heap */
    uint32_t user;                       /* the owner, if it repeats */
    uint8_t rank;                        /* the length of the way to the right */
    bool set, repeats;
    bool wall; /* `when` is a time of day */
};

/* Calls `run` once, at `when` (nanoseconds since boot) or soon after; it may wait. A timer that is
 * set already is set anew. It must be cancelled before its memory goes. */
void timer_set(struct timer *t, uint64_t when, void (*run)(struct timer *));
/* Likewise, if `wall` at a time of day, nanoseconds since 1970: a clock that is set meanwhile makes
 * it ring sooner or later. */
void timer_set_by(struct timer *t, uint64_t when, bool wall, void (*run)(struct timer *));
/* The time by which t was set last, nanoseconds. */
uint64_t timer_now(const struct timer *t);
/* The time of day, nanoseconds since 1970, and what it is more than the time since boot. */
uint64_t wall_now(void);
extern uint64_t wall_base;
/* From now on the time of day is so many nanoseconds more than the time since boot. */
void timers_wall_set(uint64_t base);
/* Sets t for an interval (nanoseconds) after t->when, for a program of this user; but all of a
 * user's timers that repeat ring no oftener than every 50 us together, so it may ring late, and its
 * owner reckons how many expiries have passed. */
void timer_repeat(struct timer *t, uint32_t user, uint64_t interval, void (*run)(struct timer *));
/* Takes t out of the heap, so that it does not ring. Harmless when t is not set. */
void timer_cancel(struct timer *t);
/* Runs the timers that are due, in steps between which other handlers run. May wait. */
void timers_run(void);

#endif
