/* Inodes in memory: found by number, held while used, kept for a while afterwards, written into the
 * inode table when dirty, freed on the disk when nothing refers to them any more. */
#include "ext2.h"

enum { HASH_SIZE = 512 };

static struct inode *hash_table[HASH_SIZE];
/* all that have a number; ring.newer is the oldest */
static struct inode ring = { .older = &ring, .newer = &ring };
static struct inode *unused; /* linked by hash_next */
static struct inode all[INODES];
static uint32_t last_generation;

static inline struct inode **bucket(const struct mount *m, uint32_t ino)
{
    return &hash_table[(ino + m->index * 61u) % HASH_SIZE];
}

static void hash_remove(struct inode *i)
{
    struct inode **at = bucket(i->mount, i->ino);
    while (*at != i)
        at = &(*at)->hash_next;
    *at = i->hash_next;
}

static void ring_remove(struct inode *i)
{
    i->older->newer = i->newer;
    i->newer->older = i->older;
}

static void ring_add_newest(struct inode *i)
{
    i->older = ring.older;
    i->newer = &ring;
    ring.older->newer = i;
    ring.older = i;
}

static void recycle(struct inode *i)
{
    i->hash_next = unused;
    unused = i;
}

static void forget(struct inode *i)
{
    index_drop(i);
    hash_remove(i);
    ring_remove(i);
    recycle(i);
}

static inline bool idle(const struct inode *i)
{
    return !i->uses && !i->opens && !i->holds && !i->loading && !i->freeing;
}

void inodes_init(void)
{
    for (unsigned k = 0; k < INODES; k++)
        recycle(&all[k]);
}

static struct share held_share = SHARE(INODES, INODES / 4, INODES / 2);

int inode_held(struct inode *i, call_t call)
{
    if (i->opens || i->holds)
        return 0;
    i->user = share_user(&held_share, call);
    return share_take(&held_share, i->user, 1, -ENFILE);
}

void inode_let_go(const struct inode *i)
{
    if (!i->opens && !i->holds)
        share_give(&held_share, i->user, 1);
}

/* A free structure, if need be by forgetting an inode that nobody uses. May wait. */
static struct inode *take(void)
{
    for (unsigned tries = 0; !unused && tries < 64; tries++) {
        struct inode *i = ring.newer;
        while (i != &ring && !idle(i))
            i = i->newer;
        if (i == &ring)
            return NULL;
        if (i->dirty) {
            i->uses++;
            inode_store(i);
            i->uses--;
        }
        if (idle(i) && !i->dirty)
            forget(i);
    }
    struct inode *i = unused;
    if (i)
        unused = i->hash_next;
    return i;
}

/* ---- The inode table ---- */

/* The inode's place in its block of the table; the page is held. A block of which nothing is needed
 * (`unused_block`) is not read. */
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

static int unpack(struct inode *i, const struct disk_inode *d)
{
    struct mount *m = i->mount;
    const char *wrong = ext2_check_inode(&m->geo, d);
    if (wrong)
        return mount_corrupt(m, wrong, i->ino);
    i->mode = d->mode;
    i->links = d->links;
    i->uid = d->uid | (uint32_t)d->uid_high << 16;
    i->gid = d->gid | (uint32_t)d->gid_high << 16;
    i->flags = d->flags;
    i->sectors = d->sectors;
    i->file_acl = d->file_acl;
    i->generation = d->generation;
    i->size = ext2_size(d);
    ext2_times(&m->geo, d, &i->atime, &i->mtime, &i->ctime);
    memcpy(i->block, d->block, sizeof(i->block));
    return 0;
}

int inode_store(struct inode *i)
{
    struct mount *m = i->mount;
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
    d->sectors = i->sectors;
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
    memcpy(d->block, i->block, sizeof(i->block));
    if (i->links)
        d->dtime = 0;
    cache_dirty(page);
    cache_put(page);
    flush_later();
    return 0;
}

