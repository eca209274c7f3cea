/* vfs: the name space. Start-up and the table of handlers. */
#include "handlers.h"
#include "walk.h"

static const handler_t vfs_handlers[] = {
    [op_number(VFS_OPEN)] = do_open,
    [op_number(VFS_STAT)] = do_stat,
    [op_number(VFS_STAT_PATH)] = do_stat_path,
    [op_number(VFS_LSTAT_PATH)] = do_lstat_path,
    [op_number(VFS_ACCESS)] = do_access,
    [op_number(VFS_MKDIR)] = do_mkdir,
    [op_number(VFS_MKNOD)] = do_mknod,
    [op_number(VFS_UNLINK)] = do_unlink,
    [op_number(VFS_RENAME)] = do_rename,
    [op_number(VFS_LINK)] = do_link,
    [op_number(VFS_SYMLINK)] = do_symlink,
    [op_number(VFS_READLINK)] = do_readlink,
    [op_number(VFS_CHMOD)] = do_chmod,
    [op_number(VFS_CHOWN)] = do_chown,
    [op_number(VFS_UTIMENS)] = do_utimens,
    [op_number(VFS_TRUNCATE)] = do_truncate,
    [op_number(VFS_STATFS)] = do_statfs,
    [op_number(VFS_CHDIR)] = do_chdir,
    [op_number(VFS_CHROOT)] = do_chroot,
    [op_number(VFS_GETCWD)] = do_getcwd,
    [op_number(VFS_UMASK)] = do_umask,
    [op_number(VFS_FCHMOD)] = do_fchmod,
    [op_number(VFS_FCHOWN)] = do_fchown,
    [op_number(VFS_FCHDIR)] = do_fchdir,
    [op_number(VFS_MOUNT)] = do_mount,
    [op_number(VFS_UMOUNT)] = do_umount,
    [op_number(VFS_SYNC)] = do_sync,
    [op_number(VFS_FORK)] = do_fork,
    [op_number(VFS_EXIT)] = do_exit,
    [op_number(VFS_CRED)] = do_cred,
    [op_number(VFS_RESOLVE)] = do_resolve,
    [op_number(VFS_MOUNTS)] = do_mounts,
    [op_number(VFS_PATH)] = do_path,
    [op_number(VFS_STATX)] = do_statx,
    [op_number(VFS_OPENAT2)] = do_openat2,
    [op_number(VFS_MEMFD)] = do_memfd,
    [op_number(VFS_SETXATTR)] = do_setxattr,
    [op_number(VFS_GETXATTR)] = do_getxattr,
    [op_number(VFS_NAME_TO_HANDLE)] = do_name_to_handle,
    [op_number(VFS_OPEN_BY_HANDLE)] = do_open_by_handle,
    [op_number(VFS_LISTXATTR)] = do_listxattr,
    [op_number(VFS_REMOVEXATTR)] = do_removexattr,
    [op_number(VFS_UMASK_OF)] = do_umask_of,
    [op_number(VFS_UNSHARE)] = do_unshare,
    [op_number(VFS_BIND)] = do_bind,
    [op_number(VFS_USTAT)] = do_ustat,
    [op_number(VFS_TYPES)] = do_types,
};

int main(void)
{
    static const struct protocol protocols[] = { PROTOCOL_TABLE(VFS, vfs_handlers) };
    if (started != START_INHERITS)
        mount_root();
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = THREADS });
}
