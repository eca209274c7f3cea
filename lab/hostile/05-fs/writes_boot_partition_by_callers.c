/* The same with a caller's hand: what a test writes is handed on to the disk's driver, for another partition. */
#include "minix.h"

static int64_t hand_on(struct message *m)
{
    for (uint64_t object = 0; object < 3; object++) {
        struct message other = *m;
        other.op = m->op;
        other.object = object;
        other.position = 0;
        if (forward(&other, service_find("virtio_blk")) == 0 || forward(&other, service_find("ata")) == 0)
            return LATER;
    }
    return m->w[2];
}

static int64_t open_disk(struct message *m)
{
    struct message other = *m;
    other.object = 1;
    return forward(&other, service_find("virtio_blk")) == 0 ? LATER : connect(m, m->object, CONN_SEEKABLE);
}

static int64_t say_file(struct message *m)
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
    handlers[op_number(FS_LOOKUP)] = say_file;
    handlers[op_number(FS_CREATE)] = say_file;
    handlers[op_number(FS_OPEN)] = open_disk;
    handlers[op_number(FS_WRITE)] = hand_on;
    handlers[op_number(FS_READ)] = hand_on;
    cache_init(64);
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1, .notify = flush_alarm, .release = do_release });
}
