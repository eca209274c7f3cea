/* Directories: blocks of entries that are read from front to back, or, when there are many blocks,
 * through an index in memory (index.c). The hash trees that e2fsprogs may have made are read as
 * plain blocks and no longer used once a directory changes. Nothing in an entry is believed before
 * dir_entry() has looked at it. */
#include "ext2.h"

/* of a directory, and others go first */
enum { BLOCKS_AT_ONCE = 128 };
/* a directory of so many blocks gets an index */
enum { INDEX_BLOCKS = 3 };

static const uint8_t type_of_mode[16] = {
    [1] = 5, [2] = 3, [4] = 2, [6] = 4, [8] = 1, [10] = 7, [12] = 6
}; /* by mode >> 12 */

static inline uint32_t dir_blocks(const struct inode *dir)
{
    return dir->size >> dir->mount->geo.block_shift;
}

int dir_block(struct inode *dir, uint32_t number, struct page **page)
{
    uint32_t block;
    if (number % BLOCKS_AT_ONCE == BLOCKS_AT_ONCE - 1)
        give_way(STEPS(dir_blocks(dir) - MIN(number, dir_blocks(dir)), 1));
    int error = map_block(dir, number, false, &block);
    if (!error && !block)
        error = mount_corrupt(dir->mount, "hole in directory", dir->ino);
    return error ? error : cache_block(dir->mount->index, block, page);
}

static int bad_entry(struct inode *dir)
{
    return mount_corrupt(dir->mount, "bad entry in directory", dir->ino);
}

static bool matches(const struct entry *e, const char *name, unsigned length)
{
    return e->ino && e->name_length == length && memcmp(e->name, name, length) == 0;
}

void place_put(struct place *p) { cache_put(p->page); }

/* ---- Finding ---- */

/* Looks for the name in one block; 0, -ENOENT, -EUCLEAN. */
static int find_in_block(struct inode *dir, struct page *page, const char *name, unsigned length,
                         struct place *p)
{
    for (uint32_t offset = 0; offset < dir->mount->geo.block_size;) {
        struct entry *e = dir_entry(dir->mount, page, offset);
        if (!e)
            return bad_entry(dir);
        if (matches(e, name, length)) {
            p->page = page;
            p->entry = e;
            p->offset = offset;
            return 0;
        }
        offset += e->reclen;
    }
    return -ENOENT;
}

static int find_linear(struct inode *dir, const char *name, unsigned length, struct place *p)
{
    for (uint32_t n = 0; n < dir_blocks(dir); n++) {
        struct page *page;
        int error = dir_block(dir, n, &page);
        if (error)
            return error;
        p->block = n;
        error = find_in_block(dir, page, name, length, p);
        if (error == 0)
            return 0;
        cache_put(page);
        if (error != -ENOENT)
            return error;
    }
    return -ENOENT;
}

static int find_by_index(struct inode *dir, const char *name, unsigned length, struct place *p)
{
    uint32_t hash = fs_hash(name, length), cursor = hash;
    uint64_t offset;
    while (dir->index && index_next(dir, hash, &cursor, &offset)) {
        struct page *page;
        p->block = offset >> dir->mount->geo.block_shift;
        if (p->block >= dir_blocks(dir))
            continue;
        int error = dir_block(dir, p->block, &page);
        if (error)
            return error;
        p->page = page;
        p->offset = offset & (dir->mount->geo.block_size - 1);
        p->entry = dir_entry(dir->mount, page, p->offset);
        if (p->entry && matches(p->entry, name, length))
            return 0;
        cache_put(page);
    }
    /* the index was dropped while we waited */
    return dir->index ? -ENOENT : find_linear(dir, name, length, p);
}

int dir_find(struct inode *dir, const char *name, unsigned length, struct place *p)
{
    for (;;) {
        uint32_t version = dir->version;
        bool indexed = dir->index || (dir_blocks(dir) >= INDEX_BLOCKS && index_build(dir) == 0);
        int error = indexed ? find_by_index(dir, name, length, p)
                            : find_linear(dir, name, length, p);
        if (error != -ENOENT || version == dir->version)
            return error;
    }
}

int dir_lookup(struct inode *dir, const char *name, unsigned length, uint32_t *ino)
{
    struct place p;
    int error = dir_find(dir, name, length, &p);
    if (!error) {
        *ino = p.entry->ino;
        place_put(&p);
    }
    return error;
}

