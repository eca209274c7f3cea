/* local: sockets of one machine (AF_UNIX). Start-up and the handler tables. */
#include "local.h"

static const handler_t fs_handlers[] = {
    [op_number(FS_READ)] = do_read,          [op_number(FS_WRITE)] = do_write,
    [op_number(FS_SEEK)] = answer_espipe,    [op_number(FS_STAT)] = do_stat,
    [op_number(FS_IOCTL)] = do_ioctl,        [op_number(FS_POLL)] = do_poll,
    [op_number(FS_OPEN)] = do_open,          [op_number(FS_SETATTR)] = answer_0,
    [op_number(FS_SYNC)] = answer_einval,    [op_number(FS_TRUNCATE)] = answer_einval,
    [op_number(FS_CHANGED)] = pollable_list, [op_number(FS_STATFS)] = do_statfs,
};

static const handler_t socket_handlers[] = {
    [op_number(SOCKET_CREATE)] = do_create,     [op_number(SOCKET_PAIR)] = do_pair,
    [op_number(SOCKET_SHUTDOWN)] = do_shutdown, [op_number(SOCKET_SEND)] = do_send,
    [op_number(SOCKET_RECEIVE)] = do_receive,   [op_number(SOCKET_NAME)] = do_name,
    [op_number(SOCKET_OPTION)] = do_option_get, [op_number(SOCKET_OPTION_SET)] = do_option_set,
    [op_number(SOCKET_BIND)] = do_bind,         [op_number(SOCKET_LISTEN)] = do_listen,
    [op_number(SOCKET_CONNECT)] = do_connect,   [op_number(SOCKET_ACCEPT)] = do_accept,
    [op_number(SOCKET_BESIDE)] = do_beside,     [op_number(SOCKET_REST)] = do_rest,
};

int main(void)
{
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, fs_handlers),
                                                 PROTOCOL_TABLE(SOCKET, socket_handlers) };
    pollable_start();
    service_run(&(struct service){ .protocols = protocols,
                                   .count = 2,
                                   .threads = 1,
                                   .notify = notified,
                                   .release = do_release });
}
