/* The mount table: see mount.h. A mount covers a directory: a walk that reaches the directory goes
 * on at the mount's root, and a ".." of the root goes back to the directory's parent. */
#include "mount.h"

struct mount mounts[MOUNTS];

/* The file systems that mount(2) knows: its name, the service, on a device, changing. */
const struct fs_type fs_types[FS_TYPES] = {
    { NULL, NULL, false, false }, /* of no mount */
    { "ext2", "ext2", true, false },       { "vfat", "fat", true, true },
    { "tmpfs", "tmpfs", false, false },    { "proc", "procfs", false, true },
    { "devtmpfs", "devfs", false, false }, { "devfs", "devfs", false, false },
    { "minix", "minix", true, false },     { "devpts", "pty", false, true },
};

/* By service and upper byte of the objects: the mount's index + 1, or 0. */
static uint8_t by_object[MAX_SERVICE][256];

unsigned mount_of(unsigned service, uint64_t object)
{
    unsigned known = service < MAX_SERVICE ? by_object[service][object >> 56] : 0;
    return known ? known - 1 : NO_MOUNT;
}

void mount_set(struct mount *m, endpoint_t service, uint64_t object)
{
    m->service = service;
    m->object = object;
    by_object[service][object >> 56] = m - mounts + 1;
}

void mount_clear(struct mount *m)
{
    uint8_t *known = &by_object[m->service][m->object >> 56];
    if (*known == m - mounts + 1)
        *known = 0;
    *m = (struct mount){ 0 };
}

struct node *mount_cross(struct node *n)
{
    while (__builtin_expect(n->flags & NODE_COVERED, 0))
        n = mounts[n->covered].root;
    return n;
}

const struct fs_type *fs_type_find(const char *name)
{
    for (unsigned i = 1; i < FS_TYPES; i++)
        if (strcmp(fs_types[i].name, name) == 0)
            return &fs_types[i];
    return NULL;
}

int mount_node(unsigned service, uint64_t object, struct node **node)
{
    struct attributes a;
    unsigned mount = mount_of(service, object);
    *node = node_find(service, object);
    if (*node && mount != NO_MOUNT && !mount_type(&mounts[mount])->changing)
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
