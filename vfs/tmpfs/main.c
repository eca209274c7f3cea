/* tmpfs: a file system in memory, for /tmp. Start-up, the handler table, and the operations on a node's description. */
#include "tmpfs.h"

static KEPT struct node *roots[MOUNTS_MAX];

static int64_t do_stat(struct message *m)
{
    const struct node *n = node_find(m->object);
    if (!n)
        return -ESTALE;
    struct stat s = {
        .dev = 32 + n->mount, .ino = n->ino, .nlink = n->links, .mode = n->mode, .uid = n->uid, .gid = n->gid, .rdev = n->rdev,
        .size = S_ISDIR(n->mode) ? (int64_t)n->next_cookie * 20 : (int64_t)n->size, .blksize = PAGE_SIZE,
        .blocks = n->blocks * (PAGE_SIZE / 512), .atime = n->atime, .mtime = n->mtime, .ctime = n->ctime,
    };
    return copy_out(m, 0, &s, sizeof s);
}

static int64_t do_open(struct message *m)
{
    struct node *n = node_find(m->object);
    if (!n)
        return -ESTALE;
    if (fs_writes(m->w[1]) && S_ISDIR(n->mode))
        return -EISDIR;
    if (fs_writes(m->w[1]) && n->writers_denied)
        return -ETXTBSY;
    int64_t fd = connect(m, m->object, fs_connection_flags(m->w[1]));
    if (fd < 0)
        return fd;
    n->users++;
    if (m->w[1] & O_TRUNC && S_ISREG(n->mode) && fs_writes(m->w[1])) {
        file_cut(n, 0);
        n->size = 0;
        node_touch(n, true);
    }
    return fd;
}

static void released(const struct message *m)
{
    struct node *n = node_find(m->object);
    if (!n || !n->users)
        return;
    n->users--;
    node_drop(n);
}

static int64_t do_hold(struct message *m)
{
    struct node *n = node_find(m->object);
    if (!n)
        return -ESTALE;
    if ((int64_t)m->w[1] > 0) {
        n->users++;
        n->writers_denied += m->w[2] != 0;
    } else if (n->users) {
        n->users--;
        n->writers_denied -= m->w[2] != 0 && n->writers_denied;
        node_drop(n);
    }
    return 0;
}

static int64_t do_setattr(struct message *m)
{
    struct fs_attr a;
    struct node *n = node_find(m->object);
    int error = n ? copy_in(m, 0, &a, sizeof a) : -ESTALE;
    if (error)
        return error;
    if (a.which & ATTR_MODE)
        n->mode = (n->mode & S_IFMT) | (a.mode & 07777);
    if (a.which & ATTR_UID)
        n->uid = a.uid;
    if (a.which & ATTR_GID)
        n->gid = a.gid;
    node_touch(n, false);
    if (a.which & ATTR_ATIME)
        n->atime = a.atime;
    if (a.which & ATTR_MTIME)
        n->mtime = a.mtime;
    return 0;
}

static int64_t do_readlink(struct message *m)
{
    const struct node *n = node_find(m->object);
    if (!n || !S_ISLNK(n->mode))
        return n ? -EINVAL : -ESTALE;
    size_t length = MIN(n->size, m->w[2]);
    int error = copy_out(m, 0, n->target, length);
    return error ? error : (int64_t)length;
}

static int64_t do_statfs(struct message *m)
{
    struct statfs s = {
        .type = 0x01021994, .bsize = PAGE_SIZE, .blocks = pages_all(), .bfree = pages_free(), .bavail = pages_free(),
        .files = NODES_MAX, .ffree = NODES_MAX - node_count(), .namelen = NAME_MAX, .frsize = PAGE_SIZE,
    };
    return copy_out(m, 0, &s, sizeof s);
}

static int64_t do_mount(struct message *m)
{
    unsigned i = 0;
    while (i < MOUNTS_MAX && roots[i])
        i++;
    struct node *root = i < MOUNTS_MAX ? node_create(i, S_IFDIR | 01777, 0, 0, 0) : NULL;
    if (!root)
        return -ENOMEM;
    root->links = 2;
    root->parent = root;
    roots[i] = root;
    reply_words(m, node_object(root), 32 + i, 0);
    return 0;
}

/* Whether a node below the root is open. */
static bool busy(const struct node *n)
{
    if (n->users || n->pins)
        return true;
    for (const struct name *e = n->first; e; e = e->next)
        if (S_ISDIR(e->node->mode) ? busy(e->node) : e->node->users || e->node->pins)
            return true;
    return false;
}

static void clear(struct node *d)
{
    while (d->first) {
        struct node *n = d->first->node;
        if (S_ISDIR(n->mode))
            clear(n);
        name_remove(d->first);
        if (S_ISDIR(n->mode))
            n->links--;
        node_drop(n);
    }
}

static int64_t do_unmount(struct message *m)
{
    struct node *root = node_find(m->object);
    if (!root || root->parent != root)
        return -EINVAL;
    if (busy(root))
        return -EBUSY;
    clear(root);
    roots[root->mount] = NULL;
    root->links = 0;
    node_drop(root);
    return 0;
}

static int64_t do_ioctl(struct message *m)
{
    const struct node *n = node_find(m->object);
    return n ? fs_ioctl(m, n->size) : -ESTALE;
}

static int64_t do_sync(struct message *m) { (void)m; return 0; }

int main(void)
{
    static const handler_t handlers[] = {
        [FS_READ & 0xff] = do_read, [FS_WRITE & 0xff] = do_write, [FS_SEEK & 0xff] = do_seek, [FS_DENTS & 0xff] = do_dents,
        [FS_STAT & 0xff] = do_stat, [FS_TRUNCATE & 0xff] = do_truncate, [FS_SYNC & 0xff] = do_sync, [FS_IOCTL & 0xff] = do_ioctl,
        [FS_POLL & 0xff] = fs_poll, [FS_STATFS & 0xff] = do_statfs, [FS_OPEN & 0xff] = do_open, [FS_LOOKUP & 0xff] = do_lookup,
        [FS_CREATE & 0xff] = do_create, [FS_SYMLINK & 0xff] = do_symlink, [FS_LINK & 0xff] = do_link, [FS_UNLINK & 0xff] = do_unlink,
        [FS_RENAME & 0xff] = do_rename, [FS_READLINK & 0xff] = do_readlink, [FS_SETATTR & 0xff] = do_setattr, [FS_NAME & 0xff] = do_name,
        [FS_MOUNT & 0xff] = do_mount, [FS_UNMOUNT & 0xff] = do_unmount, [FS_PAGES & 0xff] = do_pages, [FS_UNPIN & 0xff] = do_unpin,
        [FS_HOLD & 0xff] = do_hold,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1, .release = released });
}