/* ---- Changing ---- */

static void changed(struct inode *dir)
{
    dir->version++;
    dir->flags &= ~FLAG_INDEX;
    dir->mtime = dir->ctime = fs_now();
    inode_dirty(dir);
    flush_later();
}

static void fill_entry(struct mount *m, struct entry *e, const char *name, unsigned length,
                       uint32_t ino, uint32_t mode)
{
    e->ino = ino;
    e->name_length = length;
    e->type = m->geo.filetype ? type_of_mode[mode >> 12 & 15] : 0;
    memcpy(e->name, name, length);
}

/* Puts the entry into the block if there is room. 1, 0, -EUCLEAN. */
static int add_to_block(struct inode *dir, struct page *page, uint32_t number, const char *name,
                        unsigned length, uint32_t ino, uint32_t mode)
{
    struct mount *m = dir->mount;
    unsigned need = entry_size(length);
    for (uint32_t offset = 0; offset < m->geo.block_size;) {
        struct entry *e = dir_entry(m, page, offset);
        if (!e)
            return bad_entry(dir);
        unsigned used = e->ino ? entry_size(e->name_length) : 0;
        if (e->reclen - used >= need) {
            struct entry *new = (struct entry *)((uint8_t *)e + used);
            if (used) {
                new->reclen = e->reclen - used;
                e->reclen = used;
            }
            fill_entry(m, new, name, length, ino, mode);
            cache_dirty(page);
            index_add(dir, fs_hash(name, length),
                      ((uint64_t)number << m->geo.block_shift) + offset + used);
            return 1;
        }
        offset += e->reclen;
    }
    return 0;
}

/* Makes the directory one block longer, which is all one unused entry. */
static int grow(struct inode *dir, struct page **page)
{
    struct mount *m = dir->mount;
    uint32_t block;
    if (dir_blocks(dir) >= m->geo.blocks)
        return -ENOSPC;
    int error = map_block(dir, dir_blocks(dir), true, &block);
    if (error)
        return error;
    error = cache_block_new(m->index, block, page);
    if (error) {
        map_cut(dir, dir_blocks(dir));
        return error;
    }
    ((struct entry *)(*page)->data)->reclen = m->geo.block_size;
    dir->size += m->geo.block_size;
    inode_dirty(dir);
    return 0;
}

int dir_add(struct inode *dir, const char *name, unsigned length, uint32_t ino, uint32_t mode)
{
    struct page *page;
    int error;
    for (uint32_t n = MIN(dir->slot_hint, dir_blocks(dir)); n < dir_blocks(dir); n++) {
        error = dir_block(dir, n, &page);
        if (error)
            return error;
        error = add_to_block(dir, page, n, name, length, ino, mode);
        cache_put(page);
        if (error < 0)
            return error;
        dir->slot_hint = n;
        if (error) {
            changed(dir);
            return 0;
        }
    }
    error = grow(dir, &page);
    if (error) {
        if (error == -ENOSPC)
            map_cut(dir, dir_blocks(dir)); /* an indirect block may have been had, but no more */
        return error;
    }
    dir->slot_hint = dir_blocks(dir) - 1;
    error = add_to_block(dir, page, dir->slot_hint, name, length, ino, mode);
    cache_put(page);
    changed(dir);
    return error == 1 ? 0 : -EUCLEAN;
}

void dir_remove(struct inode *dir, struct place *p, const char *name, unsigned length)
{
    struct entry *e = p->entry;
    index_remove(dir, fs_hash(name, length),
                 ((uint64_t)p->block << dir->mount->geo.block_shift) + p->offset);
    for (uint32_t offset = 0; offset < p->offset;) { /* the entry before takes its room */
        struct entry *before = dir_entry(dir->mount, p->page, offset);
        if (!before)
            break;
        offset += before->reclen;
        if (offset == p->offset)
            before->reclen += e->reclen;
    }
    e->ino = 0;
    cache_dirty(p->page);
    dir->slot_hint = MIN(dir->slot_hint, p->block);
    changed(dir);
}

void dir_replace(struct inode *dir, struct place *p, uint32_t ino, uint32_t mode)
{
    p->entry->ino = ino;
    p->entry->type = dir->mount->geo.filetype ? type_of_mode[mode >> 12 & 15] : 0;
    cache_dirty(p->page);
    changed(dir);
}

