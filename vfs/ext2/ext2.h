/* The ext2 server inside: mounts, inodes in memory, and what its files offer each other.
 *
 * Who may wait for the disk, and what keeps operations whole across such waits:
 *
 * - mount.tree is held by whatever changes directories (create, link, unlink, rename). Look-ups
 *   take no lock; one that misses looks again if the directory's version has changed meanwhile.
 * - inode.lock is held while blocks are mapped, allocated or freed and while pages enter the
 *   cache, so that a page's place on the disk stays right. A read that finds its pages in the
 *   cache needs no lock.
 *
 * Order: mount.tree, then inode.lock; never two inode locks at once. */
#ifndef EXT2_H
#define EXT2_H

#include "cache.h"
#include "share.h"
#include "fs.h"

#include "ext2_format.h"

enum { MOUNTS = 8, INODES = 768, GROUP_PAGES = 256 };

struct mount {
    bool used, read_only;
    bool was_valid; /* the superblock said so when we came */
    bool reported;  /* an inconsistency has been printed and noted */
    uint8_t index;
    uint64_t dev; /* st_dev */
    struct geometry geo;
    uint32_t free_blocks, free_inodes, directories;
    uint32_t recent; /* the block allocated last, plus one */
    bool large_file_noted;
    struct super *super;                                /* in super_page */
    struct page *super_page, *group_pages[GROUP_PAGES]; /* held while mounted */
    struct lock tree;
    struct deletions deletions;
};

struct inode {
    struct mount *mount;
    uint32_t ino, generation, links, flags, sectors, file_acl;
    uint16_t mode;
    bool loading, dirty, freeing;
    int failed; /* why it could not be loaded */
    uint32_t uid, gid;
    uint64_t size;
    uint32_t block[BLOCKS];
    struct timespec64 atime, mtime, ctime;
    uint32_t uses;           /* threads that hold it */
    uint32_t opens, writers; /* open files, and those of them that may write */
    uint32_t user;           /* while it is open or held: to whom that is accounted */
    uint32_t holds, denies;  /* FS_HOLD, and those of them that deny writing */
    uint32_t version;        /* of a directory: changes with it */
    uint32_t slot_hint;      /* of a directory: no room for a name in the blocks before */
    uint32_t goal;           /* the block allocated last, plus one */
    struct dir_index *index; /* of a large directory: where its names are; or NULL */
    struct lock lock;
    struct condition loaded;
    struct inode *hash_next, *older, *newer;
};

static inline uint64_t inode_owner(const struct inode *i)
{
    return cache_owner(i->mount->index, i->ino);
}
static inline uint64_t inode_object(const struct inode *i)
{
    return fs_object(i->mount->index, i->generation, i->ino);
}

/* ---- super.c ---- */
extern struct mount mounts[MOUNTS];
struct group *mount_group(struct mount *m, uint32_t group);
void mount_group_dirty(struct mount *m, uint32_t group);
/* What was found on the disk cannot be: says so once, and marks the file system as in need of a
 * check. -EUCLEAN. */
int mount_corrupt(struct mount *m, const char *what, uint64_t number);
int mount_sync(struct mount *m); /* everything. May wait */
/* its data, then all metadata: its own, and the names by which it is found. May wait */
int inode_sync(struct inode *i);
int64_t do_mount(struct message *m);
int64_t do_unmount(struct message *m);
int64_t do_statfs(struct message *m);
int64_t do_sync(struct message *m);
void flush_alarm(uint64_t bits); /* service.notify */
/* something became dirty: it is written in a few seconds */
void flush_later(void);

/* ---- inode.c ---- */
void inodes_init(void); /* call first */
/* The inode, held: give it back with inode_put. -ESTALE, -EUCLEAN, -EIO, -ENFILE. May wait. */
int inode_get(struct mount *m, uint32_t ino, struct inode **to);
/* also -ESTALE when the object's generation is over */
int inode_of(uint64_t object, struct inode **to);
/* Around each change of i->opens and i->holds: before they go up, accounts an inode that nobody has
 * open to the caller (0 or -ENFILE); after they went down, or did not go up, gives it back. */
int inode_held(struct inode *i, call_t call);
void inode_let_go(const struct inode *i);
/* frees it on the disk when nothing refers to it. May wait */
void inode_put(struct inode *i);
static inline void inode_dirty(struct inode *i) { i->dirty = true; }
/* It has been read or mapped: renews its time of access when that is due. */
static inline void inode_read(struct inode *i)
{
    if (!fs_atime_due(&i->atime, &i->mtime, &i->ctime) || i->mount->read_only)
        return;
    i->atime = fs_now();
    inode_dirty(i);
    flush_later();
}
int inode_store(struct inode *i);        /* into its block of the inode table. May wait */
int inodes_store(struct mount *m);       /* all that are dirty. May wait */
bool inodes_busy(const struct mount *m); /* some are in use */
void inodes_drop(struct mount *m);       /* forgets all; none may be in use */
/* A new inode near `parent`, held, with no link yet: without one it is freed by inode_put. -ENOSPC
 * ... May wait. */
