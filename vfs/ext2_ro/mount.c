/* Mounts. A mount's number names its device, so that a request for an object of a mount that has
 * been forgotten makes the mount again. */
#include "ext2_ro.h"

#include <minnow/devices.h>

#include "mounts.h"

enum { MOUNTS = 8, VIRTIO = 0x80, MINORS = 0x80 };

static struct mount mounts[MOUNTS];

static struct mount *find(unsigned number)
{
    struct mount *m = mounts;
    while (m < mounts + MOUNTS && !(m->used && m->number == number))
        m++;
    return m < mounts + MOUNTS ? m : NULL;
}

static void drop(struct mount *m)
{
    m->used = false;
    cache_device_gone(m->index);
}

/* Checks the superblock, and fills in the geometry: NULL, or what is wrong. */
static const char *check(struct mount *m, const struct fs_source *s)
{
    const char *wrong = ext2_check_super(&m->super, &m->geo);
    if (!wrong && mount_device_bytes(s) < (int64_t)m->geo.blocks << m->geo.block_shift)
        wrong = "larger than its device";
    return wrong;
}

/* Makes the mount of a device: reads its superblock past the cache. */
static struct mount *load(unsigned number, const struct fs_source *s)
{
    struct mount *m = mounts;
    uint8_t raw[512];
    while (m < mounts + MOUNTS && m->used)
        m++;
    int error = m == mounts + MOUNTS
                    ? -ENOMEM
                    : cache_device_read(s->service, s->object, SUPER_OFFSET, raw, sizeof raw);
    if (error)
        return fs_failed(error);
    *m = (struct mount){ .number = number, .index = m - mounts, .dev = s->dev, .read_only = true };
    memcpy(&m->super, raw, sizeof m->super);
    const char *wrong = check(m, s);
    if (wrong) {
        print("cannot mount: %s", wrong);
        return fs_failed(m->super.magic == SUPER_MAGIC ? -EUCLEAN : -EINVAL);
    }
    cache_device(m->index, s->service, s->object, m->geo.block_size);
    m->unit_shift = m->geo.block_shift;
    m->used = true;
    return m;
}

struct mount *mount_get(unsigned number)
{
    struct mount *m = find(number);
    bool virtio = number & VIRTIO;
    unsigned minor = number % MINORS;
    struct fs_source s = { .service = service_find(virtio ? "virtio_blk" : "ata"),
                           .object = minor,
                           .dev = (virtio ? DEV_VDA : DEV_HDA) + minor };
    return m ? m : load(number, &s);
}

struct fs_node *mount_make(const struct fs_source *s)
{
    unsigned major = dev_major(s->dev), minor = dev_minor(s->dev),
             number = (major == DEVICE_MAJOR(DEV_VDA) ? VIRTIO : 0) | minor;
    if (!s->read_only)
        return fs_failed(-EROFS);
    if ((major != DEVICE_MAJOR(DEV_VDA) && major != DEVICE_MAJOR(DEV_HDA)) || minor >= MINORS)
        return fs_failed(-ENODEV);
    struct mount *m = find(number);
    if (m)
        drop(m); /* a file that stayed open after the unmount has made it again */
    m = load(number, s);
    if (fs_error(m))
        return fs_failed(fs_error(m));
    struct inode *root = inode_get(m, ROOT_INO);
    if (!fs_error(root) && S_ISDIR(root->mode))
        return (struct fs_node *)root;
    int error = fs_error(root);
    if (!error) {
        inode_put((struct fs_node *)root);
        error = corrupt(m, "the root is not a directory", ROOT_INO);
    }
    drop(m);
    return fs_failed(error);
}

int mount_stays(struct fs_mount *m, bool read_only)
{
    (void)m;
    return read_only ? 0 : -EROFS;
}

int mount_drop(uint64_t root)
{
    struct mount *m = find(fs_object_mount(root));
    if (m)
        drop(m);
    return 0;
}

int mount_statfs(struct fs_mount *f, struct statfs *s)
{
    const struct mount *m = (struct mount *)f;
    s->type = SUPER_MAGIC;
    s->bsize = m->geo.block_size;
    s->blocks = m->geo.blocks - ext2_overhead(&m->geo);
    s->bfree = m->super.free_blocks;
    s->bavail = m->super.free_blocks - MIN(m->super.r_blocks_count, m->super.free_blocks);
    s->files = m->geo.inodes;
    s->ffree = m->super.free_inodes;
    memcpy(s->fsid, m->super.uuid, sizeof s->fsid);
    return 0;
}
