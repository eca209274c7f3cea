/* Names in directories. The blocks of a directory are read from front to back or, when there are
 * many, through an index in memory (index.c). Hash trees that e2fsprogs may have made are read as
 * plain blocks; a directory that changes loses the mark of its tree (FLAG_INDEX).
 *
 * A block is a row of entries without gaps. An entry whose ino is 0 is unused; room for a new name
 * is an unused entry or what an entry has beyond its own name. A removed entry's room goes to the
 * entry before it in the block.
 *
 * fs_name.where[0] is where a name stands, in bytes from the beginning of the directory. */
#include "ext2.h"

/* a directory of so many blocks gets an index */
enum { INDEX_BLOCKS = 3 };

static const uint8_t type_of_mode[16] = {
    [1] = 5, [2] = 3, [4] = 2, [6] = 4, [8] = 1, [10] = 7, [12] = 6
}; /* by mode >> 12 */

static uint32_t block_size(const struct inode *dir) { return mount_of(dir)->geo.block_size; }
static uint64_t block_start(const struct inode *dir, uint32_t number)
{
    return (uint64_t)number << mount_of(dir)->geo.block_shift;
}

static bool matches(const struct entry *e, const struct fs_name *name)
{
    return e->ino && e->name_length == name->length &&
           memcmp(e->name, name->text, name->length) == 0;
}

/* ---- Finding ---- */

/* The functions of this part return the number of the inode that the name stands for, and leave in
 * name->where[0] where the name stands; -ENOENT, -EUCLEAN, -EIO, -ENOMEM. All may wait. */

static int64_t find_in_block(struct inode *dir, uint32_t number, struct fs_name *name)
{
    struct page *page = dir_block(dir, number);
    int64_t result = fs_error(page);
    if (result)
        return result;
    result = -ENOENT;
    for (uint32_t offset = 0; result == -ENOENT && offset < block_size(dir);) {
        struct entry *e = dir_entry(dir, page, offset);
        if (!e) {
            result = dir_bad_entry(dir);
        } else if (matches(e, name)) {
            result = e->ino;
            name->where[0] = block_start(dir, number) + offset;
        } else {
            offset += e->reclen;
        }
    }
    cache_put(page);
    return result;
}

static int64_t find_linear(struct inode *dir, struct fs_name *name)
{
    int64_t ino = -ENOENT;
    for (uint32_t n = 0; n < dir_blocks(dir) && ino == -ENOENT; n++)
        ino = find_in_block(dir, n, name);
    return ino;
}

static int64_t find_by_index(struct inode *dir, struct fs_name *name)
{
    uint32_t hash = fs_hash(name->text, name->length), cursor = hash;
    uint64_t at;
    while (dir->index && index_next(dir, hash, &cursor, &at)) {
        uint32_t number = at >> mount_of(dir)->geo.block_shift;
        if (number >= dir_blocks(dir))
            continue;
        struct page *page = dir_block(dir, number);
        if (fs_error(page))
            return fs_error(page);
        struct entry *e = dir_entry(dir, page, at & (block_size(dir) - 1));
        uint32_t ino = e && matches(e, name) ? e->ino : 0;
        cache_put(page);
        if (ino) {
            name->where[0] = at;
            return ino;
        }
    }
    /* without an index now, it was dropped during a wait */
    return dir->index ? -ENOENT : find_linear(dir, name);
}

/* Repeats the search while it finds nothing in a directory that has changed during it. */
static int64_t find_name(struct inode *dir, struct fs_name *name)
{
    for (;;) {
        uint32_t version = dir->version;
        bool indexed = dir->index || (dir_blocks(dir) >= INDEX_BLOCKS && index_build(dir) == 0);
        int64_t ino = indexed ? find_by_index(dir, name) : find_linear(dir, name);
        if (ino != -ENOENT || version == dir->version)
            return ino;
    }
}

struct fs_node *dir_lookup(struct fs_node *f, struct fs_name *name)
{
    struct inode *dir = inode_of(f), *i;
    int64_t ino = fs_is_dot(name) ? (int64_t)dir->ino : find_name(dir, name);
    if (ino < 0)
        return fs_failed(ino);
    i = inode_get(mount_of(dir), ino);
    if (fs_error(i) == -ESTALE)
        return fs_failed(mount_corrupt(mount_of(dir), "name of an unused inode", ino));
    return inode_node(i);
}

