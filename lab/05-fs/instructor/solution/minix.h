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
/* frees it when it has neither links nor opens */
void inode_put(struct inode *i);
static inline uint64_t inode_object(uint32_t ino)
{
    return fs_object(1, mount.generation[ino], ino);
}
static inline void inode_dirty(struct inode *i)
{
    cache_dirty(i->page);
    flush_later();
}
void inode_touch(struct inode *i); /* its contents changed now */
/* without a link yet. -ENOSPC */
int inode_create(uint32_t mode, uint32_t uid, uint32_t gid, struct inode *i);
int64_t do_open(struct message *m);
void do_release(const struct message *m);
int64_t do_hold(struct message *m);
int64_t do_stat(struct message *m);
int64_t do_setattr(struct message *m);

/* ---- map.c ---- */
int bit_alloc(uint32_t first_block, uint32_t bits, uint32_t *bit); /* -ENOSPC */
int bit_free(uint32_t first_block, uint32_t bit);
uint32_t bits_free(uint32_t first_block, uint32_t bits);
/* 0 for a hole. -ENOSPC, -EFBIG */
int map_block(struct inode *i, uint32_t number, bool allocate, uint32_t *block);
/* frees the file's blocks from that number on */
int map_cut(struct inode *i, uint32_t from);

/* ---- file.c ---- */
int file_resize(struct inode *i, uint64_t size);
int64_t do_read(struct message *m);
int64_t do_write(struct message *m);
int64_t do_truncate(struct message *m);
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
/* -ENOSPC */
int dir_add(struct inode *dir, const char *name, unsigned length, uint32_t ino);
void dir_remove(struct inode *dir, struct place *p);
int dir_empty(struct inode *dir); /* 1, 0 or an error */
/* fs_copy_name(), and not too long for this disk */
int dir_name(struct message *m, size_t offset, size_t length, char *name);
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

#endif
