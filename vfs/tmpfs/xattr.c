/* Extended attributes: a page of memory a file, in the form of ext2 (libfs/attributes.h). It is
 * charged like the pages of the file. */
#include "attributes.h"
#include "tmpfs.h"

int attribute_get(struct fs_node *f, const struct attribute *a, void *to)
{
    const void *block = node_of(f)->attributes;
    return block ? attributes_get(block, a, to) : -ENODATA;
}

int attribute_list(struct fs_node *f, char *to)
{
    const void *block = node_of(f)->attributes;
    return block ? attributes_list(block, to) : 0;
}

int attribute_set(struct fs_node *f, const struct attribute *a)
{
    struct node *n = node_of(f);
    void *block = n->attributes;
    if (!block) {
        if (a->remove || a->flags & XATTR_REPLACE)
            return -ENODATA;
        if (!(block = data_extra_take(n)))
            return -ENOSPC;
        attributes_init(block, PAGE_SIZE);
    }
    int error = attributes_set(block, PAGE_SIZE, a);
    n->attributes = block;
    if (attributes_empty(block))
        attributes_drop(n);
    return error;
}

void attributes_drop(struct node *n)
{
    if (n->attributes)
        data_extra_give(n, n->attributes);
    n->attributes = NULL;
}
