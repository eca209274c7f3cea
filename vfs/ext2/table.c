/* The tables of ext2: disk_ops, what libfs asks a server of disks for, and fs_ops. */
#include "ext2.h"

static struct inode inodes[INODES];

static struct disk_node *root(struct disk_mount *m) { return node_get(m, ROOT_INO); }

const struct disk_ops disk_ops = {
    .mounts = mounts,
    .mount_size = sizeof mounts[0],
    .mount_count = MOUNTS,
    .nodes = inodes,
    .node_size = sizeof inodes[0],
    .node_count = INODES,
    .load_mount = super_load,
    .store_mount = super_store,
    .drop_mount = super_drop,
    .root = root,
    .load = inode_load,
    .store = inode_store,
    .destroy = inode_destroy,
    .forget = index_drop,
    .map = map_block,
    .cut = map_cut_bytes,
    .free = map_free,
    .next = map_next,
};

static void changed(struct fs_node *n)
{
    inode_dirty(inode_of(n));
    flush_later();
}

const struct fs_ops fs_ops = {
    .threads = 8,
    .open_max = INODES,
    .links_max = LINKS_MAX,
    .checker = "e2fsck",
    .nameless = true,
    .mount = mount_new,
    .remount = mount_again,
    .unmount = mount_end,
    .statfs = super_statfs,
    .sync = mount_sync,
    .sync_node = mount_sync_node,
    .get = node_of,
    .put = node_put,
    .changed = changed,
    .open = mount_open_node,
    .read = contents_read,
    .write = contents_write,
    .resize = contents_resize,
    .allocate = contents_allocate,
    .punch = contents_punch,
    .seek = contents_seek,
    .lend = contents_lend,
    .take_back = contents_take_back,
    .reserve = contents_reserve,
    .lookup = dir_lookup,
    .list = dir_list,
    .attribute_get = attribute_get,
    .attribute_list = attribute_list,
    .attribute_set = attribute_set,
    .name_of = dir_name_of,
    .readlink = link_read,
    .create = name_create,
    .add = dir_add,
    .replace = dir_replace,
    .remove = dir_remove,
    .set_parent = dir_set_parent,
    .empty = dir_empty,
};
