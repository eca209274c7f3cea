/* Calls that find an object and report on it: stat, statx, access, readlink, statfs; and, for
 * exec, resolve. */
#include "handlers.h"
#include "pass.h"
#include "walk.h"

/* Walks, then forwards the call to the file server as `op` on what was found, with the window on
 * another buffer of the caller: `bytes` at w[2]. What pass_node() says, or an error. */
static int64_t pass_found(struct message *m, unsigned how, uint64_t op, size_t bytes)
{
    struct walk w;
    int64_t result = walk_start(&w, m, how);
    if (result)
        return result;
    m->w[1] = m->w[2];
    m->w[2] = bytes;
    result = pass_node(m, op, w.node, WINDOW_OUT);
    walk_end(&w);
    return result;
}

int64_t do_stat(struct message *m)
{
    enum { KNOWN = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT };
    if (m->w[3] & ~(uint32_t)KNOWN & 0xffffffff)
        return -EINVAL;
    return pass_found(m, walk_how_at(m->w[3]), FS_STAT, sizeof(struct stat));
}

int64_t do_stat_path(struct message *m)
{
    return pass_found(m, WALK_FOLLOW, FS_STAT, sizeof(struct stat));
}
int64_t do_lstat_path(struct message *m) { return pass_found(m, 0, FS_STAT, sizeof(struct stat)); }

static struct statx_time statx_time(struct timespec64 t)
{
    return (struct statx_time){ .sec = t.sec, .nsec = t.nsec };
}

/* What statx tells of n, whose file server has answered s. All that is known is told, whatever the
 * program asked for, as on Linux. */
static struct statx statx_of(const struct node *n, const struct stat *s)
{
    bool born = s->btime.sec || s->btime.nsec, mounted = n->mount != NO_MOUNT;
    return (struct statx){
        .mask = STATX_BASIC_STATS | (born ? STATX_BTIME : 0) | (mounted ? STATX_MNT_ID : 0),
        .blksize = s->blksize,
        .attributes = n->flags & NODE_ROOT ? STATX_ATTR_MOUNT_ROOT : 0,
        .nlink = s->nlink,
        .uid = s->uid,
        .gid = s->gid,
        .mode = s->mode,
        .ino = s->ino,
        .size = s->size,
        .blocks = s->blocks,
        .attributes_mask = STATX_ATTR_MOUNT_ROOT,
        .atime = statx_time(s->atime),
        .btime = statx_time(s->btime),
        .ctime = statx_time(s->ctime),
        .mtime = statx_time(s->mtime),
        .rdev_major = dev_major(s->rdev),
        .rdev_minor = dev_minor(s->rdev),
        .dev_major = dev_major(s->dev),
        .dev_minor = dev_minor(s->dev),
        .mount = mounted ? n->mount + 1 : 0,
    };
}

