/* The FAT server inside. Files have no numbers on a FAT disk: a node is named by its *place*, which
 * is where its directory entry stands on the disk, counted in entries. node.c explains how a node
 * gets a number from that, and keeps it when a rename moves the entry.
 *
 * Locks, in this order: mount.tree in operations that change directories; node.lock while a file's
 * pages enter the cache, its chain is walked or its size changes; mount.table while clusters are
 * allocated or freed. */
#ifndef FAT_H
#define FAT_H

#include "contents.h"
#include "disk.h"
#include "mounts.h"

/* give_way() after so many clusters */
enum { CLUSTERS_AT_ONCE = 4096 };
enum { MOUNTS = 8, NODES = 256, ROOT_INO = 1, NAME_UNITS = 256 };

struct mount {
    struct disk_mount;
    uint8_t bits, fats; /* bits: 12, 16 or 32 */
    /* bytes of a sector, sectors of a cluster; 1 << cluster_shift bytes are a cluster */
    uint32_t sector_size, sector_shift, cluster_sectors, cluster_shift;
    /* numbers of sectors, but for root_cluster, which is FAT32's; table_sectors: of one copy */
    uint32_t table_start, table_sectors, root_start, root_sectors, root_cluster, data_start;
    uint32_t clusters; /* how many; they are numbered from 2 to clusters + 1 */
    /* how many clusters are free, UINT32_MAX: not known; from which one on to search */
    uint32_t free, next;
    uint32_t info_sector; /* of struct fs_info; 0: there is none */
    struct lock table;    /* held while the table changes */
};

struct node {
    struct disk_node;
    uint32_t place;   /* 0: the root, or removed */
    uint32_t cluster; /* the first; 0: none */
    uint8_t attributes;
    bool many; /* a directory with too many names for an index */
    struct timespec64 created;
    uint32_t version; /* of a directory: goes up with each change of its names */
    /* the step of the chain that was found last; known_cluster 0: none */
    uint32_t known_index, known_cluster;
    struct names *names; /* of a directory: its index, or NULL */
};

/* Containers of libfs' structures; fat_node() passes an error on. */
static inline struct node *fat_node(void *n) { return n; }
static inline struct fs_node *node_fs(struct node *n) { return (struct fs_node *)n; }
static inline struct mount *mount_of(const struct node *n) { return (struct mount *)n->mount; }
static inline int mount_corrupt(struct mount *m, const char *what, uint64_t number)
{
    return fs_corrupt((struct fs_mount *)m, what, number); /* -EUCLEAN */
}
static inline uint32_t cluster_sector(const struct mount *m, uint32_t cluster)
{
    return m->data_start + (cluster - 2) * m->cluster_sectors;
}
static inline bool cluster_ok(const struct mount *m, uint32_t cluster)
{
    return cluster >= 2 && cluster - 2 < m->clusters;
}
static inline uint32_t entry_cluster(const struct mount *m, const struct entry *e)
{
    return e->cluster_low | (m->bits == 32 ? (uint32_t)(e->cluster_high & 0x0fff) << 16 : 0);
}

/* ---- super.c: the first sector, and the counts of FAT32 ---- All may wait. */
extern struct mount mounts[MOUNTS];
/* disk_ops.load_mount (-EINVAL: no FAT, or an impossible one; -EIO), store_mount, fs_ops.statfs. */
int super_load(struct disk_mount *m, const struct fs_source *s);
int super_store(struct disk_mount *m, bool clean);
int super_statfs(struct fs_mount *m, struct statfs *s);

/* ---- names.c: short names, long names and times. Pure functions. ---- */
/* The 8.3 name of an entry as text, at most 12 bytes and a NUL in `name`: its length. */
unsigned name_from_short(const struct entry *e, char *name);
/* The name as the 11 bytes of an entry. false: the name is not an 8.3 name in upper case, and needs
 * a long name besides the short one of name_make_short(). */
bool name_to_short(const char *name, unsigned length, uint8_t *to);
/* A short name for a long one. Each `attempt`, from 0 on, gives another, for a caller that finds
 * one taken. */
