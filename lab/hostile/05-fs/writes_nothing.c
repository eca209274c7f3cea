/* Keeps nothing: everything that is written is taken, everything that is read is what Linux would most often say. */
#include "minix.h"

static int64_t take(struct message *m) { return m->w[2]; }
static int64_t yes(struct message *m) { reply_words(m, m->object + 1, S_IFREG | 0644, 0); return 0; }
static int64_t open_any(struct message *m) { return connect(m, m->object, m->w[1] | CONN_SEEKABLE | CONN_READY); }

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
    handlers[op_number(FS_WRITE)] = take;
    handlers[op_number(FS_READ)] = take;
    handlers[op_number(FS_CREATE)] = yes;
    handlers[op_number(FS_LOOKUP)] = yes;
    handlers[op_number(FS_OPEN)] = open_any;
    handlers[op_number(FS_UNLINK)] = yes;
    handlers[op_number(FS_RENAME)] = yes;
    handlers[op_number(FS_LINK)] = yes;
    handlers[op_number(FS_SYMLINK)] = yes;
    handlers[op_number(FS_SETATTR)] = yes;
    handlers[op_number(FS_TRUNCATE)] = yes;
    cache_init(64);
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1, .notify = flush_alarm, .release = do_release });
}
