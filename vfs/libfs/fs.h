/* The framework of file servers. A file server is its table fs_ops, filled with the functions that
 * are its own; libfs speaks the protocol FS (minnow/protocol.def) for it:
 *
 *     program, VFS, PM
 *         | message
 *         v
 *     serve.c, names.c    names and buffers out of windows; what may be done to which type of file;
 *         |               read-only mounts, limits, open files, holds, links, times; the reply
 *         v
 *     fs_ops              the server: get, lookup, read, write, create ... on its own inodes
 *         |
 *         v
 *     contents.c, nodes.c, mounts.c, cache.c      for servers of disks, as far as they like
 *
 * The calls of fs_ops are made with the guards already passed, so a server judges nothing twice. */
#ifndef FS_H
#define FS_H

#include <minnow/file.h>

#include "service.h"

/* ---- Mounts, nodes, names ---- */

/* An object's number: which mount of this server, which generation of which inode. */
static inline uint64_t fs_object(unsigned mount, uint32_t generation, uint32_t ino)
{
    return (uint64_t)mount << 56 | (uint64_t)(generation & 0xffffff) << 32 | ino;
}
static inline unsigned fs_object_mount(uint64_t object) { return object >> 56; }
static inline uint32_t fs_object_generation(uint64_t object) { return (object >> 32) & 0xffffff; }
static inline uint32_t fs_object_ino(uint64_t object) { return (uint32_t)object; }

/* What libfs knows of a mount. A server's own structure begins with it: `struct fs_mount;`. */
struct fs_mount {
    uint64_t dev;      /* st_dev of its files */
    uint64_t size_max; /* bytes that a file may have */
    bool read_only;
    bool reported;    /* damage was found, and printed */
    struct lock tree; /* held while names change */
};

/* What libfs knows of a file, directory, link or device node. A server's inode begins with it. */
struct fs_node {
    struct fs_mount *mount;
    uint64_t object;
    uint64_t ino; /* st_ino */
    uint32_t mode, links, uid, gid;
    uint64_t size, rdev;
    uint64_t blocks; /* st_blocks: of 512 bytes */
    struct timespec64 atime, mtime, ctime;
    uint32_t opens, writers; /* open files, and those of them that may write */
    uint32_t holds, denies;  /* FS_HOLD, and those of them that deny writing */
    uint32_t user;    /* the user who is charged for a node that is open or held (open_max) */
    struct lock lock; /* held while the contents change, if there are several threads */
};

/* A name in a directory. lookup leaves in `where` what add, replace and remove want to know of the
 * entry that it found; it stays true while mount->tree is held. */
struct fs_name {
    const char *text; /* NUL-terminated; no slash in it */
    unsigned length;  /* 1..NAME_MAX */
    uint64_t where[2];
};

/* What a new inode is to be. */
struct fs_new {
    uint32_t mode, uid, gid;
    uint64_t rdev;      /* of a device node */
    const char *target; /* of a symbolic link */
};

/* Where a pointer is returned there may stand an error instead of it, as in Linux (IS_ERR). */
static inline void *fs_failed(int error) { return (void *)(intptr_t)error; }
/* 0 for a pointer, else the error. */
static inline int fs_error(const void *p)
{
    return (uintptr_t)p > (uintptr_t)-PAGE_SIZE ? (int)(intptr_t)p : 0;
}

struct fs_source { /* what FS_MOUNT names */
    endpoint_t service;
    uint64_t object, dev; /* the device at its driver; its number */
    bool read_only;
    const char *options;
};

struct dents;

/* ---- The table of a file server ---- */

/* An operation that may be NULL says what happens then. All return 0 or an error unless they say
 * something else, and may wait if `threads` is more than 1 (and, for calls to other services, in
 * any case). One that returns a node returns it held until put, or fs_failed(error). */
struct fs_ops {
    unsigned threads;
    unsigned open_max;   /* nodes that may be open or held at once, 0: no limit is kept here */
    uint32_t links_max;  /* 0: no limit. A directory whose links are not counted has one */
    const char *checker; /* the program that repairs a damaged disk */
    bool forgets;  /* nodes are made for a request and forgotten: opens and holds are not counted */
    bool no_atime; /* reading leaves atime as it is */
    bool lends_own;  /* lent pages are the file itself: PM keeps none of them when it lets the file
                        go */
    bool folds_case; /* a name that differs only in case is the same name */
    bool no_links;   /* FS_LINK and FS_SYMLINK are -EPERM */