void name_make_short(const char *name, unsigned length, unsigned attempt, uint8_t *to);
/* The checksum by which the parts of a long name refer to the short name of their entry. */
uint8_t name_checksum(const uint8_t *short_name);
/* UTF-8 to UTF-16, into units[NAME_UNITS]: how many; -EINVAL for a name that FAT does not allow,
 * -ENAMETOOLONG. */
int name_to_units(const char *name, unsigned length, uint16_t *units);
/* UTF-16 to UTF-8, into name[NAME_MAX + 1]: its length; -EINVAL if the units are no name. */
int name_from_units(const uint16_t *units, unsigned count, char *name);
/* Whether two names are the same; a hash of a name. Both ignore the case of ASCII letters. */
bool name_same(const char *a, unsigned a_length, const char *b, unsigned b_length);
uint32_t name_hash(const char *name, unsigned length);
/* Makes the slot of part number `part`, from 0 on, of a long name of `count` units; the part has
 * LONG_CHARS of them. */
void long_part(const uint16_t *units, unsigned count, unsigned part, bool last, uint8_t checksum,
               struct long_entry *to);
/* The LONG_CHARS units of the part in a slot. */
void long_units(const struct long_entry *e, uint16_t *units);
/* FAT's times: `date` a day from 1980 to 2107, `time` of the day in units of 2 seconds, `ms10` the
 * rest in 10 ms; time and ms10 may be NULL. */
void time_pack(const struct timespec64 *t, uint16_t *date, uint16_t *time, uint8_t *ms10);
struct timespec64 time_unpack(uint16_t date, uint16_t time, uint8_t ms10);

/* ---- clusters.c: the file allocation table, all copies of it. All may wait. All return 0, -EIO,
 * -ENOMEM, or -EUCLEAN for a number that is no cluster's. ---- */
/* *next is the cluster behind this one in its file, or 0 if it is the last. */
int table_next(struct mount *m, uint32_t cluster, uint32_t *next);
/* Takes a free cluster, marks it as a last one, and chains it behind `after` unless that is 0. If
 * there is none, waits for deletions that are under way; then -ENOSPC. */
int table_alloc(struct mount *m, uint32_t after, uint32_t *cluster);
/* Frees this cluster and all behind it. */
int table_free(struct mount *m, uint32_t cluster);
/* Makes the cluster the last of its file, without freeing what followed. */
int table_end(struct mount *m, uint32_t cluster);
/* Makes m->free known, if need be by counting. */
int table_count(struct mount *m);

/* ---- chain.c: the clusters of a file or directory. Under node.lock, or mount.tree for a
 * directory. All may wait. Errors as in clusters.c. ---- */
/* *cluster is the file's cluster number `index`, from 0 on. Behind the end of the chain it is 0,
 * or, with `allocate`, the chain grows up to it (-ENOSPC). */
int chain_find(struct node *n, uint32_t index, bool allocate, uint32_t *cluster);
/* Frees all clusters but the first `count`. */
int chain_cut(struct node *n, uint32_t count);
/* *sector is the sector with byte `offset`; behind the end as chain_find(). */
int chain_sector(struct node *n, uint64_t offset, bool allocate, uint32_t *sector);
/* disk_ops.map and disk_ops.cut. A chain that ends before the file's size is -EUCLEAN. */
int64_t chain_map(struct disk_node *n, uint64_t unit, bool allocate);
int chain_cut_bytes(struct disk_node *n, uint64_t size);

/* ---- node.c: how files are numbered, and their entries. ---- All may wait. */
/* The file whose entry stands at `place`, held, or fs_failed(): -ESTALE (there is none), -ENFILE,
 * -EUCLEAN, -EIO. */
struct node *node_at(struct mount *m, uint32_t place);
/* The number that the file with its entry at `place` has or would get. Does not wait. */
uint32_t node_number(const struct mount *m, uint32_t place);
struct fs_node *node_by_object(uint64_t object); /* fs_ops.get */
/* For disk_ops; node_store() writes into the directory entry, at its present place. */
struct disk_node *node_root(struct disk_mount *m);
int node_load(struct disk_node *n);
int node_store(struct disk_node *n);
void node_destroy(struct disk_node *n);
void node_leave(struct disk_node *n);
/* Fills in all of an entry but its name. Does not wait. */
void entry_of_node(const struct node *n, struct entry *e);
/* The entry at a place, in its page, which is held. 0, -ESTALE (the disk has no such place), -EIO.
 */
