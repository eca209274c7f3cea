/* pipe: pipes and FIFOs. Start-up, the handler tables, and fstat, which are done. */
#include "pipe.h"

static int64_t do_stat(struct message *m)
{
    struct stat s = { .dev = PIPE_DEV,
                      .ino = pipe_inode(m->object),
                      .nlink = 1,
                      .mode = S_IFIFO | 0600,
                      .blksize = PAGE_SIZE };
    return copy_out(m, 0, &s, sizeof s) ? -EFAULT : 0;
}

static const handler_t fs_handlers[] = {
    [op_number(FS_READ)] = do_read,          [op_number(FS_WRITE)] = do_write,
    [op_number(FS_SEEK)] = answer_espipe,    [op_number(FS_STAT)] = do_stat,
    [op_number(FS_IOCTL)] = do_ioctl,        [op_number(FS_POLL)] = do_poll,
    [op_number(FS_OPEN)] = do_open,          [op_number(FS_SETATTR)] = answer_0,
    [op_number(FS_SYNC)] = answer_einval,    [op_number(FS_TRUNCATE)] = answer_einval,
    [op_number(FS_CHANGED)] = pollable_list,
};

static const handler_t pipe_handlers[] = {
    [op_number(PIPE_CREATE)] = do_create,
    [op_number(PIPE_OPEN)] = do_open_fifo,
    [op_number(PIPE_RESIZE)] = do_resize,
    [op_number(PIPE_LIMIT)] = answer_0,
};

int main(void)
{
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, fs_handlers),
                                                 PROTOCOL_TABLE(PIPE, pipe_handlers) };
    pollable_start();
    service_run(&(struct service){
        .protocols = protocols, .count = 2, .threads = 1, .release = do_release });
}