int64_t do_statx(struct message *m)
{
    enum { KNOWN = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE };
    struct walk w;
    struct stat s;
    struct statx x = { 0 };
    caller_t buffer = m->w[4];
    uint32_t flags = m->w[2];
    if (m->w[3] & (uint32_t)STATX_RESERVED || flags & ~(uint32_t)KNOWN ||
        (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
        return -EINVAL;
    int64_t error = walk_start(&w, m, walk_how_at(flags));
    if (error)
        return error;
    error = node_stat(w.node->service, w.node->object, &s);
    if (!error)
        x = statx_of(w.node, &s);
    walk_end(&w);
    if (!error)
        error = aim(m, buffer, sizeof x, WINDOW_OUT);
    return error ? error : copy_out(m, 0, &x, sizeof x);
}

int64_t do_statfs(struct message *m)
{
    return pass_found(m, WALK_FOLLOW, FS_STATFS, sizeof(struct statfs));
}

/* ustat(2), which knows a file system by the device. */
int64_t do_ustat(struct message *m)
{
    struct ustat {
        int32_t free_blocks;
        uint64_t free_inodes;
        char name[6], pack[6];
    } u = { 0 };
    _Static_assert(sizeof u == 32, "struct ustat is Linux's");
    struct statfs s;
    const struct mount *mount = mounts;
    caller_t buffer = m->w[1];
    while (mount < mounts + MOUNTS &&
           (!mount->kind || !mount->root || mount->dev != (uint32_t)m->w[0]))
        mount++;
    if (mount == mounts + MOUNTS)
        return -EINVAL;
    int64_t error = call_window(mount->service,
                                &(struct call_args){ .op = FS_STATFS, .object = mount->object },
                                WINDOW_OUT, &s, sizeof s, NULL);
    if (error)
        return error;
    u.free_blocks = (int32_t)s.bfree;
    u.free_inodes = s.ffree;
    error = aim(m, buffer, sizeof u, WINDOW_OUT);
    return error ? error : copy_out(m, 0, &u, sizeof u);
}

int64_t do_readlink(struct message *m)
{
    struct walk w;
    caller_t buffer = m->w[2];
    int64_t length = (int32_t)m->w[3];
    if (length <= 0)
        return -EINVAL;
    int64_t result = walk_start(&w, m, WALK_EMPTY);
    if (result)
        return result;
    m->w[1] = buffer;
    m->w[2] = length;
    if (!S_ISLNK(w.node->mode))
        result = w.path[0] ? -EINVAL : -ENOENT;
    else
        result = pass_node(m, FS_READLINK, w.node, WINDOW_OUT);
    walk_end(&w);
    return result;
}

int64_t do_access(struct message *m)
{
    struct walk w;
    uint32_t mode = m->w[2], flags = m->w[3];
    if (mode & ~7u || flags & ~(uint32_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int error = walk_start(&w, m, walk_how_at(flags) | (flags & AT_EACCESS ? 0 : WALK_REAL));
    if (error)
        return error;
    error = permission(&w.as, w.node, mode);
    if (!error && mode & MAY_EXEC && S_ISREG(w.node->mode) && w.node->mount != NO_MOUNT &&
        mounts[w.node->mount].flags & MS_NOEXEC)
        error = -EACCES;
    walk_end(&w);
    return error;
}

/* 0 if the user has permissions `may` on what the walk found, to load it as a program or as the
 * interpreter of one; with MAY_EXEC it must be a regular file of a mount without noexec. -ELOOP,
 * -EACCES, or what node_refresh() says. May wait. */
static int may_run(struct walk *w, unsigned may)
{
    struct node *n = w->node;
    if (may & MAY_EXEC && S_ISLNK(n->mode))
        return -ELOOP;
    if (may & MAY_EXEC &&
        (!S_ISREG(n->mode) || n->mount == NO_MOUNT || mounts[n->mount].flags & MS_NOEXEC))
        return -EACCES;
    /* A write to a program clears its set-id bits at the file server, which does not tell VFS. */
    int error = 0;
    if (n->mode & (S_ISUID | S_ISGID)) {
        node_lock(n);
        error = node_refresh(n);
        node_unlock(n);
    }
    return error ? error : permission(&w->as, n, may);
}

int64_t do_resolve(struct message *m)
{
    struct walk w;
    if (m->from >= MAX_SERVICE)
        return -EPERM;
    int error = walk_begin(&w, process_of(m->w[0] && !m->w[4] ? m->w[0] : m->from),
                           walk_how_at(m->w[3]));
    if (error)
        return error;
    error = walk_window(&w, m, m->w[5]);
    if (!error)
        error = may_run(&w, m->w[3] & 7);
    if (!error) {
        const struct node *n = w.node;
        uint32_t mode = n->mode;
        if (n->mount != NO_MOUNT && mounts[n->mount].flags & MS_NOSUID)
            mode &= ~(uint32_t)(S_ISUID | S_ISGID);
        bool readable = permission(&w.as, n, MAY_READ) == 0;
        reply_words(m, resolved(n->service, mode, n->uid) | (readable ? 0 : RESOLVED_UNREADABLE),
                    n->object, w.dir ? w.dir->object : 0);
    }
    walk_end(&w);
    return error;
}
