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
    bool loading, dirty, freeing;
    int failed;    /* why it could not be loaded */
    uint32_t uses; /* threads that hold it */
    struct condition loaded;
    struct disk_node *hash_next, *older, *newer;
};

struct disk_mount {
    struct fs_mount;
    bool used;
    bool was_clean;     /* when it was mounted, the disk said so */
    bool only_read;     /* has features that are not written */
    uint8_t index;      /* of the mount and of its device in the cache; upper byte of its objects */
    uint8_t unit_shift; /* the cache's units are 1 << unit_shift bytes */
    struct disk_node *root; /* held while mounted */
    struct deletions deletions;
};

/* What libfs asks a server of disks for besides fs_ops; a server that uses contents.h alone needs
 * `map` alone. All may wait. */
struct disk_ops {
    /* The server's arrays of mounts and inodes. */
    void *mounts, *nodes;
    size_t mount_size, node_size;
    unsigned mount_count, node_count;

    /* Reads the superblock; sets the geometry, was_clean, only_read, size_max, unit_shift, and
     * makes the device known to the cache. */
    int (*load_mount)(struct disk_mount *m, const struct fs_source *s);
    /* The superblock as it is now into its page; clean: nobody writes any more. */
    int (*store_mount)(struct disk_mount *m, bool clean);
    void (*drop_mount)(struct disk_mount *m); /* gives back what load_mount holds, if anything */
    struct disk_node *(*root)(struct disk_mount *m); /* held, or fs_failed() */

    int (*load)(struct disk_node *n);     /* fills it in by its ino; -ESTALE */
    int (*store)(struct disk_node *n);    /* into its place on the disk; then it is not dirty */
    void (*destroy)(struct disk_node *n); /* its contents and its number are free on the disk */
    void (*forget)(struct disk_node *n);  /* it leaves memory. NULL: nothing. Does not wait */

    /* Where unit `unit` of the contents lies on the disk: its number; 0 for a hole, unless
     * `allocate`; or an error. Under node.lock. */
    int64_t (*map)(struct disk_node *n, uint64_t unit, bool allocate);
    /* Frees what lies behind `size`. Under node.lock. */
    int (*cut)(struct disk_node *n, uint64_t size);
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

void nodes_init(void); /* call first */

/* fs_ops.get by number and generation, and fs_ops.put. */
struct fs_node *node_of(uint64_t object);
void node_put(struct fs_node *n);

/* The inode with this number, held, or fs_failed(): -ENFILE, and what load says. May wait. */
struct disk_node *node_get(struct disk_mount *m, uint32_t ino);
/* The parts of it. */
struct disk_node *node_find(const struct disk_mount *m, uint32_t ino); /* NULL; not held */
/* An inode that node_find has found, held, when it has been loaded. May wait. */
struct disk_node *node_wait(struct disk_node *n);
/* An empty one, held and loading, with `mine`; or that which somebody else has inserted meanwhile;
 * NULL: all are in use. May wait. */
struct disk_node *node_insert(struct disk_mount *m, uint32_t ino, bool *mine);
/* The end of `loading`: `error` 0, and it stays; or it goes. Returns n or the error. */
struct disk_node *node_loaded(struct disk_node *n, int error);
/* All that are in memory, the one used last first: n is NULL at first. NULL at the end. */
struct disk_node *node_next(struct disk_node *n);

int nodes_store(struct disk_mount *m);       /* all that are dirty. May wait */
bool nodes_busy(const struct disk_mount *m); /* an inode is open, held or in use, besides the root
                                                that the mount holds */
void nodes_drop(struct disk_mount *m);       /* forgets all; none may be in use */

#endif
