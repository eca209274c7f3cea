/* The contents of files on disks: through the cache, a page at a time. The operations of fs_ops on
 * contents, for servers of disks. The server says with disk_ops.map where the units of a file lie,
 * and frees them in disk_ops.cut. */
#ifndef CONTENTS_H
#define CONTENTS_H

#include "cache.h"
#include "nodes.h"

/* The owner of the file's pages in the cache. */
static inline uint64_t contents_owner(const struct fs_node *n)
{
    return cache_owner(((const struct disk_mount *)n->mount)->index, n->ino);
}

/* Operations for the table: their contracts stand in struct fs_ops. All may wait. */
int64_t contents_read(struct fs_node *f, struct message *m, uint64_t position, uint64_t length);
int64_t contents_write(struct fs_node *f, struct message *m, uint64_t position, uint64_t length);
int contents_resize(struct fs_node *f, uint64_t size);
int contents_allocate(struct fs_node *f, uint64_t from, uint64_t to);
int contents_punch(struct fs_node *f, uint64_t from, uint64_t to);
int64_t contents_seek(struct fs_node *f, uint64_t position, bool hole);
int contents_lend(struct fs_node *f, uint64_t index, unsigned ahead, bool wanted,
                  uint64_t *address);
int contents_take_back(struct fs_node *f, uint64_t address);
int64_t contents_reserve(struct fs_node *f, uint64_t first, unsigned count, uint64_t wanted);

/* Page `index` of the file, held and filled, or fs_failed(): -EIO, -ENOMEM, or what map says. Reads
 * up to `ahead` pages from there on in one go. Takes the node's lock. May wait. */
struct page *contents_page(struct fs_node *f, uint64_t index, unsigned ahead);
/* Page `index`, held, with a unit of the disk under each of its bytes [from, to), ready for a write
 * of them. It is filled, but for a page that is to be overwritten as a whole: that may be
 * page_fresh() still, and the caller fills it and calls cache_ready(). Or fs_failed(): -EIO,
 * -ENOMEM, -ENOSPC. Under the node's lock. May wait. */
struct page *contents_prepare(struct fs_node *f, uint64_t index, unsigned from, unsigned to);
/* Makes the file end at `size`, which is at most its size; what lies behind, up to byte `reached`,
 * goes from the cache and the disk. 0, -EIO, -ENOMEM, or what map and cut say. Under the node's
 * lock. May wait. */
int contents_cut(struct fs_node *f, uint64_t size, uint64_t reached);

#endif
