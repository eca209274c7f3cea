/* Names in directories: finding, adding with a short name and a long one, removing; '.' and '..'.
 */
#include "fat.h"

static bool is_name(const struct found *f, const char *name, unsigned length)
{
    return name_same(f->name, f->length, name, length) && !fs_is_dots(f->name, f->length);
}

static int search(struct node *dir, const char *name, unsigned length, struct found *f)
{
    uint32_t slot = 0;
    int more;
    while ((more = dir_next(dir, &slot, f)) == 1)
        if (is_name(f, name, length))
            return 0;
    return more < 0 ? more : -ENOENT;
}

int dir_find(struct node *dir, const char *name, unsigned length, struct found *f)
{
    for (;;) {
        uint32_t version = dir->version, slots[CANDIDATES];
        int count = names_like(dir, name_hash(name, length), slots);
        int error = count < 0 ? search(dir, name, length, f) : -ENOENT;
        for (int k = 0; k < count && error == -ENOENT; k++) {
            int more = dir_next(dir, &slots[k], f);
            error = more < 0 ? more : more == 1 && is_name(f, name, length) ? 0 : -ENOENT;
        }
        if (error != -ENOENT || version == dir->version)
            return error;
    }
}

int dir_empty(struct fs_node *dir)
{
    struct found f;
    uint32_t slot = 0;
    int more;
    while ((more = dir_next(fat_node(dir), &slot, &f)) == 1)
        if (!fs_is_dots(f.name, f.length))
            return 0;
    return more < 0 ? more : 1;
}

/* ---- Writing ---- */

static void changed(struct node *dir)
{
    dir->version++;
    dir->dirty = true;
}

/* Gives the directory its cluster number `index`, full of free slots. -ENOSPC: the directory cannot
 * grow, or has DIRECTORY_SLOTS, or the disk is full. */
static int grow(struct node *dir, uint32_t index)
{
    struct mount *m = mount_of(dir);
    uint32_t cluster;
    if (dir_is_fixed(dir) || ((uint64_t)index << m->cluster_shift) >= DIRECTORY_SLOTS * ENTRY_SIZE)
        return -ENOSPC;
    int error = chain_find(dir, index, true, &cluster);
    for (uint32_t s = 0; s < m->cluster_sectors && !error; s++) {
        struct page *page;
        error = cache_block_new(m->index, cluster_sector(m, cluster) + s, &page);
        if (!error)
            cache_put(page);
    }
    return error;
}

/* Finds `count` free slots in a row, of which *first is the first; the directory grows if it has
 * none. *ends: they lie behind the end mark, so the slot behind them must become the end. */
static int find_room(struct node *dir, unsigned count, uint32_t *first, bool *ends)
{
    struct cursor c = { .dir = dir };
    struct entry *e;
    uint32_t place = 0, run = 0, slot = names_room(dir, count);
    bool end = false;
    int result = 0;
    while (run < count) {
        result = cursor_at(&c, slot, &e, &place);
        if (result == 1) {
            uint32_t index = (uint64_t)slot * ENTRY_SIZE >> mount_of(dir)->cluster_shift;
            result = grow(dir, index);
            if (!result)
                continue;
        }
        if (result)
            break;
        end |= e->name[0] == ENTRY_END;
        run = end || e->name[0] == ENTRY_FREE ? run + 1 : 0;
        slot++;
    }
    cursor_end(&c);
    *first = slot - count;
    *ends = end;
    if (!result)
        names_room_found(dir, count, *first);
    return result;
}

/* The short name in a slot: 0, 1 behind the directory's last, or an error. */
static int short_name_at(struct node *dir, uint32_t slot, uint8_t *name)
{
    struct cursor c = { .dir = dir };
    struct entry *e;
    uint32_t place = 0;
    int result = cursor_at(&c, slot, &e, &place);
    if (!result)
        memcpy(name, e->name, sizeof e->name);
    cursor_end(&c);
    return result;
}

