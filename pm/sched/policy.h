/* Multilevel feedback, and a bound for realtime threads, as pure logic. See README.md. */
#ifndef POLICY_H
#define POLICY_H

#include <minnow/syscall.h>
#include <minnow/types.h>

enum {
    POLICY_TOP = PRIORITY_PROGRAM,
    POLICY_TOP_NS = 2000000,         /* quantum there */
    POLICY_BOOST_NS = 500000000,     /* so long after the first has sunk all are at the top again */
    POLICY_REALTIME_NS = 1000000000, /* of which realtime threads get a part */
};

struct decision {
    unsigned priority;
    uint64_t quantum;
};

/* What a thread of this priority gets when it has used up its quantum. base: where the threads of
 * its task begin, by the nice value. quantum: the one that it has used up, in ns; 0: it never had
 * one. */
struct decision policy_expired(unsigned priority, unsigned base, uint64_t quantum);

/* How much of a second realtime threads have had. All 0: that second is over. */
struct realtime {
    uint64_t began, used; /* ns */
};
/* What a realtime thread gets when it has used up its quantum, at a time: it goes on, or, when such
 * threads have had 95 % of a second, sinks to the last until that is over (Linux:
 * sched_rt_runtime_us). */
struct decision policy_realtime(struct realtime *r, bool rounds, uint64_t quantum, uint64_t now);

#endif
