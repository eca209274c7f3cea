/* The table of mounts: which file system covers which directory. */
#ifndef VFS_MOUNT_H
#define VFS_MOUNT_H

#include "node.h"

/* MOUNT_MEMORY: the files of memfd_create, a tmpfs that stands nowhere in the name space. */
enum { MOUNTS = 128, MOUNT_MEMORY = MOUNTS - 1 };

struct fs_type {
    const char *name, *service;
    bool device; /* is on a block device */
    /* its names come and go without VFS, or its objects are not for ever one file's: nothing of it
     * is cached */
    bool changing;
};

struct mount {
    uint8_t kind; /* in fs_types; 0: the place is free */
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

enum { FS_TYPES = 9 };
extern const struct fs_type fs_types[FS_TYPES];
/* A mount keeps the number: the table stands elsewhere in a program that takes over. */
static inline const struct fs_type *mount_type(const struct mount *m) { return &fs_types[m->kind]; }

static inline bool read_only(const struct node *n)
{
    return n->mount != NO_MOUNT && mounts[n->mount].flags & MS_RDONLY;
}

/* The index of the mount that an object belongs to, or NO_MOUNT. The upper byte of the object's
 * number tells the mounts of one server apart. */
unsigned mount_of(unsigned service, uint64_t object);
/* m is the file system with this root object. */
void mount_set(struct mount *m, endpoint_t service, uint64_t object);
/* m's place is free again. */
void mount_clear(struct mount *m);
/* From a covered directory to the root of what covers it, as often as needed; else n itself. Does
 * not wait; the result of a crossing is pinned by its mount. */
struct node *mount_cross(struct node *n);
/* The node, not pinned, of an object of a mounted file system, a pipe or a device; its server is
 * asked when VFS does not know it. 0, -ENFILE, or what FS_STAT says. May wait. */
int mount_node(unsigned service, uint64_t object, struct node **node);
/* Whether the names in it come and go without VFS, so that nothing of it may be cached. */
static inline bool is_changing(const struct node *n)
{
    return n->mount != NO_MOUNT && mount_type(&mounts[n->mount])->changing;
}
/* The kind of file system that mount(2) calls so, or NULL. */
const struct fs_type *fs_type_find(const char *name);

#endif
