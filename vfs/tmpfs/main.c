/* tmpfs: files in memory, for /tmp. Start-up and the handler table. */
#include "tmpfs.h"

static const handler_t fs_handlers[] = {
    [FS_READ & 0xff] = do_read,       [FS_WRITE & 0xff] = do_write,
    [FS_SEEK & 0xff] = do_seek,       [FS_DENTS & 0xff] = do_dents,
    [FS_STAT & 0xff] = do_stat,       [FS_TRUNCATE & 0xff] = do_truncate,
    [FS_SYNC & 0xff] = do_sync,       [FS_IOCTL & 0xff] = do_ioctl,
    [FS_POLL & 0xff] = fs_poll,       [FS_STATFS & 0xff] = do_statfs,
    [FS_OPEN & 0xff] = do_open,       [FS_LOOKUP & 0xff] = do_lookup,
    [FS_CREATE & 0xff] = do_create,   [FS_SYMLINK & 0xff] = do_symlink,
    [FS_LINK & 0xff] = do_link,       [FS_UNLINK & 0xff] = do_unlink,
    [FS_RENAME & 0xff] = do_rename,   [FS_READLINK & 0xff] = do_readlink,
    [FS_SETATTR & 0xff] = do_setattr, [FS_NAME & 0xff] = do_name,
    [FS_MOUNT & 0xff] = do_mount,     [FS_UNMOUNT & 0xff] = do_unmount,
    [FS_PAGES & 0xff] = do_pages,     [FS_UNPIN & 0xff] = do_unpin,
    [FS_HOLD & 0xff] = do_hold,       [FS_RESERVE & 0xff] = do_reserve,
};

int main(void)
{
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, fs_handlers) };
    service_run(&(struct service){
        .protocols = protocols, .count = 1, .threads = 1, .release = do_release });
}
