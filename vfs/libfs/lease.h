/* Leases: a program wants to be told before anybody opens its file in a way that is in conflict
 * with its own use (fcntl, F_SETLEASE). The personality server keeps them; a file server knows of
 * each file only the strongest kind of its leases. An open or truncation that is in conflict with
 * that is not done, but handed up, and is made again when the lease has been given up. */
#ifndef FS_LEASE_H
#define FS_LEASE_H

#include "fs.h"

/* Whether the call m, which has changed nothing yet, has to wait for the leases on n. writes: it
 * opens the file for writing, or changes its size. */
static inline bool lease_breaks(const struct fs_node *n, const struct message *m, bool writes)
{
    return __builtin_expect(n->lease, 0) && m->from >= MAX_SERVICE &&
           (writes || n->lease == LEASE_WRITE);
}
/* Hands that call up. flags: O_..., of an open that is like it. The handler returns the result. */
int64_t lease_hand_up(struct message *m, uint64_t flags);

int64_t fs_do_lease(struct message *m); /* FS_LEASE */

#endif
