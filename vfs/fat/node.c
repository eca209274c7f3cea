/* Files as nodes: how they are numbered although FAT has no numbers, and how they stand in their
 * directory entries.
 *
 * A FAT disk has no inodes. A file is named by the place of its directory entry, counted in entries
 * from the beginning of the disk; but a rename moves the entry, and an entry that was freed is used
 * for another file. So:
 *
 *   - A node's number (ino) is the place where its entry stood when the node was made, and stays
 *     while the node is in memory, wherever a rename moves the entry (`place`).
 *   - A new node whose place is the number of another node in memory gets an alias: the place with
 *     one of 15 values in the upper four bits (free_number).
 *   - A node that is not in memory is found by taking its number for its place. So a number is
 * valid while the node is in memory, or while its entry has not moved. Nodes that are open or held
 *     stay in memory.
 *   - The generation in an object is a hash of the short name in the entry. If the entry has become
 *     another file's the hash mostly differs, and the object is -ESTALE. Not so if a file of the
 * same name was made there after a rename: so VFS remembers no objects of this server
 *     (fs_type.changing), and whoever else knows one holds it or has it open.
 *
 * A file without an entry (removed, but open) has place 0, and is found by its number alone. */
#include "fat.h"

enum { ALIAS_SHIFT = 28, ALIASES = 15 };

/* The node in memory whose entry stands at `place` now, not held; or NULL. */
static struct node *find_place(const struct mount *m, uint32_t place)
{
    for (struct disk_node *n = node_next(NULL); n; n = node_next(n))
        if (mount_of(fat_node(n)) == m && fat_node(n)->place == place)
            return fat_node(n);
    return NULL;
}

uint32_t node_number(const struct mount *m, uint32_t place)
{
    const struct node *n = find_place(m, place);
    return n ? n->ino : place;
}

/* The place with the k-th of the values in its upper bits; k is 0: the place itself. */
static uint32_t alias(uint32_t place, unsigned k)
{
    return k ? (place & ((1u << ALIAS_SHIFT) - 1)) + (k << ALIAS_SHIFT) : place;
}

/* A number for a new node with its entry at `place`: the place, or an alias of it. If nodes whose
 * entries stood there before a rename have all of them, one that is not in use leaves memory. 0:
 * all are in use. May wait. */
static uint32_t free_number(const struct mount *m, uint32_t place)
{
    const struct disk_mount *d = (const struct disk_mount *)m;
    for (unsigned k = 0; k <= ALIASES; k++)
        if (!node_find(d, alias(place, k)))
            return alias(place, k);
    for (unsigned k = 0; k <= ALIASES; k++) {
        struct disk_node *n = node_find(d, alias(place, k));
        if (!n || node_evict(n))
            return alias(place, k);
    }
    return 0;
}

int entry_page(struct mount *m, uint32_t place, struct page **page, struct entry **e)
{
    uint32_t per = m->sector_size / ENTRY_SIZE, sector = place / per;
    if (sector < m->root_start)
        return -ESTALE;
    if (sector >= m->data_start && (sector - m->data_start) / m->cluster_sectors >= m->clusters)
        return -ESTALE;
    int error = cache_block(m->index, sector, page);
    if (!error)
        *e = (struct entry *)(*page)->data + place % per;
    return error;
}

static uint32_t mode_of(const struct node *n)
{
    return n->attributes & ATTR_DIRECTORY   ? S_IFDIR | 0755
           : n->attributes & ATTR_READ_ONLY ? S_IFREG | 0444
                                            : S_IFREG | 0644;
}

static void take_entry(struct node *n, const struct entry *e)
{
    n->links = 1; /* of a directory: its links are not counted (fs_ops.links_max) */
    n->attributes = e->attributes;
    n->mode = mode_of(n);
    n->cluster = entry_cluster(mount_of(n), e);
    n->size = S_ISDIR(n->mode) ? 0 : e->size;
    n->object = fs_object(mount_of(n)->index, fs_hash((const char *)e->name, 11), n->ino);
    n->mtime = time_unpack(e->date, e->time, 0);
    n->atime = time_unpack(e->accessed_date, 0, 0);
    n->created = time_unpack(e->created_date, e->created_time, e->created_10ms);
}

int node_load(struct disk_node *f)
{
    struct node *n = fat_node(f);
    struct page *page;
    struct entry *e;
    int error = entry_page(mount_of(n), n->place, &page, &e);
    if (error)
        return error;
    if (e->name[0] == ENTRY_END || e->name[0] == ENTRY_FREE || e->attributes & ATTR_VOLUME ||
        e->name[0] == '.')
        error = -ESTALE;
    else
        take_entry(n, e);
    cache_put(page);
    if (!error && (n->cluster ? !cluster_ok(mount_of(n), n->cluster) : S_ISDIR(n->mode) || n->size))
        error = mount_corrupt(mount_of(n), "file without clusters", n->cluster);
    return error;
}