int inodes_store(struct mount *m)
{
    int error = 0;
again:
    for (struct inode *i = ring.newer; i != &ring; i = i->newer) {
        if (i->mount != m || !i->dirty || i->freeing)
            continue;
        i->uses++;
        int e = inode_store(i);
        i->uses--;
        error = error ? error : e;
        if (e)
            i->dirty = false; /* it has been said; do not try for ever */
        goto again;
    }
    return error;
}

bool inodes_busy(const struct mount *m)
{
    for (struct inode *i = ring.newer; i != &ring; i = i->newer)
        if (i->mount == m && !idle(i))
            return true;
    return false;
}

void inodes_drop(struct mount *m)
{
    for (struct inode *i = ring.newer, *next; i != &ring; i = next) {
        next = i->newer;
        if (i->mount == m)
            forget(i);
    }
}

/* ---- Getting and putting ---- */

static struct inode *find(const struct mount *m, uint32_t ino)
{
    struct inode *i = *bucket(m, ino);
    while (i && (i->ino != ino || i->mount != m))
        i = i->hash_next;
    return i;
}

/* An empty inode in the hash, held and marked loading; or one that somebody else has put there
 * meanwhile. */
static struct inode *insert(struct mount *m, uint32_t ino, bool *mine)
{
    struct inode *fresh = take(), *i = find(m, ino);
    *mine = fresh && !i;
    if (!*mine) {
        if (fresh)
            recycle(fresh);
        return i;
    }
    *fresh = (struct inode){ .mount = m, .ino = ino, .uses = 1, .loading = true };
    fresh->hash_next = *bucket(m, ino);
    *bucket(m, ino) = fresh;
    ring_add_newest(fresh);
    return fresh;
}

static int loaded(struct inode *i)
{
    i->loading = false;
    condition_wake(&i->loaded);
    return 0;
}

/* The end of an inode that could not be loaded; the last of those who wait for it recycles it. */
static int abandon(struct inode *i, int error)
{
    hash_remove(i);
    ring_remove(i);
    i->failed = error;
    loaded(i);
    if (--i->uses == 0)
        recycle(i);
    return error;
}

static int load(struct inode *i)
{
    struct page *page;
    struct disk_inode *d;
    int error = table_slot(i->mount, i->ino, &page, &d);
    if (error)
        return error;
    error = d->links || d->mode ? unpack(i, d) : -ESTALE;
    if (!error && !i->links)
        error = -ESTALE;
    cache_put(page);
    return error;
}

int inode_get(struct mount *m, uint32_t ino, struct inode **to)
{
    if (ino == 0 || ino > m->geo.inodes || (ino < m->geo.first_ino && ino != ROOT_INO))
        return -ESTALE;
    struct inode *i = find(m, ino);
    if (!i) {
        bool mine;
        i = insert(m, ino, &mine);
        if (!i)
            return -ENFILE;
        if (mine) {
            int error = load(i);
            *to = i;
            return error ? abandon(i, error) : loaded(i);
        }
    }
    if (i->freeing)
        return -ESTALE;
    i->uses++;
    while (i->loading)
        condition_wait(&i->loaded);
    int error = i->failed;
    if (error && --i->uses == 0)
        recycle(i);
    *to = i;
    return error;
}

int inode_of(uint64_t object, struct inode **to)
{
    unsigned k = fs_object_mount(object);
    if (k >= MOUNTS || !mounts[k].used)
        return -ESTALE;
    struct inode *i = find(&mounts[k], fs_object_ino(object));
    if (i && !i->loading && !i->freeing) {
        i->uses++;
    } else {
        int error = inode_get(&mounts[k], fs_object_ino(object), &i);
        if (error)
            return error;
    }
    if ((i->generation & 0xffffff) != fs_object_generation(object)) {
        inode_put(i);
        return -ESTALE;
    }
    *to = i;
    return 0;
}

