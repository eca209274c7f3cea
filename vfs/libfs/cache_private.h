/* What the two halves of the cache, cache.c and cache_io.c, know of each other. */
#ifndef CACHE_PRIVATE_H
#define CACHE_PRIVATE_H

#include "cache.h"

/* dirty_ring.behind is the page that has been dirty for longest */
extern struct page dirty_ring;
extern size_t dirty_count;

void page_clean(struct page *p); /* takes it out of the dirty ring */
/* Takes the page out of the hash, so that no look-up finds it; it is freed when its last user and
 * pin have gone. */
void page_detach(struct page *p);
void page_release(struct page *p); /* a GONE page that nobody holds becomes a free frame */
void cache_write_some(void);       /* a batch of what has been dirty for longest. May wait */

#endif
