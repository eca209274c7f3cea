/* minix: a file server for MINIX file systems of version 3. Start-up and the handler table.
 *
 * This server mounts a disk and looks at its names. What is in the files is yours, to be read and
 * then to be written: operations without a line in the table are answered -ENOSYS. */
#include "minix.h"

enum { CACHE_PAGES = 512 };

static const handler_t fs_handlers[] = {
    [op_number(FS_SEEK)] = do_seek,     [op_number(FS_DENTS)] = do_dents,
    [op_number(FS_STAT)] = do_stat,     [op_number(FS_SYNC)] = do_sync,
    [op_number(FS_IOCTL)] = do_ioctl,   [op_number(FS_POLL)] = fs_poll,
    [op_number(FS_STATFS)] = do_statfs, [op_number(FS_OPEN)] = do_open,
    [op_number(FS_LOOKUP)] = do_lookup, [op_number(FS_NAME)] = do_name,
    [op_number(FS_MOUNT)] = do_mount,   [op_number(FS_UNMOUNT)] = do_unmount,
    [op_number(FS_HOLD)] = do_hold,
};

int main(void)
{
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, fs_handlers) };
    cache_init(CACHE_PAGES);
    service_run(&(struct service){ .protocols = protocols,
                                   .count = 1,
                                   .threads = 1,
                                   .notify = flush_alarm,
                                   .release = do_release });
}