/* ---- Changing ---- */

static void changed(struct inode *dir)
{
    dir->version++;
    dir->flags &= ~FLAG_INDEX;
    inode_dirty(dir);
}

static void point_entry(struct inode *dir, struct entry *e, const struct inode *to)
{
    e->ino = to->ino;
    e->type = mount_of(dir)->geo.filetype ? type_of_mode[to->mode >> 12 & 15] : 0;
}

static void fill_entry(struct inode *dir, struct entry *e, const struct fs_name *name,
                       const struct inode *to)
{
    e->name_length = name->length;
    memcpy(e->name, name->text, name->length);
    point_entry(dir, e, to);
}

/* Writes a name into block `number`, which is `page`: 1; 0 if it has no room; -EUCLEAN. */
static int add_to_block(struct inode *dir, struct page *page, uint32_t number,
                        const struct fs_name *name, const struct inode *to)
{
    unsigned need = entry_size(name->length);
    for (uint32_t offset = 0; offset < block_size(dir);) {
        struct entry *e = dir_entry(dir, page, offset);
        if (!e)
            return dir_bad_entry(dir);
        unsigned used = e->ino ? entry_size(e->name_length) : 0;
        if (e->reclen - used >= need) {
            struct entry *new = (struct entry *)((uint8_t *)e + used);
            if (used) {
                new->reclen = e->reclen - used;
                e->reclen = used;
            }
            fill_entry(dir, new, name, to);
            cache_dirty(page);
            index_add(dir, fs_hash(name->text, name->length),
                      block_start(dir, number) + offset + used);
            return 1;
        }
        offset += e->reclen;
    }
    return 0;
}

/* Makes the directory one block longer: the new block, held, which is one unused entry; or
 * fs_failed(). */
static struct page *grow(struct inode *dir)
{
    struct mount *m = mount_of(dir);
    struct page *page;
    if (dir_blocks(dir) >= m->geo.blocks)
        return fs_failed(-ENOSPC);
    int64_t block = map_block((struct disk_node *)dir, dir_blocks(dir), true);
    int error = block < 0 ? (int)block : cache_block_new(m->index, block, &page);
    if (error) {
        map_cut(dir, dir_blocks(dir)); /* an indirect block may have been allocated already */
        return fs_failed(error);
    }
    ((struct entry *)page->data)->reclen = m->geo.block_size;
    dir->size += m->geo.block_size;
    inode_dirty(dir);
    return page;
}

int dir_add(struct fs_node *f, struct fs_name *name, struct fs_node *n)
{
    struct inode *dir = inode_of(f);
    struct page *page;
    int added;
    for (uint32_t k = MIN(dir->slot_hint, dir_blocks(dir)); k < dir_blocks(dir); k++) {
        page = dir_block(dir, k);
        if (fs_error(page))
            return fs_error(page);
        added = add_to_block(dir, page, k, name, inode_of(n));
        cache_put(page);
        if (added < 0)
            return added;
        dir->slot_hint = k;
        if (added) {
            changed(dir);
            return 0;
        }
    }
    page = grow(dir);
    if (fs_error(page))
        return fs_error(page);
    dir->slot_hint = dir_blocks(dir) - 1;
    added = add_to_block(dir, page, dir->slot_hint, name, inode_of(n));
    cache_put(page);
    changed(dir);
    return added == 1 ? 0 : -EUCLEAN;
}

/* The block where the name stands, held. */
static struct page *block_of(struct inode *dir, const struct fs_name *name)
{
    return dir_block(dir, name->where[0] >> mount_of(dir)->geo.block_shift);
}

int dir_remove(struct fs_node *f, struct fs_name *name, struct fs_node *n)
{
    struct inode *dir = inode_of(f);
    struct page *page = block_of(dir, name);
    uint32_t at = name->where[0] & (block_size(dir) - 1);
    (void)n;
    if (fs_error(page))
        return fs_error(page);
    struct entry *e = (struct entry *)(page->data + at);
    index_remove(dir, fs_hash(name->text, name->length), name->where[0]);
    for (uint32_t offset = 0; offset < at;) { /* the entry before it takes the room of e */
        struct entry *before = dir_entry(dir, page, offset);
        if (!before)
            break;
        offset += before->reclen;
        if (offset == at)
            before->reclen += e->reclen;
    }
    e->ino = 0;
    cache_dirty(page);
    cache_put(page);
    dir->slot_hint = MIN(dir->slot_hint, name->where[0] >> mount_of(dir)->geo.block_shift);
    changed(dir);
    return 0;
}

