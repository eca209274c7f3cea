/* The file system of names, which is mounted at /dev/pts: a directory that holds the slave of each
 * pair whose master is open, by its number, and ptmx, which nobody may open by that name, as on
 * Linux. Names cannot be made or removed, since fs_ops.create is NULL. There is one mount. */
#include "pty.h"

enum { ROOT = 1, MAGIC = 0x1cd1, GROUP_TTY = 5, FIRST_INODE = 3 };
/* Positions in the directory: ".", "..", ptmx, then the pairs. */
enum { AT_PARENT = 1, AT_PTMX, AT_PAIRS };

static struct fs_mount the_mount;
static struct fs_node root = {
    .mount = &the_mount, .object = ROOT, .ino = 1, .mode = S_IFDIR | 0755, .links = 2
};
static struct fs_node ptmx = {
    .mount = &the_mount, .object = DEV_PTMX, .ino = 2, .mode = S_IFCHR, .links = 1, .rdev = DEV_PTMX
};
/* What fstat tells of every master: the node in /dev that was opened. */
static struct fs_mount devfs = { .dev = DEVFS_DEV };
static struct fs_node master = { .mount = &devfs,
                                 .object = PTY_MASTER,
                                 .ino = DEV_PTMX,
                                 .mode = S_IFCHR | 0666,
                                 .links = 1,
                                 .gid = GROUP_TTY,
                                 .rdev = DEV_PTMX };

void name_make(struct pair *p, uint32_t uid)
{
    struct timespec64 now = fs_now();
    p->node = (struct fs_node){ .mount = &the_mount,
                                .object = p->slave->number,
                                .ino = FIRST_INODE + number_of(p),
                                .mode = S_IFCHR | 0620,
                                .links = 1,
                                .uid = uid,
                                .gid = GROUP_TTY,
                                .rdev = p->slave->number,
                                .atime = now,
                                .mtime = now,
                                .ctime = now };
}

static struct fs_node *mount(const struct fs_source *s)
{
    the_mount.dev = s->dev;
    the_mount.read_only = s->read_only;
    root.atime = root.mtime = root.ctime = fs_now();
    ptmx.atime = ptmx.mtime = ptmx.ctime = root.ctime;
    return &root;
}

static int statfs(struct fs_mount *m, struct statfs *s)
{
    (void)m;
    s->type = MAGIC;
    return 0;
}

static struct fs_node *get(uint64_t object)
{
    struct pair *p = pair_of_slave(object);
    if (object == ROOT)
        return &root;
    if (object == DEV_PTMX)
        return &ptmx;
    if (pair_of_master(object))
        return &master;
    return p && (p->master || p->slaves) ? &p->node : fs_failed(-ESTALE);
}

/* The attributes of a master are not kept. */
static int setattr(struct fs_node *n, const struct fs_attr *a)
{
    (void)a;
    return n == &master ? -EPERM : 0;
}

/* The pair whose name this is; NULL: none has it. */
static struct pair *pair_named(const char *text)
{
    char name[NAME_MAX + 1];
    for (unsigned i = 0; i < PAIRS; i++) {
        struct pair *p = pair_number(i);
        format(name, sizeof name, "%u", i);
        if (p->master && strcmp(name, text) == 0)
            return p;
    }
    return NULL;
}

static struct fs_node *lookup(struct fs_node *dir, struct fs_name *name)
{
    if (fs_is_dots(name->text, name->length))
        return dir;
    if (strcmp(name->text, "ptmx") == 0)
        return &ptmx;
    struct pair *p = pair_named(name->text);
    return p ? &p->node : fs_failed(-ENOENT);
}

static int list(struct fs_node *dir, struct dents *d)
{
    int more = 1;
    for (uint64_t at = d->position; more == 1 && at < AT_PAIRS + PAIRS; at++) {
        struct pair *p = at < AT_PAIRS ? NULL : pair_number(at - AT_PAIRS);
        const struct fs_node *n = p ? &p->node : at == AT_PTMX ? &ptmx : dir;
        char name[12];
        if (p && !p->master)
            continue;
        if (p)
            format(name, sizeof name, "%u", number_of(p));
        else
            format(name, sizeof name, "%s", at == AT_PTMX ? "ptmx" : at == AT_PARENT ? ".." : ".");
        more = dents_add(d, n->ino, at + 1, fs_dtype(n->mode), name, strlen(name));
    }
    return MIN(more, 0);
}

static int name_of(struct fs_node *dir, uint64_t object, char *name)
{
    struct pair *p = pair_of_slave(object);
    (void)dir;
    if (object == DEV_PTMX)
        return format(name, NAME_MAX + 1, "ptmx");
    return p && p->master ? format(name, NAME_MAX + 1, "%u", number_of(p)) : -ENOENT;
}

const struct fs_ops fs_ops = {
    .threads = 1,
    .forgets = true,
    .no_atime = true,
    .mount = mount,
    .statfs = statfs,
    .get = get,
    .setattr = setattr,
    .lookup = lookup,
    .list = list,
    .name_of = name_of,
};
