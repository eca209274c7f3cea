/* Inodes as they stand in the inode table: loaded, stored, made, and freed.
 *
 * A number becomes an inode in this order: the bit in the bitmap (ino_alloc), an inode in memory,
 * held and loading (node_insert), so that no other thread finds it half made; an empty inode in the
 * table; then its fields. It has no link until its name has been written: an inode that loses its
 * last holder before that is freed again like any other without links.
 *
 * An inode is freed in the opposite order: its blocks, its extended attributes, its place in the
 * table with the time of deletion (e2fsck looks at that), and last its bit. Only then can the
 * number be another file's, which has a new generation. */
#include "ext2.h"

static uint32_t last_generation;

/* The inode's place *d in its block of the table; the page is held. A block in which no inode is in
 * use (`unused_block`) is not read. 0, -EIO, -ENOMEM. */
static int find_slot(struct mount *m, uint32_t ino, bool unused_block, struct page **page,
                     struct disk_inode **d)
{
    uint32_t group = (ino - 1) / m->geo.inodes_per_group;
    uint64_t offset = (uint64_t)((ino - 1) % m->geo.inodes_per_group) * m->geo.inode_size;
    uint32_t block = mount_group(m, group)->inode_table + (offset >> m->geo.block_shift);
    int error = unused_block && !cache_has(cache_meta(m->index), block)
                    ? cache_block_new(m->index, block, page)
                    : cache_block(m->index, block, page);
    if (!error)
        *d = (struct disk_inode *)((*page)->data + (offset & (m->geo.block_size - 1)));
    return error;
}

static int table_slot(struct mount *m, uint32_t ino, struct page **page, struct disk_inode **d)
{
    return find_slot(m, ino, false, page, d);
}

static void pack_time(const struct timespec64 *t, uint32_t *sec, uint32_t *extra)
{
    *sec = (uint32_t)t->sec;
    if (extra)
        *extra = (uint32_t)((t->sec - (int32_t)t->sec) >> 32 & 3) | (uint32_t)t->nsec << 2;
}

/* Fills the inode in from its place in the table: 0, or -EUCLEAN if its fields cannot be. */
static int unpack(struct inode *i, const struct disk_inode *d)
{
    struct mount *m = mount_of(i);
    const char *wrong = ext2_check_inode(&m->geo, d);
    if (wrong)
        return mount_corrupt(m, wrong, i->ino);
    i->mode = d->mode;
    i->links = d->links;
    i->uid = d->uid | (uint32_t)d->uid_high << 16;
    i->gid = d->gid | (uint32_t)d->gid_high << 16;
    i->flags = d->flags;
    i->blocks = d->sectors;
    i->file_acl = d->file_acl;
    i->generation = d->generation;
    i->size = ext2_size(d);
    ext2_times(&m->geo, d, &i->atime, &i->mtime, &i->ctime);
    memcpy(i->block, d->block, sizeof i->block);
    i->rdev = ext2_rdev(i->mode, i->block);
    i->object = fs_object(m->index, i->generation, i->ino);
    return 0;
}

int inode_store(struct disk_node *n)
{
    struct inode *i = inode_of(n);
    struct mount *m = mount_of(i);
    struct page *page;
    struct disk_inode *d;
    int error = table_slot(m, i->ino, &page, &d);
    if (error)
        return error;
    i->dirty = false;
    d->mode = i->mode;
    d->links = i->links;
    d->uid = i->uid;
    d->uid_high = i->uid >> 16;
    d->gid = i->gid;
    d->gid_high = i->gid >> 16;
    d->flags = i->flags;
    d->sectors = i->blocks;
    d->generation = i->generation;
    d->file_acl = i->file_acl;
    d->size = (uint32_t)i->size;
    if (S_ISREG(i->mode)) {
        d->size_high = i->size >> 32;
        if (i->size > INT32_MAX)
            m->large_file_noted = m->super->rev_level != 0;
    }
    bool extra = ext2_has_extra(&m->geo, d);
    pack_time(&i->atime, &d->atime, extra ? &d->atime_extra : NULL);
    pack_time(&i->mtime, &d->mtime, extra ? &d->mtime_extra : NULL);
    pack_time(&i->ctime, &d->ctime, extra ? &d->ctime_extra : NULL);
    memcpy(d->block, i->block, sizeof i->block);
    if (i->links)
        d->dtime = 0;
    cache_dirty(page);
    cache_put(page);
    flush_later();
    return 0;
}

