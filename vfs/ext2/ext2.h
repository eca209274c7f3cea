/* The ext2 server inside: mounts, inodes in memory, and what its files offer each other.
 *
 * Nearly every function may wait for the disk. Two locks keep operations whole across such waits:
 *
 * - mount.tree is held by operations that change directories (create, link, unlink, rename).
 *   Look-ups take no lock; one that finds nothing looks again if the directory's version has
 *   changed meanwhile.
 * - inode.lock is held while blocks are mapped, allocated or freed and while pages enter the
 *   cache, so that a page's place on the disk stays right. A read that finds its pages in the
 *   cache needs no lock.
 *
 * Order: mount.tree, then inode.lock; never two inode locks at once. */
#ifndef EXT2_H
#define EXT2_H

#include "contents.h"
#include "ext2_format.h"
#include "mounts.h"

enum { MOUNTS = 8, INODES = 768, GROUP_PAGES = 256 };

struct mount {
    struct disk_mount;
    bool in_use;           /* the superblock says that the disk is mounted read-write */
    bool large_file_noted; /* the superblock has, or is to have, the feature large_file */
    struct geometry geo;
    uint32_t free_blocks, free_inodes, directories;
    uint32_t recent;                                    /* the block allocated last, plus one */
    struct super *super;                                /* in super_page */
    struct page *super_page, *group_pages[GROUP_PAGES]; /* held while mounted */
};

struct inode {
    struct disk_node;
    uint32_t generation, flags, file_acl;
    uint32_t block[BLOCKS];
    uint32_t version;        /* of a directory: goes up with each change of its names */
    uint32_t slot_hint;      /* of a directory: the blocks before this one have no room */
    uint32_t goal;           /* the block allocated last, plus one */
    struct dir_index *index; /* of a large directory: where its names are; or NULL */
};

/* Containers of libfs' structures; inode_of() passes an error on. */
static inline struct inode *inode_of(void *node) { return node; }
static inline struct mount *mount_of(const struct inode *i) { return (struct mount *)i->mount; }
static inline struct fs_node *inode_node(struct inode *i) { return (struct fs_node *)i; }
static inline struct inode *inode_get(struct mount *m, uint32_t ino)
{
    return inode_of(node_get((struct disk_mount *)m, ino));
}
static inline void inode_put(struct inode *i) { node_put(inode_node(i)); }
static inline void inode_dirty(struct inode *i) { i->dirty = true; }

/* ---- super.c: the superblock and the groups ---- */
extern struct mount mounts[MOUNTS];
/* A group's descriptor, in a page that is held while the disk is mounted, so that the pointer stays
 * valid across waits. A caller that changes the descriptor calls mount_group_dirty(). */
struct group *mount_group(struct mount *m, uint32_t group);
void mount_group_dirty(struct mount *m, uint32_t group);
static inline int mount_corrupt(struct mount *m, const char *what, uint64_t number)
{
    return fs_corrupt((struct fs_mount *)m, what, number); /* -EUCLEAN */
}
/* For disk_ops and fs_ops: load_mount, store_mount, drop_mount, statfs. All but super_store() may
 * wait. super_load: 0, -EIO, -EINVAL (no ext2, or not one that can be read), -EUCLEAN (it is
 * damaged). */
int super_load(struct disk_mount *m, const struct fs_source *s);
int super_store(struct disk_mount *m, bool clean);
void super_drop(struct disk_mount *m);
int super_statfs(struct fs_mount *m, struct statfs *s);

/* ---- alloc.c: blocks and inode numbers out of the bitmaps. All may wait. ---- */
/* Takes a free block near `goal`: its number; -ENOSPC, -EIO, -ENOMEM. */
int64_t block_alloc(struct mount *m, uint32_t goal);
/* Marks the block free; no caller may use its page any more. A block that cannot be a file's, or is
 * free already, is reported as damage and left. */
void block_free(struct mount *m, uint32_t block);
/* How many inode numbers are kept for root: the same part of all as of the blocks. */
uint32_t ino_reserve(const struct mount *m);
/* Takes a free inode near `parent`: its number; -ENOSPC, -EIO, -ENOMEM. */
int64_t ino_alloc(struct inode *parent, bool directory);
/* Whether no other inode in the same block of the inode table is in use, so that the block need not
 * be read. */
bool ino_alone(struct mount *m, uint32_t ino);
/* Marks the inode's number free; it was a `directory`, or not. */
void ino_free(struct mount *m, uint32_t ino, bool directory);

/* ---- map.c: blocks of files. Under inode.lock. All may wait. ---- */
/* The number on the disk of block `number` of the file; 0 for a hole, which with `allocate` gets a
 * block. -EUCLEAN, -ENOSPC, -EFBIG, -EIO, -ENOMEM. */
