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
    struct cluster *older, *newer;    /* evict.c's */
    uint64_t number;
    /* a pinned page in the file server's memory, or a frame; 0: not here */
    uint64_t address[CLUSTER];
    uint32_t user;  /* of shared memory: the user that it is accounted to */
    uint16_t dirty; /* bit per page: written through a mapping */
    /* bit per page: its server knows that it is written (FS_RESERVE) */
    uint16_t ready;
};

struct backing {
    uint64_t number;    /* no other backing ever has it */
    endpoint_t service; /* 0: shared memory without a file */
    uint64_t object;
    uint64_t device, inode; /* as FS_STAT says */
    uint32_t user;          /* the user that it is accounted to */
    unsigned users;         /* regions, and handlers at work with it */
    /* spaces that run it as their program, and execs that are about to make one run it */
    unsigned runs;
    bool held;   /* FS_HOLD +1 has been done, */
    bool denied; /* and no process can open the file for writing */
    /* the server wants its pages back when no region shows the file (FS_HOLD_BACK) */
    bool fleeting;
    /* stands in the list of those that backing_settle() looks at */
    bool queued;
    uint16_t segment;               /* its place + 1, if it is one (segment.c) */
    uint32_t errors;                /* CALL_ERRORS: how many failed writes msync has reported */
    unsigned epoch;                 /* how often all its pages were dropped */
    uint64_t size;                  /* bytes */
    struct timespec64 mtime, ctime; /* when the pages in the clusters were valid */
    uint64_t collection;            /* the last one (msync.c) that wants its dirty pages */
    uint32_t told;                  /* how long its path was when it was told last, + 1 */
    /* by smaps_census() number `census`, and by the one before: how many spaces show it. counted:
     * the last space that was counted */
    uint32_t shown, shown_before;
    uint64_t census, counted;
    struct cluster *clusters;
    struct elf_image *elf; /* what exec found in it, or NULL */
    struct backing *hash_next;
    struct backing *older, *newer; /* in idle_ring: files without users, by last use */
    struct backing *queue_next;
};

/* At start: sizes the limits by the machine's memory. */
void backing_init(void);
/* Makes *b the backing of a regular file, with one user more (end with backing_unref), and checks
 * what is cached against the file as it is now. 0, -ENODEV (not a regular file), -ENOMEM (or the
 * user of `task` has too many) or the server's error. *zero is set when the file is /dev/zero. May
 * wait. */
int backing_get(endpoint_t task, endpoint_t service, uint64_t object, struct backing **b,
                bool *zero);
/* Likewise for a program that is to run: no process can open the file for writing until the last
 * space that runs it (space_runs) has gone. -ETXTBSY: one has. End with backing_unref_program. */
int backing_get_program(endpoint_t task, endpoint_t service, uint64_t object, struct backing **b,
                        bool *zero);
/* One user more, or less, that runs the program. They do not wait. */
void backing_unref_program(struct backing *b);
void backing_ref_program(struct backing *b);
/* New shared memory, so many bytes of zeroes, with one user. It never has more pages, though a
 * region may show more of it. It is accounted to the user of `task`; 0: to nobody, since another
 * service bounds how many there are. NULL: out of memory, or the user has too many. */
struct backing *backing_shared(endpoint_t task, uint64_t size);
/* The cluster with this page of the backing, or NULL. */
struct cluster *backing_find(const struct backing *b, uint64_t page);
/* How a cluster of a file is used: or'ed, of the pages that spaces show. The marks that they have
 * been touched are cleared. Does not wait. */
enum {
    CLUSTER_TOUCHED = 1, /* since it was looked at last */
    CLUSTER_DIRTY = 2,   /* written, and its server does not know yet */
    CLUSTER_LOCKED = 4,  /* shown by a region that is locked */
};
unsigned cluster_look(const struct cluster *c);
/* The part of a cluster that a region of its backing shows: bytes [*first, *end) of the file; none,
 * if *first >= *end. Returns the address where they begin. */
vaddr_t cluster_shown(const struct region *r, const struct cluster *c, uint64_t *first,
                      uint64_t *end);
/* Brings a page of a file (and its neighbours) into a cluster. The caller looks whether the page is
 * there, since it may be gone again. 0; -EIO past the end and for whatever else the server answers;
 * but -ENOMEM, and -ENOSYS if the server lends no pages. May wait. */
int backing_fetch(struct backing *b, uint64_t page);
/* Tells the server that a page will be written through a mapping of `task`. The caller looks
 * whether the page's ready bit is set, as above. 0, -EIO, -ENOMEM. May wait. */
int backing_reserve(struct backing *b, uint64_t page, endpoint_t task);
/* A file has become shorter: what lies behind `size` is taken out of all spaces, private copies
 * too, and given back. May wait. */
void backing_cut(endpoint_t service, uint64_t object, uint64_t size);
/* Takes whole pages, these bytes, out of shared memory, for all who see it; or makes a hole in a
 * file. 0, or the error of the file's server, -EOPNOTSUPP: there can be no holes. May wait. */
int64_t backing_remove(struct backing *b, uint64_t at, uint64_t bytes);
/* The frame of a page of shared memory, which is taken for `task` when the page has none yet. 0:
 * out of memory. Does not wait. */
paddr_t backing_frame(struct backing *b, uint64_t page, endpoint_t task);
/* Has the server write the file (FS_SYNC). 0, or an error, by which each failed write is told once.
 * May wait. */
int64_t backing_sync(struct backing *b);
/* Notes that a page was written through a mapping; backing_settle() gives the page back, out of all
 * spaces. Does not wait. */
void backing_mark_dirty(struct backing *b, uint64_t page);
/* Does what backing_unref and backing_mark_dirty leave to be done, because they must not wait.
 * Every handler that unmaps ends with it. May wait. */
void backing_settle(void);
/* Waits until their servers have all dirty pages that are on their way there. May wait. */
void backing_arrive(void);
/* The same, unless another handler is settling already, which then settles for this one too: for
 * calls whose result does not depend on it. May wait. */
void backing_settle_soon(void);
/* Makes room for another file's pages when PM holds its share. May wait. */
void backing_limit(void);

#endif