int inode_load(struct disk_node *n)
{
    struct mount *m = mount_of(inode_of(n));
    struct page *page;
    struct disk_inode *d;
    if (n->ino == 0 || n->ino > m->geo.inodes || (n->ino < m->geo.first_ino && n->ino != ROOT_INO))
        return -ESTALE;
    int error = table_slot(m, n->ino, &page, &d);
    if (error)
        return error;
    error = d->links ? unpack(inode_of(n), d) : -ESTALE;
    cache_put(page);
    return error;
}

void inode_destroy(struct disk_node *n)
{
    struct inode *i = inode_of(n);
    struct mount *m = mount_of(i);
    struct page *page;
    struct disk_inode *d;
    if (inode_has_data_blocks(i)) {
        cache_forget_from(contents_owner(inode_node(i)), 0, (i->size + PAGE_SIZE - 1) / PAGE_SIZE);
        map_cut(i, 0);
    }
    attributes_release(i);
    if (inode_store(n) == 0 && table_slot(m, i->ino, &page, &d) == 0) {
        d->size = d->size_high = d->sectors = 0;
        d->dtime = fs_now().sec;
        d->links = 0;
        cache_dirty(page);
        cache_put(page);
    }
    ino_free(m, i->ino, S_ISDIR(i->mode));
}

/* ---- New inodes ---- */

/* A device number stands in block[], in Linux's old form or its new one. */
static void set_rdev(struct inode *i, uint64_t rdev)
{
    unsigned major = dev_major(rdev), minor = dev_minor(rdev);
    i->rdev = rdev;
    if (major < 256 && minor < 256)
        i->block[0] = major << 8 | minor;
    else
        i->block[1] = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

/* Takes a free number near `parent`: an empty inode, held and loading; or fs_failed(). If there is
 * none, waits for deletions that are under way. The last numbers are root's. */
static struct inode *new_number(struct inode *parent, const struct fs_new *new)
{
    struct mount *m = mount_of(parent);
    int64_t ino;
    do
        ino = new->uid && m->free_inodes <= ino_reserve(m) ? -ENOSPC
                                                           : ino_alloc(parent, S_ISDIR(new->mode));
    while (ino == -ENOSPC && deletion_awaited(&m->deletions));
    if (ino < 0)
        return fs_failed(ino);
    bool mine;
    struct disk_node *n = node_insert((struct disk_mount *)m, ino, &mine);
    if (n && mine)
        return inode_of(n);
    if (n)
        return fs_failed(mount_corrupt(m, "inode in use was marked free", ino));
    ino_free(m, ino, S_ISDIR(new->mode));
    return fs_failed(-ENFILE);
}

/* Makes the place of `ino` in the table an empty inode, created `now`. */
static int clear_slot(struct mount *m, uint32_t ino, const struct timespec64 *now)
{
    struct page *page;
    struct disk_inode *d;
    int error = find_slot(m, ino, ino_alone(m, ino), &page, &d);
    if (error)
        return error;
    memset(d, 0, m->geo.inode_size);
    if (m->geo.inode_size >= sizeof *d) {
        d->extra_isize = EXTRA_ISIZE;
        pack_time(now, &d->crtime, &d->crtime_extra);
    }
    cache_dirty(page);
    cache_put(page);
    return 0;
}

struct inode *inode_create(struct inode *parent, const struct fs_new *new)
{
    struct mount *m = mount_of(parent);
    struct inode *i = new_number(parent, new);
    if (fs_error(i))
        return i;
    struct timespec64 now = fs_now();
    int error = clear_slot(m, i->ino, &now);
    if (error) {
        uint32_t ino = i->ino;
        node_loaded((struct disk_node *)i, error);
        ino_free(m, ino, S_ISDIR(new->mode));
        return fs_failed(error);
    }
    cache_forgive(contents_owner(inode_node(i)));
    last_generation = MAX(last_generation + 1, (uint32_t)now.sec);
    i->generation = last_generation;
    i->object = fs_object(m->index, i->generation, i->ino);
    i->mode = new->mode;
    i->uid = new->uid;
    i->gid = new->gid;
    i->atime = i->mtime = i->ctime = now;
    if (new->rdev)
        set_rdev(i, new->rdev);
    inode_dirty(i);
    return inode_of(node_loaded((struct disk_node *)i, 0));
}
