/* Nodes, names and targets of symbolic links: what VFS remembers of the objects of file servers.
 *
 * A node is what VFS knows of one object of one file server: type, permission bits, owner. There is
 * one node an object, so nodes are compared by address. A node is forgotten when its place is
 * needed, unless it is pinned. A name is one entry of the name cache: (directory node, name) ->
 * node, or the knowledge that there is none. */
#ifndef VFS_NODE_H
#define VFS_NODE_H

#include <minnow/file.h>

#include "service.h"

enum {
    NODES = 4096,
    NAMES = 4096,
    /* the mount of a node that no mounted file system holds: a pipe or a device, reached through
     * /proc/N/fd */
    NO_MOUNT = 0xff,
};

enum node_flags {
    NODE_COVERED = 1, /* a file system is mounted on it */
    NODE_ROOT = 2,    /* it is the root of its mount */
    /* a directory that is no more, though somebody may stand in it: nothing is in it but ".." */
    NODE_REMOVED = 4,
    /* likewise, and the file server keeps it for us until the last pin goes (FS_HOLD) */
    NODE_HELD = 8,
};

struct node {
    uint64_t object;
    uint32_t generation; /* goes up when the place is used for another object */
    uint32_t uid, gid, rdev;
    uint16_t mode;
    uint16_t pins;
    uint16_t next; /* in its hash chain */
    uint8_t service, mount, flags, recent;
};

struct attributes {
    uint16_t mode;
    uint32_t uid, gid, rdev;
};

/* Counts what was changed in the name space. Whoever changes something does so in the cache and
 * here in one go. */
extern uint64_t changes;

/* Before a directory loses its name: if others than the caller have it pinned, the file server is
 * to keep it. May wait. */
void node_hold(struct node *n);
void node_let_go(struct node *n);

static inline void node_pin(struct node *n) { n->pins++; }
/* May wait, if the node is one that is held. */
static inline void node_unpin(struct node *n)
{
    if (--n->pins == 0 && __builtin_expect(n->flags & NODE_HELD, 0))
        node_let_go(n);
}

/* The node of an object, made if need be, with these attributes. NULL: all places are pinned. Does
 * not wait. */
struct node *node_set(unsigned service, uint64_t object, unsigned mount,
                      const struct attributes *a);
/* What the file server says of an object: 0, or its error. May wait. */
int node_ask(unsigned service, uint64_t object, struct attributes *a);
/* Asks the file server for the attributes of the node, which is pinned. May wait. */
int node_refresh(struct node *n);
struct node *node_find(unsigned service, uint64_t object);
/* Forgets all nodes of a mount. None must be pinned. */
void node_forget_mount(unsigned mount);
/* How many pins the nodes of a mount have together. */
unsigned node_mount_pins(unsigned mount);

/* 1 and the node; -ENOENT: it is known that there is none; 0: not known. */
int name_find(struct node *dir, const char *name, size_t length, uint32_t hash, struct node **node);
/* node NULL: there is none */
void name_set(struct node *dir, const char *name, size_t length, struct node *node);
void name_drop(struct node *dir, const char *name, size_t length);
void name_drop_all(void);
/* there is none any more; it was the node's */
void name_gone(struct node *dir, const char *name, size_t length, struct node *node);
/* A directory and a name under which the node is known: the length, or -ENOENT. gone: it was its
 * last, and has been taken away. */
int name_of(const struct node *n, struct node **dir, char *name, bool *gone);

/* Targets of symbolic links, which never change. The length, or -ENOENT. */
int link_find(const struct node *n, char *to, size_t size);
void link_set(const struct node *n, const char *target, size_t length);

#endif
