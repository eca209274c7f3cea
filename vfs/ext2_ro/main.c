/* ext2_ro: ext2 disks, for reading. Start-up and the handler table. */
#include "ext2_ro.h"

static int64_t do_refuse(struct message *m)
{
    (void)m;
    return -EROFS;
}
static int64_t do_nothing(struct message *m)
{
    (void)m;
    return 0;
}

static const handler_t fs_handlers[] = {
    [op_number(FS_READ)] = do_read,
    [op_number(FS_SEEK)] = do_seek,
    [op_number(FS_DENTS)] = do_dents,
    [op_number(FS_STAT)] = do_stat,
    [op_number(FS_IOCTL)] = do_ioctl,
    [op_number(FS_POLL)] = fs_poll,
    [op_number(FS_STATFS)] = do_statfs,
    [op_number(FS_OPEN)] = do_open,
    [op_number(FS_LOOKUP)] = do_lookup,
    [op_number(FS_READLINK)] = do_readlink,
    [op_number(FS_NAME)] = do_name,
    [op_number(FS_MOUNT)] = do_mount,
    [op_number(FS_UNMOUNT)] = do_unmount,
    [op_number(FS_PAGES)] = do_pages,
    [op_number(FS_UNPIN)] = do_unpin,
    /* What is never changed is always on the disk, and needs nobody to keep it. */
    [op_number(FS_SYNC)] = do_nothing,
    [op_number(FS_HOLD)] = do_nothing,
    [op_number(FS_WRITE)] = do_refuse,
    [op_number(FS_TRUNCATE)] = do_refuse,
    [op_number(FS_CREATE)] = do_refuse,
    [op_number(FS_SYMLINK)] = do_refuse,
    [op_number(FS_LINK)] = do_refuse,
    [op_number(FS_UNLINK)] = do_refuse,
    [op_number(FS_RENAME)] = do_refuse,
    [op_number(FS_SETATTR)] = do_refuse,
};

int main(void)
{
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, fs_handlers) };
    cache_init(0);
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
