/* New inodes with their names, and symbolic links. An inode is complete before its name is written;
 * if that fails it has no links, and is freed like any inode without links. */
#include "ext2.h"

/* Stores the target of a new symbolic link: a short one in the inode, a longer one in the first
 * block. 0, -ENAMETOOLONG, -ENOSPC, -EIO, -ENOMEM. */
static int link_store(struct inode *i, const char *target)
{
    struct mount *m = mount_of(i);
    size_t length = strlen(target);
    if (length >= m->geo.block_size)
        return -ENAMETOOLONG;
    i->size = length;
    if (length < sizeof i->block) {
        memcpy(i->block, target, length);
        return 0;
    }
    struct page *page;
    int64_t block = map_block((struct disk_node *)i, 0, true);
    int error = block < 0 ? (int)block : cache_block_new(m->index, block, &page);
    if (error)
        return error;
    memcpy(page->data, target, length);
    cache_put(page);
    return 0;
}

int64_t link_read(struct fs_node *n, struct message *m)
{
    struct inode *i = inode_of(n);
    if (!inode_has_data_blocks(i))
        return fs_text(m, (const char *)i->block, i->size);
    struct page *page;
    int64_t block = map_block((struct disk_node *)i, 0, false);
    if (!block)
        block = mount_corrupt(mount_of(i), "symbolic link without a block", i->ino);
    int64_t result = block < 0 ? block : cache_block(mount_of(i)->index, block, &page);
    if (result)
        return result;
    result = fs_text(m, (const char *)page->data, i->size);
    cache_put(page);
    return result;
}

struct fs_node *name_create(struct fs_node *dir, struct fs_name *name, const struct fs_new *new)
{
    struct inode *i = inode_create(inode_of(dir), new);
    int error = 0;
    if (fs_error(i))
        return inode_node(i);
    if (S_ISDIR(new->mode))
        error = dir_init(i, inode_of(dir));
    else if (new->target)
        error = link_store(i, new->target);
    if (!error && name) {
        i->links = S_ISDIR(new->mode) ? 2 : 1;
        error = dir_add(dir, name, inode_node(i));
        if (error)
            i->links = 0;
    }
    if (!error)
        return inode_node(i);
    inode_put(i); /* frees it */
    return fs_failed(error);
}