static int search_short(struct node *dir, const uint8_t *name)
{
    struct cursor c = { .dir = dir };
    struct entry *e;
    uint32_t place = 0;
    int result = 0;
    for (uint32_t slot = 0; !result; slot++) {
        result = cursor_at(&c, slot, &e, &place);
        if (!result && e->name[0] == ENTRY_END)
            result = 1;
        else if (!result && (e->attributes & 0x3f) != ATTR_LONG && memcmp(e->name, name, 11) == 0)
            break;
    }
    cursor_end(&c);
    return result < 0 ? result : result == 0;
}

/* Whether an entry has this short name: 1, 0 or an error. Under mount.tree, so that no name is
 * added or removed during its waits. */
static int short_taken(struct node *dir, const uint8_t *name)
{
    uint32_t slots[CANDIDATES];
    uint8_t there[11];
    int count = names_like(dir, names_short_hash(name), slots);
    if (count < 0)
        return search_short(dir, name);
    for (int k = 0; k < count; k++) {
        int error = short_name_at(dir, slots[k], there);
        if (error < 0)
            return error;
        if (!error && memcmp(there, name, sizeof there) == 0)
            return 1;
    }
    return 0;
}

/* Chooses a short name for the entry. *count: the units of the long name that it needs besides, or
 * 0. */
static int choose_names(struct node *dir, const char *name, unsigned length, uint8_t *to,
                        uint16_t *units, int *count)
{
    *count = 0;
    if (name_to_short(name, length, to)) {
        int taken = short_taken(dir, to);
        if (taken <= 0)
            return taken;
    }
    *count = name_to_units(name, length, units);
    if (*count < 0)
        return *count;
    for (unsigned attempt = 0; attempt < 1000; attempt++) {
        name_make_short(name, length, attempt, to);
        int taken = short_taken(dir, to);
        if (taken <= 0)
            return taken;
    }
    return -ENOSPC;
}

static void index_add(struct node *dir, const char *name, unsigned length,
                      const uint8_t *short_name, uint32_t first, unsigned parts)
{
    struct found f = { .first = first, .slot = first + parts, .length = length };
    memcpy(f.name, name, length);
    memcpy(f.entry.name, short_name, sizeof f.entry.name);
    names_added(dir, &f);
}

int dir_add(struct node *dir, const char *name, unsigned length, const struct entry *e,
            uint32_t *place)
{
    struct entry new = *e, *slot;
    uint16_t units[NAME_UNITS];
    struct cursor c = { .dir = dir };
    uint32_t first;
    bool ends;
    int count, error = choose_names(dir, name, length, new.name, units, &count);
    if (error)
        return error;
    unsigned parts = (count + LONG_CHARS - 1) / LONG_CHARS;
    error = find_room(dir, parts + 1, &first, &ends);
    if (error)
        return error;
    uint8_t checksum = name_checksum(new.name);
    *place = 0;
    new.cases = 0;
    uint32_t behind = 0;
    /* The new end mark is written first; until the name is written the old one ends the directory.
     */
    if (ends && cursor_at(&c, first + parts + 1, &slot, &behind) == 0) {
        slot->name[0] = ENTRY_END;
        cache_dirty(c.page);
    }
    for (unsigned k = 0; k <= parts && !error; k++) {
        error = cursor_at(&c, first + k, &slot, place);
        if (error)
            break;
        if (k < parts)
            long_part(units, count, parts - 1 - k, k == 0, checksum, (struct long_entry *)slot);
        else
            *slot = new;
        cache_dirty(c.page);
    }
    cursor_end(&c);
    if (error)
        names_forget((struct disk_node *)dir);
    else
        index_add(dir, name, length, new.name, first, parts);
    changed(dir);
    return error > 0 ? -EUCLEAN : error;
}

