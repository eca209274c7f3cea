/* The table of the read-only ext2. Nodes are forgotten after each request (`forgets`), since they
 * are always as on the disk. The operations that change something are missing: libfs refuses their
 * requests before it would call them, since all mounts are read-only. */
#include "ext2_ro.h"

const struct disk_ops disk_ops = { .map = inode_map };

const struct fs_ops fs_ops = {
    .threads = 1,
    .checker = "e2fsck",
    .forgets = true,
    .mount = mount_make,
    .remount = mount_stays,
    .unmount = mount_drop,
    .statfs = mount_statfs,
    .get = inode_by_object,
    .put = inode_put,
    .read = contents_read,
    .lend = contents_lend,
    .take_back = contents_take_back,
    .lookup = dir_lookup,
    .list = dir_list,
    .name_of = dir_name_of,
    .readlink = inode_target,
};
