/* Segments, the shared memory of System V: see segment.c. */
#ifndef SEGMENT_H
#define SEGMENT_H

#include <minnow/types.h>

struct backing;

/* What the personality calls a segment. */
struct segment_name {
    uint32_t key, id;
};
struct segment_name segment_name(const struct backing *b);

/* Whether it has been dropped, so that it goes with its last region. */
bool segment_dropped(const struct backing *b);

/* A segment has more or fewer users than before; none: it goes. */
void segment_users(const struct backing *b);

#endif
