/* Mounts, inodes, blocks of files and names, as they stand on the disk. Every number is checked
 * here, where it is used. */
#include "ext2_ro.h"

#include <minnow/devices.h>

enum { MOUNTS = 8, VIRTIO = 0x80, MINORS = 0x80 };

static struct mount mounts[MOUNTS];

int corrupt(struct mount *m, const char *what, uint64_t number)
{
    if (!m->reported)
        print("corrupt file system: %s (%lu); e2fsck should be run", what, number);
    m->reported = true;
    return -EUCLEAN;
}

/* ---- Mounts: their number names the device, so that one who has forgotten them can make them
 * again ---- */

uint64_t mount_dev(const struct mount *m)
{
    return (m->number & VIRTIO ? DEV_VDA : DEV_HDA) + m->number % MINORS;
}

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

static int load(unsigned number, endpoint_t service, uint64_t object, struct mount **to)
{
    uint8_t raw[512];
    struct mount *m = mounts;
    while (m < mounts + MOUNTS && m->used)
        m++;
    if (m == mounts + MOUNTS)
        return -ENOMEM;
    *m = (struct mount){ .number = number, .index = m - mounts };
    int error = cache_device_read(service, object, SUPER_OFFSET, raw, sizeof(raw));
    if (error)
        return error;
    memcpy(&m->super, raw, sizeof(m->super));
    const char *wrong = ext2_check_super(&m->super, &m->geo);
    if (!wrong && call_object(service, FS_SEEK, object, 0, SEEK_END, 0) < (int64_t)m->geo.blocks
                                                                              << m->geo.block_shift)
        wrong = "larger than its device";
    if (wrong) {
        print("cannot mount: %s", wrong);
        return m->super.magic == SUPER_MAGIC ? -EUCLEAN : -EINVAL;
    }
    cache_device(m->index, service, object, m->geo.block_size);
    m->used = true;
    *to = m;
    return 0;
}

int mount_get(unsigned number, struct mount **to)
{
    *to = find(number);
    return *to ? 0
               : load(number, service_find(number & VIRTIO ? "virtio_blk" : "ata"), number % MINORS,
                      to);
}

int64_t do_mount(struct message *m)
{
    struct mount *mount;
    struct inode root;
    unsigned major = dev_major(m->position), minor = dev_minor(m->position),
             number = (major == DEVICE_MAJOR(DEV_VDA) ? VIRTIO : 0) | minor;
    if (!(m->w[5] & MS_RDONLY))
        return -EROFS;
    if (m->w[5] & MS_REMOUNT)
        return 0;
    if ((major != DEVICE_MAJOR(DEV_VDA) && major != DEVICE_MAJOR(DEV_HDA)) || minor >= MINORS)
        return -ENODEV;
    if ((mount = find(number)))
        drop(mount); /* files that were open beyond an unmount have brought it back */
    int error = load(number, m->w[3], m->w[4], &mount);
    if (error)
        return error;
    error = inode_get(mount, ROOT_INO, &root);
    if (!error && !S_ISDIR(root.d.mode))
        error = corrupt(mount, "the root is not a directory", ROOT_INO);
    if (error)
        drop(mount);
    else
        reply_words(m, inode_object(&root), m->position, 0);
    return error;
}

int64_t do_unmount(struct message *m)
{
    struct mount *mount = find(fs_object_mount(m->object));
    if (mount)
        drop(mount);
    return 0;
}

int64_t do_statfs(struct message *m)
{
    struct mount *mount;
    int error = mount_get(fs_object_mount(m->object), &mount);
    if (error)
        return error;
    const struct super *s = &mount->super;
    struct statfs f = {
        .type = SUPER_MAGIC,
        .bsize = mount->geo.block_size,
        .frsize = mount->geo.block_size,
        .namelen = NAME_MAX,
        .blocks = mount->geo.blocks - ext2_overhead(&mount->geo),
        .bfree = s->free_blocks,
        .bavail = s->free_blocks - MIN(s->r_blocks_count, s->free_blocks),
        .files = mount->geo.inodes,
        .ffree = s->free_inodes,
        .flags = MS_RDONLY,
    };
    memcpy(f.fsid, s->uuid, sizeof(f.fsid));
    return copy_out(m, 0, &f, sizeof(f));
}

