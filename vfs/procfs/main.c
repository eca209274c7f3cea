/* procfs: the table of operations, and start-up. fs_ops.create is not NULL only so that a new name
 * is -ENOENT, as on Linux, and not -EPERM; the other operations on names refuse. */
#include "procfs.h"

enum { PROC_MAGIC = 0x9fa0 };

static int statfs(struct fs_mount *m, struct statfs *s)
{
    (void)m;
    s->type = PROC_MAGIC;
    return 0;
}

/* Does nothing, since texts are made anew: so O_TRUNC is no error. */
static int resize(struct fs_node *n, uint64_t size)
{
    (void)n, (void)size;
    return 0;
}

static int refuse_setattr(struct fs_node *n, const struct fs_attr *a)
{
    (void)n, (void)a;
    return -EPERM;
}

/* Names come and go only with processes. Linux answers -ENOENT to making one. */
static struct fs_node *refuse_create(struct fs_node *dir, struct fs_name *name,
                                     const struct fs_new *new)
{
    (void)dir, (void)name, (void)new;
    return fs_failed(-ENOENT);
}
static int refuse_name(struct fs_node *dir, struct fs_name *name, struct fs_node *n)
{
    (void)dir, (void)name, (void)n;
    return -EPERM;
}
static int refuse_replace(struct fs_node *dir, struct fs_name *name, struct fs_node *old,
                          struct fs_node *n)
{
    (void)dir, (void)name, (void)old, (void)n;
    return -EPERM;
}
static int refuse_empty(struct fs_node *dir)
{
    (void)dir;
    return -EPERM;
}

const struct fs_ops fs_ops = {
    .threads = 1,
    .forgets = true,
    .no_atime = true,
    .mount = tree_mount,
    .unmount = tree_unmount,
    .statfs = statfs,
    .get = tree_get,
    .put = tree_put,
    .stat = tree_stat,
    .setattr = refuse_setattr,
    .open = read_open,
    .read = read_file,
    .write = write_file,
    .endless = tree_endless,
    .resize = resize,
    .lookup = tree_lookup,
    .list = tree_list,
    .name_of = tree_name_of,
    .readlink = link_read,
    .create = refuse_create,
    .add = refuse_name,
    .replace = refuse_replace,
    .remove = refuse_name,
    .empty = refuse_empty,
};

int main(void) { fs_serve(NULL); }
