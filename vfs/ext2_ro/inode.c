/* Inodes and the blocks of their files, as they stand on the disk. Every number is checked here,
 * where it is used. */
#include "ext2_ro.h"

enum { INODES = 4 /* that one request needs */ };

static struct inode inodes[INODES];

/* A block of metadata, valid until the next use of the disk; or fs_failed(). */
static const void *block_read(struct mount *m, uint64_t block)
{
    struct page *p;
    int error = block_ok(&m->geo, block) ? cache_block(m->index, block, &p)
                                         : corrupt(m, "block number out of range", block);
    if (error)
        return fs_failed(error);
    cache_put(p);
    return p->data;
}

/* Fills i->d from the inode table: 0, -ESTALE (no links), -EUCLEAN, -EIO. */
static int read_inode(struct mount *m, struct inode *i)
{
    const struct geometry *g = &m->geo;
    uint32_t index = i->ino - 1, group = index / g->inodes_per_group,
             per = g->block_size / sizeof(struct group);
    uint64_t offset = (uint64_t)(index % g->inodes_per_group) * g->inode_size;
    const void *data = block_read(m, g->first_block + 1 + group / per);
    if (!fs_error(data))
        data = block_read(m, ((const struct group *)data)[group % per].inode_table +
                                 (offset >> g->block_shift));
    if (fs_error(data))
        return fs_error(data);
    memcpy(&i->d, (const uint8_t *)data + offset % g->block_size,
           MIN(sizeof i->d, (size_t)g->inode_size));
    if (!i->d.links)
        return -ESTALE;
    const char *wrong = ext2_check_inode(g, &i->d);
    return wrong ? corrupt(m, wrong, i->ino) : 0;
}

struct inode *inode_get(struct mount *m, uint32_t ino)
{
    struct inode *i = inodes;
    if (ino == 0 || ino > m->geo.inodes || (ino < m->geo.first_ino && ino != ROOT_INO))
        return fs_failed(-ESTALE);
    while (i->uses)
        i++;
    ASSERT(i < inodes + INODES);
    *i = (struct inode){ .mount = (struct fs_mount *)m, .ino = ino };
    int error = read_inode(m, i);
    if (error)
        return fs_failed(error);
    const struct disk_inode *d = &i->d;
    i->uses = 1;
    i->object = fs_object(m->number, d->generation, ino);
    i->mode = d->mode;
    i->links = d->links;
    i->uid = d->uid | (uint32_t)d->uid_high << 16;
    i->gid = d->gid | (uint32_t)d->gid_high << 16;
    i->rdev = ext2_rdev(d->mode, d->block);
    i->size = ext2_size(d);
    i->blocks = d->sectors;
    ext2_times(&m->geo, d, &i->atime, &i->mtime, &i->ctime);
    return i;
}

void inode_put(struct fs_node *n) { inode_of(n)->uses = 0; }

struct fs_node *inode_by_object(uint64_t object)
{
    struct mount *m = mount_get(fs_object_mount(object));
    struct inode *i = fs_error(m) ? fs_failed(fs_error(m)) : inode_get(m, fs_object_ino(object));
    if (fs_error(i) || i->object == object)
        return (struct fs_node *)i;
    inode_put((struct fs_node *)i);
    return fs_failed(-ESTALE);
}

int64_t inode_map(struct disk_node *n, uint64_t number, bool allocate)
{
    struct inode *i = inode_of(n);
    struct mount *m = mount_of(i);
    uint32_t path[4];
    int depth = ext2_path(&m->geo, number, path);
    uint32_t block = depth ? i->d.block[path[0]] : 0;
    (void)allocate;
    for (int k = 1; k < depth && block; k++) {
        const uint32_t *slots = block_read(m, block);
        if (fs_error(slots))
            return fs_error(slots);
        block = slots[path[k]];
    }
    if (block && !block_ok(&m->geo, block))
        return corrupt(m, "block number out of range in inode", i->ino);
    return block;
}

/* A short target stands in the inode, a longer one in the first block. */
int64_t inode_target(struct fs_node *n, struct message *m)
{
    struct inode *i = inode_of(n);
    if (!ext2_has_blocks(&mount_of(i)->geo, i->mode, i->blocks, i->d.file_acl))
        return fs_text(m, (const char *)i->d.block, i->size);
    if (!i->d.block[0])
        return corrupt(mount_of(i), "symbolic link without a block", i->ino);
    struct page *p = contents_page(n, 0, 1);
    if (fs_error(p))
        return fs_error(p);
    int64_t result = fs_text(m, (const char *)p->data, i->size);
    cache_put(p);
    return result;
}
