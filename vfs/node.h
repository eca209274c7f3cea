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
    /* a removed directory, which may still be a working directory: only ".." is found in it */
    NODE_REMOVED = 4,
    /* the file server keeps the directory for VFS until the last pin goes (FS_HOLD) */
    NODE_HELD = 8,
};

struct node {
    uint64_t object;
    uint32_t generation; /* goes up when the place is used for another object */
    uint32_t uid, gid, rdev;
    uint16_t mode;
    uint16_t pins; /* users that need the node across waits: walks, processes, mounts */
    uint16_t next; /* in its hash chain: a place; 0 ends it */
    /* service 0: the place is free. flags: NODE_. recent: used since the hand last came by */
    uint8_t service, mount, flags, recent;
    uint8_t covered; /* NODE_COVERED: by this mount */
};

/* What a file server says of an object. */

struct attributes {
    uint16_t mode;
    uint32_t uid, gid, rdev;
};

/* Counts the changes of the name space. It goes up together with a change of the caches, without a
 * wait in between. Code that asks a file server compares it before and after: if it has moved, the
 * answer may be older than the caches, and does not go into them. */
extern uint64_t changes;

/* To be called before a directory loses its name: if others than the caller have it pinned, the
 * file server is asked to keep it (NODE_HELD). May wait. */
void node_hold(struct node *n);
/* The end of that: the last pin has gone. May wait. */
void node_let_go(struct node *n);

/* A pinned node keeps its place, and so its address, across waits. */
static inline void node_pin(struct node *n) { n->pins++; }
/* May wait, if the node is NODE_HELD. */
static inline void node_unpin(struct node *n)
{
    if (--n->pins == 0 && __builtin_expect(n->flags & NODE_HELD, 0))
        node_let_go(n);
}

/* The node of an object, made if need be, with these attributes; not pinned. NULL: all places are
 * pinned. Does not wait. */
struct node *node_set(unsigned service, uint64_t object, unsigned mount,
                      const struct attributes *a);
/* Asks the file server for all that it knows of an object (FS_STAT): 0, or its error. May wait. */
int node_stat(unsigned service, uint64_t object, struct stat *s);
/* Asks the file server for the attributes of an object (FS_STAT): 0, or its error. May wait. */
int node_ask(unsigned service, uint64_t object, struct attributes *a);
/* Who changes the mode or the owner of a node, which is pinned, holds this lock of it from the
 * check that he may until the node has what the file server has made of it: else the check could be
 * of what another change under way has changed. node_lock() may wait. */
void node_lock(const struct node *n);
void node_unlock(const struct node *n);
/* Asks for the attributes of a node, which is pinned and locked, and keeps them in it. 0, or the
 * file server's error. May wait. */
int node_refresh(struct node *n);
/* The object of a node that may be NULL: then 0. */
static inline uint64_t node_object(const struct node *n) { return n ? n->object : 0; }
/* The node of an object if VFS has it, not pinned; else NULL. */
struct node *node_find(unsigned service, uint64_t object);
/* Forgets all nodes of a mount, none of which may be pinned. */
void node_forget_mount(unsigned mount);
/* How many pins the nodes of a mount have together. */
unsigned node_mount_pins(unsigned mount);

/* The name cache; none of its functions waits, and no result is pinned. Names that are too long for
 * an entry are not kept. */

/* 1, and the node; -ENOENT if the cache knows that there is no such name; 0 if it does not know. */
int name_find(struct node *dir, const char *name, size_t length, uint32_t hash, struct node **node);
/* The name in `dir` is the node's; NULL: there is no such name. */
void name_set(struct node *dir, const char *name, size_t length, struct node *node);
/* The cache knows nothing of this name, or of any, from now on. */
void name_drop(struct node *dir, const char *name, size_t length);
void name_drop_all(void);
/* There is no such name any more; the node had it last, for name_of(). */
void name_gone(struct node *dir, const char *name, size_t length, struct node *node);
/* A directory, and the name in it under which the node is known: its length in name[NAME_MAX], not
 * terminated, or -ENOENT. *gone: the node has only a name that was taken away. */
int name_of(const struct node *n, struct node **dir, char *name, bool *gone);

/* Targets of symbolic links, which never change. The length of what is copied to[size], not
 * terminated, or -ENOENT. Nothing here waits. */
int link_find(const struct node *n, char *to, size_t size);
/* Keeps a target, unless it is too long. */
void link_set(const struct node *n, const char *target, size_t length);

#endif
