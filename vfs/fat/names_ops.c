/* The operations of the table on names. An inode is its directory entry, so adding a name moves the
 * node to the new entry, and the old one goes: FAT has no links.
 *
 * fs_name.where: [0] is the slot where the name begins, [1] the place of its entry. */
#include "fat.h"

struct fs_node *name_lookup(struct fs_node *f, struct fs_name *name)
{
    struct node *dir = fat_node(f), *n;
    struct found found;
    if (fs_is_dot(name)) {
        dir->uses++;
        return f;
    }
    if (!dir->links)
        return fs_failed(-ENOENT);
    if (fs_is_dotdot(name))
        return node_fs(dir_parent(dir));
    int error = dir_find(dir, name->text, name->length, &found);
    if (error)
        return fs_failed(error);
    name->where[0] = found.first;
    name->where[1] = found.place;
    n = node_at(mount_of(dir), found.place);
    return fs_error(n) == -ESTALE ? fs_failed(-ENOENT)
                                  : node_fs(n); /* the entry was freed during the wait */
}

struct fs_node *name_create(struct fs_node *f, struct fs_name *name, const struct fs_new *wanted)
{
    struct node *dir = fat_node(f);
    bool directory = S_ISDIR(wanted->mode);
    if (!directory && !S_ISREG(wanted->mode))
        return fs_failed(-EPERM);
    struct timespec64 now = fs_now();
    struct node new = { .mount = dir->mount,
                        .mode = wanted->mode,
                        .attributes = directory ? ATTR_DIRECTORY : ATTR_ARCHIVE,
                        .created = now,
                        .mtime = now,
                        .atime = now };
    struct entry e = { .size = 0 };
    uint32_t place;
    int error = directory ? dir_init(&new, dir) : 0;
    if (!error) {
        entry_of_node(&new, &e);
        error = dir_add(dir, name->text, name->length, &e, &place);
    }
    if (!error)
        return node_fs(node_at(mount_of(dir), place));
    chain_cut(&new, 0);
    return fs_failed(error);
}

/* The node has its entry at `place` from now on. */
static void move_to(struct node *n, uint32_t place)
{
    n->place = place;
    n->dirty = false;
}

int name_add(struct fs_node *dir, struct fs_name *name, struct fs_node *f)
{
    struct node *n = fat_node(f);
    struct entry e = { .size = 0 };
    uint32_t place;
    entry_of_node(n, &e);
    int error = dir_add(fat_node(dir), name->text, name->length, &e, &place);
    if (!error)
        move_to(n, place);
    return error;
}

int name_replace(struct fs_node *dir, struct fs_name *name, struct fs_node *old, struct fs_node *f)
{
    struct node *n = fat_node(f);
    struct page *page;
    struct entry *e;
    uint32_t place = name->where[1];
    int error = entry_page(mount_of(n), place, &page, &e);
    if (error)
        return error;
    entry_of_node(n, e);
    cache_dirty(page);
    cache_put(page);
    move_to(n, place);
    if (fat_node(old)->place == place)
        fat_node(old)->place = 0;
    fat_node(dir)->version++;
    return 0;
}

int name_remove(struct fs_node *f, struct fs_name *name, struct fs_node *n)
{
    struct node *dir = fat_node(f);
    struct found found;
    uint32_t slot = name->where[0];
    int more = dir_next(dir, &slot, &found);
    if (more != 1 || found.place != name->where[1])
        return more < 0 ? more : -EUCLEAN;
    int error = dir_remove(dir, &found);
    if (!error && fat_node(n)->place == found.place)
        fat_node(n)->place = 0;
    return error;
}

/* Positions: 0 and 1 are '.' and '..', which the root does not have on the disk; n + 2 is slot n.
 */
int name_list(struct fs_node *f, struct dents *d)
{
    struct node *dir = fat_node(f);
    struct found found;
    int added = 1, more = 1;
    if (d->position < 2) {
        struct node *parent = dir_parent(dir);
        if (fs_error(parent))
            return fs_error(parent);
        if (d->position == 0)
            added = dents_add(d, dir->ino, 1, DT_DIR, ".", 1);
        if (added == 1)
            added = dents_add(d, parent->ino, 2, DT_DIR, "..", 2);
        node_put(node_fs(parent));
    }
    uint32_t slot = MIN(d->position - 2, (uint64_t)DIRECTORY_SLOTS); /* lseek may set any */
    while (added == 1 && slot < DIRECTORY_SLOTS && (more = dir_next(dir, &slot, &found)) == 1)
        if (!fs_is_dots(found.name, found.length))
            added = dents_add(d, node_number(mount_of(dir), found.place), slot + 2,
                              found.entry.attributes & ATTR_DIRECTORY ? DT_DIR : DT_REG, found.name,
                              found.length);
    return MIN(added < 0 ? added : more, 0);
}

int name_of(struct fs_node *f, uint64_t object, char *name)
{
    struct node *dir = fat_node(f);
    struct fs_node *n = node_by_object(object);
    if (fs_error(n))
        return -ENOENT;
    uint32_t place = fat_node(n)->place, slot = 0;
    node_put(n);
    struct found found;
    int more = 0;
    while (place && (more = dir_next(dir, &slot, &found)) == 1 && found.place != place)
        ;
    if (more <= 0)
        return more ? more : -ENOENT;
    memcpy(name, found.name, found.length);
    return found.length;
}
