/* The mount table: see mount.h. A mount covers a directory: a walk that reaches the directory goes
 * on at the mount's root, and a ".." of the root goes back to the directory's parent. */
#include "mount.h"

struct mount mounts[MOUNTS];

/* The file systems that mount(2) knows: its name, the service, on a device, changing. */
static const struct fs_type types[] = {
    { "ext2", "ext2", true, false },       { "vfat", "fat", true, true },
    { "tmpfs", "tmpfs", false, false },    { "proc", "procfs", false, true },
    { "devtmpfs", "devfs", false, false }, { "devfs", "devfs", false, false },
    { "minix", "minix", true, false },
};

unsigned mount_of(unsigned service, uint64_t object)
{
    for (unsigned i = 0; i < MOUNTS; i++)
        if (mounts[i].type && mounts[i].service == service &&
            mounts[i].object >> 56 == object >> 56)
            return i;
    return NO_MOUNT;
}

struct node *mount_cross(struct node *n)
{
    while (__builtin_expect(n->flags & NODE_COVERED, 0))
        for (unsigned i = 0; i < MOUNTS; i++)
            if (mounts[i].root && mounts[i].point == n) {
                n = mounts[i].root;
                break;
            }
    return n;
}

const struct fs_type *fs_type_find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

int mount_node(unsigned service, uint64_t object, struct node **node)
{
    struct attributes a;
    unsigned mount = mount_of(service, object);
    *node = node_find(service, object);
    if (*node && mount != NO_MOUNT && !mounts[mount].type->changing)
        return 0;
    uint64_t before = changes;
    int error = node_ask(service, object, &a);
    if (error)
        return error;
    *node = node_find(service, object);
    if (!*node || before == changes)
        *node = node_set(service, object, mount, &a);
    return *node ? 0 : -ENFILE;
}
