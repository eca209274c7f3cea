/* The name space: what the files of this service share.
 *
 * node      what VFS knows of one object of one file server: type, permission bits, owner. There is
 *           one node an object, so nodes are compared by address. Forgotten when its place is
 *           needed, unless it is pinned.
 * name      one entry of the name cache: (directory node, name) -> node, or the knowledge that
 *           there is none.
 * mount     one file system: its server, its root, the directory that it covers.
 * process   the working and root directory, the umask and the credentials of one task.
 * walk      one path on its way. A handler pins nodes only through it.
 *
 * A handler runs alone until it calls a file server; then others run. A node that is to be used
 * behind such a call must be pinned. File servers do each change of a directory as a whole, so
 * there is nothing to lock here: what a handler found out before may be outdated, and then the file
 * server says so. `changes` is how a look-up learns that what it brings home must not go into the
 * cache any more. */
#ifndef VFS_H
#define VFS_H

#include <minnow/file.h>

#include "service.h"
#include "syscalls.h"

#include "path.h"

enum {
    NODES = 4096,
    NAMES = 4096,
    MOUNTS = 16,
    THREADS = 16,
    WALKS = 2 * THREADS + 4,
    /* of a node that no mounted file system holds: a pipe or a device, reached through /proc/N/fd
     */
    NO_MOUNT = 0xff,
};

/* ---- node.c: nodes and names ---- */

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
/* Likewise, but asks the file server when it is not known. May wait. 0, -ENFILE, or what FS_STAT
 * says. */
int node_get(unsigned service, uint64_t object, struct node **node);
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

/* ---- mount.c ---- */

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
/* Mounts the root, or dies. */
void mount_root(void);
/* The service and its object behind a device number. 0, -ENXIO. */
int device_find(uint64_t rdev, endpoint_t *service, uint64_t *object);

int64_t do_mount(struct message *m);
int64_t do_umount(struct message *m);
int64_t do_mounts(struct message *m);
int64_t do_sync(struct message *m);

/* ---- process.c ---- */

struct process {
    endpoint_t task; /* 0: the place is free */
    uint32_t umask;
    struct node *cwd, *root; /* pinned */
    struct vfs_cred cred;
};

/* The record of a task; one that was never heard of is root's and stands in the root directory. */
struct process *process_of(endpoint_t task);
struct process *process_find(endpoint_t task); /* for others than itself; NULL when it is gone */

int64_t do_fork(struct message *m);
int64_t do_exit(struct message *m);
int64_t do_cred(struct message *m);
int64_t do_umask(struct message *m);
int64_t do_chdir(struct message *m);
int64_t do_fchdir(struct message *m);
int64_t do_chroot(struct message *m);

/* ---- permission.c ---- */

enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };

struct walk;
/* Whether the walk's user may; 0, -EROFS, -EACCES. */
int permission(const struct walk *w, const struct node *n, unsigned may);
/* Whether he may put a name into this directory. 0, -ENOENT (it is removed), -EROFS, -EACCES. */
int may_create(const struct walk *w, const struct node *dir);
/* Whether he may take the name of `n` out of this directory, by rmdir or renaming a directory
 * (`directory`) or else. 0, -EACCES, -EPERM, -ENOTDIR, -EISDIR, -EBUSY. */
int may_delete(const struct walk *w, const struct node *dir, const struct node *n, bool directory);
/* Whether he is the owner, or root. */
bool is_owner(const struct walk *w, const struct node *n);
bool in_group(const struct walk *w, uint32_t gid);
/* Mode and group of what he creates in this directory: umask and set-group-id directories are taken
 * into account. */
uint32_t create_mode(const struct walk *w, const struct node *dir, uint32_t mode, uint32_t *gid);

/* ---- walk.c ---- */

enum walk_how {
    WALK_FOLLOW = 1, /* a symbolic link at the end */
    WALK_ABSENT = 2, /* the last name need not exist: node is then NULL */
    /* the entry itself is wanted, to change it: no link is followed, no mount crossed at the end */
    WALK_ENTRY = 4,
    WALK_EMPTY = 8, /* an empty path means the directory argument itself, whatever it is */
    WALK_REAL = 16, /* as the real user, not the effective one (access) */
};

enum walk_last { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

struct walk {
    struct process *process;
    uint32_t uid, gid; /* for whom permissions are asked */
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

/* Moves the window of m, and says so in its words. -ESRCH: the caller has gone. */
int aim(struct message *m, caller_t address, size_t length, enum window window);
/* Hands m over to a service: LATER, or -ENXIO when it is not there. */
int64_t pass(struct message *m, endpoint_t to);
/* Likewise as `op` on a node. */
int64_t pass_node(struct message *m, uint64_t op, const struct node *n);
/* The endpoint of a service; 0 when there is none. Asked once. */
enum known_service {
    SERVICE_PIPE,
    SERVICE_POSIX,
    SERVICE_CONSOLE,
    SERVICE_SERIAL,
    SERVICE_ATA,
    SERVICE_VIRTIO,
    SERVICE_MEM,
    SERVICE_RTC,
    SERVICE_HOST,
    SERVICE_RS,
    SERVICE_VFS,
    KNOWN_SERVICES
};
endpoint_t known(enum known_service s);

/* ---- handlers ---- */

int64_t do_open(struct message *m); /* open.c */
int64_t do_stat(struct message *m); /* query.c */
int64_t do_access(struct message *m);
int64_t do_readlink(struct message *m);
int64_t do_stat_path(struct message *m);
int64_t do_lstat_path(struct message *m);
int64_t do_statfs(struct message *m);
int64_t do_resolve(struct message *m);
int64_t do_mkdir(struct message *m); /* change.c */
int64_t do_mknod(struct message *m);
int64_t do_unlink(struct message *m);
int64_t do_symlink(struct message *m);
int64_t do_link(struct message *m);
int64_t do_rename(struct message *m); /* rename.c */
int64_t do_chmod(struct message *m);  /* attribute.c */
int64_t do_chown(struct message *m);
int64_t do_utimens(struct message *m);
int64_t do_truncate(struct message *m);
int64_t do_fchmod(struct message *m);
int64_t do_fchown(struct message *m);
int64_t do_getcwd(struct message *m); /* where.c */
int64_t do_path(struct message *m);

/* The path of a directory, or of whatever the cache has a name for, from `root` on, built at the
 * end of buffer[size]. *text is its beginning; the length without the NUL, -ENOENT, -ENAMETOOLONG.
 * May wait. */
int path_of(struct node *n, struct node *root, char *buffer, size_t size, char **text);
/* Puts a new object with this name into w->dir. 0, and *node if it was asked for (not pinned). */
int create_node(struct walk *w, uint32_t mode, uint32_t rdev, struct node **node);

#endif