struct node *node_at(struct mount *m, uint32_t place)
{
    for (;;) {
        struct node *n = find_place(m, place);
        if (n)
            return fat_node(node_wait((struct disk_node *)n));
        uint32_t ino = free_number(m, place);
        bool mine;
        struct disk_node *fresh = ino ? node_insert((struct disk_mount *)m, ino, &mine) : NULL;
        if (!fresh)
            return fs_failed(-ENFILE);
        if (!mine)
            continue; /* another thread has taken the number during the wait: look again */
        if (find_place(m, place)) {
            node_loaded(fresh, -EAGAIN);
            continue;
        }
        fat_node(fresh)->place = place;
        return fat_node(node_loaded(fresh, node_load(fresh)));
    }
}

struct disk_node *node_root(struct disk_mount *m)
{
    bool mine;
    struct disk_node *n = node_insert(m, ROOT_INO, &mine);
    if (!n)
        return fs_failed(-ENFILE);
    fat_node(n)->cluster = ((struct mount *)m)->root_cluster;
    fat_node(n)->attributes = ATTR_DIRECTORY;
    n->mode = mode_of(fat_node(n));
    n->links = 1;
    n->object = fs_object(m->index, 0, ROOT_INO);
    n->mtime = n->atime = fat_node(n)->created = fs_now();
    return node_loaded(n, 0);
}

struct fs_node *node_by_object(uint64_t object)
{
    unsigned k = fs_object_mount(object);
    if (k >= MOUNTS || !mounts[k].used)
        return fs_failed(-ESTALE);
    struct disk_node *n = node_find((struct disk_mount *)&mounts[k], fs_object_ino(object));
    struct fs_node *f = n ? fs_node(node_wait(n))
                          : node_fs(node_at(&mounts[k], fs_object_ino(object)));
    int error = fs_error(f);
    if (error)
        return error == -EUCLEAN || error == -EIO ? f : fs_failed(-ESTALE);
    if (f->object == object)
        return f;
    node_put(f);
    return fs_failed(-ESTALE);
}

/* disk_ops.destroy: a removed file without users gives its clusters back. A directory's sectors are
 * cached as metadata, and leave the cache one by one. */
void node_destroy(struct disk_node *f)
{
    struct node *n = fat_node(f);
    struct mount *m = mount_of(n);
    cache_forget_from(contents_owner(fs_node(f)), 0, (n->size + PAGE_SIZE - 1) / PAGE_SIZE);
    if (S_ISDIR(n->mode))
        for (uint32_t c = n->cluster, next, steps = 0; c && steps < m->clusters;
             c = next, steps++) {
            for (uint32_t s = 0; s < m->cluster_sectors; s++)
                cache_forget(cache_meta(m->index), cluster_sector(m, c) + s);
            if (table_next(m, c, &next))
                break;
        }
    chain_cut(n, 0);
}

/* disk_ops.leave: pages in the cache are known by the number. */
void node_leave(struct disk_node *f)
{
    uint64_t owner = contents_owner(fs_node(f));
    if (f->ino == fat_node(f)->place)
        return;
    cache_sync_owner(owner);
    if (f->uses == 1 && !f->opens && !f->holds) /* else another thread has taken it up again */
        cache_forget_from(owner, 0, (f->size + PAGE_SIZE - 1) / PAGE_SIZE);
}

void entry_of_node(const struct node *n, struct entry *e)
{
    e->attributes = n->attributes;
    e->cluster_low = n->cluster;
    e->cluster_high = mount_of(n)->bits == 32 ? n->cluster >> 16 : 0;
    e->size = S_ISDIR(n->mode) ? 0 : n->size;
    time_pack(&n->mtime, &e->date, &e->time, NULL);
    time_pack(&n->atime, &e->accessed_date, NULL, NULL);
    time_pack(&n->created, &e->created_date, &e->created_time, &e->created_10ms);
}

int node_store(struct disk_node *f)
{
    struct node *n = fat_node(f);
    struct page *page;
    struct entry *e;
    uint32_t place = n->place;
    if (!place) {
        n->dirty = false;
        return 0;
    }
    int error = entry_page(mount_of(n), place, &page, &e);
    if (error)
        return error;
    /* if the entry was moved during the wait, it was written at its new place then */
    if (n->place == place) {
        n->dirty = false;
        entry_of_node(n, e);
        cache_dirty(page);
        flush_later();
    }
    cache_put(page);
    return 0;
}
