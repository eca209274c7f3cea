/* Opening, holding and letting go; attributes. */
#include "ext2.h"

int64_t do_open(struct message *m)
{
    struct inode *i;
    int64_t result = inode_of(m->object, &i);
    if (result)
        return result;
    bool path = m->w[1] & O_PATH, writes = !path && fs_writes(m->w[1]);
    if (path)
        m->w[1] &= ~(uint64_t)O_TRUNC; /* only a name for it: any type will do */
    else if (S_ISDIR(i->mode) && writes)
        result = -EISDIR;
    else if (!S_ISDIR(i->mode) && !S_ISREG(i->mode))
        result = S_ISLNK(i->mode) ? -ELOOP : -ENXIO;
    else if (i->links == 0 && !i->opens && !i->holds)
        result = -ENOENT;
    else if ((writes || (m->w[1] & O_TRUNC)) && i->mount->read_only)
        result = -EROFS;
    else if ((writes || (m->w[1] & O_TRUNC)) && i->denies)
        result = -ETXTBSY;
    if (!result && (m->w[1] & O_TRUNC) && S_ISREG(i->mode)) {
        uint32_t mode = fs_mode_changed(m, i->mode);
        if (mode != i->mode) {
            i->mode = mode;
            inode_dirty(i);
        }
    }
    if (!result && (m->w[1] & O_TRUNC) && S_ISREG(i->mode) && i->size) {
        lock_take(&i->lock);
        result = file_resize(i, 0);
        lock_give(&i->lock);
        if (!result && i->holds && fs_shrunk(m, 0, 0)) {
            inode_put(i);
            return LATER;
        }
    }
    if (!result)
        result = inode_held(i, m->call);
    if (!result) {
        result = connect(m, m->object,
                         fs_connection_flags(m->w[1]) | cache_errors_at_open(inode_owner(i)));
        i->opens += result >= 0;
        i->writers += result >= 0 && writes;
        inode_let_go(i);
    }
    inode_put(i);
    return result;
}

void do_release(const struct message *m)
{
    struct inode *i;
    if (inode_of(m->object, &i))
        return;
    if (i->opens) {
        i->opens--;
        if (fs_writes(m->flags) && i->writers)
            i->writers--;
        inode_let_go(i);
    }
    inode_put(i);
}

int64_t do_hold(struct message *m)
{
    struct inode *i;
    int64_t result = inode_of(m->object, &i);
    if (result)
        return result;
    if ((int64_t)m->w[1] > 0) {
        if (m->w[2] && i->writers) {
            result = -ETXTBSY;
        } else if (!(result = inode_held(i, m->call))) {
            i->holds++;
            i->denies += m->w[2] != 0;
            inode_read(i);
        }
    } else if (i->holds) {
        i->holds--;
        i->denies -= m->w[2] && i->denies;
        inode_let_go(i);
        result = i->links ? 0 : FS_HOLD_BACK;
    } else {
        result = -EINVAL;
    }
    inode_put(i);
    return result;
}

int64_t do_stat(struct message *m)
{
    struct inode *i;
    int error = inode_of(m->object, &i);
    if (error)
        return error;
    struct stat s = {
        .dev = i->mount->dev,
        .ino = i->ino,
        .nlink = i->links,
        .mode = i->mode,
        .uid = i->uid,
        .gid = i->gid,
        .rdev = inode_rdev(i),
        .size = i->size,
        .blksize = PAGE_SIZE,
        .blocks = i->sectors,
        .atime = i->atime,
        .mtime = i->mtime,
        .ctime = i->ctime,
    };
    inode_put(i);
    return copy_out(m, 0, &s, sizeof(s));
}

int64_t do_setattr(struct message *m)
{
    struct fs_attr a;
    if (m->w[2] != sizeof(a))
        return -EINVAL;
    if (copy_in(m, 0, &a, sizeof(a)))
        return -EFAULT;
    struct inode *i;
    int error = inode_of(m->object, &i);
    if (error)
        return error;
    if (i->mount->read_only) {
        inode_put(i);
        return -EROFS;
    }
    if (a.which & ATTR_MODE)
        i->mode = (i->mode & S_IFMT) | (a.mode & 07777);
    if (a.which & ATTR_UID)
        i->uid = a.uid;
    if (a.which & ATTR_GID)
        i->gid = a.gid;
    if (a.which & ATTR_ATIME)
        i->atime = a.atime;
    if (a.which & ATTR_MTIME)
        i->mtime = a.mtime;
    i->ctime = fs_now();
    inode_dirty(i);
    flush_later();
    inode_put(i);
    return 0;
}

int64_t do_seek(struct message *m)
{
    struct inode *i;
    int error = inode_of(m->object, &i);
    if (error)
        return error;
    uint64_t size = i->size;
    inode_put(i);
    return fs_seek(m, size);
}

int64_t do_ioctl(struct message *m)
{
    struct inode *i;
    int error = inode_of(m->object, &i);
    if (error)
        return error;
    uint64_t size = S_ISREG(i->mode) ? i->size : 0;
    bool regular = S_ISREG(i->mode);
    inode_put(i);
    return regular ? fs_ioctl(m, size) : -ENOTTY;
}
