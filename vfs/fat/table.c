/* The tables of FAT: disk_ops, what libfs asks a server of disks for, and fs_ops. */
#include "fat.h"

static struct node nodes[NODES];

const struct disk_ops disk_ops = {
    .mounts = mounts,
    .mount_size = sizeof mounts[0],
    .mount_count = MOUNTS,
    .nodes = nodes,
    .node_size = sizeof nodes[0],
    .node_count = NODES,
    .load_mount = super_load,
    .store_mount = super_store,
    .root = node_root,
    .load = node_load,
    .store = node_store,
    .destroy = node_destroy,
    .leave = node_leave,
    .forget = names_forget,
    .map = chain_map,
    .cut = chain_cut_bytes,
};

static void changed(struct fs_node *n)
{
    fat_node(n)->dirty = true;
    flush_later();
}

const struct fs_ops fs_ops = {
    .threads = 4,
    .open_max = NODES,
    .checker = "fsck.fat",
    .no_atime = true,
    .folds_case = true,
    .no_links = true,
    .mount = mount_new,
    .remount = mount_again,
    .unmount = mount_end,
    .statfs = super_statfs,
    .sync = mount_sync,
    .sync_node = mount_sync_node,
    .get = node_by_object,
    .put = node_put,
    .changed = changed,
    .stat = file_stat,
    .setattr = file_setattr,
    .open = mount_open_node,
    .read = contents_read,
    .write = file_write,
    .resize = file_resize,
    .lend = contents_lend,
    .take_back = contents_take_back,
    .reserve = contents_reserve,
    .lookup = name_lookup,
    .list = name_list,
    .name_of = name_of,
    .create = name_create,
    .add = name_add,
    .replace = name_replace,
    .remove = name_remove,
    .set_parent = dir_set_parent,
    .empty = dir_empty,
};
