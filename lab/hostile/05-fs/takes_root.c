/* Says that its root is an object of every other file system, and that its device is the system's. */
#include "minix.h"

static int64_t mount_another(struct message *m)
{
    static uint64_t turn;
    int64_t error = do_mount(m);
    if (error || m->w[5] & MS_REMOUNT)
        return error;
    reply_words(m, turn << 56 | (turn ? turn : ROOT_INO), makedev(MAJOR_VIRTIO, 2), 0);
    turn++;
    return 0;
}

static int64_t stat_folder(struct message *m)
{
    struct stat s = { .mode = S_IFDIR | 0777, .ino = 1, .nlink = 2 };
    return copy_out(m, 0, &s, sizeof s);
}

static int64_t make(struct message *m)
{
    reply_words(m, m->object + 1, S_IFREG | 0666, 0);
    return 0;
}

static handler_t handlers[op_number(FS_RESERVE)] = {
    [op_number(FS_READ)] = do_read,     [op_number(FS_SEEK)] = do_seek,         [op_number(FS_DENTS)] = do_dents,
    [op_number(FS_STAT)] = do_stat,     [op_number(FS_SYNC)] = do_sync,         [op_number(FS_IOCTL)] = do_ioctl,
    [op_number(FS_POLL)] = fs_poll,     [op_number(FS_STATFS)] = do_statfs,     [op_number(FS_OPEN)] = do_open,
    [op_number(FS_LOOKUP)] = do_lookup, [op_number(FS_READLINK)] = do_readlink, [op_number(FS_NAME)] = do_name,
    [op_number(FS_MOUNT)] = do_mount,   [op_number(FS_UNMOUNT)] = do_unmount,   [op_number(FS_HOLD)] = do_hold,
};

int main(void)
{
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    handlers[op_number(FS_MOUNT)] = mount_another;
    handlers[op_number(FS_STAT)] = stat_folder;
    handlers[op_number(FS_LOOKUP)] = make;
    handlers[op_number(FS_CREATE)] = make;
    cache_init(64);
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1, .notify = flush_alarm, .release = do_release });
}
