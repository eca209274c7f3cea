/* The framework of file servers. A file server is its table fs_ops, filled with the functions that
 * are its own; libfs speaks the protocol FS (minnow/protocol.def) for it:
 *
 *     program, VFS, PM
 *         | message
 *         v
 *     serve.c, open.c,    names and buffers out of windows; what may be done to which type of file;
 *     file.c, names.c     read-only mounts, limits, open files, holds, links, times; the reply
 *         |
 *         v
 *     fs_ops              the server: get, lookup, read, write, create ... on its own inodes
 *         |
 *         v
 *     contents.c, nodes.c, mounts.c, cache.c      for servers of disks, which use what they need
 *
 * libfs calls the operations only after all these checks, so a server repeats none of them. */
#ifndef FS_H
#define FS_H

#include <minnow/file.h>

#include "service.h"

/* ---- Mounts, nodes, names ---- */

/* An object's number: the mount of this server, the generation of the inode, and its number. A
 * generation goes up when an inode's number is used for another file. */
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
    bool reported;    /* damage was found and printed: fs_corrupt() */
    struct lock tree; /* held while names change */
};

/* What libfs knows of a file, directory, link or device node. A server's inode begins with it. */
struct fs_node {
    struct fs_mount *mount;
    uint64_t object;
    uint64_t ino; /* st_ino */
    uint32_t mode, links, uid, gid;
    uint64_t size, rdev;
    uint64_t blocks; /* st_blocks, of 512 bytes each */
    struct timespec64 atime, mtime, ctime;
    struct timespec64 btime; /* when it was made; 0: not known */
    uint8_t seals;           /* F_SEAL_... */
    uint8_t lease;           /* LEASE_...: the strongest of those on it */
    bool linkable;           /* has no name, but may get one (O_TMPFILE) */
    uint32_t opens, writers; /* open files, and those of them that may write; */
    uint32_t paths;          /* and those that only name the file (O_PATH) */
    uint32_t holds, denies;  /* FS_HOLD, and those of them that deny writing */
    uint32_t user;     /* the user who is charged for a node that is open or held (open_max) */
    struct lock lock;  /* held while the contents change, if there are several threads */
    uint64_t found_in; /* the directory in which it was opened last; 0: not known */
    uint32_t watched;  /* watch.h: the events that are wanted; 0: it is not watched */
    uint32_t watch_user;
    struct fs_node *watch_next;
};

/* A name in a directory. lookup may leave in `where`, for add, replace and remove, where the entry
 * stands, or where one has room; that stays true while mount->tree is held. */
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

/* A function that returns a pointer may return an error in its place, as in Linux (IS_ERR). */
static inline void *fs_failed(int error) { return (void *)(intptr_t)error; }
/* 0 for a pointer, else the error. */
static inline int fs_error(const void *p)
{
    return (uintptr_t)p > (uintptr_t)-PAGE_SIZE ? (int)(intptr_t)p : 0;
}

/* The words of FS_MOUNT. */
struct fs_source {
    endpoint_t service;   /* the device's driver; 0: there is no device */
    uint64_t object, dev; /* the device at its driver; its number, st_dev of the files */
    bool read_only;
    const char *options;
};

struct dents;
struct attribute; /* attributes.h */

/* ---- The table of a file server ---- */

/* An operation may be NULL if its remark says what happens then. An int result is 0 or an error if
 * the remark does not say otherwise. A node that is returned is held until put(), or it is
 * fs_failed(error). All but `changed` may wait: for locks if `threads` is more than 1, for other
 * services in any case. */
struct fs_ops {
    unsigned threads;
    unsigned open_max;   /* nodes that may be open or held at once, 0: no limit is kept here */
    uint32_t links_max;  /* 0: no limit. A directory whose links are not counted has one */
    const char *checker; /* the program that repairs a damaged disk */
    bool forgets;  /* nodes are made for a request and forgotten: opens and holds are not counted */
    bool no_atime; /* reading leaves atime as it is */
    bool lends_own;  /* lent pages are the file itself: PM keeps none of them behind its hold */
    bool folds_case; /* a name that differs only in case is the same name */
    bool no_links;   /* FS_LINK and FS_SYMLINK are -EPERM */
    bool nameless;   /* create() makes files without a name (O_TMPFILE) */
    bool seals;      /* files can be sealed */

