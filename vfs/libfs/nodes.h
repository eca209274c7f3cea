/* Inodes of disks in memory: found by number, held while used, kept for a while afterwards, stored
 * when dirty, freed on the disk when nothing refers to them any more.
 *
 *     node_insert -> loading -> disk_ops.load -> idle <-> held (uses) -> ... -> forgotten
 *                                                  \-> no links: freeing -> disk_ops.destroy
 *
 * A server's inode begins with struct disk_node, its mount with struct disk_mount. */
#ifndef NODES_H
#define NODES_H

#include "fs.h"

struct disk_node {
    struct fs_node;
    bool loading, dirty, freeing; /* nodes.c has a table of the states */
    int failed;                   /* the error of its load, for the threads that wait for it */
    uint32_t uses;                /* threads that hold it, and the mount, for its root */
    struct condition loaded;      /* `loading` has ended */
    struct disk_node *hash_next, *older, *newer;
};

struct disk_mount {
    struct fs_mount;
    bool used;
    bool was_clean;     /* the superblock said so when the disk was mounted */
    bool only_read;     /* it has features that this server cannot write */
    uint8_t index;      /* of the mount and of its device in the cache; upper byte of its objects */
    uint8_t unit_shift; /* the cache's units are 1 << unit_shift bytes */
    struct disk_node *root; /* held while mounted */
    struct deletions deletions;
};

/* The operations of a server of disks besides fs_ops; a server that only reads contents by way of
 * contents.h needs `map` alone. All but forget may wait. The ints are 0 or an error. */
struct disk_ops {
    /* The server's arrays of mounts and inodes. */
    void *mounts, *nodes;
    size_t mount_size, node_size;
    unsigned mount_count, node_count;

    /* Reads the superblock; sets the geometry, was_clean, only_read, size_max, unit_shift, and
     * makes the device known to the cache. */
    int (*load_mount)(struct disk_mount *m, const struct fs_source *s);
    /* Puts the superblock as it is now into its page; clean: nothing is written behind it. */
    int (*store_mount)(struct disk_mount *m, bool clean);
    void (*drop_mount)(struct disk_mount *m); /* gives back what load_mount holds. NULL: nothing */
    struct disk_node *(*root)(struct disk_mount *m); /* held, or fs_failed() */

    int (*load)(struct disk_node *n);  /* fills the inode in by its ino; -ESTALE: there is none */
    int (*store)(struct disk_node *n); /* puts it into its page, and clears `dirty` */
    void (*destroy)(struct disk_node *n); /* frees its contents and its number on the disk */
    /* An idle inode is about to leave memory and will perhaps come back with another number: writes
     * and forgets cached pages of it. May wait. NULL: numbers are for ever */
    void (*leave)(struct disk_node *n);
    void (*forget)(struct disk_node *n); /* the inode leaves memory. NULL: nothing */

    /* The number of the place on the disk of unit `unit` of the contents; 0 for a hole, which with
     * `allocate` gets a place (-ENOSPC); or an error. Under node.lock. */
    int64_t (*map)(struct disk_node *n, uint64_t unit, bool allocate);
    /* Frees what lies behind `size`. Under node.lock. */
    int (*cut)(struct disk_node *n, uint64_t size);
    /* For servers whose files may have holes (contents_punch, contents_seek); under node.lock.
     * free: units from..to - 1 of the contents become a hole. next: the number of the first unit
     * from `unit` on that has a place; -ENXIO. */
    int (*free)(struct disk_node *n, uint64_t from, uint64_t to);
    int64_t (*next)(struct disk_node *n, uint64_t unit);
};
extern const struct disk_ops disk_ops; /* the server's own */

static inline struct disk_node *disk_node(struct fs_node *n) { return (struct disk_node *)n; }
static inline struct fs_node *fs_node(struct disk_node *n) { return (struct fs_node *)n; }
static inline struct disk_mount *disk_mount_of(const struct disk_node *n)
{
    return (struct disk_mount *)n->mount;
}

static inline struct disk_mount *disk_mount_at(unsigned k)
{
    return (struct disk_mount *)((char *)disk_ops.mounts + k * disk_ops.mount_size);
}

void nodes_init(void); /* to be called first */

/* fs_ops.get: the inode of an object, held; -ESTALE if its generation is another, -ENFILE, and what
 * load says. fs_ops.put: ends the hold; frees the inode on the disk if it has no links, open files
 * and holds. Both may wait. */
struct fs_node *node_of(uint64_t object);
void node_put(struct fs_node *n);

/* The inode with this number, held, or fs_failed(): -ENFILE (all are in use), -ESTALE, and what
 * load says. May wait. */
struct disk_node *node_get(struct disk_mount *m, uint32_t ino);
/* Its parts, for servers that make inodes. node_find: the inode if it is in memory, in whatever
 * state, not held; NULL. Does not wait. */
struct disk_node *node_find(const struct disk_mount *m, uint32_t ino);
/* An inode that node_find has found, held, when it has been loaded; or fs_failed(). May wait. */
struct disk_node *node_wait(struct disk_node *n);
/* An empty inode, held and loading, with `mine`; or, not held, that which another thread has
 * inserted meanwhile; NULL: all are in use. May wait. */
struct disk_node *node_insert(struct disk_mount *m, uint32_t ino, bool *mine);
/* The end of `loading`. error 0: the inode stays, and is returned; else it leaves memory, and the
 * result is fs_failed(error). Does not wait. */
struct disk_node *node_loaded(struct disk_node *n, int error);
/* Forgets an inode that no thread, open file or hold uses, after it was stored. false: it is used,
 * or was used or changed again during that. May wait. */
bool node_evict(struct disk_node *n);
/* Goes through all inodes in memory, the one used last first: the inode behind n, or the first for
 * NULL. NULL at the end. None is held. */
struct disk_node *node_next(struct disk_node *n);

/* Stores all inodes of a mount that are dirty: 0, or the first error. May wait. */
int nodes_store(struct disk_mount *m);
/* Whether an inode is open, held or in use, besides the root that the mount holds. */
bool nodes_busy(const struct disk_mount *m);
/* Whether an inode without links is still used: it is freed when its last user goes. */
bool nodes_orphaned(const struct disk_mount *m);
/* Forgets all inodes of a mount, none of which may be in use. */
void nodes_drop(struct disk_mount *m);

#endif
