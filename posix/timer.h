/* Things to do at a time. */
#ifndef TIMER_H
#define TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
    struct timer *left, *right, *parent; /* in the heap: none of its children is due before it */
    uint64_t when;                       /* nanoseconds since boot */
    void (*run)(struct timer *);         /* called once, after it has been taken out */
    uint32_t user;                       /* of one that repeats: whose it is */
    uint8_t rank;
    bool set, repeats;
};

void timer_set(struct timer *t, uint64_t when, void (*run)(struct timer *));
/* An interval (nanoseconds) after t->when, as a program of this user asked for; but each user's
 * timers that repeat ring no oftener than every 50 us, all together. Who rings late reckons how
 * many expiries there have been. */
void timer_repeat(struct timer *t, uint32_t user, uint64_t interval, void (*run)(struct timer *));
void timer_cancel(struct timer *t); /* harmless when it is not set */
void timers_run(void);              /* those whose time has come, in steps. May wait */

#endif
