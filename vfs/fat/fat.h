/* The FAT server inside. Files have no numbers on a FAT disk: a node is named by its *place*, which
 * is where its directory entry stands on the disk, counted in entries. The number it gets from that
 * when it is first seen is kept while it is in memory, also when a rename moves the entry.
 *
 * Locks, in this order: mount.tree for whatever changes directories; node.lock while a file's pages
 * enter the cache, its chain is walked or its size changes; mount.table while clusters are
 * allocated or freed. */
#ifndef FAT_H
#define FAT_H

#include "cache.h"
#include "share.h"
#include "fs.h"

#include "disk.h"

/* so many, and others go first (give_way) */
enum { CLUSTERS_AT_ONCE = 4096, BYTES_AT_ONCE = 1 << 20 };
enum { MOUNTS = 8, NODES = 256, ROOT_INO = 1, NAME_UNITS = 256 };

struct mount {
    bool used, read_only, was_clean, reported;
    uint8_t index, bits, fats; /* bits: 12, 16 or 32 */
    uint64_t dev;
    /* cluster_shift: of its bytes */
    uint32_t sector_size, sector_shift, cluster_sectors, cluster_shift;
    /* sectors */
    uint32_t table_start, table_sectors, root_start, root_sectors, root_cluster, data_start;
    uint32_t clusters; /* numbered from 2 to clusters + 1 */
    /* clusters; free is UINT32_MAX while not known; where to search from */
    uint32_t free, next;
    uint32_t info_sector;
    struct node *root;
    struct lock tree, table;
    struct deletions deletions;
};

struct node {
    struct mount *mount;
    uint32_t ino, generation, place; /* place 0: the root, or removed */
    uint32_t cluster;                /* the first; 0: none */
    uint32_t size;                   /* of a file */
    bool directory, removed, dirty, loading, freeing;
    bool many; /* names, too many for an index */
    int failed;
    uint8_t attributes;
    struct timespec64 created, mtime, atime;
    uint32_t uses, opens, writers, holds, denies;
    uint32_t user;    /* while it is open or held: to whom that is accounted */
    uint32_t version; /* of a directory: changes with it */
    /* a step of the chain that was walked last; known_cluster 0: none */
    uint32_t known_index, known_cluster;
    struct names *names; /* of a directory: where they stand, or NULL */
    struct lock lock;
    struct condition loaded;
    struct node *hash_next, *older, *newer;
};

static inline uint64_t node_owner(const struct node *n)
{
    return cache_owner(n->mount->index, n->ino);
}
static inline uint64_t node_object(const struct node *n)
{
    return fs_object(n->mount->index, n->generation, n->ino);
}
static inline uint32_t cluster_sector(const struct mount *m, uint32_t cluster)
{
    return m->data_start + (cluster - 2) * m->cluster_sectors;
}
static inline bool cluster_ok(const struct mount *m, uint32_t cluster)
{
    return cluster >= 2 && cluster - 2 < m->clusters;
}

/* ---- super.c ---- */
extern struct mount mounts[MOUNTS];
/* says so once: -EUCLEAN */
int mount_corrupt(struct mount *m, const char *what, uint64_t number);
int mount_sync(struct mount *m);
void flush_alarm(uint64_t bits);
void flush_later(void);
int64_t do_mount(struct message *m);
int64_t do_unmount(struct message *m);
int64_t do_statfs(struct message *m);
int64_t do_sync(struct message *m);

/* ---- table.c: the file allocation table. All may wait. ---- */
/* 0: it was the last. -EUCLEAN */
int table_next(struct mount *m, uint32_t cluster, uint32_t *next);
/* one more, chained behind `after` unless 0. -ENOSPC */
int table_alloc(struct mount *m, uint32_t after, uint32_t *cluster);
/* this one and all behind it */
int table_free(struct mount *m, uint32_t cluster);
/* makes it the last, without freeing what follows */
int table_end(struct mount *m, uint32_t cluster);
int table_count(struct mount *m); /* makes m->free known */

/* ---- node.c ---- All may wait. */
void nodes_init(void);
int node_at(struct mount *m, uint32_t place, struct node **to); /* held */
/* what it has, or would get. Does not wait */
uint32_t node_number(const struct mount *m, uint32_t place);
int node_of(uint64_t object, struct node **to); /* held; -ESTALE */
int node_root(struct mount *m);                 /* makes m->root */
/* Around each change of n->opens and n->holds: before they go up, accounts a node that nobody has
 * open to the caller (0 or -ENFILE); after they went down, or did not go up, gives it back. */
int node_held(struct node *n, call_t call);
void node_let_go(const struct node *n);
/* frees its clusters if it is removed and nobody uses it */
void node_put(struct node *n);
int node_store(struct node *n); /* into its directory entry */
int nodes_store(struct mount *m);
bool nodes_busy(const struct mount *m); /* some are in use */
void nodes_drop(struct mount *m);
static inline uint32_t node_mode(const struct node *n)
{
    return n->directory ? S_IFDIR | 0755 : S_IFREG | (n->attributes & ATTR_READ_ONLY ? 0444 : 0644);
}
void entry_of_node(const struct node *n, struct entry *e); /* all but the name */
int entry_page(struct mount *m, uint32_t place, struct page **page, struct entry **e); /* held */

