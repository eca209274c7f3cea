/* Directories: slots of 32 bytes, each an entry or a part of the long name of the entry that
 * follows. */
#include "fat.h"

/* Looks at one slot after another, holding the sector that it is in. */
struct cursor {
    struct node *dir;
    struct page *page;
    uint32_t sector;
};

static void cursor_end(struct cursor *c)
{
    if (c->page)
        cache_put(c->page);
    c->page = NULL;
}

static bool fixed_root(const struct node *dir)
{
    return dir->ino == ROOT_INO && dir->mount->bits != 32;
}

/* How many sectors have been opened: whoever goes through many of them lets others go first now and
 * then. */
enum { SECTORS_AT_ONCE = 128 };
static unsigned sectors;

/* The slot: 0, 1 behind the directory's last, or an error. */
static int cursor_at(struct cursor *c, uint32_t slot, struct entry **e, uint32_t *place)
{
    struct mount *m = c->dir->mount;
    uint32_t per = m->sector_size / ENTRY_SIZE, sector;
    if (!c->page || slot % per == 0 || *place / per != c->sector) {
        cursor_end(c);
        if (slot >= DIRECTORY_SLOTS)
            return fixed_root(c->dir) ? 1 : mount_corrupt(m, "endless directory", c->dir->cluster);
        if (fixed_root(c->dir)) {
            sector = slot / per < m->root_sectors ? m->root_start + slot / per : 0;
        } else {
            int error = chain_sector(c->dir, (uint64_t)slot * ENTRY_SIZE, false, &sector);
            if (error)
                return error;
        }
        if (!sector)
            return 1;
        int error = cache_block(m->index, sector, &c->page);
        if (error) {
            c->page = NULL;
            return error;
        }
        c->sector = sector;
        if (++sectors % SECTORS_AT_ONCE == 0)
            give_way(DIRECTORY_SLOTS - MIN(slot, (uint32_t)DIRECTORY_SLOTS));
    }
    *e = (struct entry *)c->page->data + slot % per;
    *place = c->sector * per + slot % per;
    return 0;
}

/* ---- Reading ---- */

struct long_name {
    uint16_t units[LONG_PARTS * LONG_CHARS];
    uint32_t first;
    unsigned parts, expected;
    uint8_t checksum;
};

/* Takes in one part; what does not fit together is forgotten. */
static void take_part(struct long_name *l, const struct long_entry *e, uint32_t slot)
{
    unsigned order = e->order & ~LONG_LAST;
    if (e->order & LONG_LAST && order >= 1 && order <= LONG_PARTS) {
        l->parts = l->expected = order;
        l->first = slot;
        l->checksum = e->checksum;
    } else if (!l->parts || order != l->expected || e->checksum != l->checksum) {
        l->parts = 0;
        return;
    }
    long_units(e, l->units + (order - 1) * LONG_CHARS);
    l->expected = order - 1;
}

int dir_next(struct node *dir, uint32_t *slot, struct found *f)
{
    struct cursor c = { .dir = dir };
    struct long_name l = { .parts = 0 };
    struct entry *e;
    uint32_t place = 0;
    int result;
    for (;; ++*slot) {
        result = cursor_at(&c, *slot, &e, &place);
        if (result || e->name[0] == ENTRY_END)
            break;
        if (e->name[0] == ENTRY_FREE) {
            l.parts = 0;
            continue;
        }
        if ((e->attributes & 0x3f) == ATTR_LONG) {
            take_part(&l, (struct long_entry *)e, *slot);
            continue;
        }
        if (e->attributes & ATTR_VOLUME) {
            l.parts = 0;
            continue;
        }
        int length = l.parts && l.expected == 0 && name_checksum(e->name) == l.checksum
                         ? name_from_units(l.units, l.parts * LONG_CHARS, f->name)
                         : -EINVAL;
        f->first = length > 0 ? l.first : *slot;
        f->length = length > 0 ? (unsigned)length : name_from_short(e, f->name);
        f->slot = (*slot)++;
        f->place = place;
        f->entry = *e;
        cursor_end(&c);
        return 1;
    }
    cursor_end(&c);
    return result < 0 ? result : 0;
}

static bool is_name(const struct found *f, const char *name, unsigned length)
{
    return name_same(f->name, f->length, name, length) && !fs_is_dots(f->name, f->length);
}

/* From slot to slot: 0, -ENOENT or an error. */
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

int dir_empty(struct node *dir)
{
    struct found f;
    uint32_t slot = 0;
    int more;
    while ((more = dir_next(dir, &slot, &f)) == 1)
        if (!fs_is_dots(f.name, f.length))
            return 0;
    return more < 0 ? more : 1;
}

/* ---- Writing ---- */

static void changed(struct node *dir)
{
    dir->version++;
    dir->mtime = fs_now();
    dir->dirty = true;
    flush_later();
}