/* Extended attributes stand in a block that several inodes may share. */
static void free_attributes(struct inode *i)
{
    struct mount *m = i->mount;
    uint32_t block = i->file_acl;
    struct page *page;
    i->file_acl = 0;
    if (!block || !block_ok(&m->geo, block) || cache_block(m->index, block, &page))
        return;
    struct {
        uint32_t magic, references;
    } *head = (void *)page->data;
    bool last = head->magic == XATTR_MAGIC && head->references <= 1;
    if (head->magic == XATTR_MAGIC && !last) {
        head->references--;
        cache_dirty(page);
    }
    cache_put(page);
    if (last)
        block_free(m, block);
}

/* Gives an inode without links, which nobody uses, back to the disk. */
static void destroy(struct inode *i)
{
    struct mount *m = i->mount;
    i->freeing = true;
    i->uses = 1;
    deletion_begins(&m->deletions);
    if (inode_has_data_blocks(i)) {
        cache_forget_from(inode_owner(i), 0, (i->size + PAGE_SIZE - 1) / PAGE_SIZE);
        map_cut(i, 0);
    }
    free_attributes(i);
    bool directory = S_ISDIR(i->mode);
    struct page *page;
    struct disk_inode *d;
    if (inode_store(i) == 0 && table_slot(m, i->ino, &page, &d) == 0) {
        d->size = d->size_high = d->sectors = 0;
        d->dtime = fs_now().sec;
        d->links = 0;
        cache_dirty(page);
        cache_put(page);
    }
    ino_free(m, i->ino, directory);
    i->uses = 0;
    forget(i);
    deletion_ends(&m->deletions);
}

void inode_put(struct inode *i)
{
    ASSERT(i->uses);
    if (--i->uses || i->freeing)
        return;
    ring_remove(i);
    ring_add_newest(i);
    if (i->links == 0 && !i->opens && !i->holds && !i->mount->read_only)
        destroy(i);
}

/* ---- New inodes ---- */

int inode_create(struct inode *parent, uint32_t mode, uint32_t uid, uint32_t gid, struct inode **to)
{
    struct mount *m = parent->mount;
    struct page *page;
    struct disk_inode *d;
    uint32_t ino;
    int error;
    do
        error = uid && m->free_inodes <= ino_reserve(m) ? -ENOSPC
                                                        : ino_alloc(parent, S_ISDIR(mode), &ino);
    while (error == -ENOSPC && deletion_awaited(&m->deletions));
    if (error)
        return error;
    bool mine;
    struct inode *i = insert(m, ino, &mine);
    if (i && !mine)
        return mount_corrupt(m, "inode in use was marked free", ino);
    if (!i) {
        error = -ENFILE;
        goto free_number;
    }
    error = find_slot(m, ino, ino_alone(m, ino), &page, &d);
    if (error)
        goto free_inode;
    memset(d, 0, m->geo.inode_size);
    if (m->geo.inode_size >= sizeof(*d))
        d->extra_isize = EXTRA_ISIZE;
    struct timespec64 now = fs_now();
    last_generation = MAX(last_generation + 1, (uint32_t)now.sec);
    if (m->geo.inode_size >= sizeof(*d))
        pack_time(&now, &d->crtime, &d->crtime_extra);
    cache_dirty(page);
    cache_put(page);
    cache_forgive(inode_owner(i));
    i->generation = last_generation;
    i->mode = mode;
    i->uid = uid;
    i->gid = gid;
    i->atime = i->mtime = i->ctime = now;
    inode_dirty(i);
    *to = i;
    return loaded(i);

free_inode:
    abandon(i, error);
free_number:
    ino_free(m, ino, S_ISDIR(mode));
    return error;
}

void inode_set_rdev(struct inode *i, uint64_t rdev)
{
    unsigned major = dev_major(rdev), minor = dev_minor(rdev);
    if (major < 256 && minor < 256)
        i->block[0] = major << 8 | minor;
    else
        i->block[1] = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}
