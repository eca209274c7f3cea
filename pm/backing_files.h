/* What the files about backings share among themselves: backing.c, reclaim.c, file_pages.c. */
#ifndef BACKING_FILES_H
#define BACKING_FILES_H

#include "backing.h"

enum { FILE_BUCKETS = 1024 };

/* ---- backing.c: nothing of it waits ---- */

extern struct backing *files[FILE_BUCKETS]; /* by service and object, through hash_next */
extern struct backing idle_ring;            /* files without users: idle_ring.newer is the oldest */
extern unsigned idle_count;                 /* how many stand in idle_ring */
extern struct backing *unsettled;           /* those that backing_settle() looks at */
extern uint64_t pinned;                     /* pages that servers have given out to us */

/* The backing of a file; NULL: none. file_make adds one, without users, accounted to the user of
 * `task`; NULL: no memory, or the user has too many. backing_free frees one. */
struct backing *file_find(endpoint_t service, uint64_t object);
struct backing *file_make(endpoint_t task, endpoint_t service, uint64_t object);
void backing_free(struct backing *b);
/* Takes a file out of the table, so that it is found no more. */
void file_unhash(struct backing *b);
/* The cluster with this page, which is made if there is none; one of shared memory is accounted to
 * `user`. NULL: no memory, or the user has too many. */
struct cluster *cluster_make(struct backing *b, uint64_t page, uint32_t user);
/* Takes a cluster out of the table; frees one that is in neither table nor list any more. */
void cluster_unhash(struct cluster *c);
void cluster_free(struct cluster *c);
/* Takes a file out of idle_ring, if it is there; puts it in as the one used last. */
void ring_leave(struct backing *b);
void ring_enter(struct backing *b);
/* Puts b in the list of those that backing_settle() looks at, unless it stands there. */
void backing_queue(struct backing *b);
/* Whether PM holds more than its share of pages; then *room of them are to be given back. */
bool backing_too_much(uint64_t *room);

/* ---- reclaim.c: all of it may wait ---- */

/* Gives n pages back to the server of a file; dirty: they have been written. The pages stand in no
 * cluster any more. */
void file_unpin(struct backing *b, uint64_t *addresses, unsigned n, bool dirty);
/* Gives all pages of a file back, out of all spaces that show them, and returns how many. The
 * caller is a user of b, or has taken b out of the table. */
uint64_t file_drop_pages(struct backing *b);
/* Gives about so many pages back to a server (0: to any), those of idle files first. Returns how
 * many. */
uint64_t backing_give_back(endpoint_t service, uint64_t pages);

#endif