int64_t map_block(struct disk_node *n, uint64_t number, bool allocate);
/* Frees all blocks of the file from number `from` on, or all behind `size` bytes. The caller has
 * taken its pages there out of the cache. 0, or the first error; the rest is freed nevertheless. */
int map_cut(struct inode *i, uint64_t from);
int map_cut_bytes(struct disk_node *n, uint64_t size);
/* For disk_ops: the blocks from..to - 1 become a hole; the first block from `number` on that is
 * none, or -ENXIO. */
int map_free(struct disk_node *n, uint64_t from, uint64_t to);
int64_t map_next(struct disk_node *n, uint64_t number);

/* ---- inode.c: the inode table ---- All may wait. */
/* For disk_ops: 0; -EIO; -EUCLEAN if the inode on the disk cannot be; -ESTALE if it has no links.
 */
int inode_load(struct disk_node *n);
int inode_store(struct disk_node *n);
void inode_destroy(struct disk_node *n);
/* A new inode near `parent`, held, without links: while it has none, inode_put() frees it. Or
 * fs_failed(): -ENOSPC, -ENFILE, -EIO, -ENOMEM. */
struct inode *inode_create(struct inode *parent, const struct fs_new *new);
/* Whether i->block[] are numbers of blocks. */
static inline bool inode_has_data_blocks(const struct inode *i)
{
    return ext2_has_blocks(&mount_of(i)->geo, i->mode, i->blocks, i->file_acl);
}

/* ---- xattr.c: extended attributes; the first three are operations of fs_ops. May wait. ---- */
int attribute_get(struct fs_node *n, const struct attribute *a, void *to);
int attribute_list(struct fs_node *n, char *to);
int attribute_set(struct fs_node *n, const struct attribute *a);
/* The inode gives up its block of attributes, which is freed if no other inode has it. */
void attributes_release(struct inode *i);

/* ---- dir_block.c: the blocks of a directory. May wait. ---- */
static inline uint32_t dir_blocks(const struct inode *dir)
{
    return dir->size >> mount_of(dir)->geo.block_shift;
}
/* Block `number` of a directory, held, or fs_failed(): -EUCLEAN for a hole, -EIO, -ENOMEM. */
struct page *dir_block(struct inode *dir, uint32_t number);
/* The entry at `offset` of a directory's block if it is sound, else NULL. */
static inline struct entry *dir_entry(const struct inode *dir, struct page *page, uint32_t offset)
{
    return ext2_entry(&mount_of(dir)->geo, page->data, offset);
}
int dir_bad_entry(struct inode *dir); /* reports an unsound entry as damage: -EUCLEAN */

/* ---- index.c: where the names of a large directory are, in bytes from its beginning ---- */
void index_init(void); /* to be called first: reserves memory before the cache takes all */
/* Makes the index of a directory. 0, or an error: the directory is then searched from front to
 * back. May wait. */
int index_build(struct inode *dir);
/* Whether there is a (further) place where a name with this hash may stand, and which. *cursor is
 * the hash at first. The directory has an index. */
bool index_next(struct inode *dir, uint32_t hash, uint32_t *cursor, uint64_t *offset);
/* A name with this hash was written at `offset`, or removed there. Nothing without an index; it is
 * dropped if it cannot grow. */
void index_add(struct inode *dir, uint32_t hash, uint64_t offset);
void index_remove(struct inode *dir, uint32_t hash, uint64_t offset);
void index_drop(struct disk_node *dir); /* forgets the index, if there is one */

/* ---- dir.c: names in directories; operations of fs_ops but the last. All may wait; besides what
 * fs.h says they return -EUCLEAN, -EIO, -ENOMEM, and -ENOSPC when a directory must grow. ---- */
struct fs_node *dir_lookup(struct fs_node *dir, struct fs_name *name);
int dir_list(struct fs_node *dir, struct dents *d);
int dir_name_of(struct fs_node *dir, uint64_t object, char *name);
int dir_add(struct fs_node *dir, struct fs_name *name, struct fs_node *n);
int dir_replace(struct fs_node *dir, struct fs_name *name, struct fs_node *old, struct fs_node *n);
int dir_remove(struct fs_node *dir, struct fs_name *name, struct fs_node *n);
int dir_set_parent(struct fs_node *n, struct fs_node *dir);
int dir_empty(struct fs_node *dir);
int dir_init(struct inode *dir, struct inode *parent); /* writes the first block: '.' and '..' */

/* ---- create.c: new inodes with their names, and symbolic links; for the table. May wait. ---- */
struct fs_node *name_create(struct fs_node *dir, struct fs_name *name, const struct fs_new *new);
int64_t link_read(struct fs_node *n, struct message *m);

#endif
