/* The read-only ext2 server inside. Nothing in its memory is wanted again but the pages that PM
 * maps: a mount is what stands in the superblock, an inode is read when a request names it and
 * forgotten with the answer, and the cache is a cache.
 *
 * There is one thread, so nobody changes anything while a handler waits for the disk; and a pointer
 * into the cache is good until the handler asks for something else of the disk. */
#ifndef EXT2_RO_H
#define EXT2_RO_H

#include "cache.h"
#include "ext2_format.h"
#include "fs.h"

struct mount {
    bool used, reported; /* reported: damage has been printed */
    uint8_t number;      /* which device it is: upper byte of its objects */
    uint8_t index;       /* of the device in the cache */
    struct super super;
    struct geometry geo;
};

struct inode {
    struct mount *mount;
    uint32_t ino;
    uint64_t size;
    struct disk_inode d;
};

/* ---- disk.c ---- What is on the disk. 0, or -EIO, -EUCLEAN, -ENOMEM ... All may wait. */
uint64_t mount_dev(const struct mount *m); /* st_dev */
int mount_get(unsigned number, struct mount **to);
int corrupt(struct mount *m, const char *what, uint64_t number); /* says so, once; -EUCLEAN */
int inode_get(struct mount *m, uint32_t ino, struct inode *i);   /* also -ESTALE */
/* also -ESTALE when it is another file's by now */
int inode_of(uint64_t object, struct inode *i);
static inline uint64_t inode_object(const struct inode *i)
{
    return fs_object(i->mount->number, i->d.generation, i->ino);
}
int file_page(struct inode *i, uint64_t index, struct page **to);
/* The entry at *at, or the next one that is in use; *at is then behind it. 1, or 0 at the end. *at
 * must stand at an entry. */
int dir_next(struct inode *dir, uint64_t *at, struct entry **e);
int64_t do_mount(struct message *m);
int64_t do_unmount(struct message *m);
int64_t do_statfs(struct message *m);

/* ---- file.c ---- What programs ask. */
int64_t do_open(struct message *m);
int64_t do_stat(struct message *m);
int64_t do_read(struct message *m);
int64_t do_seek(struct message *m);
int64_t do_ioctl(struct message *m);
int64_t do_pages(struct message *m);
int64_t do_unpin(struct message *m);
int64_t do_lookup(struct message *m);
int64_t do_dents(struct message *m);
int64_t do_name(struct message *m);
int64_t do_readlink(struct message *m);

#endif