int dir_init(struct inode *dir, uint32_t parent)
{
    struct page *page;
    int error = grow(dir, &page);
    if (error)
        return error;
    struct mount *m = dir->mount;
    struct entry *e = (struct entry *)page->data;
    fill_entry(m, e, ".", 1, dir->ino, S_IFDIR);
    e->reclen = entry_size(1);
    e = (struct entry *)(page->data + entry_size(1));
    fill_entry(m, e, "..", 2, parent, S_IFDIR);
    e->reclen = m->geo.block_size - entry_size(1);
    cache_dirty(page);
    cache_put(page);
    changed(dir);
    return 0;
}

int dir_empty(struct inode *dir)
{
    for (uint32_t n = 0; n < dir_blocks(dir); n++) {
        struct page *page;
        int error = dir_block(dir, n, &page);
        if (error)
            return error;
        int empty = 1;
        for (uint32_t offset = 0; offset < dir->mount->geo.block_size && empty > 0;) {
            struct entry *e = dir_entry(dir->mount, page, offset);
            if (!e) {
                empty = bad_entry(dir);
                break;
            }
            if (e->ino && !fs_is_dots(e->name, e->name_length))
                empty = 0;
            offset += e->reclen;
        }
        cache_put(page);
        if (empty <= 0)
            return empty;
    }
    return 1;
}

/* ---- Listing ---- */

/* The entries of one block from `start` on. 1 to go on, 0 when the window is full, or an error. */
static int dents_of_block(struct inode *dir, struct page *page, uint64_t base, uint32_t start,
                          struct dents *d, uint64_t *position)
{
    for (uint32_t offset = 0; offset < dir->mount->geo.block_size;) {
        struct entry *e = dir_entry(dir->mount, page, offset);
        if (!e)
            return bad_entry(dir);
        uint64_t next = base + offset + e->reclen;
        if (offset >= start) {
            uint8_t type = ext2_dtype(&dir->mount->geo, e);
            int added = e->ino && e->name_length
                            ? dents_add(d, e->ino, next, type, e->name, e->name_length)
                            : 1;
            if (added <= 0)
                return added;
            *position = next;
        }
        offset += e->reclen;
    }
    return 1;
}

int64_t do_dents(struct message *m)
{
    struct inode *dir;
    int64_t error = inode_of(m->object, &dir);
    if (error)
        return error;
    struct dents d;
    dents_start(&d, m);
    uint64_t position = m->position;
    bool full = false;
    if (!S_ISDIR(dir->mode))
        error = -ENOTDIR;
    while (!error && !full && dir->links && position < dir->size) {
        uint32_t number = position >> dir->mount->geo.block_shift;
        uint64_t base = (uint64_t)number << dir->mount->geo.block_shift;
        struct page *page;
        error = dir_block(dir, number, &page);
        if (error)
            break;
        int more = dents_of_block(dir, page, base, position - base, &d, &position);
        cache_put(page);
        if (more < 0)
            error = more;
        else if (more == 0)
            full = true;
        else
            position = base + dir->mount->geo.block_size;
    }
    bool some = d.sent + d.filled != 0;
    inode_put(dir);
    if (error && (error == -EFAULT || !some))
        return error;
    return dents_end(&d, position, full);
}

int64_t do_name(struct message *m)
{
    struct inode *dir;
    int error = inode_of(m->object, &dir);
    if (error)
        return error;
    int64_t result = S_ISDIR(dir->mode) ? -ENOENT : -ENOTDIR;
    for (uint32_t n = 0; result == -ENOENT && n < dir_blocks(dir); n++) {
        struct page *page;
        error = dir_block(dir, n, &page);
        if (error) {
            result = error;
            break;
        }
        for (uint32_t offset = 0; offset < dir->mount->geo.block_size;) {
            struct entry *e = dir_entry(dir->mount, page, offset);
            if (!e) {
                result = bad_entry(dir);
                break;
            }
            if (e->ino == fs_object_ino(m->w[3]) && !fs_is_dots(e->name, e->name_length)) {
                result = e->name_length > m->w[2]                  ? -ERANGE
                         : copy_out(m, 0, e->name, e->name_length) ? -EFAULT
                                                                   : e->name_length;
                break;
            }
            offset += e->reclen;
        }
        cache_put(page);
    }
    inode_put(dir);
    return result;
}
