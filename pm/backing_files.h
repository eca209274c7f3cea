/* What the files about backings share among themselves: backing.c, reclaim.c, file_pages.c. */
#ifndef BACKING_FILES_H
#define BACKING_FILES_H

#include "backing.h"

enum { FILE_BUCKETS = 1024 };

/* ---- backing.c: nothing of it waits ---- */

extern struct backing *files[FILE_BUCKETS]; /* by service and object, through hash_next */
extern struct backing idle_ring;  /* files that nobody uses: newer is the oldest of them */
extern unsigned idle_count;       /* so many */
extern struct backing *unsettled; /* those that backing_settle() looks at */
extern uint64_t pinned;           /* pages that servers have given out to us */

struct backing *file_find(endpoint_t service, uint64_t object);
struct backing *file_make(endpoint_t service, uint64_t object); /* NULL: no memory */
void file_unhash(struct backing *b);
/* The cluster with this page, made for `user` if need be. NULL: no memory, or none for him. */
struct cluster *cluster_make(struct backing *b, uint64_t page, uint32_t user);
void cluster_unhash(struct cluster *c);
void cluster_free(struct cluster *c);
void ring_leave(struct backing *b);
void ring_enter(struct backing *b);
/* backing_settle() is to look at it. */
void backing_queue(struct backing *b);
/* Whether PM holds more than its share of pages; then *room of them are to be given back. */
bool backing_too_much(uint64_t *room);

/* ---- reclaim.c: all of it may wait ---- */

/* Gives pages back to the server of a file; dirty: they have been written. */
void file_unpin(struct backing *b, uint64_t *addresses, unsigned n, bool dirty);
/* Gives all pages of a file back: how many. The caller is a user of it, or has taken it out of the
 * table. */
uint64_t file_drop_pages(struct backing *b);
/* Gives about so many pages back to a server, or, if that is 0, to any: how many. */
uint64_t backing_give_back(endpoint_t service, uint64_t pages);

#endif
