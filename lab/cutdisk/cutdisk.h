/* A disk in memory that records what is written to it: for the server that uses it, and for the
 * tests that cut its power. The operations stand in kernel/abi/minnow/protocol.def. */
#ifndef CUTDISK_H
#define CUTDISK_H

#include <stdint.h>

enum {
    CUT_DISK = 1,          /* the object that is the disk */
    CUT_BLOCK = 1024,      /* bytes: what is read and written at a time */
    CUT_SECTOR = 512,      /* what arrives as a whole or not at all */
    CUT_BLOCKS = 64,       /* of the disk */
    CUT_LIVES = 3,         /* from 0: so many cuts, one after the other, and going on from there */
    CUT_EVENTS_MAX = 2048, /* writes and flushes of all lives together */
    CUT_FLUSH = 0xffff,    /* in place of a block, in the list of events */
    CUT_WHOLE = 3,         /* both sectors of a block */
};

/* Of the present life, but for `refused`: requests outside the disk or the record, since boot. */
struct cut_count {
    uint32_t life, reads, writes, flushes, refused;
};

#endif
