/* The MINIX file server inside. Everything on the disk is a block, and every block goes through the
 * cache of vfs/libfs: block_get() holds one, cache_dirty() says that it was changed, cache_put()
 * lets it go. There is one mount, and one thread: a handler is never interrupted by another. */
#ifndef MINIX_H
#define MINIX_H

#include "cache.h"
#include "fs.h"

#include "disk.h"

enum { DEVICE = 0, INODES_MAX = 4096 };

struct mount {
    bool used, read_only;
    uint64_t dev; /* st_dev */
    uint32_t inodes, zones, first_zone, max_size;
    uint32_t zmap_first, table_first; /* blocks */
    uint16_t opens[INODES_MAX + 1];   /* connections and holds, by inode */
    /* changes when an inode is freed, so that an old object is not taken for the new one */
    uint16_t generation[INODES_MAX + 1];
};

/* An inode in use: it lies in its block, which is held. */
struct inode {
    uint32_t ino;
    struct page *page;
    struct disk_inode *d;
};

extern struct mount mount;

static inline int block_get(uint32_t block, struct page **page)
{
    return cache_block(DEVICE, block, page);
}

/* ---- super.c ---- */
int corrupt(const char *what, uint32_t number); /* says so; -EUCLEAN */
void flush_later(void);
void flush_alarm(uint64_t bits);
int64_t do_mount(struct message *m);
int64_t do_unmount(struct message *m);
int64_t do_sync(struct message *m);
int64_t do_statfs(struct message *m);

/* ---- inode.c ---- */
int inode_get(uint32_t ino, struct inode *i);   /* 0, -EUCLEAN, -EIO */
int inode_of(uint64_t object, struct inode *i); /* also -ESTALE */
void inode_put(struct inode *i);
static inline uint64_t inode_object(uint32_t ino)
{
    return fs_object(1, mount.generation[ino], ino);
}
int64_t do_open(struct message *m);
void do_release(const struct message *m);
int64_t do_hold(struct message *m);
int64_t do_stat(struct message *m);

/* ---- map.c ---- */
uint32_t bits_free(uint32_t first_block, uint32_t bits);
int map_block(struct inode *i, uint32_t number, uint32_t *block); /* 0 for a hole */

/* ---- file.c ---- */
int64_t do_seek(struct message *m);
int64_t do_ioctl(struct message *m);

/* ---- dir.c ---- */
/* of a name; the page is held */
struct place {
    struct page *page;
    struct entry *entry;
};
/* -ENOENT */
int dir_find(struct inode *dir, const char *name, unsigned length, struct place *p);
/* fs_copy_name(), and not too long for this disk */
int dir_name(struct message *m, size_t offset, size_t length, char *name);
int64_t do_dents(struct message *m);
int64_t do_name(struct message *m);

/* ---- name.c ---- */
int64_t do_lookup(struct message *m);

#endif
