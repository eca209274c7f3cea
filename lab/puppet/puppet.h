/* What a puppet can be told. Programs tell it through the gate; the operations are those of
 * protocol PUPPET in minnow/protocol.def. */
#ifndef PUPPET_H
#define PUPPET_H

#include <stdint.h>

/* How PUPPET_FAIL goes wrong. */
enum puppet_fails {
    PUPPET_SPINS,   /* it computes, and does not come back */
    PUPPET_FORGETS, /* it does not answer */
    PUPPET_FAULTS,  /* it dies of a fault */
    PUPPET_QUITS,   /* it dies by its own decision */
    PUPPET_DEAF,    /* it dies behind a kernel call that nothing can make fail */
    PUPPET_SPOILS,  /* it dies and cannot be rolled back */
};

/* The first bytes of the store's record PUPPET_START: how often puppets still die before they have
 * come up. The records behind it count by key how often a puppet has gone wrong. */
enum { PUPPET_START = 0, PUPPET_KEYS = 63 };

#endif
