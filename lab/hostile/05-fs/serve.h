/* What the hostile programs of this lab have in common: they look at names as the skeleton does,
 * but for the handlers that they put into the table. lab/grader/hostile.py writes it into each
 * main.c, for nothing but the lab's own files is handed in. */
#include "minix.h"

static handler_t handlers[op_number(FS_RESERVE) + 1] = {
    [op_number(FS_SEEK)] = do_seek,     [op_number(FS_DENTS)] = do_dents,
    [op_number(FS_STAT)] = do_stat,     [op_number(FS_SYNC)] = do_sync,
    [op_number(FS_IOCTL)] = do_ioctl,   [op_number(FS_POLL)] = fs_poll,
    [op_number(FS_STATFS)] = do_statfs, [op_number(FS_OPEN)] = do_open,
    [op_number(FS_LOOKUP)] = do_lookup, [op_number(FS_NAME)] = do_name,
    [op_number(FS_MOUNT)] = do_mount,   [op_number(FS_UNMOUNT)] = do_unmount,
    [op_number(FS_HOLD)] = do_hold,
};

_Noreturn static void serve(void)
{
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    cache_init(64);
    service_run(&(struct service){ .protocols = protocols,
                                   .count = 1,
                                   .threads = 1,
                                   .notify = flush_alarm,
                                   .release = do_release });
}
