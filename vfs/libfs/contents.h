/* The contents of files on disks: through the cache, a page at a time. The operations of fs_ops on
 * contents, for servers of disks. The server says with disk_ops.map where the units of a file lie,
 * and frees them in disk_ops.cut. */
#ifndef CONTENTS_H
#define CONTENTS_H

#include "cache.h"
#include "nodes.h"

/* The owner of its pages in the cache. */
static inline uint64_t contents_owner(const struct fs_node *n)
{
    return cache_owner(((const struct disk_mount *)n->mount)->index, n->ino);
}

/* For the table: see struct fs_ops. All may wait. */
int64_t contents_read(struct fs_node *f, struct message *m, uint64_t position, uint64_t length);
int64_t contents_write(struct fs_node *f, struct message *m, uint64_t position, uint64_t length);
int contents_resize(struct fs_node *f, uint64_t size);
int contents_lend(struct fs_node *f, uint64_t index, unsigned ahead, bool wanted,
                  uint64_t *address);
int contents_take_back(struct fs_node *f, uint64_t address);
int64_t contents_reserve(struct fs_node *f, uint64_t first, unsigned count, uint64_t wanted);

/* Page `index`, held and filled, or fs_failed(); up to `ahead` pages are read in one go. Takes the
 * node's lock. May wait. */
struct page *contents_page(struct fs_node *f, uint64_t index, unsigned ahead);
/* The page, held, with a unit of the disk under each byte of [from, to). It is filled, unless it
 * is to be overwritten as a whole: then it is page_fresh() still, and nothing of it can fail any
 * more. Or fs_failed(). Under the node's lock. May wait. */
struct page *contents_prepare(struct fs_node *f, uint64_t index, unsigned from, unsigned to);
/* The file ends at `size`, no longer than it is; what lies behind, up to `reached`, goes from the
 * cache and the disk. Under the node's lock. May wait. */
int contents_cut(struct fs_node *f, uint64_t size, uint64_t reached);

#endif