int dir_remove(struct node *dir, const struct found *f)
{
    struct cursor c = { .dir = dir };
    struct entry *e;
    uint32_t place = 0;
    int error = 0;
    for (uint32_t slot = f->first; slot <= f->slot && !error; slot++) {
        error = cursor_at(&c, slot, &e, &place);
        if (error)
            break;
        e->name[0] = ENTRY_FREE;
        cache_dirty(c.page);
    }
    cursor_end(&c);
    if (error)
        names_forget((struct disk_node *)dir);
    else
        names_removed(dir, f);
    changed(dir);
    return error;
}

/* ---- '.' and '..' ---- */

static void set_cluster(const struct mount *m, struct entry *e, uint32_t cluster)
{
    e->cluster_low = cluster;
    e->cluster_high = m->bits == 32 ? cluster >> 16 : 0;
}

static uint32_t parent_cluster(const struct node *parent)
{
    return parent->ino == ROOT_INO ? 0 : parent->cluster;
}

int dir_init(struct node *dir, const struct node *parent)
{
    struct cursor c = { .dir = dir };
    struct entry *e;
    uint32_t place = 0;
    int error = grow(dir, 0);
    for (unsigned k = 0; k < 2 && !error; k++) {
        error = cursor_at(&c, k, &e, &place);
        if (error)
            break;
        entry_of_node(dir, e);
        memset(e->name, ' ', sizeof e->name);
        memset(e->name, '.', k + 1);
        e->attributes = ATTR_DIRECTORY;
        set_cluster(mount_of(dir), e, k ? parent_cluster(parent) : dir->cluster);
        cache_dirty(c.page);
    }
    cursor_end(&c);
    return error;
}

/* Reads or writes the cluster in the entry '..' of the directory that begins with `cluster`; 0
 * stands for the root. */
static int read_parent(struct mount *m, uint32_t cluster, uint32_t *parent, uint32_t set,
                       bool write)
{
    struct page *page;
    if (!cluster_ok(m, cluster))
        return mount_corrupt(m, "directory without clusters", cluster);
    int error = cache_block(m->index, cluster_sector(m, cluster), &page);
    if (error)
        return error;
    struct entry *e = (struct entry *)page->data + 1;
    if (memcmp(e->name, "..         ", 11) != 0) {
        error = mount_corrupt(m, "directory without '..'", cluster);
    } else if (write) {
        set_cluster(m, e, set);
        cache_dirty(page);
    } else {
        *parent = entry_cluster(m, e);
        if (*parent == m->root_cluster)
            *parent = 0;
    }
    cache_put(page);
    return error;
}

int dir_set_parent(struct fs_node *f, struct fs_node *parent)
{
    struct node *dir = fat_node(f);
    return read_parent(mount_of(dir), dir->cluster, NULL, parent_cluster(fat_node(parent)), true);
}

struct node *dir_parent(struct node *dir)
{
    struct mount *m = mount_of(dir);
    uint32_t cluster, above, slot = 0;
    int error = dir->ino == ROOT_INO ? 0 : read_parent(m, dir->cluster, &cluster, 0, false);
    if (error)
        return fs_failed(error);
    if (dir->ino == ROOT_INO || cluster == 0) {
        m->root->uses++;
        return fat_node(m->root);
    }
    error = read_parent(m, cluster, &above, 0, false);
    if (error)
        return fs_failed(error);
    /* The parent's own entry stands in the directory above it. */
    struct node grand = { .mount = (struct fs_mount *)m, .mode = S_IFDIR, .cluster = above };
    struct found f;
    int more;
    while ((more = dir_next(above ? &grand : fat_node(m->root), &slot, &f)) == 1)
        if (f.entry.attributes & ATTR_DIRECTORY && !fs_is_dots(f.name, f.length) &&
            entry_cluster(m, &f.entry) == cluster)
            return node_at(m, f.place);
    return fs_failed(more < 0 ? more : mount_corrupt(m, "'..' leads nowhere", cluster));
}
