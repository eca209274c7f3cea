/* What is to be done when: a leftist heap (Knuth 3, 5.2.3), for programs set thousands of timers
 * and any of them may be cancelled. Setting and cancelling cost the logarithm of their number, and
 * nobody's memory. There is one alarm from the kernel, for the first. */
#include "timer.h"

#include "service.h"
#include "share.h"

/* Nanoseconds between two rings of one user's timers that repeat, taken all together: so programs
 * with intervals of a nanosecond do not keep everybody else from running. */
enum { REST = 50000 };
/* then others go first; each may post a signal */
enum { RINGS_AT_ONCE = 32 };

static struct timer *first;
static unsigned count;
static struct share repeating = SHARE(UINT32_MAX, 0, UINT32_MAX);
static uint64_t alarm_set; /* what the kernel was last told; 0 nothing */

static void tell_kernel(void)
{
    uint64_t when = first ? first->when : 0;
    if (when == alarm_set || (!when && !alarm_set))
        return;
    if (!when)
        return; /* an alarm for nothing is cheaper than a call for nothing */
    alarm_set = when;
    alarm_at(when);
}

/* ---- the heap: of each timer the way down to the right, to the next place that is free, is the
 * shortest ---- */

static unsigned rank(const struct timer *t) { return t ? t->rank : 0; }

/* Puts t's children and its rank right. Whether the rank was another one. */
static bool lean(struct timer *t)
{
    if (rank(t->left) < rank(t->right)) {
        struct timer *left = t->left;
        t->left = t->right;
        t->right = left;
    }
    unsigned before = t->rank;
    t->rank = rank(t->right) + 1;
    return t->rank != before;
}

/* Calls itself as often as the logarithm of the number of timers. The parent of what it returns is
 * the caller's to set. */
static struct timer *merge(struct timer *a, struct timer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->when < a->when) {
        struct timer *earlier = b;
        b = a;
        a = earlier;
    }
    a->right = merge(a->right, b);
    a->right->parent = a;
    lean(a);
    return a;
}

void timer_cancel(struct timer *t)
{
    if (!t->set)
        return;
    t->set = false;
    count--;
    if (t->repeats)
        share_give(&repeating, t->user, 1);
    struct timer *up = t->parent, *rest = merge(t->left, t->right);
    if (rest)
        rest->parent = up;
    *(!up ? &first : up->left == t ? &up->left : &up->right) = rest;
    while (up && lean(up))
        up = up->parent;
}

void timer_set(struct timer *t, uint64_t when, void (*run)(struct timer *))
{
    timer_cancel(t);
    *t = (struct timer){ .rank = 1, .when = when ? when : 1, .run = run, .set = true };
    count++;
    first = merge(first, t);
    first->parent = NULL;
    tell_kernel();
}

void timer_repeat(struct timer *t, uint32_t user, uint64_t interval, void (*run)(struct timer *))
{
    uint64_t next = t->when + interval;
    timer_cancel(t);
    /* else he is one of more users than anybody counts */
    bool counted = share_take(&repeating, user, 1, -EAGAIN) == 0;
    timer_set(t,
              MAX(next, time_now() + (uint64_t)REST * (counted ? share_held(&repeating, user)
                                                               : repeating.taken)),
              run);
    t->repeats = counted;
    t->user = user;
}

void timers_run(void)
{
    alarm_set = 0;
    uint64_t now = time_now();
    for (uint64_t left = count; left && first && first->when <= now; left--) {
        struct timer *t = first;
        timer_cancel(t);
        t->run(t);
        GIVE_WAY_EVERY(RINGS_AT_ONCE, 1, left);
    }
    tell_kernel();
}
