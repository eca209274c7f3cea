/* Things to do at a time. */
#ifndef TIMER_H
#define TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
    struct timer *next, *before;
    uint64_t when;                    /* nanoseconds since boot */
    void (*run)(struct timer *);      /* called once, after it has been taken out */
    bool set, repeats;
};

void timer_set(struct timer *t, uint64_t when, void (*run)(struct timer *));
/* From run(): again after an interval, as a program asked for. */
void timer_repeat(struct timer *t, uint64_t interval, void (*run)(struct timer *));
void timer_cancel(struct timer *t);   /* harmless when it is not set */
void timers_run(void);                /* those whose time has come */

#define CONTAINER(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

#endif