    /* The root of a new mount. */
    struct fs_node *(*mount)(const struct fs_source *s);
    int (*remount)(struct fs_mount *m, bool read_only); /* NULL: sets read_only */
    int (*unmount)(uint64_t root);                      /* -EBUSY, -EINVAL. NULL: 0 */
    int (*statfs)(struct fs_mount *m, struct statfs *s);
    /* Puts everything, or one file and its name, on the disk. NULL: 0. If sync is there, so is
     * sync_node */
    int (*sync)(struct fs_mount *m);
    int (*sync_node)(struct fs_node *n, struct message *m);

    /* The node that an object stands for; -ESTALE. */
    struct fs_node *(*get)(uint64_t object);
    void (*put)(struct fs_node *n); /* frees it when nothing refers to it. NULL: nothing */
    /* libfs has changed fields of fs_node, which the server is to store. Does not wait. NULL:
     * nothing */
    void (*changed)(struct fs_node *n);
    /* Corrects *s, which is filled in from the node. NULL: nothing */
    int (*stat)(struct fs_node *n, struct stat *s);
    /* Refuses attributes that cannot be set. NULL: all can be */
    int (*setattr)(struct fs_node *n, const struct fs_attr *a);
    /* Refuses an open, or adds to the new connection's flags. NULL: nothing */
    int (*open)(struct fs_node *n, struct message *m, uint64_t *flags);

    /* Extended attributes. get, list: bytes, at most ATTRIBUTES_MAX, which are stored in `to`;
     * -ENODATA. set also removes: 0, -EEXIST, -ENODATA, -ENOSPC. Under node.lock. NULL: there are
     * none, -EOPNOTSUPP */
    int (*attribute_get)(struct fs_node *n, const struct attribute *a, void *to);
    int (*attribute_list)(struct fs_node *n, char *to);
    int (*attribute_set)(struct fs_node *n, const struct attribute *a);

    /* Contents of files: `length` bytes from byte `position` on, to or from the window of m. The
     * result is how many, or an error. A read ends at the end of the file; a write is called under
     * node.lock and moves size. -EFAULT: nothing was done, so that the call can be made again. */
    int64_t (*read)(struct fs_node *n, struct message *m, uint64_t position, uint64_t length);
    int64_t (*write)(struct fs_node *n, struct message *m, uint64_t position, uint64_t length);
    /* Whether only a read tells where the file ends: a seek from its end is -EINVAL. NULL: none is
     */
    bool (*endless)(const struct fs_node *n);
    /* Sets size; new bytes are zero. Under node.lock. NULL: -EINVAL */
    int (*resize)(struct fs_node *n, uint64_t size);

    /* Gives the bytes [from, to) room, which is zero where there was none. -EOPNOTSUPP: not behind
     * the end of the file. NULL: -EOPNOTSUPP. Under node.lock */
    int (*allocate)(struct fs_node *n, uint64_t from, uint64_t to);
    /* Makes the bytes [from, to) zero, and gives their room back but for parts of units, and pages
     * that are lent. NULL: -EOPNOTSUPP. Under node.lock */
    int (*punch)(struct fs_node *n, uint64_t from, uint64_t to);
    /* The first byte at `position`, which is before the end of the file, or behind it that is in a
     * hole, or is not (`hole` false): -ENXIO. NULL: there are no holes. Under node.lock */
    int64_t (*seek)(struct fs_node *n, uint64_t position, bool hole);

    /* Pages of files for PM (FS_PAGES, FS_UNPIN, FS_RESERVE). NULL: files cannot be mapped */
    /* Pins page `index`, and stores its address in the server's memory; 0 for a page that is not
     * `wanted` and not in memory. The caller goes on to ask for the `ahead` pages from there on.
     * -ENOMEM: too much is pinned. */
    int (*lend)(struct fs_node *n, uint64_t index, unsigned ahead, bool wanted, uint64_t *address);
    /* Ends a pin of the page at `address`. n: the file, under its lock, if the page was written
     * through a mapping; else NULL. */
    int (*take_back)(struct fs_node *n, uint64_t address);
    /* Gives page `wanted` its place on the disk. The result has bit k set if page `first` + k, of
     * `count`, is lent and has its place; or it is an error. Under node.lock. */
    int64_t (*reserve)(struct fs_node *n, uint64_t first, unsigned count, uint64_t wanted);