/* Another cluster of free slots. */
static int grow(struct node *dir, uint32_t index)
{
    struct mount *m = dir->mount;
    uint32_t cluster;
    if (fixed_root(dir) || ((uint64_t)index << m->cluster_shift) >= DIRECTORY_SLOTS * ENTRY_SIZE)
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

/* The first of `count` free slots in a row; whether the slot behind them must become the end. */
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
            uint32_t index = (uint64_t)slot * ENTRY_SIZE >> dir->mount->cluster_shift;
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

int dir_short(struct node *dir, uint32_t slot, uint8_t *name)
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

/* Under mount.tree: nothing is added or removed meanwhile. */
static int short_taken(struct node *dir, const uint8_t *name)
{
    uint32_t slots[CANDIDATES];
    uint8_t there[11];
    int count = names_like(dir, names_short_hash(name), slots);
    if (count < 0)
        return search_short(dir, name);
    for (int k = 0; k < count; k++) {
        int error = dir_short(dir, slots[k], there);
        if (error < 0)
            return error;
        if (!error && memcmp(there, name, sizeof there) == 0)
            return 1;
    }
    return 0;
}

/* A short name for the entry, and how many parts of a long name it needs besides. */
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
    /* first the end, which moves */
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
        names_forget(dir);
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
        names_forget(dir);
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
        memset(e->name, ' ', sizeof(e->name));
        memset(e->name, '.', k + 1);
        e->attributes = ATTR_DIRECTORY;
        set_cluster(dir->mount, e, k ? parent_cluster(parent) : dir->cluster);
        cache_dirty(c.page);
    }
    cursor_end(&c);
    return error;
}

/* The entry '..' of the directory whose first cluster this is: its cluster, 0 for the root. */
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
        *parent = e->cluster_low | (m->bits == 32 ? (uint32_t)(e->cluster_high & 0x0fff) << 16 : 0);
        if (*parent == m->root_cluster)
            *parent = 0;
    }
    cache_put(page);
    return error;
}

int dir_set_parent(struct node *dir, const struct node *parent)
{
    return read_parent(dir->mount, dir->cluster, NULL, parent_cluster(parent), true);
}

int dir_parent(struct node *dir, struct node **to)
{
    struct mount *m = dir->mount;
    uint32_t cluster, above, slot = 0;
    int error = dir->ino == ROOT_INO ? 0 : read_parent(m, dir->cluster, &cluster, 0, false);
    if (error)
        return error;
    if (dir->ino == ROOT_INO || cluster == 0) {
        m->root->uses++;
        *to = m->root;
        return 0;
    }
    error = read_parent(m, cluster, &above, 0, false);
    if (error)
        return error;
    /* The parent's own entry stands in the directory above it. */
    struct node grand = { .mount = m, .directory = true, .cluster = above };
    struct found f;
    int more;
    while ((more = dir_next(above ? &grand : m->root, &slot, &f)) == 1)
        if (f.entry.attributes & ATTR_DIRECTORY && !fs_is_dots(f.name, f.length) &&
            (f.entry.cluster_low |
             (m->bits == 32 ? (uint32_t)(f.entry.cluster_high & 0x0fff) << 16 : 0)) == cluster)
            return node_at(m, f.place, to);
    return more < 0 ? more : mount_corrupt(m, "'..' leads nowhere", cluster);
}

/* ---- Listing ---- */

/* Positions: 0 and 1 are '.' and '..', which the root has not on the disk; slot n is n + 2. */
int64_t do_dents(struct message *m)
{
    struct node *dir, *parent;
    int64_t error = node_of(m->object, &dir);
    if (error)
        return error;
    struct dents d;
    struct found f;
    dents_start(&d, m);
    uint64_t position = m->position;
    int added = 1;
    if (!dir->directory)
        error = -ENOTDIR;
    else if (position < 2 && !dir->removed)
        error = dir_parent(dir, &parent);
    if (!error && position < 2 && !dir->removed) {
        if (position == 0 && (added = dents_add(&d, dir->ino, 1, DT_DIR, ".", 1)) == 1)
            position = 1;
        if (added == 1 && (added = dents_add(&d, parent->ino, 2, DT_DIR, "..", 2)) == 1)
            position = 2;
        node_put(parent);
    }
    bool beyond = position >= DIRECTORY_SLOTS + 2; /* lseek goes anywhere */
    for (uint32_t slot = position >= 2 ? position - 2 : 0;
         !error && added == 1 && !beyond && !dir->removed;) {
        int more = dir_next(dir, &slot, &f);
        if (more <= 0) {
            error = d.sent + d.filled ? 0 : more;
            break;
        }
        if (!fs_is_dots(f.name, f.length)) {
            added = dents_add(&d, node_number(dir->mount, f.place), slot + 2,
                              f.entry.attributes & ATTR_DIRECTORY ? DT_DIR : DT_REG, f.name,
                              f.length);
            if (added != 1)
                break;
        }
        position = slot + 2;
    }
    node_put(dir);
    return error ? error : added < 0 ? added : dents_end(&d, position, added == 0);
}

int64_t do_name(struct message *m)
{
    struct node *dir, *n;
    int64_t result = node_of(m->object, &dir);
    if (result)
        return result;
    result = node_of(m->w[3], &n);
    if (result) {
        node_put(dir);
        return -ENOENT;
    }
    struct found f;
    uint32_t slot = 0;
    int more = 0;
    while (dir->directory && n->place && (more = dir_next(dir, &slot, &f)) == 1 &&
           f.place != n->place)
        ;
    result = !dir->directory      ? -ENOTDIR
             : more < 0           ? more
             : more == 0          ? -ENOENT
             : f.length > m->w[2] ? -ERANGE
                                  : (int64_t)f.length;
    node_put(n);
    node_put(dir);
    return result > 0 && copy_out(m, 0, f.name, f.length) ? -EFAULT : result;
}