int dir_replace(struct fs_node *f, struct fs_name *name, struct fs_node *old, struct fs_node *n)
{
    struct inode *dir = inode_of(f);
    struct page *page = block_of(dir, name);
    (void)old;
    if (fs_error(page))
        return fs_error(page);
    point_entry(dir, (struct entry *)(page->data + (name->where[0] & (block_size(dir) - 1))),
                inode_of(n));
    cache_dirty(page);
    cache_put(page);
    changed(dir);
    return 0;
}

int dir_set_parent(struct fs_node *n, struct fs_node *dir)
{
    struct fs_name dotdot = { .text = "..", .length = 2 };
    int64_t ino = find_name(inode_of(n), &dotdot);
    return ino < 0 ? (int)ino : dir_replace(n, &dotdot, NULL, dir);
}

int dir_init(struct inode *dir, struct inode *parent)
{
    struct page *page = grow(dir);
    if (fs_error(page))
        return fs_error(page);
    struct entry *dot = (struct entry *)page->data,
                 *dotdot = (struct entry *)(page->data + entry_size(1));
    fill_entry(dir, dot, &(struct fs_name){ .text = ".", .length = 1 }, dir);
    dot->reclen = entry_size(1);
    fill_entry(dir, dotdot, &(struct fs_name){ .text = "..", .length = 2 }, parent);
    dotdot->reclen = block_size(dir) - entry_size(1);
    cache_dirty(page);
    cache_put(page);
    changed(dir);
    return 0;
}

/* ---- All entries ---- */

/* Finds the first name but '.' and '..' that stands for inode `ino`, or for any if that is 0, and
 * copies it, not terminated, unless `name` is NULL. Its length, 0 if there is none, or an error. */
static int find_name_of(struct inode *dir, uint32_t ino, char *name)
{
    int length = 0;
    for (uint32_t n = 0; n < dir_blocks(dir) && !length; n++) {
        struct page *page = dir_block(dir, n);
        if (fs_error(page))
            return fs_error(page);
        for (uint32_t offset = 0; !length && offset < block_size(dir);) {
            struct entry *e = dir_entry(dir, page, offset);
            if (!e) {
                length = dir_bad_entry(dir);
                break;
            }
            offset += e->reclen;
            if (!e->ino || (ino && e->ino != ino) || fs_is_dots(e->name, e->name_length))
                continue;
            length = e->name_length;
            if (name)
                memcpy(name, e->name, length);
        }
        cache_put(page);
    }
    return length;
}

int dir_name_of(struct fs_node *dir, uint64_t object, char *name)
{
    int length = find_name_of(inode_of(dir), fs_object_ino(object), name);
    return length ? length : -ENOENT;
}

int dir_empty(struct fs_node *dir)
{
    int length = dir->ino == ROOT_INO ? -EBUSY : find_name_of(inode_of(dir), 0, NULL);
    return length < 0 ? length : !length;
}

/* Lists the entries of one block, which begins at byte `base`, from d->position on. 1 to go on with
 * the next block, 0 if the window is full, or an error. */
static int list_block(struct inode *dir, struct page *page, uint64_t base, struct dents *d)
{
    const struct geometry *g = &mount_of(dir)->geo;
    uint64_t start = d->position;
    for (uint32_t offset = 0; offset < g->block_size;) {
        struct entry *e = dir_entry(dir, page, offset);
        if (!e)
            return dir_bad_entry(dir);
        uint64_t at = base + offset;
        offset += e->reclen;
        if (at < start || !e->ino || !e->name_length)
            continue;
        int added = dents_add(d, e->ino, base + offset, ext2_dtype(g, e), e->name, e->name_length);
        if (added != 1)
            return added;
    }
    d->position = base + g->block_size;
    return 1;
}

int dir_list(struct fs_node *f, struct dents *d)
{
    struct inode *dir = inode_of(f);
    int more = 1;
    while (more == 1 && dir->links && d->position < dir->size) {
        uint32_t number = d->position >> mount_of(dir)->geo.block_shift;
        struct page *page = dir_block(dir, number);
        if (fs_error(page))
            return fs_error(page);
        more = list_block(dir, page, block_start(dir, number), d);
        cache_put(page);
    }
    return MIN(more, 0);
}
