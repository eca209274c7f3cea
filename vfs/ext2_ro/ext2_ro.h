/* The read-only ext2 server inside. All of its memory but the pages that PM maps could be lost: a
 * mount repeats what stands in the superblock, an inode is read when a request names it and
 * forgotten with the answer, and the cache holds copies.
 *
 * There is one thread, so no other operation runs while one waits for the disk; and a pointer into
 * the cache is valid until the operation asks for another block of the disk. */
#ifndef EXT2_RO_H
#define EXT2_RO_H

#include "contents.h"
#include "ext2_format.h"

struct mount {
    struct disk_mount;
    uint8_t number; /* its device: driver and minor number; the upper byte of its objects */
    struct super super;
    struct geometry geo;
};

struct inode {
    struct disk_node;
    struct disk_inode d;
};

/* Containers of libfs' structures; inode_of() passes an error on. */
static inline struct inode *inode_of(void *n) { return n; }
static inline struct mount *mount_of(const struct inode *i) { return (struct mount *)i->mount; }
static inline int corrupt(struct mount *m, const char *what, uint64_t number)
{
    return fs_corrupt((struct fs_mount *)m, what, number); /* -EUCLEAN */
}

/* ---- mount.c ---- All may wait. */
/* The mount of a device, made if need be; or fs_failed(): -EINVAL, -EUCLEAN, -EIO, -ENOMEM. */
struct mount *mount_get(unsigned number);
/* fs_ops.mount, remount, unmount, statfs. A mount that is to be written is -EROFS. */
struct fs_node *mount_make(const struct fs_source *s);
int mount_stays(struct fs_mount *m, bool read_only);
int mount_drop(uint64_t root);
int mount_statfs(struct fs_mount *m, struct statfs *s);

/* ---- inode.c ---- All may wait. */
/* The inode, read from the disk, held; or fs_failed(): -ESTALE (there is none), -EUCLEAN, -EIO. */
struct inode *inode_get(struct mount *m, uint32_t ino);
/* fs_ops.get: -ESTALE also if the number is another file's now. fs_ops.put, disk_ops.map,
 * fs_ops.readlink. */
struct fs_node *inode_by_object(uint64_t object);
void inode_put(struct fs_node *n);
int64_t inode_map(struct disk_node *n, uint64_t number, bool allocate);
int64_t inode_target(struct fs_node *n, struct message *m);

/* ---- dir.c: operations of fs_ops ---- All may wait. */
struct fs_node *dir_lookup(struct fs_node *dir, struct fs_name *name);
int dir_list(struct fs_node *dir, struct dents *d);
int dir_name_of(struct fs_node *dir, uint64_t object, char *name);

#endif
