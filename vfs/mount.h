/* The table of mounts: which file system covers which directory. */
#ifndef VFS_MOUNT_H
#define VFS_MOUNT_H

#include "node.h"

enum { MOUNTS = 16 };

struct fs_type {
    const char *name, *service;
    bool device;   /* is on a block device */
    bool changing; /* its names come and go by themselves: never cached */
};

struct mount {
    const struct fs_type *type; /* NULL: the place is free */
    uint8_t service;
    uint64_t object;    /* of the root, at the service */
    struct node *root;  /* pinned; NULL while it is being mounted */
    struct node *point; /* pinned; NULL for the root of everything */
    uint64_t dev;       /* st_dev of its files */
    uint32_t flags;     /* MS_... */
    char source[64];
    char path[256]; /* of the point, when it was mounted; for /proc/mounts */
};

extern struct mount mounts[MOUNTS];

static inline bool read_only(const struct node *n)
{
    return n->mount != NO_MOUNT && mounts[n->mount].flags & MS_RDONLY;
}

/* The mount that an object belongs to: the upper byte of its number says which of its server's.
 * NO_MOUNT */
unsigned mount_of(unsigned service, uint64_t object);
/* From a directory that is covered to the root of what covers it. */
struct node *mount_cross(struct node *n);
/* The node of an object of a mounted file system, a pipe or a device; asks its server when it is
 * not known. May wait. 0, -ENFILE, or what FS_STAT says. */
int mount_node(unsigned service, uint64_t object, struct node **node);
/* The names in it come and go by themselves: nothing of it is remembered. */
static inline bool is_changing(const struct node *n)
{
    return n->mount != NO_MOUNT && mounts[n->mount].type->changing;
}
/* The kind of file system that mount(2) calls so, or NULL. */
const struct fs_type *fs_type_find(const char *name);

#endif