/* ---- Inodes and blocks ---- */

static int block_read(struct mount *m, uint64_t block, const void **data)
{
    struct page *p;
    int error = block_ok(&m->geo, block) ? cache_block(m->index, block, &p)
                                         : corrupt(m, "block number out of range", block);
    if (error)
        return error;
    *data = p->data;
    cache_put(p);
    return 0;
}

int inode_get(struct mount *m, uint32_t ino, struct inode *i)
{
    const struct geometry *g = &m->geo;
    if (ino == 0 || ino > g->inodes || (ino < g->first_ino && ino != ROOT_INO))
        return -ESTALE;
    uint32_t group = (ino - 1) / g->inodes_per_group, per = g->block_size / sizeof(struct group);
    uint64_t offset = (uint64_t)((ino - 1) % g->inodes_per_group) * g->inode_size;
    const void *data;
    int error = block_read(m, g->first_block + 1 + group / per, &data);
    if (!error)
        error = block_read(
            m, ((const struct group *)data)[group % per].inode_table + (offset >> g->block_shift),
            &data);
    if (error)
        return error;
    *i = (struct inode){ .mount = m, .ino = ino };
    memcpy(&i->d, (const uint8_t *)data + offset % g->block_size,
           MIN(sizeof(i->d), (size_t)g->inode_size));
    if (!i->d.links)
        return -ESTALE;
    i->size = ext2_size(&i->d);
    const char *wrong = ext2_check_inode(g, &i->d);
    return wrong ? corrupt(m, wrong, ino) : 0;
}

int inode_of(uint64_t object, struct inode *i)
{
    struct mount *m;
    int error = mount_get(fs_object_mount(object), &m);
    if (!error)
        error = inode_get(m, fs_object_ino(object), i);
    return error ? error : object == inode_object(i) ? 0 : -ESTALE;
}

/* Where block `number` of the file is; 0 for a hole. */
static int file_block(struct inode *i, uint64_t number, uint32_t *block)
{
    uint32_t path[4];
    int depth = ext2_path(&i->mount->geo, number, path);
    *block = depth ? i->d.block[path[0]] : 0;
    for (int k = 1; k < depth && *block; k++) {
        const void *slots;
        int error = block_read(i->mount, *block, &slots);
        if (error)
            return error;
        *block = ((const uint32_t *)slots)[path[k]];
    }
    return !*block || block_ok(&i->mount->geo, *block)
               ? 0
               : corrupt(i->mount, "block number out of range in inode", i->ino);
}

int file_page(struct inode *i, uint64_t index, struct page **to)
{
    uint64_t owner = cache_owner(i->mount->index, i->ino);
    uint32_t disk[CACHE_UNITS];
    unsigned shift = 12 - i->mount->geo.block_shift, units = 1u << shift;
    struct page *p = *to = cache_find(owner, index);
    if (p)
        return 0;
    for (unsigned u = 0; u < units; u++) {
        int error = file_block(i, (index << shift) + u, &disk[u]);
        if (error)
            return error;
    }
    p = *to = cache_get(owner, index);
    if (!p)
        return -ENOMEM;
    p->units = units;
    memcpy(p->disk, disk, units * sizeof(disk[0]));
    int error = cache_read(&p, 1);
    if (index == i->size / PAGE_SIZE)
        memset(p->data + i->size % PAGE_SIZE, 0,
               PAGE_SIZE -
                   i->size % PAGE_SIZE); /* a program that maps it sees zeros behind the end */
    cache_ready(p, error);
    cache_put(p);
    return error;
}

int dir_next(struct inode *dir, uint64_t *at, struct entry **e)
{
    const struct geometry *g = &dir->mount->geo;
    while (*at < dir->size) {
        struct page *p;
        int error = file_page(dir, *at / PAGE_SIZE, &p);
        if (error)
            return error;
        uint32_t offset = *at % g->block_size;
        *e = ext2_entry(g, p->data + *at % PAGE_SIZE - offset, offset);
        if (!*e)
            return corrupt(dir->mount, "bad entry in directory", dir->ino); /* a hole is one too */
        *at += (*e)->reclen;
        if ((*e)->ino && (*e)->name_length)
            return 1;
    }
    return 0;
}