/* ---- chain.c: the clusters of a file or directory. Under node.lock, or mount.tree for a
 * directory. All may wait. ---- */
/* 0: behind the end */
int chain_find(struct node *n, uint32_t index, bool allocate, uint32_t *cluster);
int chain_cut(struct node *n, uint32_t count); /* leaves so many */
/* of a file's byte; 0: none */
int chain_sector(struct node *n, uint64_t offset, bool allocate, uint32_t *sector);

/* ---- file.c ---- */
int file_resize(struct node *n, uint64_t size); /* under node.lock */
int64_t do_read(struct message *m);
int64_t do_write(struct message *m);
int64_t do_truncate(struct message *m);
int64_t do_pages(struct message *m);
int64_t do_unpin(struct message *m);
int64_t do_reserve(struct message *m);

/* ---- names.c: pure: short and long names ---- */
unsigned name_from_short(const struct entry *e, char *name); /* its length */
/* false: it needs a long name as well */
bool name_to_short(const char *name, unsigned length, uint8_t *to);
void name_make_short(const char *name, unsigned length, unsigned attempt, uint8_t *to);
uint8_t name_checksum(const uint8_t *short_name);
/* their number; -EINVAL, -ENAMETOOLONG */
int name_to_units(const char *name, unsigned length, uint16_t *units);
/* its length, at most NAME_MAX; -EINVAL */
int name_from_units(const uint16_t *units, unsigned count, char *name);
/* whatever the case */
bool name_same(const char *a, unsigned a_length, const char *b, unsigned b_length);
uint32_t name_hash(const char *name, unsigned length); /* likewise */
void long_part(const uint16_t *units, unsigned count, unsigned part, bool last, uint8_t checksum,
               struct long_entry *to);
void long_units(const struct long_entry *e, uint16_t *units); /* the thirteen of one part */
/* time, ms10 may be NULL */
void time_pack(const struct timespec64 *t, uint16_t *date, uint16_t *time, uint8_t *ms10);
struct timespec64 time_unpack(uint16_t date, uint16_t time, uint8_t ms10);

/* ---- dir.c ---- All may wait. */
struct found { /* a name in a directory */
    /* of the entry; of the first part of its long name, or the same */
    uint32_t slot, first;
    uint32_t place;
    struct entry entry; /* a copy */
    char name[NAME_MAX + 1];
    unsigned length;
};
/* The next name from *slot on, which is moved behind it; "." and ".." too. 1, 0 at the end, or an
 * error. */
int dir_next(struct node *dir, uint32_t *slot, struct found *f);
/* of the entry in one slot: 0, 1 behind the end, or an error */
int dir_short(struct node *dir, uint32_t slot, uint8_t *name);
int dir_find(struct node *dir, const char *name, unsigned length, struct found *f); /* -ENOENT */
/* Writes a name with the rest of the entry from *e, and tells where. Under mount.tree. */
int dir_add(struct node *dir, const char *name, unsigned length, const struct entry *e,
            uint32_t *place);
int dir_remove(struct node *dir, const struct found *f);
int dir_empty(struct node *dir); /* 1, 0 or an error */
/* its first cluster with '.' and '..' */
int dir_init(struct node *dir, const struct node *parent);
int dir_parent(struct node *dir, struct node **to); /* held */
int dir_set_parent(struct node *dir, const struct node *parent);
int64_t do_dents(struct message *m);
int64_t do_name(struct message *m);

/* ---- index.c: where names stand in a directory, so that none is looked for from slot to slot. A
 * directory that has no index, for want of memory, is searched. ---- */
enum { CANDIDATES = 16 };
/* Slots where a name with this hash may begin: how many, or -1: there is no index, or there are
 * more than CANDIDATES. Makes the index. May wait. */
int names_like(struct node *dir, uint32_t hash, uint32_t *slots);
uint32_t names_short_hash(const uint8_t *short_name);
void names_added(struct node *dir, const struct found *f); /* f: slots and names alone */
void names_removed(struct node *dir, const struct found *f);
/* Before which slot there are not so many free ones in a row; and, found out, where the first are,
 * which are taken now. */
uint32_t names_room(const struct node *dir, unsigned count);
void names_room_found(struct node *dir, unsigned count, uint32_t first);
void names_forget(struct node *dir);

/* ---- change.c ---- */
int64_t do_lookup(struct message *m);
int64_t do_create(struct message *m);
int64_t do_unlink(struct message *m);
int64_t do_rename(struct message *m);
int64_t do_refuse(struct message *m); /* links: -EPERM */

/* ---- attr.c ---- */
int64_t do_open(struct message *m);
int64_t do_hold(struct message *m);
int64_t do_stat(struct message *m);
int64_t do_setattr(struct message *m);
int64_t do_seek(struct message *m);
int64_t do_ioctl(struct message *m);
void do_release(const struct message *m);

#endif
