/* One path on its way to a node. A handler pins nodes only through a walk. */
#ifndef VFS_WALK_H
#define VFS_WALK_H

#include "path.h"
#include "permission.h"

/* A thread has two walks at a time at most, and one for its buffer. */
enum { THREADS = 16, WALKS = 2 * THREADS + 4 };

enum walk_how {
    WALK_FOLLOW = 1, /* a symbolic link at the end */
    WALK_ABSENT = 2, /* the last name need not exist: node is then NULL */
    /* the entry itself is wanted, to change it: no link is followed, no mount crossed at the end */
    WALK_ENTRY = 4,
    WALK_EMPTY = 8, /* an empty path means the directory argument itself, whatever it is */
    WALK_REAL = 16, /* as the real user, not the effective one (access) */
};

/* How a path is walked to its end for AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH; other flags count for
 * nothing. */
static inline unsigned walk_how_at(uint64_t flags)
{
    return (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
           (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
}

enum walk_last { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

struct walk {
    struct process *process;
    struct subject as; /* for whom permissions are asked */
    /* the directory of the last name; pinned. NULL unless last is LAST_NAME */
    struct node *dir;
    struct node *node; /* what was found; pinned. NULL: nothing */
    const char *name;  /* the last name, not terminated */
    uint32_t length, hash;
    enum walk_last last;
    bool slash;        /* slashes follow the last name */
    unsigned how;      /* WALK_... */
    struct walk *next; /* while it is free */
    char *path;        /* in the buffer */
    /* the path in the upper half, room for targets of links before it */
    char buffer[2 * PATH_MAX];
};

/* A walk for this process: 0 or -ENOMEM. Give it back with walk_end(), which unpins. */
int walk_begin(struct walk **w, struct process *p, unsigned how);
void walk_end(struct walk *w);
/* Reads the path in the window of m, and walks from the directory that the descriptor names. On
 * success the fields above tell what was found. May be done again. -ENOENT, -ENOTDIR, -EACCES,
 * -ELOOP, -ENAMETOOLONG, -EBADF, -EFAULT ... */
int walk_window(struct walk *w, struct message *m, uint64_t directory);
/* Likewise after moving the window to a path at `address`. */
int walk_at(struct walk *w, struct message *m, uint64_t directory, caller_t address);
/* The object of a descriptor of the caller becomes w->node. -EBADF for one opened with O_PATH,
 * unless allowed. */
int walk_descriptor(struct walk *w, struct message *m, uint64_t descriptor, bool path_allowed);
/* All of the common beginning: begin and walk_window for the caller of m. On error there is nothing
 * to end. */
int walk_start(struct walk **w, struct message *m, unsigned how);

/* The parent of a directory, across mounts, not above the root of the process. May wait; `at` is
 * pinned. The result is not. */
int walk_parent(struct process *p, struct node *at, struct node **parent);
/* One name in a directory (pinned), from the cache or the file server. Links and mounts are not
 * followed. */
int walk_lookup(struct node *dir, const char *name, size_t length, uint32_t hash,
                struct node **node);

#endif
