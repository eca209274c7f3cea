/* devfs: the directory /dev. Its nodes are those of nodes.def; it only names devices: VFS opens
 * them at their drivers by major number. Owners and permissions may be changed and are kept in
 * memory. */
#include "fs.h"

/* object = inode number: rdev of a node, LINK_BASE + place of a link */
enum { ROOT = 1, LINK_BASE = 1 << 24 };

struct node {
    const char *name, *target;
    uint32_t mode, uid, gid;
    uint64_t rdev;
};

#define NODE(n, m, g, major, minor) \
    { n, NULL, m, 0, g, (minor & 0xff) | (major) << 8 | (uint64_t)((minor) & ~0xff) << 12 },
#define LINK(n, t) { n, t, S_IFLNK | 0777, 0, 0, 0 },
static struct node nodes[] = {
#include "nodes.def"
};
static struct node root = { "", NULL, S_IFDIR | 0755, 0, 0, 0 };

static uint64_t ino_of(const struct node *n)
{
    return n == &root ? ROOT : n->target ? LINK_BASE + (uint64_t)(n - nodes) : n->rdev;
}

static struct node *node_of(uint64_t object)
{
    if (object == ROOT)
        return &root;
    for (unsigned i = 0; i < ARRAY_SIZE(nodes); i++)
        if (ino_of(&nodes[i]) == object)
            return &nodes[i];
    return NULL;
}

static int64_t do_lookup(struct message *m)
{
    char name[NAME_MAX + 1];
    int error = fs_name(m, 0, m->w[2], name);
    if (error)
        return error;
    struct node *n = fs_is_dots(name, m->w[2]) ? &root : NULL;
    for (unsigned i = 0; i < ARRAY_SIZE(nodes) && !n; i++)
        if (strcmp(nodes[i].name, name) == 0)
            n = &nodes[i];
    if (!n)
        return -ENOENT;
    reply_words(m, ino_of(n), n->mode | n->rdev << 32, (uint64_t)n->uid << 32 | n->gid);
    return 0;
}

static int64_t do_dents(struct message *m)
{
    struct dents d;
    uint64_t at = m->position;
    int more = 1;
    dents_start(&d, m);
    for (; at < ARRAY_SIZE(nodes) + 2; at++) {
        const struct node *n = at < 2 ? &root : &nodes[at - 2];
        const char *name = at == 0 ? "." : at == 1 ? ".." : n->name;
        more = dents_add(&d, ino_of(n), at + 1, fs_dtype(n->mode), name, strlen(name));
        if (more <= 0)
            break;
    }
    return more < 0 ? more : dents_end(&d, at, !more);
}

static int64_t do_stat(struct message *m)
{
    const struct node *n = node_of(m->object);
    if (!n)
        return -ESTALE;
    struct timespec64 now = fs_now();
    struct stat s = { .dev = DEVFS_DEV,
                      .ino = ino_of(n),
                      .nlink = n == &root ? 2 : 1,
                      .mode = n->mode,
                      .uid = n->uid,
                      .gid = n->gid,
                      .rdev = n->rdev,
                      .size = n->target ? (int64_t)strlen(n->target) : 0,
                      .blksize = PAGE_SIZE,
                      .atime = now,
                      .mtime = now,
                      .ctime = now };
    return copy_out(m, 0, &s, sizeof s);
}

static int64_t do_setattr(struct message *m)
{
    struct fs_attr a;
    struct node *n = node_of(m->object);
    int error = copy_in(m, 0, &a, sizeof a);
    if (error || !n)
        return error ? error : -ESTALE;
    if (a.which & ATTR_MODE)
        n->mode = (n->mode & S_IFMT) | (a.mode & 07777);
    if (a.which & ATTR_UID)
        n->uid = a.uid;
    if (a.which & ATTR_GID)
        n->gid = a.gid;
    return 0;
}

static int64_t do_readlink(struct message *m)
{
    const struct node *n = node_of(m->object);
    if (!n || !n->target)
        return -EINVAL;
    size_t length = MIN(strlen(n->target), m->w[2]);
    int error = copy_out(m, 0, n->target, length);
    return error ? error : (int64_t)length;
}

static int64_t do_name(struct message *m)
{
    const struct node *n = node_of(m->w[3]);
    if (!n || n == &root)
        return -ENOENT;
    size_t length = MIN(strlen(n->name), m->w[2]);
    int error = copy_out(m, 0, n->name, length);
    return error ? error : (int64_t)length;
}

static int64_t do_statfs(struct message *m)
{
    struct statfs s = {
        .type = 0x1373, .bsize = PAGE_SIZE, .frsize = PAGE_SIZE, .namelen = NAME_MAX
    };
    return copy_out(m, 0, &s, sizeof s);
}

static int64_t do_open(struct message *m)
{
    if (m->w[1] & O_PATH)
        return node_of(m->object) ? connect(m, m->object, fs_connection_flags(m->w[1])) : -ESTALE;
    if (m->object != ROOT)
        return -ENXIO; /* devices are opened at their drivers */
    return fs_writes(m->w[1]) ? -EISDIR : connect(m, ROOT, fs_connection_flags(m->w[1]));
}

static int64_t do_mount(struct message *m)
{
    reply_words(m, ROOT, DEVFS_DEV, 0);
    return 0;
}

static int64_t do_seek(struct message *m) { return fs_seek(m, ARRAY_SIZE(nodes) + 2); }
static int64_t do_nothing(struct message *m)
{
    (void)m;
    return 0;
}
static int64_t do_directory(struct message *m)
{
    (void)m;
    return -EISDIR;
}
static int64_t do_not_permitted(struct message *m)
{
    (void)m;
    return -EPERM;
}

int main(void)
{
    static const handler_t handlers[] = {
        [FS_READ & 0xff] = do_directory,
        [FS_WRITE & 0xff] = do_directory,
        [FS_SEEK & 0xff] = do_seek,
        [FS_DENTS & 0xff] = do_dents,
        [FS_STAT & 0xff] = do_stat,
        [FS_SYNC & 0xff] = do_nothing,
        [FS_POLL & 0xff] = fs_poll,
        [FS_STATFS & 0xff] = do_statfs,
        [FS_OPEN & 0xff] = do_open,
        [FS_LOOKUP & 0xff] = do_lookup,
        [FS_READLINK & 0xff] = do_readlink,
        [FS_SETATTR & 0xff] = do_setattr,
        [FS_NAME & 0xff] = do_name,
        [FS_MOUNT & 0xff] = do_mount,
        [FS_UNMOUNT & 0xff] = do_nothing,
        [FS_CREATE & 0xff] = do_not_permitted,
        [FS_SYMLINK & 0xff] = do_not_permitted,
        [FS_LINK & 0xff] = do_not_permitted,
        [FS_UNLINK & 0xff] = do_not_permitted,
        [FS_RENAME & 0xff] = do_not_permitted,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
