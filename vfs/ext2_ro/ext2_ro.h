/* The read-only ext2 server inside. Nothing in its memory is wanted again but the pages that PM
 * maps: a mount is what stands in the superblock, an inode is read when a request names it and
 * forgotten with the answer, and the cache is a cache.
 *
 * There is one thread, so nobody changes anything while an operation waits for the disk; and a
 * pointer into the cache is good until the operation asks for something else of the disk. */
#ifndef EXT2_RO_H
#define EXT2_RO_H

#include "contents.h"
#include "ext2_format.h"

struct mount {
    struct disk_mount;
    uint8_t number; /* which device it is: upper byte of its objects */
    struct super super;
    struct geometry geo;
};

struct inode {
    struct disk_node;
    struct disk_inode d;
};

static inline struct inode *inode_of(void *n) { return n; } /* or an error */
static inline struct mount *mount_of(const struct inode *i) { return (struct mount *)i->mount; }
static inline int corrupt(struct mount *m, const char *what, uint64_t number)
{
    return fs_corrupt((struct fs_mount *)m, what, number); /* -EUCLEAN */
}

/* ---- mount.c ---- May wait. */
struct mount *mount_get(unsigned number); /* or fs_failed() */
struct fs_node *mount_make(const struct fs_source *s);
int mount_stays(struct fs_mount *m, bool read_only); /* -EROFS when it should not be read-only */
int mount_drop(uint64_t root);
int mount_statfs(struct fs_mount *m, struct statfs *s);

/* ---- inode.c ---- May wait. */
struct inode *inode_get(struct mount *m, uint32_t ino); /* held, or fs_failed(): -ESTALE ... */
/* for the table */
struct fs_node *inode_by_object(uint64_t object); /* -ESTALE also when it is another file's now */
void inode_put(struct fs_node *n);
int64_t inode_map(struct disk_node *n, uint64_t number, bool allocate);
int64_t inode_target(struct fs_node *n, struct message *m);

/* ---- dir.c, for the table ---- May wait. */
struct fs_node *dir_lookup(struct fs_node *dir, struct fs_name *name);
int dir_list(struct fs_node *dir, struct dents *d);
int dir_name_of(struct fs_node *dir, uint64_t object, char *name);

#endif