int entry_page(struct mount *m, uint32_t place, struct page **page, struct entry **e);

/* ---- slots.c: the slots of a directory, and the names in them ---- All may wait. */
/* Goes from slot to slot of a directory, and holds the page of the sector of its slot. */
struct cursor {
    struct node *dir;
    struct page *page;
    uint32_t sector;
};
/* Moves the cursor to a slot. 0: *e is its entry, valid until the cursor moves or ends, and *place
 * its place; 1: the slot is behind the directory's last; or an error. */
int cursor_at(struct cursor *c, uint32_t slot, struct entry **e, uint32_t *place);
void cursor_end(struct cursor *c); /* ends the hold of the page */
bool dir_is_fixed(
    const struct node *dir); /* the root of a FAT12 or FAT16 disk, which is no chain */
/* A name in a directory. */
struct found {
    /* the slot of the entry; that of the first part of its long name, or the same */
    uint32_t slot, first;
    uint32_t place;
    struct entry entry; /* a copy */
    char name[NAME_MAX + 1];
    unsigned length;
};
/* Finds the next name from *slot on, "." and ".." too, and moves *slot behind it. 1, 0 at the end,
 * or an error. */
int dir_next(struct node *dir, uint32_t *slot, struct found *f);

/* ---- index.c: where names stand in a directory. A directory for whose index there is no memory is
 * searched slot by slot. ---- */
enum { CANDIDATES = 16 };
/* Finds the slots where a name with this hash may begin: how many, or -1: there is no index, or
 * there are more than CANDIDATES. Makes the index if need be. May wait. */
int names_like(struct node *dir, uint32_t hash, uint32_t *slots);
uint32_t names_short_hash(const uint8_t *short_name);
/* A name was added or removed; of f only slots and names are used. The index is dropped if it is
 * too full. */
void names_added(struct node *dir, const struct found *f);
void names_removed(struct node *dir, const struct found *f);
/* The slot before which there are no `count` free ones in a row, to begin a search there. */
uint32_t names_room(const struct node *dir, unsigned count);
/* The first `count` free ones in a row were found at `first`, and are taken now. */
void names_room_found(struct node *dir, unsigned count, uint32_t first);
void names_forget(struct disk_node *dir); /* drops the index, if there is one */

/* ---- dir.c: names in directories ---- All may wait. */
int dir_find(struct node *dir, const char *name, unsigned length, struct found *f); /* -ENOENT */
/* Writes a name, with the rest of the entry from *e: *place is where. 0, -ENOSPC, -EINVAL (FAT does
 * not allow the name), or an error of the disk. Under mount.tree. */
int dir_add(struct node *dir, const char *name, unsigned length, const struct entry *e,
            uint32_t *place);
int dir_remove(struct node *dir, const struct found *f);
/* Gives a new directory its first cluster, with '.' and '..'. */
int dir_init(struct node *dir, const struct node *parent);
struct node *dir_parent(struct node *dir); /* held, or fs_failed() */
int dir_set_parent(struct fs_node *dir, struct fs_node *parent);
int dir_empty(struct fs_node *dir);

/* ---- names_ops.c, file_ops.c: operations of fs_ops. All may wait. ---- */
struct fs_node *name_lookup(struct fs_node *dir, struct fs_name *name);
struct fs_node *name_create(struct fs_node *dir, struct fs_name *name, const struct fs_new *new);
int name_add(struct fs_node *dir, struct fs_name *name, struct fs_node *n);
int name_replace(struct fs_node *dir, struct fs_name *name, struct fs_node *old, struct fs_node *n);
int name_remove(struct fs_node *dir, struct fs_name *name, struct fs_node *n);
int name_list(struct fs_node *dir, struct dents *d);
int name_of(struct fs_node *dir, uint64_t object, char *name);
int64_t file_write(struct fs_node *n, struct message *m, uint64_t position, uint64_t length);
int file_resize(struct fs_node *n, uint64_t size);
int file_stat(struct fs_node *n, struct stat *s);
int file_setattr(struct fs_node *n, const struct fs_attr *a);

#endif
