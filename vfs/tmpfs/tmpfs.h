/* The RAM file system inside. It never waits for anybody, so one thread serves and nothing needs a
 * lock. */
#ifndef TMPFS_H
#define TMPFS_H

#include "fs.h"
#include "share.h"

enum { MOUNTS = 16, FIRST_DEV = 32 };

struct node;

struct entry { /* a name */
    struct node *dir, *node;
    struct entry *hash_next;
    struct entry *before, *behind; /* in its directory, in the order they were made */
    /* its place in that order: the position that DENTS goes on from */
    uint64_t cookie;
    uint32_t hash, user; /* user: to whom it is accounted */
    uint8_t length;
    char name[];
};

struct node {
    uint32_t index, generation; /* its object number */
    uint16_t mode;
    uint8_t mount;
    bool used, pinned; /* pinned: PM has or had pages of it */
    uint32_t links, opens, writers, holds, denies;
    uint32_t uid, gid;
    uint32_t user;              /* to whom it and its pages are accounted: its first owner */
    uint64_t size, rdev, pages; /* pages: how many pages its contents have */
    struct timespec64 atime, mtime, ctime;
    union {
        /* a file: a tree of pages, each inner one with 512 pointers; NULL is a hole */
        struct {
            void *root;
            unsigned height; /* 0: root is the only page */
        };
        struct {                 /* a directory */
            struct node *parent; /* NULL once it is removed */
            struct entry *first, *last;
            uint64_t cookie; /* the last one given */
            /* where the last DENTS stopped: the entry that its position names */
            struct entry *resume;
        };
        char *target; /* of a symbolic link */
    };
    struct node *free_next;
};

struct mount {
    bool used;
    bool read_only;
    struct node *root;
    uint64_t dev, page_limit, pages;
};
extern struct mount mounts[MOUNTS];

/* ---- node.c ---- */
/* The node that an object number names, or NULL: -ESTALE. */
struct node *node_of(uint64_t object);
static inline uint64_t node_object(const struct node *n)
{
    return fs_object(n->mount, n->generation, n->index);
}
/* without links; NULL: no memory */
struct node *node_new(unsigned mount, uint32_t mode, uint32_t uid, uint32_t gid);
/* Accounts a node, or a name, to this user: some 200 bytes. 0 or -ENOSPC. */
int thing_take(uint32_t user);
void thing_give(uint32_t user);
void node_unused(struct node *n); /* frees it if nothing refers to it any more */
/* It has been read or mapped: renews its time of access when that is due. */
static inline void node_read(struct node *n)
{
    if (fs_atime_due(&n->atime, &n->mtime, &n->ctime))
        n->atime = fs_now();
}
void touch(struct node *n); /* its contents and it itself have changed now */
int64_t do_mount(struct message *m);
int64_t do_unmount(struct message *m);
int64_t do_statfs(struct message *m);
int64_t do_sync(struct message *m);

/* ---- data.c ---- */
void data_cut(struct node *n, uint64_t size); /* frees what lies behind; n->size is left */
void pool_count(uint64_t *all, uint64_t *free);
int64_t do_read(struct message *m);
int64_t do_write(struct message *m);
int64_t do_truncate(struct message *m);
int64_t do_pages(struct message *m);
int64_t do_unpin(struct message *m);
int64_t do_reserve(struct message *m);

/* ---- dir.c ---- */
struct entry *dir_find(struct node *dir, const char *name, unsigned length);
/* false: no memory */
bool dir_add(struct node *dir, const char *name, unsigned length, struct node *n);
void dir_remove(struct entry *e);
int64_t do_dents(struct message *m);
int64_t do_name(struct message *m);

/* ---- name.c ---- */
int64_t do_lookup(struct message *m);
int64_t do_create(struct message *m);
int64_t do_symlink(struct message *m);
int64_t do_link(struct message *m);
int64_t do_unlink(struct message *m);
int64_t do_rename(struct message *m);
int64_t do_readlink(struct message *m);

/* ---- attr.c ---- */
int64_t do_open(struct message *m);
int64_t do_hold(struct message *m);
int64_t do_stat(struct message *m);
int64_t do_setattr(struct message *m);
int64_t do_seek(struct message *m);
int64_t do_ioctl(struct message *m);
void do_release(const struct message *m);

#endif