int inode_create(struct inode *parent, uint32_t mode, uint32_t uid, uint32_t gid,
                 struct inode **to);
static inline bool inode_has_data_blocks(const struct inode *i)
{
    return ext2_has_blocks(&i->mount->geo, i->mode, i->sectors, i->file_acl);
}
static inline uint64_t inode_rdev(const struct inode *i) { return ext2_rdev(i->mode, i->block); }
void inode_set_rdev(struct inode *i, uint64_t rdev);

/* ---- alloc.c ---- All may wait. */
int block_alloc(struct mount *m, uint32_t goal, uint32_t *block); /* -ENOSPC */
void block_free(struct mount *m, uint32_t block);
/* numbers that are kept for root: the part of all that is kept of the blocks */
uint32_t ino_reserve(const struct mount *m);
int ino_alloc(struct inode *parent, bool directory, uint32_t *ino); /* -ENOSPC */
/* no other inode in its block of the table is in use */
bool ino_alone(struct mount *m, uint32_t ino);
void ino_free(struct mount *m, uint32_t ino, bool directory);

/* ---- map.c ---- Under inode.lock. All may wait. */
/* Where block `number` of the file is; 0 for a hole, unless `allocate`. -EUCLEAN, -ENOSPC, -EFBIG,
 * -EIO. */
int map_block(struct inode *i, uint64_t number, bool allocate, uint32_t *block);
/* Frees all blocks of the file from number `from` on. Its pages there must be out of the cache. */
int map_cut(struct inode *i, uint64_t from);

/* ---- file.c ---- */
/* Makes the file `size` bytes long. Under inode.lock. May wait. */
int file_resize(struct inode *i, uint64_t size);
int64_t do_read(struct message *m);
int64_t do_write(struct message *m);
int64_t do_truncate(struct message *m);
int64_t do_pages(struct message *m);
int64_t do_unpin(struct message *m);
int64_t do_reserve(struct message *m);

/* ---- dir.c ---- Changes are under mount.tree. All may wait. */
struct place {           /* of a name in a directory */
    struct page *page;   /* held */
    struct entry *entry; /* in it */
    uint32_t block;      /* of the directory */
    uint32_t offset;     /* of the entry in the block */
};
/* 0 and the place; -ENOENT ... */
int dir_find(struct inode *dir, const char *name, unsigned length, struct place *p);
void place_put(struct place *p);
int dir_lookup(struct inode *dir, const char *name, unsigned length, uint32_t *ino);
int dir_add(struct inode *dir, const char *name, unsigned length, uint32_t ino, uint32_t mode);
void dir_remove(struct inode *dir, struct place *p, const char *name, unsigned length);
void dir_replace(struct inode *dir, struct place *p, uint32_t ino, uint32_t mode);
int dir_empty(struct inode *dir);                 /* 1, 0 or an error */
int dir_init(struct inode *dir, uint32_t parent); /* '.' and '..' */
/* One block of it, held: -EUCLEAN for a hole. */
int dir_block(struct inode *dir, uint32_t number, struct page **page);
/* The entry at `offset` of a block if it is sound, else NULL. */
static inline struct entry *dir_entry(struct mount *m, struct page *page, uint32_t offset)
{
    return ext2_entry(&m->geo, page->data, offset);
}
int64_t do_dents(struct message *m);
int64_t do_name(struct message *m);

/* ---- index.c ---- */
void index_init(void); /* call first: takes some memory while there is */
/* Where the names of a large directory are, in bytes from its beginning. */
struct dir_index;
/* 0 or an error; then the directory is searched from front to back. May wait */
int index_build(struct inode *dir);
/* The next place where a name with this hash may be; *cursor is the hash at first. The index must
 * exist. */
bool index_next(struct inode *dir, uint32_t hash, uint32_t *cursor, uint64_t *offset);
void index_add(struct inode *dir, uint32_t hash, uint64_t offset);
void index_remove(struct inode *dir, uint32_t hash, uint64_t offset);
void index_drop(struct inode *dir);

/* ---- name.c ---- All may wait. */
/* The inode that a name in `dir` leads to, held; -EUCLEAN where that is none. */
int inode_named(struct inode *dir, uint32_t ino, struct inode **to);
int link_store(struct inode *i, const char *target); /* the target of a new symbolic link */
/* 0, -EISDIR, -ENOTDIR, -ENOTEMPTY ... */
int link_may_drop(struct inode *i, bool directory);
void link_drop(struct inode *dir, struct inode *i); /* its name in dir is gone */
int64_t do_lookup(struct message *m);
int64_t do_create(struct message *m);
int64_t do_symlink(struct message *m);
int64_t do_link(struct message *m);
int64_t do_unlink(struct message *m);
int64_t do_readlink(struct message *m);

/* ---- rename.c ---- */
int64_t do_rename(struct message *m);

/* ---- attr.c ---- */
int64_t do_open(struct message *m);
int64_t do_hold(struct message *m);
int64_t do_stat(struct message *m);
int64_t do_setattr(struct message *m);
int64_t do_seek(struct message *m);
int64_t do_ioctl(struct message *m);
void do_release(const struct message *m);

#endif
