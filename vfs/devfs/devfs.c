/* devfs: the directory /dev. Its nodes are those of the table of devices (minnow/devices.def) and
 * the links and empty directories of links.def, in one array that the macros below make of both.
 * devfs only names devices: VFS opens them at their drivers, by the number that a lookup here
 * returns. Names cannot be made or removed, since fs_ops.create is NULL; owners, permissions and
 * times can be changed, and are kept in memory until the service ends. There is one mount, which is
 * made again by each mount(2). */
#include "fs.h"

#include <minnow/devices.h>

/* An object is its inode number: the rdev of a device, or OTHER_BASE + the place of a link or
 * directory. */
enum { ROOT = 1, OTHER_BASE = 1 << 24, MAGIC = 0x01021994 /* tmpfs */ };
enum { DISKS = 6 }; /* the group that may use disks */

struct node {
    struct fs_node;
    const char *name, *target; /* target: of a link; NULL for all others */
};

/* The rows of nodes[]: one for a device, five for a disk and its partitions, none for a number. */
#define NODE(n, m, g, number) { .name = n, .mode = m, .gid = g, .rdev = number, .object = number },
#define DEVICE(id, name, service, kind, permissions, group, major, minor, object) \
    NODE(name, S_IFCHR | permissions, group, id)
#define DISK(id, name, service, major, minor)     \
    NODE(name, S_IFBLK | 0660, DISKS, id)         \
    NODE(name "1", S_IFBLK | 0660, DISKS, id + 1) \
    NODE(name "2", S_IFBLK | 0660, DISKS, id + 2) \
    NODE(name "3", S_IFBLK | 0660, DISKS, id + 3) \
    NODE(name "4", S_IFBLK | 0660, DISKS, id + 4)
#define NUMBER(id, service, kind, major, minor, object)
#define RANGE(id, service, kind, major, count)
#define DIRECTORY(n) { .name = n, .mode = S_IFDIR | 0755 },
#define LINK(n, t)   { .name = n, .target = t, .mode = S_IFLNK | 0777, .size = sizeof t - 1 },
static struct node nodes[] = {
    { .name = "", .mode = S_IFDIR | 0755, .object = ROOT },
#include <minnow/devices.def>
#include "links.def"
};
static struct fs_mount the_mount = { .dev = DEVFS_DEV };

/* The root. Fills in what all nodes have alike; until then get() knows none. */
static struct fs_node *mount(const struct fs_source *s)
{
    struct timespec64 now = fs_now();
    (void)s;
    for (unsigned i = 0; i < ARRAY_SIZE(nodes); i++) {
        struct node *n = &nodes[i];
        if (!n->object)
            n->object = OTHER_BASE + i;
        n->ino = n->object;
        n->mount = &the_mount;
        n->links = S_ISDIR(n->mode) ? 2 : 1;
        n->atime = n->mtime = n->ctime = now;
    }
    return (struct fs_node *)&nodes[0];
}

static struct fs_node *get(uint64_t object)
{
    for (unsigned i = 0; i < ARRAY_SIZE(nodes); i++)
        if (nodes[i].object == object && nodes[i].mount)
            return (struct fs_node *)&nodes[i];
    return fs_failed(-ESTALE);
}

/* The parent of all is the root. The other directories are empty. */
static struct fs_node *lookup(struct fs_node *dir, struct fs_name *name)
{
    if (fs_is_dot(name))
        return dir;
    if (fs_is_dotdot(name))
        return (struct fs_node *)&nodes[0];
    for (unsigned i = 1; dir->object == ROOT && i < ARRAY_SIZE(nodes); i++)
        if (strcmp(nodes[i].name, name->text) == 0)
            return (struct fs_node *)&nodes[i];
    return fs_failed(-ENOENT);
}

/* Positions: 0 is ".", 1 is "..", n + 1 is nodes[n]. */
static int list(struct fs_node *dir, struct dents *d)
{
    int more = 1;
    uint64_t end = dir->object == ROOT ? ARRAY_SIZE(nodes) + 1 : 2;
    while (more == 1 && d->position < end) {
        uint64_t at = d->position;
        const struct node *n = at == 0 ? (struct node *)dir : &nodes[at == 1 ? 0 : at - 1];
        const char *name = at == 0 ? "." : at == 1 ? ".." : n->name;
        more = dents_add(d, n->ino, at + 1, fs_dtype(n->mode), name, strlen(name));
    }
    return MIN(more, 0);
}

static int name_of(struct fs_node *dir, uint64_t object, char *name)
{
    struct fs_node *n = get(object);
    if (object == ROOT || dir->object != ROOT || fs_error(n))
        return -ENOENT;
    return format(name, NAME_MAX + 1, "%s", ((struct node *)n)->name);
}

static int64_t readlink(struct fs_node *n, struct message *m)
{
    return fs_text(m, ((struct node *)n)->target, n->size);
}

static int statfs(struct fs_mount *m, struct statfs *s)
{
    (void)m;
    s->type = MAGIC;
    return 0;
}

const struct fs_ops fs_ops = {
    .threads = 1,
    .no_atime = true,
    .mount = mount,
    .statfs = statfs,
    .get = get,
    .lookup = lookup,
    .list = list,
    .name_of = name_of,
    .readlink = readlink,
};

int main(void) { fs_serve(NULL); }
