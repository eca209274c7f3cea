/* Things to do at a time: a leftist heap (Knuth 3, 5.2.3), because programs set thousands of timers
 * and any of them may be cancelled. Setting and cancelling cost the logarithm of their number, and
 * no memory but the timers' own. The kernel has one alarm for this service, which is set for the
 * first. Timers that ring at a time of day have a heap of their own: setting the clock does not
 * change their order.
 *
 * In a leftist heap each timer is due no later than its children, and its way down to the right, to
 * the next free place, is the shortest of all (`rank` is its length): so that two heaps are merged
 * along their right sides in few steps. */
#include "timer.h"

#include "service.h"
#include "share.h"

/* Nanoseconds between two rings of one user's timers that repeat, taken all together, so that
 * programs with intervals of a nanosecond do not keep all others from running. */
enum { REST_NS = 50000 };
/* After so many rings, each of which may post a signal, others go first. */
enum { RINGS_AT_ONCE = 32 };

static struct timer *first[2]; /* by the time since boot, and by the time of day */
static unsigned count;
uint64_t wall_base;
static struct share repeating = SHARE(UINT32_MAX, 0, UINT32_MAX);
static uint64_t alarm_set; /* the time of the kernel's alarm; 0: it has rung */

uint64_t wall_now(void) { return time_now() + wall_base; }
uint64_t timer_now(const struct timer *t) { return t->wall ? wall_now() : time_now(); }

/* When t, of one of the heaps, is to ring: nanoseconds since boot. */
static uint64_t rings_at(const struct timer *t)
{
    return !t->wall ? t->when : t->when > wall_base ? t->when - wall_base : 1;
}

/* The timer that is to ring first; NULL: none is set. */
static struct timer *first_of_all(void)
{
    struct timer *a = first[false], *b = first[true];
    return !a ? b : !b || rings_at(a) <= rings_at(b) ? a : b;
}

/* Sets the kernel's alarm for the first timer. */
static void tell_kernel(void)
{
    const struct timer *t = first_of_all();
    uint64_t when = t ? rings_at(t) : 0;
    if (when == alarm_set || (!when && !alarm_set))
        return;
    if (!when)
        return; /* let the stale alarm ring: cancelling it costs a kernel call */
    alarm_set = when;
    alarm_at(when);
}

/* ---- the heap ---- */

static unsigned rank(const struct timer *t) { return t ? t->rank : 0; }

/* Puts t's children and its rank in order. Returns whether the rank has changed. */
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

/* Merges two heaps and returns the root of the result, whose parent the caller sets. The recursion
 * is as deep as the logarithm of their size. */
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
    *(!up ? &first[t->wall] : up->left == t ? &up->left : &up->right) = rest;
    while (up && lean(up))
        up = up->parent;
}

void timer_set_by(struct timer *t, uint64_t when, bool wall, void (*run)(struct timer *))
{
    timer_cancel(t);
    *t = (struct timer){ .rank = 1, .when = MAX(when, 1ul), .run = run, .set = true, .wall = wall };
    count++;
    first[wall] = merge(first[wall], t);
    first[wall]->parent = NULL;
    tell_kernel();
}

void timer_set(struct timer *t, uint64_t when, void (*run)(struct timer *))
{
    timer_set_by(t, when, false, run);
}

void timers_wall_set(uint64_t base)
{
    wall_base = base;
    tell_kernel();
}

void timer_repeat(struct timer *t, uint32_t user, uint64_t interval, void (*run)(struct timer *))
{
    uint64_t next = t->when + interval;
    timer_cancel(t);
    /* A share counts SHARE_USERS users at most; a timer of a further one rings as if one user owned
     * all timers that repeat. */
    bool counted = share_take(&repeating, user, 1, -EAGAIN) == 0;
    uint64_t held = counted ? share_held(&repeating, user) : repeating.taken;
    timer_set_by(t, MAX(next, timer_now(t) + REST_NS * held), t->wall, run);
    t->repeats = counted;
    t->user = user;
}

void timers_run(void)
{
    alarm_set = 0;
    uint64_t now = time_now();
    struct timer *t;
    for (uint64_t left = count; left && (t = first_of_all()) && rings_at(t) <= now; left--) {
        timer_cancel(t);
        t->run(t);
        GIVE_WAY_EVERY(RINGS_AT_ONCE, 1, left);
    }
    tell_kernel();
}
