/* Backings: the files and the shared memory that regions show. */
#ifndef BACKING_H
#define BACKING_H

#include <minnow/file.h>

#include "regions.h"
#include "service.h"

struct elf_image;

/* pages that are asked for, pinned and mapped together */
enum { CLUSTER = 16 };

/* Up to CLUSTER pages of a backing, at page numbers from number * CLUSTER on. */
struct cluster {
    struct backing *backing;
    struct cluster *hash_next, *next; /* next: of the same backing */
    uint64_t number;
    /* a pinned page in the file server's memory, or a frame; 0: not here */
    uint64_t address[CLUSTER];
    uint32_t user;  /* of shared memory: to whom it is accounted */
    uint16_t dirty; /* bit per page: written through a mapping */
    /* bit per page: its server knows that it is written (FS_RESERVE) */
    uint16_t ready;
};

struct backing {
    endpoint_t service; /* 0: shared memory of nobody's file */
    uint64_t object;
    uint64_t device, inode; /* as FS_STAT says */
    unsigned users;         /* regions, and handlers at work with it */
    /* spaces whose program it is, and execs that are about to make it one */
    unsigned runs;
    bool held;   /* FS_HOLD +1 was done, */
    bool denied; /* so that nobody opens the file for writing */
    /* its server wants its pages back when nobody shows it (FS_HOLD_BACK) */
    bool fleeting;
    /* stands in the list of those that backing_settle() looks at */
    bool queued;
    uint32_t errors; /* CALL_ERRORS: of which failed writes msync has told */
    unsigned epoch;  /* how often all its pages were dropped */
    uint64_t size;
    struct timespec64 mtime, ctime; /* when the pages in the clusters were valid */
    struct cluster *clusters;
    struct elf_image *elf; /* what exec found in it, or NULL */
    struct backing *hash_next;
    struct backing *older, *newer; /* ring of those nobody uses, by last use */
    struct backing *queue_next;
};

void backing_init(void);
/* The backing for a regular file, used once more (end with backing_unref) and checked against the
 * file as it is now. 0, -ENODEV (not a regular file), -ENOMEM or the server's error. *zero is set
 * when it is /dev/zero. May wait. */
int backing_get(endpoint_t service, uint64_t object, struct backing **b, bool *zero);
/* Likewise for a program that is to run: nobody may open the file for writing until the last space
 * that runs it (backing_run) has gone. -ETXTBSY when somebody has. End with backing_unref_program.
 */
int backing_get_program(endpoint_t service, uint64_t object, struct backing **b, bool *zero);
void backing_unref_program(struct backing *b);
void backing_ref_program(struct backing *b);
struct backing *backing_shared(void); /* new, of zeroes, used once; NULL: out of memory */
/* The cluster with this page of the backing, or NULL. */
struct cluster *backing_find(const struct backing *b, uint64_t page);
/* Brings a page of a file (and its neighbours) into a cluster; look whether it is there, for it may
 * be gone again. 0; -EIO past the end and for whatever else the server says; but -ENOMEM, and
 * -ENOSYS if it lends no pages. May wait. */
int backing_fetch(struct backing *b, uint64_t page);
/* Tells the server that a page will be written through a mapping; look whether its ready bit is
 * set, as above. 0, -EIO. May wait. */
int backing_reserve(struct backing *b, uint64_t page, endpoint_t task);
/* A file has become shorter: what lies behind `size` is taken out of all spaces, private copies
 * too, and given back. May wait. */
void backing_cut(endpoint_t service, uint64_t object, uint64_t size);
/* The frame of a page of shared memory; made for this task when it is not there. 0: out of memory.
 */
paddr_t backing_frame(struct backing *b, uint64_t page, endpoint_t task);
/* FS_SYNC, which tells of each failed write once. May wait */
int64_t backing_sync(struct backing *b);
void backing_mark_dirty(struct backing *b, uint64_t page);
/* What backing_unref and backing_mark_dirty could not do because they must not wait. To be called
 * at the end of every handler that unmaps. May wait. */
void backing_settle(void);
/* The same, unless another handler is at it, which will do this one's too: for calls that do not
 * depend on it. */
void backing_settle_soon(void);
/* Makes room for another file's pages when PM holds its share. May wait. */
void backing_limit(void);

#endif
