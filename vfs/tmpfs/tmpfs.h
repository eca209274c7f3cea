/* tmpfs: a file system in memory. Nodes are found by number in one table, names by one hash table over all directories. */
#ifndef TMPFS_H
#define TMPFS_H

#include "fs.h"

enum { NODES_MAX = 16384, HASH = 4096, LEAF = PAGE_SIZE / sizeof(void *), TOP_MAX = 8192, MOUNTS_MAX = 8 };
#define FILE_MAX ((uint64_t)TOP_MAX * LEAF * PAGE_SIZE)

/* A name in a directory. Stands in its hash chain and in its directory's list, which is in order of `cookie`, the readdir position. */
struct name {
    struct name *chain, *next, *before;
    struct node *directory, *node;
    uint64_t     cookie;
    uint32_t     hash;
    uint8_t      length;
    char         text[];
};

struct node {
    uint32_t ino, generation;
    uint32_t mode, uid, gid, links;
    uint32_t users;                 /* connections and holds: it lives while it has links or users */
    uint32_t writers_denied;        /* holds that deny writing */
    uint64_t rdev, size, blocks;    /* blocks: pages it has */
    struct timespec64 atime, mtime, ctime;
    uint8_t  mount;
    /* S_IFREG */
    void  ***top;                   /* top[i / LEAF][i % LEAF]: page i, NULL: a hole */
    uint32_t top_size;
    uint32_t pins;                  /* pages that PM has */
    /* S_IFDIR */
    struct node *parent;            /* the root's is itself */
    struct name *first, *last;
    struct name *resume;            /* where the last readdir ended */
    uint64_t next_cookie;
    /* S_IFLNK */
    char    *target;
};

/* node.c */
struct node *node_create(unsigned mount, uint32_t mode, uint32_t uid, uint32_t gid, uint64_t rdev);   /* NULL: no memory; no links yet */
struct node *node_find(uint64_t object);          /* NULL: -ESTALE */
uint64_t     node_object(const struct node *n);
void         node_drop(struct node *n);           /* after links or users went down: frees it if both are 0 */
void         node_touch(struct node *n, bool modified);   /* ctime, and mtime if modified */
unsigned     node_count(void);

/* page.c */
void    *page_take(void);                         /* zeroed; NULL: full */
void     page_give(void *page);
void    *file_page(struct node *n, uint64_t index, bool make);
void     file_cut(struct node *n, uint64_t size); /* frees what lies behind */
uint64_t pages_all(void);
uint64_t pages_free(void);

/* directory.c */
uint32_t     name_hash(const struct node *d, const char *text, size_t length);
struct name *name_find(struct node *d, const char *text, size_t length);
int          name_add(struct node *d, const char *text, size_t length, struct node *n);   /* counts a link. 0 or -ENOSPC */
void         name_remove(struct name *e);                                                  /* takes the link back */
int64_t      do_dents(struct message *m);
int64_t      do_lookup(struct message *m);
int64_t      do_create(struct message *m);
int64_t      do_symlink(struct message *m);
int64_t      do_link(struct message *m);
int64_t      do_unlink(struct message *m);
int64_t      do_rename(struct message *m);
int64_t      do_name(struct message *m);

/* file.c */
int64_t do_read(struct message *m);
int64_t do_write(struct message *m);
int64_t do_seek(struct message *m);
int64_t do_truncate(struct message *m);
int64_t do_pages(struct message *m);
int64_t do_unpin(struct message *m);

#endif
