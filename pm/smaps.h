/* How the pages of a region are used, as /proc/N/smaps tells. */
#ifndef SMAPS_H
#define SMAPS_H

#include "space.h"

/* Bytes, but for the proportional shares, which are in 1/SMAPS_PART of a byte. */
struct ON_STACK smaps_sums {
    uint64_t resident, referenced, anonymous, locked;
    uint64_t shared_clean, shared_dirty, private_clean, private_dirty;
    uint64_t share, share_dirty, share_anonymous, share_file, share_shared, share_locked;
};
enum { SMAPS_PART = 4096 };

/* How much one request has done since others were let go first, and how often they were. */
struct ON_STACK smaps_pace {
    uint64_t work; /* pages */
    uint64_t pauses;
};
/* After so much more work: lets others go first, if it was enough. The number of steps that it
 * tells just falls, since nobody knows how many are left. The space may be gone then. May wait. */
void smaps_pause(struct smaps_pace *p, uint64_t more);

/* room for any of the texts */
enum { SMAPS_ROOM = 1024 };

/* Counts by how many spaces each backing is shown, unless that was done just before. May wait. */
void smaps_census(struct smaps_pace *pace);
/* Adds the pages of a region of s; of the region's backing there is a user. 0; -ESRCH: s is no
 * longer the space of its task. May wait. */
int smaps_add(struct space *s, const struct region *r, struct smaps_sums *sums,
              struct smaps_pace *pace);
/* Makes the text of a region, after its line, which has smaps_length() bytes. */
unsigned smaps_text(const struct region *r, const struct smaps_sums *sums, char text[SMAPS_ROOM]);
unsigned smaps_length(const struct region *r);
/* Makes the text of smaps_rollup, after its line. Returns the length. */
unsigned smaps_rollup(const struct smaps_sums *sums, char text[SMAPS_ROOM]);

#endif
