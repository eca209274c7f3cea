#include "handlers.h"
int64_t do_read(struct message *m) __attribute__((weak));
int64_t do_write(struct message *m) __attribute__((weak));
int64_t do_seek(struct message *m) __attribute__((weak));
int64_t do_dents(struct message *m) __attribute__((weak));
int64_t do_stat(struct message *m) __attribute__((weak));
int64_t do_truncate(struct message *m) __attribute__((weak));
int64_t do_sync(struct message *m) __attribute__((weak));
int64_t do_ioctl(struct message *m) __attribute__((weak));
int64_t do_statfs(struct message *m) __attribute__((weak));
int64_t do_open(struct message *m) __attribute__((weak));
int64_t do_lookup(struct message *m) __attribute__((weak));
int64_t do_create(struct message *m) __attribute__((weak));
int64_t do_symlink(struct message *m) __attribute__((weak));
int64_t do_link(struct message *m) __attribute__((weak));
int64_t do_unlink(struct message *m) __attribute__((weak));
int64_t do_rename(struct message *m) __attribute__((weak));
int64_t do_readlink(struct message *m) __attribute__((weak));
int64_t do_setattr(struct message *m) __attribute__((weak));
int64_t do_name(struct message *m) __attribute__((weak));
int64_t do_mount(struct message *m) __attribute__((weak));
int64_t do_unmount(struct message *m) __attribute__((weak));
int64_t do_pages(struct message *m) __attribute__((weak));
int64_t do_unpin(struct message *m) __attribute__((weak));
int64_t do_hold(struct message *m) __attribute__((weak));
int64_t do_reserve(struct message *m) __attribute__((weak));
void do_release(const struct message *m) __attribute__((weak));
void fs_release(const struct message *m) { do_release(m); }
const handler_t fs_handlers[FS_HANDLERS] = {
    [op_number(FS_READ)] = do_read,         [op_number(FS_WRITE)] = do_write,
    [op_number(FS_SEEK)] = do_seek,         [op_number(FS_DENTS)] = do_dents,
    [op_number(FS_STAT)] = do_stat,         [op_number(FS_TRUNCATE)] = do_truncate,
    [op_number(FS_SYNC)] = do_sync,         [op_number(FS_IOCTL)] = do_ioctl,
    [op_number(FS_STATFS)] = do_statfs,     [op_number(FS_OPEN)] = do_open,
    [op_number(FS_LOOKUP)] = do_lookup,     [op_number(FS_CREATE)] = do_create,
    [op_number(FS_SYMLINK)] = do_symlink,   [op_number(FS_LINK)] = do_link,
    [op_number(FS_UNLINK)] = do_unlink,     [op_number(FS_RENAME)] = do_rename,
    [op_number(FS_READLINK)] = do_readlink, [op_number(FS_SETATTR)] = do_setattr,
    [op_number(FS_NAME)] = do_name,         [op_number(FS_MOUNT)] = do_mount,
    [op_number(FS_UNMOUNT)] = do_unmount,   [op_number(FS_PAGES)] = do_pages,
    [op_number(FS_UNPIN)] = do_unpin,       [op_number(FS_HOLD)] = do_hold,
    [op_number(FS_RESERVE)] = do_reserve,
};
