/* pipe: pipes and FIFOs. Start-up and the handler tables. */
#include "pipe.h"

static const handler_t fs_handlers[] = {
    [op_number(FS_READ)] = do_read,           [op_number(FS_WRITE)] = do_write,
    [op_number(FS_SEEK)] = answer_espipe,     [op_number(FS_STAT)] = do_stat,
    [op_number(FS_IOCTL)] = do_ioctl,         [op_number(FS_POLL)] = do_poll,
    [op_number(FS_OPEN)] = do_open,           [op_number(FS_SETATTR)] = answer_0,
    [op_number(FS_SYNC)] = answer_einval,     [op_number(FS_TRUNCATE)] = answer_einval,
    [op_number(FS_CHANGED)] = pollable_list,  [op_number(FS_STATFS)] = do_statfs,
    [op_number(FS_ALLOCATE)] = answer_espipe,
};

static const handler_t pipe_handlers[] = {
    [op_number(PIPE_CREATE)] = do_create, [op_number(PIPE_OPEN)] = do_open_fifo,
    [op_number(PIPE_PEEK)] = do_peek,     [op_number(PIPE_TAKE)] = do_take,
    [op_number(PIPE_MOVE)] = do_move,     [op_number(PIPE_RESIZE)] = do_resize,
    [op_number(PIPE_LIMIT)] = do_limit,
};

int main(void)
{
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, fs_handlers),
                                                 PROTOCOL_TABLE(PIPE, pipe_handlers) };
    pollable_start();
    service_run(&(struct service){
        .protocols = protocols, .count = 2, .threads = 1, .release = do_release });
}