    /* The root of a new mount. */
    struct fs_node *(*mount)(const struct fs_source *s);
    int (*remount)(struct fs_mount *m, bool read_only); /* NULL: sets read_only */
    int (*unmount)(uint64_t root);                      /* -EBUSY, -EINVAL. NULL: 0 */
    int (*statfs)(struct fs_mount *m, struct statfs *s);
    /* everything, or one file and its name, is on the disk. NULL: 0 */
    int (*sync)(struct fs_mount *m);
    int (*sync_node)(struct fs_node *n, struct message *m);

    /* The node that an object stands for; -ESTALE. */
    struct fs_node *(*get)(uint64_t object);
    void (*put)(struct fs_node *n); /* frees it when nothing refers to it. NULL: nothing */
    /* Fields of fs_node have changed: they are to be stored. Does not wait. NULL: nothing */
    void (*changed)(struct fs_node *n);
    /* Corrects what was filled in from the node. NULL: nothing */
    int (*stat)(struct fs_node *n, struct stat *s);
    /* May refuse. NULL: all can be set */
    int (*setattr)(struct fs_node *n, const struct fs_attr *a);
    /* May refuse, or add to the new connection's flags. NULL: nothing */
    int (*open)(struct fs_node *n, struct message *m, uint64_t *flags);

    /* Contents of files. From `position` on, `length` bytes, of or to the window of m: how many. A
     * read ends at the end of the file; a write is under node.lock, and has moved size. -EFAULT:
     * nothing was done. */
    int64_t (*read)(struct fs_node *n, struct message *m, uint64_t position, uint64_t length);
    int64_t (*write)(struct fs_node *n, struct message *m, uint64_t position, uint64_t length);
    /* Sets size; what lies between is zero. Under node.lock. NULL: -EINVAL */
    int (*resize)(struct fs_node *n, uint64_t size);

    /* Pages of files for PM (FS_PAGES, FS_UNPIN, FS_RESERVE). NULL: files cannot be mapped */
    /* Pins page `index`, and stores its address in the server, or 0 if there is no such page and it
     * is not `wanted`. The caller is about to ask for the `ahead` pages from there on. -ENOMEM: too
     * much is pinned. */
    int (*lend)(struct fs_node *n, uint64_t index, unsigned ahead, bool wanted, uint64_t *address);
    /* One pin less. n: the file, when the page was written; under its lock. */
    int (*take_back)(struct fs_node *n, uint64_t address);
    /* Page `wanted` gets its place on the disk. A bit for each of `count` pages from `first` on
     * that is lent and has its place. Under node.lock. */
    int64_t (*reserve)(struct fs_node *n, uint64_t first, unsigned count, uint64_t wanted);

    /* Directories. `dir` is one; where names change its mount is writable and mount->tree held. */
    struct fs_node *(*lookup)(struct fs_node *dir, struct fs_name *name); /* -ENOENT */
    /* Gives entries from d->position on to dents_add() until that is not 1, or none are left. */
    int (*list)(struct fs_node *dir, struct dents *d);
    /* The name that the object has in dir: its length. */
    int (*name_of)(struct fs_node *dir, uint64_t object, char name[NAME_MAX + 1]);
    int64_t (*readlink)(struct fs_node *n, struct message *m); /* ends with fs_text() */
    /* Makes an inode and its name, which is not there yet; with links, 2 if it is a directory. NULL
     * here: names cannot be changed, -EPERM */
    struct fs_node *(*create)(struct fs_node *dir, struct fs_name *name, const struct fs_new *new);
    int (*add)(struct fs_node *dir, struct fs_name *name, struct fs_node *n);
    int (*replace)(struct fs_node *dir, struct fs_name *name, struct fs_node *old,
                   struct fs_node *n);
    int (*remove)(struct fs_node *dir, struct fs_name *name, struct fs_node *n);
    int (*set_parent)(struct fs_node *n, struct fs_node *dir); /* '..' of the directory n */
    int (*empty)(struct fs_node *dir);                         /* 1, 0 or an error */
};

