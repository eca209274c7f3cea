/* The cache of a disk file server: pages of files, keyed by (file, page index), and blocks of
 * metadata, keyed by (device, block number), in one pool of frames of 4096 bytes, aligned so, which
 * PM can map into processes.
 *
 * Each page knows where on the device it lives (`disk`, one entry a unit), so writing it back asks
 * no inode. Life of a page:
 *
 *     cache_get -> READING       the thread that made the page fills it
 *     cache_ready -> VALID <-> DIRTY -> written back -> used for another page
 *     cache_forget -> GONE       freed at the last put
 *
 *     state                  found by look-ups   what it means, and what ends it
 *     free frame             no                  in free_pages; cache_get() takes it
 *     READING                yes                 its maker fills it, all others wait; cache_ready()
 *     VALID                  yes                 as on the disk; the frame may be used for another
 *                                                page when the page has no uses and pins
 *     VALID, DIRTY           yes                 to be written: by a sync, or when frames are short
 *     VALID, WRITING         yes                 on its way to the disk, and not to be moved there:
 *                                                cache_settle() waits
 *     VALID, WRITING, DIRTY  yes                 changed during the write: is written once more
 *     GONE                   no                  forgotten, or its read failed; a free frame when
 *                                                the last use, pin and write have ended
 *
 * A frame is never used for another page while a thread holds the page (uses) or PM has it mapped
 * (pins). Functions that can wait for the disk say so; all others do not wait, so a sequence of
 * them is atomic. */
#ifndef CACHE_H
#define CACHE_H

#include "service.h"

enum { CACHE_DEVICES = 16, CACHE_UNITS = 8 };

/* A page's owner: the index of its device in the top 8 bits, a number of the file server's choice
 * in the lower 55. CACHE_META marks metadata, which is written before the data of files. */
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

/* To be called first. The pool grows as needed until it has max_pages, or, if that is 0, until the
 * service's budget is used up: so a file server allocates all other memory that it needs before. */
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
/* Ends a hold of the page. */
void cache_put(struct page *p);
/* The page differs from the disk. Its disk[] must be right. */
void cache_dirty(struct page *p);
/* Fills `count` fresh pages of one device from their places on the disk, in as few calls as may be,
 * and zeroes what has no place. 0, -EIO. May wait. */
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

/* Waits until no write of the page, which the caller holds, is in progress; to be called before
 * blocks of the page are freed. May wait. */
void cache_settle(struct page *p);

/* Write back, and wait for writes in progress. 0, or -EIO: a write failed during the call or, for
 * cache_sync_data(), since the last call of it. May wait. */
int cache_sync_owner(uint64_t owner); /* one file's pages */
/* blocks of metadata, and files whose owner has CACHE_META in it */
int cache_sync_meta(unsigned device);
int cache_sync_data(unsigned device); /* all files' pages */
bool cache_any_dirty(void);           /* of any device */

/* Failed writes are numbered, and remembered for their file, or for the whole device if they were
 * metadata. fsync tells each open file once of each failure, whichever sync or eviction wrote the
 * page; a file that is opened later is told only of failures that no open file has been told of. */

/* Remembers a failed write for a page's owner. */
void cache_failed(uint64_t owner);
/* The result of the FS_SYNC in m: -EIO if a write for the file has failed that its open file has
 * not been told of, else 0. A program's open file remembers the number of the last failure in its
 * connection; a service passes it in the flags, and gets the new one as the reply's r1. */
int cache_told(struct message *m, uint64_t owner);
/* The CALL_ERRORS flags of a new open file, for connect(). */
uint64_t cache_errors_at_open(uint64_t owner);
/* Forgets the failures of a file whose number is given to another. */
void cache_forgive(uint64_t owner);
/* Has the device write its own cache to where data last (FS_SYNC). 0, -EIO. May wait. */
int cache_flush_device(unsigned device);

/* Pins for FS_PAGES and FS_UNPIN. The caller holds the page at the first. false: three quarters of
 * the frames of a full pool are pinned already. */
bool cache_pin(struct page *p);
/* The pinned page at this address of the server's memory, or NULL. */
struct page *cache_by_address(uint64_t address);
void cache_unpin(struct page *p);

/* How many frames there are, and how many of them are dirty and pinned. */
struct cache_count {
    size_t frames, dirty, pinned;
};
struct cache_count cache_count(void);

#endif
