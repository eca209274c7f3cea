/* Extended attributes on the disk: a block that the inode names (file_acl). Several inodes may have
 * the same block; Minnow makes no such blocks, but a disk may bring them. One that is shared is
 * copied before it is changed. */
#include "attributes.h"
#include "ext2.h"

enum { COMPAT_XATTR = 8 };

/* The inode's block, held, or NULL if it has none, or fs_failed(): -EUCLEAN, -EIO, -ENOMEM. */
static struct page *block_get(struct inode *i)
{
    struct mount *m = mount_of(i);
    struct page *page;
    if (!i->file_acl)
        return NULL;
    if (!block_ok(&m->geo, i->file_acl))
        return fs_failed(mount_corrupt(m, "block of attributes out of range in inode", i->ino));
    int error = cache_block(m->index, i->file_acl, &page);
    if (error)
        return fs_failed(error);
    if (attributes_sound(page->data, m->geo.block_size))
        return page;
    cache_put(page);
    return fs_failed(mount_corrupt(m, "extended attributes of inode", i->ino));
}

int attribute_get(struct fs_node *n, const struct attribute *a, void *to)
{
    struct page *page = block_get(inode_of(n));
    if (!page || fs_error(page))
        return page ? fs_error(page) : -ENODATA;
    int size = attributes_get(page->data, a, to);
    cache_put(page);
    return size;
}

int attribute_list(struct fs_node *n, char *to)
{
    struct page *page = block_get(inode_of(n));
    if (!page || fs_error(page))
        return page ? fs_error(page) : 0;
    int size = attributes_list(page->data, to);
    cache_put(page);
    return size;
}

void attributes_release(struct inode *i)
{
    struct mount *m = mount_of(i);
    struct page *page = block_get(i);
    uint32_t block = i->file_acl;
    i->file_acl = 0;
    if (!page || fs_error(page))
        return;
    uint32_t *users = attributes_users(page->data);
    bool last = *users <= 1;
    if (!last) {
        --*users;
        cache_dirty(page);
    }
    cache_put(page);
    i->blocks -= MIN(i->blocks, (uint64_t)m->geo.block_size / 512);
    if (last)
        block_free(m, block);
}

/* A block for the inode alone, held: a copy of `old`, or an empty one for NULL. *number: its
 * number. fs_failed(): -ENOSPC, -EIO, -ENOMEM. */
static struct page *block_new(struct inode *i, const struct page *old, int64_t *number)
{
    struct mount *m = mount_of(i);
    struct page *page;
    uint32_t goal = m->geo.first_block +
                    (i->ino - 1) / m->geo.inodes_per_group * m->geo.blocks_per_group;
    bool left = !i->uid || m->free_blocks > m->super->r_blocks_count; /* the rest is root's */
    *number = left ? block_alloc(m, goal) : -ENOSPC;
    if (*number < 0)
        return fs_failed(*number);
    int error = cache_block_new(m->index, *number, &page);
    if (error) {
        block_free(m, *number);
        return fs_failed(error);
    }
    if (old)
        memcpy(page->data, old->data, m->geo.block_size);
    else
        attributes_init(page->data, m->geo.block_size);
    *attributes_users(page->data) = 1;
    return page;
}

/* The inode has block `number` from now on, in place of the one it had. */
static void adopt(struct inode *i, uint32_t number)
{
    struct mount *m = mount_of(i);
    if (!(m->super->compat & COMPAT_XATTR)) {
        m->super->compat |= COMPAT_XATTR;
        cache_dirty(m->super_page);
    }
    if (i->file_acl)
        attributes_release(i);
    i->file_acl = number;
    i->blocks += m->geo.block_size / 512;
}

int attribute_set(struct fs_node *n, const struct attribute *a)
{
    struct inode *i = inode_of(n);
    size_t size = mount_of(i)->geo.block_size;
    struct page *old = block_get(i), *page = old;
    int64_t number = 0;
    if (fs_error(old))
        return fs_error(old);
    if (!old && (a->remove || a->flags & XATTR_REPLACE))
        return -ENODATA;
    if (!old || *attributes_users(old->data) > 1) {
        page = block_new(i, old, &number);
        if (old)
            cache_put(old);
        if (fs_error(page))
            return fs_error(page);
    }
    int error = attributes_set(page->data, size, a);
    bool empty = attributes_empty(page->data);
    cache_dirty(page);
    cache_put(page);
    if (error && number)
        block_free(mount_of(i), number);
    else if (!error && number)
        adopt(i, number);
    if (!error && empty)
        attributes_release(i);
    inode_dirty(i);
    return error;
}
