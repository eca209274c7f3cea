/* A sorted list of what is to be done when. There is one alarm from the kernel, for the first. */
#include "timer.h"

#include "service.h"

/* Nanoseconds between two rings of the timers that repeat, taken all together: so a program with an interval of a nanosecond does
 * not keep everybody else from running. */
enum { REST = 50000 };

static struct timer *first;
static unsigned repeating;
static uint64_t alarm_set;   /* what the kernel was last told; 0 nothing */

static void tell_kernel(void)
{
    uint64_t when = first ? first->when : 0;
    if (when == alarm_set || (!when && !alarm_set))
        return;
    if (!when)
        return;   /* an alarm for nothing is cheaper than a call for nothing */
    alarm_set = when;
    alarm_at(when);
}

void timer_cancel(struct timer *t)
{
    if (!t->set)
        return;
    t->set = false;
    repeating -= t->repeats;
    if (t->before)
        t->before->next = t->next;
    else
        first = t->next;
    if (t->next)
        t->next->before = t->before;
}

void timer_set(struct timer *t, uint64_t when, void (*run)(struct timer *))
{
    timer_cancel(t);
    if (!when)
        when = 1;
    struct timer *before = NULL, *after = first;
    while (after && after->when <= when)
        before = after, after = after->next;
    *t = (struct timer){ after, before, when, run, true, false };
    if (before)
        before->next = t;
    else
        first = t;
    if (after)
        after->before = t;
    tell_kernel();
}

void timer_repeat(struct timer *t, uint64_t interval, void (*run)(struct timer *))
{
    repeating++;
    timer_set(t, MAX(t->when + interval, time_now() + (uint64_t)REST * repeating), run);
    t->repeats = true;
}

void timers_run(void)
{
    alarm_set = 0;
    uint64_t now = time_now();
    while (first && first->when <= now) {
        struct timer *t = first;
        timer_cancel(t);
        t->run(t);
    }
    tell_kernel();
}
