/* Multilevel feedback, as pure logic. See README.md. */
#ifndef POLICY_H
#define POLICY_H

#include <minnow/syscall.h>
#include <minnow/types.h>

enum {
    POLICY_TOP = PRIORITY_PROGRAM,
    POLICY_TOP_NS = 2000000,     /* quantum there */
    POLICY_BOOST_NS = 500000000, /* so long after the first has sunk all are at the top again */
};

struct decision {
    unsigned priority;
    uint64_t quantum;
};

/* What a thread of this priority gets when it has used up its quantum. base: where the threads of
 * its task begin, by the nice value. quantum: the one that it has used up, in ns; 0: it never had
 * one. */
struct decision policy_expired(unsigned priority, unsigned base, uint64_t quantum);

#endif
