/* The ext2 server inside: mounts, inodes in memory, and what its files offer each other.
 *
 * Who may wait for the disk, and what keeps operations whole across such waits:
 *
 * - mount.tree is held by whatever changes directories (create, link, unlink, rename). Look-ups
 *   take no lock; one that misses looks again if the directory's version has changed meanwhile.
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
    bool in_use; /* the superblock says so */
    bool large_file_noted;
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
    uint32_t version;        /* of a directory: changes with it */
    uint32_t slot_hint;      /* of a directory: no room for a name in the blocks before */
    uint32_t goal;           /* the block allocated last, plus one */
    struct dir_index *index; /* of a large directory: where its names are; or NULL */
};

static inline struct inode *inode_of(void *node) { return node; } /* or an error */
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
/* A group's descriptor, in a page that is held while mounted: the pointer stays good. A caller that
 * changes it says so with mount_group_dirty(). */
struct group *mount_group(struct mount *m, uint32_t group);
void mount_group_dirty(struct mount *m, uint32_t group);
static inline int mount_corrupt(struct mount *m, const char *what, uint64_t number)
{
    return fs_corrupt((struct fs_mount *)m, what, number); /* -EUCLEAN */
}
int super_load(struct disk_mount *m, const struct fs_source *s);
int super_store(struct disk_mount *m, bool clean);
void super_drop(struct disk_mount *m);
int super_statfs(struct fs_mount *m, struct statfs *s);

/* ---- alloc.c: blocks and inode numbers out of the bitmaps. All may wait. ---- */
/* The number of a free block near `goal`, which is taken; -ENOSPC */
int64_t block_alloc(struct mount *m, uint32_t goal);
/* Marks the block free; its page must not be used any more. A block that cannot be one of a file's,
 * or is free already, is reported and left. */
void block_free(struct mount *m, uint32_t block);
/* How many inode numbers are kept for root: the same part as of the blocks. */
uint32_t ino_reserve(const struct mount *m);
/* The number of a free inode near `parent`, which is taken; -ENOSPC. */
int64_t ino_alloc(struct inode *parent, bool directory);
/* Whether no other inode in the same block of the inode table is in use. */
bool ino_alone(struct mount *m, uint32_t ino);
void ino_free(struct mount *m, uint32_t ino, bool directory);

/* ---- map.c: blocks of files. Under inode.lock. All may wait. ---- */
/* Where block `number` of the file is; 0 for a hole, unless `allocate`. -EUCLEAN, -ENOSPC, -EFBIG,
 * -EIO. */
int64_t map_block(struct disk_node *n, uint64_t number, bool allocate);
/* Frees all blocks of the file from number `from` on. Its pages there must be out of the cache. */
int map_cut(struct inode *i, uint64_t from);
int map_cut_bytes(struct disk_node *n, uint64_t size); /* all behind so many bytes */

/* ---- inode.c: the inode table ---- All may wait. For disk_ops, but the last: -EIO, -EUCLEAN when
 * what stands on the disk cannot be, -ESTALE for an inode without links. */
int inode_load(struct disk_node *n);
int inode_store(struct disk_node *n);
void inode_destroy(struct disk_node *n);
/* A new inode near `parent`, held, with no link yet: without one it is freed by inode_put. -ENOSPC
 * ... */
struct inode *inode_create(struct inode *parent, const struct fs_new *new);
static inline bool inode_has_data_blocks(const struct inode *i)
{
    return ext2_has_blocks(&mount_of(i)->geo, i->mode, i->blocks, i->file_acl);
}

/* ---- dir_block.c: the blocks of a directory. May wait. ---- */
static inline uint32_t dir_blocks(const struct inode *dir)
{
    return dir->size >> mount_of(dir)->geo.block_shift;
}
/* One block of it, held, or fs_failed(): -EUCLEAN for a hole. */
struct page *dir_block(struct inode *dir, uint32_t number);
/* The entry at `offset` of a block if it is sound, else NULL. */
static inline struct entry *dir_entry(const struct inode *dir, struct page *page, uint32_t offset)
{
    return ext2_entry(&mount_of(dir)->geo, page->data, offset);
}
int dir_bad_entry(struct inode *dir); /* says so; -EUCLEAN */

/* ---- index.c: where the names of a large directory are, in bytes from its beginning ---- */
void index_init(void); /* call first: takes some memory while there is */
/* 0 or an error; then the directory is searched from front to back. May wait */
int index_build(struct inode *dir);
/* The next place where a name with this hash may be; *cursor is the hash at first. The index must
 * exist. */
bool index_next(struct inode *dir, uint32_t hash, uint32_t *cursor, uint64_t *offset);
void index_add(struct inode *dir, uint32_t hash, uint64_t offset);
void index_remove(struct inode *dir, uint32_t hash, uint64_t offset);
void index_drop(struct disk_node *dir);

/* ---- dir.c: names in directories; for the table. All may wait. ---- */
struct fs_node *dir_lookup(struct fs_node *dir, struct fs_name *name);
int dir_list(struct fs_node *dir, struct dents *d);
int dir_name_of(struct fs_node *dir, uint64_t object, char *name);
int dir_add(struct fs_node *dir, struct fs_name *name, struct fs_node *n);
int dir_replace(struct fs_node *dir, struct fs_name *name, struct fs_node *old, struct fs_node *n);
int dir_remove(struct fs_node *dir, struct fs_name *name, struct fs_node *n);
int dir_set_parent(struct fs_node *n, struct fs_node *dir);
int dir_empty(struct fs_node *dir);
int dir_init(struct inode *dir, struct inode *parent); /* '.' and '..' */

/* ---- create.c: new inodes with their names, and symbolic links; for the table. May wait. ---- */
struct fs_node *name_create(struct fs_node *dir, struct fs_name *name, const struct fs_new *new);
int64_t link_read(struct fs_node *n, struct message *m);

#endif