    /* Directories, of which `dir` is one. Where names change its mount is writable, and mount->tree
     * is held. */
    struct fs_node *(*lookup)(struct fs_node *dir, struct fs_name *name); /* -ENOENT */
    /* Gives entries from d->position on to dents_add() until that returns 0 or an error, or none
     * are left. */
    int (*list)(struct fs_node *dir, struct dents *d);
    /* The name under which dir holds the object: its length, or -ENOENT. */
    int (*name_of)(struct fs_node *dir, uint64_t object, char name[NAME_MAX + 1]);
    int64_t (*readlink)(struct fs_node *n, struct message *m); /* ends with fs_text() */
    /* Makes an inode and its name, which is not there yet, with `links` 1, or 2 for a directory.
     * NULL here: names cannot be changed, -EPERM. With `nameless` name may be NULL: an inode with
     * no links. add, replace and remove write the name alone:
     * libfs counts links and keeps times. replace lets the name of `old` stand for n */
    struct fs_node *(*create)(struct fs_node *dir, struct fs_name *name, const struct fs_new *new);
    int (*add)(struct fs_node *dir, struct fs_name *name, struct fs_node *n);
    int (*replace)(struct fs_node *dir, struct fs_name *name, struct fs_node *old,
                   struct fs_node *n);
    int (*remove)(struct fs_node *dir, struct fs_name *name, struct fs_node *n);
    int (*set_parent)(struct fs_node *n, struct fs_node *dir); /* '..' of the directory n is dir */
    int (*empty)(struct fs_node *dir);                         /* 1, 0 or an error */
};

extern const struct fs_ops fs_ops; /* the server's own */

/* Serves for ever. `notify` gets the bits of notifications; it may be NULL. */
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
/* To be called when the disk holds what cannot be: prints `what` and `number` the first time on a
 * mount. Returns -EUCLEAN. */
int fs_corrupt(struct fs_mount *m, const char *what, uint64_t number);
/* Answers a call that wants a text, which is cut at the window's length: the bytes copied, or
 * -EFAULT. */
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

/* A hash of a name; all 32 bits of it are usable. */
uint32_t fs_hash(const char *name, unsigned length);

/* Packs struct dirent64 records into the window of an FS_DENTS call, or such as FS_DENTS_OLD wants.
 */
struct dents {
    struct message *m;
    uint64_t position; /* behind the last record that had room */
    bool full;         /* a record had no room */
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
/* Adds one record; `next` is the directory position behind it. 1, 0 if the window is full, -EFAULT.
 */
int dents_add(struct dents *d, uint64_t ino, int64_t next, uint8_t type, const char *name,
              size_t length);
/* Ends the listing: the result of the handler, whose new position is set. `error` ended the listing
 * early; it is not reported if there are records before it. */
int64_t dents_end(struct dents *d, int error);

/* Files without names and users that are being freed, which may wait. Their last close() or unlink
 * has been answered, so programs count their room as free: an allocation that finds no room waits
 * for these files, and holds no lock that freeing needs. */
struct deletions {
    unsigned under_way;
    struct condition ended;
};
static inline void deletion_begins(struct deletions *d) { d->under_way++; }
void deletion_ends(struct deletions *d);
/* Waits until a deletion has ended; false: none is under way. */
bool deletion_awaited(struct deletions *d);
/* Waits for as many deletions to end as are under way now. */
void deletions_awaited(struct deletions *d);

/* ---- Parts of the protocol, for servers with a table of handlers of their own ---- */

/* Reads a name of `length` bytes at `offset` of the call's window into name[NAME_MAX + 1], and
 * terminates it. 0, -ENOENT (empty), -ENAMETOOLONG, -EINVAL (a slash or NUL in it), -EFAULT. */
int fs_copy_name(struct message *m, size_t offset, size_t length, char *name);
/* FS_SEEK on a file of `size` bytes without holes, which may have `most`. The new position,
 * -EINVAL, -ENXIO. */
int64_t fs_seek(struct message *m, uint64_t size, uint64_t most);
/* FS_IOCTL on a file: FIONREAD. 0, -ENOTTY for all others, -EFAULT. */
int64_t fs_ioctl(struct message *m, uint64_t size);
/* FS_POLL on an object that is always ready. */
int64_t fs_poll(struct message *m);
/* The flags of a connection for those of an open: without the flags that count only then. */
static inline uint32_t fs_connection_flags(uint64_t flags)
{
    return (flags & ~(uint64_t)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC) & O_ALL) | CONN_SEEKABLE |
           CONN_READY;
}
static inline bool fs_writes(uint64_t flags) { return (flags & O_ACCMODE) != O_RDONLY; }

#endif
