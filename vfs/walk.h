/* One path on its way to a node. A handler that needs a node across a wait keeps it pinned by
 * keeping the walk. */
#ifndef VFS_WALK_H
#define VFS_WALK_H

#include "path.h"
#include "permission.h"

/* A thread has two walks at a time at most. A third, for its buffer alone, is rare: four are kept
 * for all threads. */
enum { THREADS = 16, WALKS = 2 * THREADS + 4 };

enum walk_how {
    WALK_FOLLOW = 1, /* a symbolic link at the end */
    WALK_ABSENT = 2, /* the last name need not exist: node is then NULL */
    /* the entry itself is wanted, to change it: no link is followed, no mount crossed at the end */
    WALK_ENTRY = 4,
    WALK_EMPTY = 8, /* an empty path means the directory argument itself, whatever it is */
    WALK_REAL = 16, /* permissions are those of the real user, not of the effective one (access) */
    WALK_FILE = 32, /* the last name is to be a file's: slashes behind it are -EISDIR */
    /* from here on openat2's struct open_how.resolve stands: RESOLVE_... */
    WALK_RESOLVE_SHIFT = 8,
};
/* RESOLVE_ bits as bits of `how`. */
static inline unsigned walk_how_resolve(uint64_t resolve) { return resolve << WALK_RESOLVE_SHIFT; }

/* The WALK_ bits for AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH; other flags are ignored. */
static inline unsigned walk_how_at(uint64_t flags)
{
    return (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
           (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
}

/* Whether a directory argument, an int, means the working directory. */
static inline bool walk_is_cwd(uint64_t directory) { return (int32_t)directory == AT_FDCWD; }

/* How a path ended. LAST_DOT also stands for an object that was reached without a name: by a
 * descriptor, an empty path, or a link of procfs. LAST_ROOT: there was no component. */
enum walk_last { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

struct walk_buffer;

struct ON_STACK walk {
    struct process *process;
    call_t call;       /* of walk_window(): tells the thread, for links of procfs */
    struct subject as; /* the user whose permissions count */
    /* the directory of the last name; pinned. NULL unless last is LAST_NAME */
    struct node *dir;
    struct node *node; /* what was found; pinned. NULL: nothing */
    /* the directory above which the walk may not go; pinned. NULL: the process's root */
    struct node *scope;
    const char *name; /* the last name, not terminated */
    uint32_t length, hash;
    enum walk_last last;
    bool slash;   /* slashes follow the last name */
    unsigned how; /* WALK_... */
    char *path;   /* in the buffer */
    struct walk_buffer *buffer;
};

/* Where a walk keeps its path, which is too long for a thread's stack. */
enum { WALK_BUFFER = 2 * PATH_MAX };
struct walk_buffer {
    struct walk_buffer *next; /* while it is free */
    /* WALK_BUFFER bytes: the path in the upper half, room for targets of links before it */
    char *text;
};

/* Begins a walk for this process, with `how` of WALK_ bits: 0, or -ENOMEM if all buffers are in
 * use. Does not wait. The caller ends it with walk_end(), which gives its pins back and may wait.
 */
int walk_begin(struct walk *w, struct process *p, unsigned how);
void walk_end(struct walk *w);
/* Reads the path in the window of m, and walks from `directory`, a descriptor of the caller or
 * AT_FDCWD. On success the fields above tell what was found. May be done again with the same walk.
 * 0, -ENOENT, -ENOTDIR, -EACCES, -ELOOP, -ENAMETOOLONG, -EBADF, -EFAULT, -ENFILE, or what a file
 * server says; never -ESTALE. May wait. */
int walk_window(struct walk *w, struct message *m, uint64_t directory);
/* The same after moving the window to the path at `address` of the caller. */
int walk_at(struct walk *w, struct message *m, uint64_t directory, caller_t address);
/* The object behind a descriptor of the walk's process becomes w->node. 0; -EBADF, also for a
 * descriptor opened with O_PATH unless `path_allowed`; -ENFILE, or what FS_STAT says. May wait. */
int walk_descriptor(struct walk *w, uint64_t descriptor, bool path_allowed);
/* walk_begin() and walk_window() for the caller of m, whose w[0] is the directory. After an error
 * there is no walk to end. May wait. */
int walk_start(struct walk *w, struct message *m, unsigned how);

/* walk_begin(), and a walk along the path at `address` of m's caller. After an error there is no
 * walk to end. May wait. */
int walk_start_at(struct walk *w, struct message *m, unsigned how, uint64_t directory,
                  caller_t address);

/* One name in a directory, which the caller has pinned, from the name cache or the file server;
 * `hash` is path_hash() of it. Links and mounts are not followed. *node is not pinned. 0, -ENOENT,
 * -ENFILE (all nodes are pinned), or what FS_LOOKUP says. May wait. */
int walk_lookup(struct node *dir, const char *name, size_t length, uint32_t hash,
                struct node **node);

#endif
