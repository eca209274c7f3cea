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

/* room for any of the texts */
enum { SMAPS_ROOM = 1024 };

/* Counts by how many spaces each backing is shown, unless that was done just before. May wait. */
void smaps_census(void);
/* Adds the pages of a region of s; of the region's backing there is a user. *work: pages looked at
 * since others were let go first. 0; -ESRCH: s is no longer the space of its task. May wait. */
int smaps_add(struct space *s, const struct region *r, struct smaps_sums *sums, uint64_t *work);
/* Makes the text of a region, after its line, which has smaps_length() bytes. */
unsigned smaps_text(const struct region *r, const struct smaps_sums *sums, char text[SMAPS_ROOM]);
unsigned smaps_length(const struct region *r);
/* Makes the text of smaps_rollup, after its line. Returns the length. */
unsigned smaps_rollup(const struct smaps_sums *sums, char text[SMAPS_ROOM]);

#endif
