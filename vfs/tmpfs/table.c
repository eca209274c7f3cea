/* The table of the RAM file system: links and open nodes are limited by shares alone (node.c). */
#include "tmpfs.h"

const struct fs_ops fs_ops = {
    .threads = 1,
    .lends_own = true,
    .mount = mount_new,
    .unmount = mount_end,
    .statfs = mount_statfs,
    .get = node_get,
    .put = node_put,
    .read = data_read,
    .write = data_write,
    .resize = data_resize,
    .lend = data_lend,
    .take_back = data_take_back,
    .reserve = data_reserve,
    .lookup = dir_lookup,
    .list = dir_list,
    .name_of = dir_name_of,
    .readlink = link_read,
    .create = dir_create,
    .add = dir_add,
    .replace = dir_replace,
    .remove = dir_remove,
    .set_parent = dir_set_parent,
    .empty = dir_empty,
};
