/* Names in directories, which are read from front to back. */
#include "ext2_ro.h"

/* The first entry in use from byte *at of the directory on, where an entry begins; *at is then
 * behind it. NULL at the end, or fs_failed(). The entry is valid until the next use of the disk. */
static struct entry *next(struct inode *dir, uint64_t *at)
{
    const struct geometry *g = &mount_of(dir)->geo;
    while (*at < dir->size) {
        struct page *p = contents_page((struct fs_node *)dir, *at / PAGE_SIZE, 1);
        if (fs_error(p))
            return fs_failed(fs_error(p));
        uint32_t offset = *at % g->block_size;
        struct entry *e = ext2_entry(g, p->data + *at % PAGE_SIZE - offset, offset);
        cache_put(p);
        if (!e) /* a hole reads as zeros, which are no entry */
            return fs_failed(corrupt(mount_of(dir), "bad entry in directory", dir->ino));
        *at += e->reclen;
        if (e->ino && e->name_length)
            return e;
    }
    return NULL;
}

struct fs_node *dir_lookup(struct fs_node *f, struct fs_name *name)
{
    struct inode *dir = inode_of(f), *i;
    uint64_t at = 0;
    struct entry *e;
    do
        e = next(dir, &at);
    while (e && !fs_error(e) &&
           (e->name_length != name->length || memcmp(e->name, name->text, name->length)));
    if (!e || fs_error(e))
        return fs_failed(e ? fs_error(e) : -ENOENT);
    uint32_t ino = e->ino;
    i = inode_get(mount_of(dir), ino);
    if (fs_error(i) == -ESTALE)
        return fs_failed(corrupt(mount_of(dir), "name of an unused inode", ino));
    return (struct fs_node *)i;
}

int dir_list(struct fs_node *f, struct dents *d)
{
    struct inode *dir = inode_of(f);
    const struct geometry *g = &mount_of(dir)->geo;
    struct entry *e;
    int added = 1;
    /* Begins at the block, since `start` need not be the beginning of an entry. */
    uint64_t start = d->position, at = start - start % g->block_size;
    while (added == 1 && (e = next(dir, &at)) && !fs_error(e))
        if (at - e->reclen >= start)
            added = dents_add(d, e->ino, at, ext2_dtype(g, e), e->name, e->name_length);
    return added < 0 ? added : added ? fs_error(e) : 0;
}

int dir_name_of(struct fs_node *f, uint64_t object, char *name)
{
    uint64_t at = 0;
    struct entry *e;
    do
        e = next(inode_of(f), &at);
    while (e && !fs_error(e) &&
           (e->ino != fs_object_ino(object) || fs_is_dots(e->name, e->name_length)));
    if (!e || fs_error(e))
        return e ? fs_error(e) : -ENOENT;
    memcpy(name, e->name, e->name_length);
    return e->name_length;
}
