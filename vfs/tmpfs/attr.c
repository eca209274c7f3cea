/* Opening, holding and letting go; attributes. */
#include "tmpfs.h"

static void empty(struct node *n)
{
    data_cut(n, 0);
    n->size = 0;
    touch(n);
}

int64_t do_open(struct message *m)
{
    struct node *n = node_of(m->object);
    if (!n)
        return -ESTALE;
    uint64_t flags = m->w[1];
    bool path = flags & O_PATH, writes = !path && fs_writes(flags);
    if (path)
        flags &= ~(uint64_t)O_TRUNC; /* only a name for it: any type will do */
    if (S_ISDIR(n->mode) && writes)
        return -EISDIR;
    if (!path && !S_ISDIR(n->mode) && !S_ISREG(n->mode))
        return S_ISLNK(n->mode) ? -ELOOP : -ENXIO;
    if ((writes || flags & O_TRUNC) && mounts[n->mount].read_only)
        return -EROFS;
    if ((writes || flags & O_TRUNC) && n->denies)
        return -ETXTBSY;
    bool empties = flags & O_TRUNC && n->size && S_ISREG(n->mode);
    if (flags & O_TRUNC)
        n->mode = fs_mode_changed(m, n->mode);
    if (empties && n->holds) {
        empty(n);
        if (fs_shrunk(m, 0, 0))
            return LATER;
    }
    int64_t descriptor = connect(m, m->object, fs_connection_flags(flags));
    if (descriptor < 0)
        return descriptor;
    n->opens++;
    n->writers += writes;
    if (empties)
        empty(n);
    return descriptor;
}

void do_release(const struct message *m)
{
    struct node *n = node_of(m->object);
    if (!n || !n->opens)
        return;
    n->opens--;
    if (fs_writes(m->flags) && n->writers)
        n->writers--;
    node_unused(n);
}

int64_t do_hold(struct message *m)
{
    struct node *n = node_of(m->object);
    if (!n)
        return -ESTALE;
    if ((int64_t)m->w[1] > 0) {
        if (m->w[2] && n->writers)
            return -ETXTBSY;
        n->holds++;
        n->denies += m->w[2] != 0;
        node_read(n);
        return 0;
    }
    if (!n->holds)
        return -EINVAL;
    n->holds--;
    n->denies -= m->w[2] && n->denies;
    node_unused(n);
    /* its pages are its memory: kept elsewhere they would be taken for nothing once it is removed
     */
    return FS_HOLD_BACK;
}

int64_t do_stat(struct message *m)
{
    struct node *n = node_of(m->object);
    if (!n)
        return -ESTALE;
    struct stat s = {
        .dev = mounts[n->mount].dev,
        .ino = n->index,
        .nlink = n->links,
        .mode = n->mode,
        .uid = n->uid,
        .gid = n->gid,
        .rdev = n->rdev,
        .size = n->size,
        .blksize = PAGE_SIZE,
        .blocks = S_ISREG(n->mode) ? (int64_t)n->pages * (PAGE_SIZE / 512) : 0,
        .atime = n->atime,
        .mtime = n->mtime,
        .ctime = n->ctime,
    };
    return copy_out(m, 0, &s, sizeof(s));
}

int64_t do_setattr(struct message *m)
{
    struct node *n = node_of(m->object);
    struct fs_attr a;
    if (!n)
        return -ESTALE;
    if (m->w[2] != sizeof(a))
        return -EINVAL;
    if (copy_in(m, 0, &a, sizeof(a)))
        return -EFAULT;
    if (mounts[n->mount].read_only)
        return -EROFS;
    if (a.which & ATTR_MODE)
        n->mode = (n->mode & S_IFMT) | (a.mode & 07777);
    if (a.which & ATTR_UID)
        n->uid = a.uid;
    if (a.which & ATTR_GID)
        n->gid = a.gid;
    if (a.which & ATTR_ATIME)
        n->atime = a.atime;
    if (a.which & ATTR_MTIME)
        n->mtime = a.mtime;
    n->ctime = fs_now();
    return 0;
}

int64_t do_seek(struct message *m)
{
    struct node *n = node_of(m->object);
    return n ? fs_seek(m, S_ISDIR(n->mode) ? INT64_MAX : n->size) : -ESTALE;
}

int64_t do_ioctl(struct message *m)
{
    struct node *n = node_of(m->object);
    return n ? S_ISREG(n->mode) ? fs_ioctl(m, n->size) : -ENOTTY : -ESTALE;
}
