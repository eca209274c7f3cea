/* pipe: pipes and FIFOs. Start-up and the handler tables. */
#include "pipe.h"

static const handler_t fs_handlers[] = {
    [FS_READ & 0xff] = do_read,       [FS_WRITE & 0xff] = do_write,
    [FS_SEEK & 0xff] = do_seek,       [FS_STAT & 0xff] = do_stat,
    [FS_IOCTL & 0xff] = do_ioctl,     [FS_POLL & 0xff] = do_poll,
    [FS_OPEN & 0xff] = do_open,       [FS_SETATTR & 0xff] = do_ignore,
    [FS_SYNC & 0xff] = do_refuse,     [FS_TRUNCATE & 0xff] = do_refuse,
    [FS_CHANGED & 0xff] = do_changed,
};

static const handler_t pipe_handlers[] = { [PIPE_CREATE & 0xff] = do_create,
                                           [PIPE_OPEN & 0xff] = do_open_fifo };

int main(void)
{
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, fs_handlers),
                                                 PROTOCOL_TABLE(PIPE, pipe_handlers) };
    service_run(&(struct service){
        .protocols = protocols, .count = 2, .threads = 1, .release = do_release });
}
