/* Segments, the shared memory of System V: see segment.c. */
#ifndef SEGMENT_H
#define SEGMENT_H

struct backing;

/* A segment has more or fewer users than before; none: it goes. */
void segment_users(const struct backing *b);

#endif
