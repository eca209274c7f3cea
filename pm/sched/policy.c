/* Multilevel feedback (Corbato 1962; Arpaci-Dusseau, Operating Systems: Three Easy Pieces, chapter
 * 8). The levels are the kernel's priorities: a thread begins at its task's base, sinks by one
 * whenever it has used up its quantum, however often it waited in between, and ends at the last,
 * where threads that only compute take turns. The lower the level, the longer the quantum: a thread
 * that waits for a key is served at once, and one that computes is seldom interrupted. Twice a
 * second all threads are lifted to the top, above every base: so no thread starves, whatever its
 * nice value. */
#include "policy.h"

enum {
    /* quantum at the base; it grows by so much at each level below */
    LEVEL_NS = 5000000,
    /* quantum at the last level, for each step that the base is above the end */
    LAST_NS = 8000000,
    /* realtime threads: the turn of SCHED_RR; how often SCHED_FIFO, which has no turns, is looked
     * at */
    ROUND_NS = 100000000,
    ASK_NS = 50000000,
};

static uint64_t quantum_at(unsigned priority, unsigned base)
{
    if (priority == PRIORITY_LAST)
        return (uint64_t)LAST_NS * (PRIORITIES - base); /* so shares there are by nice value: 32 ms
                                                           for 0, 8 ms for 19, 64 ms for -20 */
    return (uint64_t)LEVEL_NS * (priority - base + 1);
}

struct decision policy_expired(unsigned priority, unsigned base, uint64_t quantum)
{
    if (!quantum || priority < base) /* a beginner, or at the top */
        priority = base;
    else if (priority < PRIORITY_LAST)
        priority++;
    return (struct decision){ priority, quantum_at(priority, base) };
}

struct decision policy_realtime(struct realtime *r, bool rounds, uint64_t quantum, uint64_t now)
{
    enum { PART_NS = POLICY_REALTIME_NS / 100 * 95 };
    uint64_t next = rounds ? ROUND_NS : ASK_NS;
    if (now - r->began >= POLICY_REALTIME_NS)
        *r = (struct realtime){ .began = now };
    r->used += quantum;
    if (r->used + next > PART_NS)
        return (struct decision){ PRIORITY_LAST, LEVEL_NS };
    return (struct decision){ POLICY_TOP, next };
}
