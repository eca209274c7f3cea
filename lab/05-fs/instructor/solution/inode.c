/* Inodes: got from their block of the table, opened, asked and changed, freed when nothing refers
 * to them. */
#include "minix.h"

int inode_get(uint32_t ino, struct inode *i)
{
    if (!ino || ino > mount.inodes)
        return corrupt("a name of an impossible inode", ino);
    int error = block_get(mount.table_first + (ino - 1) / INODES_PER_BLOCK, &i->page);
    if (error)
        return error;
    i->ino = ino;
    i->d = (struct disk_inode *)i->page->data + (ino - 1) % INODES_PER_BLOCK;
    return 0;
}

int inode_of(uint64_t object, struct inode *i)
{
    uint32_t ino = fs_object_ino(object);
    if (!mount.used || !ino || ino > mount.inodes || object != inode_object(ino))
        return -ESTALE;
    return inode_get(ino, i);
}

static void destroy(struct inode *i)
{
    uint32_t type = i->d->mode & S_IFMT;
    if (type == S_IFREG || type == S_IFDIR || type == S_IFLNK)
        map_cut(i, 0);
    memset(i->d, 0, sizeof *i->d);
    inode_dirty(i);
    bit_free(MAP_FIRST, i->ino);
    mount.generation[i->ino]++;
}

void inode_put(struct inode *i)
{
    if (i->d->mode && !i->d->links && !mount.opens[i->ino] && !mount.read_only)
        destroy(i);
    cache_put(i->page);
}

void inode_touch(struct inode *i)
{
    i->d->mtime = i->d->ctime = fs_now().sec;
    inode_dirty(i);
}

int inode_create(uint32_t mode, uint32_t uid, uint32_t gid, struct inode *i)
{
    uint32_t ino;
    int error = bit_alloc(MAP_FIRST, mount.inodes + 1, &ino);
    if (error)
        return error;
    error = inode_get(ino, i);
    if (error) {
        bit_free(MAP_FIRST, ino);
        return error;
    }
    memset(i->d, 0, sizeof *i->d);
    i->d->mode = mode;
    i->d->uid = uid;
    i->d->gid = gid;
    i->d->atime = fs_now().sec;
    inode_touch(i);
    return 0;
}

/* ---- open files ---- */

static int may_open(const struct inode *i, uint64_t flags)
{
    if (flags & O_PATH)
        return 0;
    if (S_ISDIR(i->d->mode))
        return fs_writes(flags) ? -EISDIR : 0;
    if (!S_ISREG(i->d->mode))
        return S_ISLNK(i->d->mode) ? -ELOOP : -ENXIO;
    return mount.read_only && (fs_writes(flags) || flags & O_TRUNC) ? -EROFS : 0;
}

int64_t do_open(struct message *m)
{
    struct inode i;
    uint64_t flags = m->w[1];
    int64_t result = inode_of(m->object, &i);
    if (result)
        return result;
    result = may_open(&i, flags);
    if (!result && flags & O_TRUNC && !(flags & O_PATH) && S_ISREG(i.d->mode) && i.d->size)
        result = file_resize(&i, 0);
    if (!result)
        result = connect(m, m->object, fs_connection_flags(flags));
    if (result >= 0)
        mount.opens[i.ino]++;
    inode_put(&i);
    return result;
}

static int64_t let_go(uint64_t object)
{
    struct inode i;
    int error = inode_of(object, &i);
    if (error)
        return error;
    if (mount.opens[i.ino])
        mount.opens[i.ino]--;
    inode_put(&i);
    return 0;
}

void do_release(const struct message *m) { let_go(m->object); }

int64_t do_hold(struct message *m)
{
    struct inode i;
    if ((int64_t)m->w[1] < 0)
        return let_go(m->object);
    int error = inode_of(m->object, &i);
    if (error)
        return error;
    mount.opens[i.ino]++;
    inode_put(&i);
    return 0;
}

/* ---- attributes ---- */

/* Blocks of 512 bytes that the inode's file takes, those of zone numbers included. */
static int64_t count_blocks(const struct disk_inode *d)
{
    int64_t blocks = (d->size + BLOCK - 1) / BLOCK;
    return S_ISREG(d->mode) || S_ISDIR(d->mode) || S_ISLNK(d->mode) ? blocks * (BLOCK / 512) : 0;
}

int64_t do_stat(struct message *m)
{
    struct inode i;
    int error = inode_of(m->object, &i);
    if (error)
        return error;
    const struct disk_inode *d = i.d;
    uint32_t type = d->mode & S_IFMT;
    struct stat s = { .dev = mount.dev,
                      .ino = i.ino,
                      .nlink = d->links,
                      .mode = d->mode,
                      .uid = d->uid,
                      .gid = d->gid,
                      .size = d->size,
                      .rdev = type == S_IFCHR || type == S_IFBLK ? d->zone[0] : 0,
                      .blksize = BLOCK,
                      .blocks = count_blocks(d),
                      .atime.sec = d->atime,
                      .mtime.sec = d->mtime,
                      .ctime.sec = d->ctime };
    inode_put(&i);
    return copy_out(m, 0, &s, sizeof s);
}

static int attributes_fit(const struct fs_attr *a)
{
    return (a->which & ATTR_UID && a->uid > ID_MAX) || (a->which & ATTR_GID && a->gid > ID_MAX)
               ? -EINVAL
               : 0;
}

int64_t do_setattr(struct message *m)
{
    struct fs_attr a = fs_attr_of(m->w);
    struct inode i;
    int error = inode_of(m->object, &i);
    if (error)
        return error;
    error = mount.read_only ? -EROFS : attributes_fit(&a);
    if (error) {
        inode_put(&i);
        return error;
    }
    if (a.which & ATTR_MODE)
        i.d->mode = (i.d->mode & S_IFMT) | (a.mode & 07777);
    if (a.which & ATTR_UID)
        i.d->uid = a.uid;
    if (a.which & ATTR_GID)
        i.d->gid = a.gid;
    if (a.which & ATTR_ATIME)
        i.d->atime = a.atime.sec;
    if (a.which & ATTR_MTIME)
        i.d->mtime = a.mtime.sec;
    i.d->ctime = fs_now().sec;
    inode_dirty(&i);
    inode_put(&i);
    return 0;
}
