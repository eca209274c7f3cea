/* The cache of a disk file server: pages of files, keyed by (file, page index), and blocks of
 * metadata, keyed by (device, block number), in one pool of frames of 4096 bytes, aligned so, which
 * PM can map into processes.
 *
 * Each page knows where on the device it lives (`disk`, one entry a unit), so that it can be
 * written back without asking anybody. Life of a page:
 *
 *     cache_get -> READING       whoever made the page fills it
 *     cache_ready -> VALID <-> DIRTY -> written back -> used for another page
 *     cache_forget -> GONE       freed at the last put
 *
 * A page is never reused while somebody holds it (uses) or PM has it mapped (pins). Functions that
 * can wait for the disk say so; all the others cannot, so that what stands between two of the
 * former is atomic. */
#ifndef CACHE_H
#define CACHE_H

#include "service.h"

enum { CACHE_DEVICES = 16, CACHE_UNITS = 8 };

/* A page's owner: the index of its device in the top 8 bits, whatever the file server likes in the
 * lower 55. */
#define CACHE_META (1ull << 55)
static inline uint64_t cache_owner(unsigned device, uint64_t file)
{
    return (uint64_t)device << 56 | file;
}
static inline uint64_t cache_meta(unsigned device) { return (uint64_t)device << 56 | CACHE_META; }

enum { PAGE_READING = 1, PAGE_VALID = 2, PAGE_DIRTY = 4, PAGE_WRITING = 8, PAGE_GONE = 16 };

struct page {
    uint64_t owner, index;
    uint8_t *data; /* 4096 bytes */
    struct page *hash_next;
    struct page *older, *newer;   /* ring of all frames, by last use */
    struct page *before, *behind; /* ring of dirty pages, by when they became so */
    struct condition done;        /* the read or write has ended */
    struct page *same_address;    /* chain of the table by address */
    uint32_t since;               /* when it became dirty, in calls of cache_dirty */
    uint32_t uses;                /* threads that hold it */
    uint32_t pins;                /* FS_PAGES minus FS_UNPIN */
    uint8_t state;                /* PAGE_... */
    /* how many units of the device it has; the rest of data is not written */
    uint8_t units;
    /* which; in a page of a file 0 is none: reads as zero, is not written */
    uint32_t disk[CACHE_UNITS];
};

/* Call first. The pool grows as it is needed until it has max_pages, or, if that is 0, until the
 * service's budget is used up: then a file server must have allocated before what else it needs. */
void cache_init(size_t max_pages);

/* Makes device `index` known: a unit is 512 to 4096 bytes. */
void cache_device(unsigned index, endpoint_t service, uint64_t object, uint32_t unit);
/* Forgets the device and all its pages, dirty or not. May wait. */
void cache_device_gone(unsigned index);
/* Reads bytes of the device past the cache (to find out what is on it). 0 or -EIO. May wait. */
int cache_device_read(endpoint_t service, uint64_t object, uint64_t position, void *to,
                      size_t bytes);

/* The page, held: give it back with cache_put. If page_fresh() it is new, and the caller alone must
 * set its units and disk, fill it, and call cache_ready. NULL when no frame can be had. May wait.
 */
struct page *cache_get(uint64_t owner, uint64_t index);
static inline bool page_fresh(const struct page *p) { return p->state & PAGE_READING; }
/* The page if it is in the cache and filled, not held; else NULL. Marks it used. */
struct page *cache_find(uint64_t owner, uint64_t index);
/* Whether the page is there or being read. */
bool cache_has(uint64_t owner, uint64_t index);
/* Ends PAGE_READING. error 0: the page is filled. Else the page leaves the cache, and threads that
 * wait for it in cache_get() try again. */
void cache_ready(struct page *p, int error);
void cache_put(struct page *p);
/* The page differs from the disk. Its disk[] must be right. */
void cache_dirty(struct page *p);
/* Reads what fresh pages of one device have on the disk, in as few calls as may be, and zeroes the
 * rest. 0, -EIO. May wait. */
int cache_read(struct page **pages, unsigned count);

/* A block of metadata, held. 0, -EIO, -ENOMEM. May wait. */
int cache_block(unsigned device, uint32_t block, struct page **page);
/* The same for a block that has just been allocated: zeroed, dirty, not read. 0, -ENOMEM. May wait.
 */
int cache_block_new(unsigned device, uint32_t block, struct page **page);

/* Drops a page without writing it, also when it is dirty. May wait for a write in progress. */
void cache_forget(uint64_t owner, uint64_t index);
/* Likewise all pages of a file from index on; `pages` is how many the file had at most. May wait.
 */
void cache_forget_from(uint64_t owner, uint64_t index, uint64_t pages);

/* Until no write of the page, which the caller holds, is in progress: before blocks of it are
 * freed. May wait. */
void cache_settle(struct page *p);

/* Write back, and wait for writes in progress. 0, or -EIO: a write failed during the call or, for
 * cache_sync_data(), since the last call of it. May wait. */
int cache_sync_owner(uint64_t owner); /* one file's pages */
/* blocks of metadata, and files whose owner has CACHE_META in it */
int cache_sync_meta(unsigned device);
int cache_sync_data(unsigned device); /* all files' pages */
bool cache_any_dirty(void);

/* Failed writes are numbered, and remembered for their file, or for the whole device if they were
 * metadata. fsync tells each open file once of each failure, whichever sync or eviction wrote the
 * page; a file that is opened later is told only of failures that no open file has been told of. */
void cache_failed(uint64_t owner);
/* The result of the FS_SYNC in m: -EIO if a write for the file has failed that its open file has
 * not been told of, else 0. A program's open file remembers the number of the last failure in its
 * connection; a service passes it in the flags, and gets the new one as the reply's r1. */
int cache_told(struct message *m, uint64_t owner);
/* CALL_ERRORS of a new open file, for connect() */
uint64_t cache_errors_at_open(uint64_t owner);
void cache_forgive(uint64_t owner); /* the number is another file's now */
/* Has the device put what it was given where it lasts. 0, -EIO. May wait. */
int cache_flush_device(unsigned device);

/* FS_PAGES and FS_UNPIN. */
bool cache_pin(struct page *p);                  /* false: too much is pinned already */
struct page *cache_by_address(uint64_t address); /* the pinned page there, or NULL */
void cache_unpin(struct page *p);

struct cache_count {
    size_t frames, dirty, pinned;
};
struct cache_count cache_count(void);

#endif
