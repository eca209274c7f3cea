/* What the two halves of the cache, cache.c and cache_io.c, know of each other. */
#ifndef CACHE_PRIVATE_H
#define CACHE_PRIVATE_H

#include "cache.h"

/* The dirty pages: dirty_ring.behind is the page that has been dirty for longest. */
extern struct page dirty_ring;
extern size_t dirty_count;

/* Takes the page out of the dirty ring, if it is in it; the page is to be written or forgotten. */
void page_clean(struct page *p);
/* Takes the page out of the hash, so that no look-up finds it; it is freed when its last user and
 * pin have gone. */
void page_detach(struct page *p);
/* A GONE page without uses, pins and a write under way becomes a free frame. */
void page_release(struct page *p);
/* Writes a batch of the pages that have been dirty for longest. May wait. */
void cache_write_some(void);

#endif