extern const struct fs_ops fs_ops; /* the server's own */

/* Serves for ever. `notify` gets notifications, or is NULL. */
_Noreturn void fs_serve(void (*notify)(uint64_t bits));

/* ---- For the operations ---- */

static inline void fs_changed(struct fs_node *n)
{
    if (fs_ops.changed)
        fs_ops.changed(n);
}
static inline void fs_put(struct fs_node *n)
{
    if (fs_ops.put)
        fs_ops.put(n);
}
/* What was found on the disk cannot be: says so, once a mount. -EUCLEAN. */
int fs_corrupt(struct fs_mount *m, const char *what, uint64_t number);
/* The answer of a call that wants a text: its length, cut at the window's. */
int64_t fs_text(struct message *m, const char *text, size_t length);
bool fs_is_dots(const char *name, size_t length); /* "." or ".." */
static inline bool fs_is_dot(const struct fs_name *n) { return n->length == 1 && *n->text == '.'; }
static inline bool fs_is_dotdot(const struct fs_name *n)
{
    return n->length == 2 && n->text[0] == '.' && n->text[1] == '.';
}

/* The directory record type of a mode. */
static inline uint8_t fs_dtype(uint32_t mode) { return (mode & S_IFMT) >> 12; }

/* Wall time, now. */
struct timespec64 fs_now(void);

/* A hash of a name, of 32 good bits. */
uint32_t fs_hash(const char *name, unsigned length);

/* Packs struct dirent64 records into the window of a DENTS call. */
struct dents {
    struct message *m;
    uint64_t position; /* behind the last record that fitted */
    bool full;         /* one did not */
    size_t sent;       /* bytes of the window already filled */
    size_t filled;     /* bytes waiting in the buffer */
    _Alignas(8) uint8_t buffer[1024];
};
static inline void dents_start(struct dents *d, struct message *m)
{
    d->m = m;
    d->position = m->position;
    d->full = false;
    d->sent = d->filled = 0;
}
/* Adds one record; `next` is the position to go on from behind it. 1, 0 when the window is full,
 * -EFAULT. */
int dents_add(struct dents *d, uint64_t ino, int64_t next, uint8_t type, const char *name,
              size_t length);
/* The handler's result, and its new position. `error`: what ended the listing early; it is not told
 * when there are records to be had before it. */
int64_t dents_end(struct dents *d, int error);

/* Files that nobody refers to any more and that are being freed, which may wait. close() has
 * returned by then, so their room counts as free: an allocation that finds no room waits for these
 * files, holding no lock that freeing needs. */
struct deletions {
    unsigned under_way;
    struct condition ended;
};
static inline void deletion_begins(struct deletions *d) { d->under_way++; }
void deletion_ends(struct deletions *d);
/* until one has ended; false: there is none. May wait */
bool deletion_awaited(struct deletions *d);
/* until those that are under way now have ended, more or less. May wait */
void deletions_awaited(struct deletions *d);

/* ---- Parts of the protocol, for servers with a table of handlers of their own ---- */

/* Reads a name of `length` bytes at `offset` of the call's window into name[NAME_MAX + 1], and
 * terminates it. 0, -ENOENT (empty), -ENAMETOOLONG, -EINVAL (a slash or NUL in it), -EFAULT. */
int fs_copy_name(struct message *m, size_t offset, size_t length, char *name);
/* FS_SEEK on something of `size` bytes, all of it data. */
int64_t fs_seek(struct message *m, uint64_t size);
/* FS_IOCTL on a file: only FIONREAD is known. */
int64_t fs_ioctl(struct message *m, uint64_t size);
/* FS_POLL on what is always ready. */
int64_t fs_poll(struct message *m);
/* The flags that an open file keeps of those it was opened with. */
static inline uint32_t fs_connection_flags(uint64_t flags)
{
    return (flags & ~(uint64_t)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC) & 0x0fffffff) |
           CONN_SEEKABLE | CONN_READY;
}
static inline bool fs_writes(uint64_t flags) { return (flags & O_ACCMODE) != O_RDONLY; }

#endif
