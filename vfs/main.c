/* vfs: the name space. Start-up and the table of handlers. */
#include "handlers.h"
#include "walk.h"

static const handler_t vfs_handlers[] = {
    [VFS_OPEN & 0xff] = do_open,           [VFS_STAT & 0xff] = do_stat,
    [VFS_STAT_PATH & 0xff] = do_stat_path, [VFS_LSTAT_PATH & 0xff] = do_lstat_path,
    [VFS_ACCESS & 0xff] = do_access,       [VFS_MKDIR & 0xff] = do_mkdir,
    [VFS_MKNOD & 0xff] = do_mknod,         [VFS_UNLINK & 0xff] = do_unlink,
    [VFS_RENAME & 0xff] = do_rename,       [VFS_LINK & 0xff] = do_link,
    [VFS_SYMLINK & 0xff] = do_symlink,     [VFS_READLINK & 0xff] = do_readlink,
    [VFS_CHMOD & 0xff] = do_chmod,         [VFS_CHOWN & 0xff] = do_chown,
    [VFS_UTIMENS & 0xff] = do_utimens,     [VFS_TRUNCATE & 0xff] = do_truncate,
    [VFS_STATFS & 0xff] = do_statfs,       [VFS_CHDIR & 0xff] = do_chdir,
    [VFS_CHROOT & 0xff] = do_chroot,       [VFS_GETCWD & 0xff] = do_getcwd,
    [VFS_UMASK & 0xff] = do_umask,         [VFS_FCHMOD & 0xff] = do_fchmod,
    [VFS_FCHOWN & 0xff] = do_fchown,       [VFS_FCHDIR & 0xff] = do_fchdir,
    [VFS_MOUNT & 0xff] = do_mount,         [VFS_UMOUNT & 0xff] = do_umount,
    [VFS_SYNC & 0xff] = do_sync,           [VFS_FORK & 0xff] = do_fork,
    [VFS_EXIT & 0xff] = do_exit,           [VFS_CRED & 0xff] = do_cred,
    [VFS_RESOLVE & 0xff] = do_resolve,     [VFS_MOUNTS & 0xff] = do_mounts,
    [VFS_PATH & 0xff] = do_path,
};

int main(void)
{
    static const struct protocol protocols[] = { PROTOCOL_TABLE(VFS, vfs_handlers) };
    if (!inherited)
        mount_root();
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = THREADS });
}
