/* The RAM file system inside: nodes, names, and what its files offer each other. Its operations
 * call no other service, so one thread serves and no lock is needed; long copies and cuts give way
 * to other services. */
#ifndef TMPFS_H
#define TMPFS_H

#include "fs.h"

struct node;

struct mount {
    struct fs_mount;
    bool used;
    uint8_t number; /* upper byte of its objects */
    struct node *root;
    uint64_t page_limit, pages; /* 0: no limit of its own; pages that its files have */
};

/* A name in a directory. */
struct entry {
    struct node *dir, *node;
    struct entry *hash_next;
    struct entry *before, *behind; /* in its directory, in the order in which they were made */
    /* the entry's number in that order: the position from which a listing goes on behind it */
    uint64_t cookie;
    uint32_t hash, user; /* user: who is charged for the name */
    uint8_t length;
    char name[];
};

struct node {
    struct fs_node;    /* user: the first owner, who is charged for the node and its pages */
    bool used, pinned; /* pinned: PM has or had pages of it */
    uint32_t generation;
    union {
        /* a file: a tree of pages, each inner one with 512 pointers; NULL is a hole */
        struct {
            void *root;
            unsigned height; /* 0: root is the only page */
            uint64_t end;    /* there are no pages from this number on */
        };
        struct {                 /* a directory */
            struct node *parent; /* while it has links */
            struct entry *first, *last;
            uint64_t cookie; /* the last number given to an entry */
            /* the last entry of the last listing, whose number is the position it ended with */
            struct entry *resume;
        };
        char *target; /* of a symbolic link */
    };
    void *attributes; /* a page, or NULL */
    struct node *free_next;
};

static inline struct node *node_of(struct fs_node *n) { return (struct node *)n; }
static inline struct mount *mount_of(const struct node *n) { return (struct mount *)n->mount; }

/* ---- data.c: contents ---- */
/* Frees the pages behind `size` bytes, and zeroes the rest of the last one; n->size stays. */
void data_cut(struct node *n, uint64_t size);
/* How many pages all files together may have, how many of them are free, and how many of these are
 * not kept for root. */
void data_count(uint64_t *all, uint64_t *free, uint64_t *anyone);
/* Operations of fs_ops. -ENOSPC: the pool, the mount or the user has no more pages. */
int64_t data_read(struct fs_node *f, struct message *m, uint64_t position, uint64_t length);
int64_t data_write(struct fs_node *f, struct message *m, uint64_t position, uint64_t length);
int data_resize(struct fs_node *f, uint64_t size);
int data_allocate(struct fs_node *f, uint64_t from, uint64_t to);
int data_punch(struct fs_node *f, uint64_t from, uint64_t to);
int64_t data_seek(struct fs_node *f, uint64_t position, bool hole);
int data_lend(struct fs_node *f, uint64_t index, unsigned ahead, bool wanted, uint64_t *address);
int data_take_back(struct fs_node *f, uint64_t address);
int64_t data_reserve(struct fs_node *f, uint64_t first, unsigned count, uint64_t wanted);

/* A page for the node besides its contents, charged like these; NULL: -ENOSPC. And gives it back.
 */
void *data_extra_take(struct node *n);
void data_extra_give(struct node *n, void *page);

/* ---- xattr.c: extended attributes; operations of fs_ops but the last ---- */
int attribute_get(struct fs_node *n, const struct attribute *a, void *to);
int attribute_list(struct fs_node *n, char *to);
int attribute_set(struct fs_node *n, const struct attribute *a);
void attributes_drop(struct node *n); /* frees them all */

/* ---- node.c: nodes ---- */
/* A new node without links. NULL: no memory, or the user has its share of all nodes and names. */
struct node *node_new(struct mount *m, const struct fs_new *new);
/* Charges a node, or a name, to the user: some 200 bytes. 0 or -ENOSPC. */
int thing_take(uint32_t user);
void thing_give(uint32_t user);
/* How many files there may be, and how many more than there are, at two such things a file. */
void thing_count(uint64_t *all, uint64_t *free);
/* Whether a node of the mount is open or held. */
bool node_in_use(const struct mount *m);
/* fs_ops.get: nodes are not counted as held while a request uses them. fs_ops.put: frees a node
 * without links, open files and holds. */
struct fs_node *node_get(uint64_t object);
void node_put(struct fs_node *f);

/* ---- dir.c: names; operations of fs_ops but the first ---- */
void dir_remove_all(struct node *dir); /* removes all names in the directory and below */
struct fs_node *dir_lookup(struct fs_node *f, struct fs_name *name);
int dir_list(struct fs_node *f, struct dents *d);
int dir_name_of(struct fs_node *f, uint64_t object, char *name);
struct fs_node *dir_create(struct fs_node *f, struct fs_name *name, const struct fs_new *new);
int dir_add(struct fs_node *f, struct fs_name *name, struct fs_node *n);
int dir_replace(struct fs_node *f, struct fs_name *name, struct fs_node *old, struct fs_node *n);
int dir_remove(struct fs_node *f, struct fs_name *name, struct fs_node *n);
int dir_set_parent(struct fs_node *f, struct fs_node *dir);
int dir_empty(struct fs_node *f);
int64_t link_read(struct fs_node *f, struct message *m);

/* ---- mount.c: mounts; operations of fs_ops ---- */
struct fs_node *mount_new(const struct fs_source *s);
int mount_end(uint64_t root);
int mount_statfs(struct fs_mount *f, struct statfs *s);

#endif
