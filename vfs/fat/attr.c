/* Opening, holding and letting go; attributes, of which FAT has few. */
#include "fat.h"

int64_t do_open(struct message *m)
{
    struct node *n;
    int64_t result = node_of(m->object, &n);
    if (result)
        return result;
    bool path = m->w[1] & O_PATH, writes = !path && fs_writes(m->w[1]),
         truncates = !path && m->w[1] & O_TRUNC;
    if (n->directory && writes)
        result = -EISDIR;
    else if (n->removed && !n->opens && !n->holds)
        result = -ENOENT;
    else if ((writes || truncates) && n->mount->read_only)
        result = -EROFS;
    else if ((writes || truncates) && n->denies)
        result = -ETXTBSY;
    if (!result && truncates && !n->directory && n->size) {
        lock_take(&n->lock);
        result = file_resize(n, 0);
        lock_give(&n->lock);
        if (!result && n->holds && fs_shrunk(m, 0, 0)) {
            node_put(n);
            return LATER;
        }
    }
    if (!result)
        result = node_held(n, m->call);
    if (!result) {
        result = connect(m, m->object,
                         fs_connection_flags(m->w[1]) | cache_errors_at_open(node_owner(n)));
        n->opens += result >= 0;
        n->writers += result >= 0 && writes;
        node_let_go(n);
    }
    node_put(n);
    return result;
}

void do_release(const struct message *m)
{
    struct node *n;
    if (node_of(m->object, &n))
        return;
    if (n->opens) {
        n->opens--;
        if (fs_writes(m->flags) && n->writers)
            n->writers--;
        node_let_go(n);
    }
    node_put(n);
}

int64_t do_hold(struct message *m)
{
    struct node *n;
    int64_t result = node_of(m->object, &n);
    if (result)
        return result;
    if ((int64_t)m->w[1] > 0) {
        if (m->w[2] && n->writers) {
            result = -ETXTBSY;
        } else if (!(result = node_held(n, m->call))) {
            n->holds++;
            n->denies += m->w[2] != 0;
        }
    } else if (n->holds) {
        n->holds--;
        n->denies -= m->w[2] && n->denies;
        node_let_go(n);
        result = n->removed ? FS_HOLD_BACK : 0;
    } else {
        result = -EINVAL;
    }
    node_put(n);
    return result;
}

int64_t do_stat(struct message *m)
{
    struct node *n;
    int error = node_of(m->object, &n);
    if (error)
        return error;
    uint64_t cluster = 1ull << n->mount->cluster_shift, size = n->directory ? cluster : n->size;
    struct stat s = {
        .dev = n->mount->dev,
        .ino = n->ino,
        .nlink = n->removed ? 0 : 1,
        .mode = node_mode(n),
        .size = size,
        .blksize = PAGE_SIZE,
        .blocks = (size + cluster - 1) / cluster * (cluster / 512),
        .atime = n->atime,
        .mtime = n->mtime,
        .ctime = n->mtime,
    };
    node_put(n);
    return copy_out(m, 0, &s, sizeof(s));
}

/* Times can be set; owner and mode only to what they are. */
int64_t do_setattr(struct message *m)
{
    struct fs_attr a;
    struct node *n;
    if (m->w[2] != sizeof(a))
        return -EINVAL;
    if (copy_in(m, 0, &a, sizeof(a)))
        return -EFAULT;
    int error = node_of(m->object, &n);
    if (error)
        return error;
    if (n->mount->read_only)
        error = -EROFS;
    else if ((a.which & ATTR_MODE && (a.mode & 07777) != (node_mode(n) & 07777)) ||
             (a.which & ATTR_UID && a.uid) || (a.which & ATTR_GID && a.gid))
        error = -EPERM;
    if (!error && a.which & (ATTR_ATIME | ATTR_MTIME)) {
        if (a.which & ATTR_ATIME)
            n->atime = a.atime;
        if (a.which & ATTR_MTIME)
            n->mtime = a.mtime;
        n->dirty = true;
        flush_later();
    }
    node_put(n);
    return error;
}

int64_t do_seek(struct message *m)
{
    struct node *n;
    int error = node_of(m->object, &n);
    if (error)
        return error;
    uint64_t size = n->size;
    node_put(n);
    return fs_seek(m, size);
}

int64_t do_ioctl(struct message *m)
{
    struct node *n;
    int error = node_of(m->object, &n);
    if (error)
        return error;
    uint64_t size = n->size;
    bool directory = n->directory;
    node_put(n);
    return directory ? -ENOTTY : fs_ioctl(m, size);
}
