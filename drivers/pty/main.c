/* pty: pseudo terminals. Start-up, and the way of each call to the part of the object that it is
 * for. */
#include "pty.h"

_Static_assert((int)TERMINAL_FS_HANDLERS == (int)FS_HANDLERS, "one number is for all tables");

/* Protocol FS. What a master or slave does not answer by itself libfs answers, by its name. */
static int64_t do_fs(struct message *m)
{
    unsigned op = op_number(m->op);
    struct pair *master = pair_of_master(m->object), *slave = pair_of_slave(m->object);
    if (m->op == FS_CHANGED)
        return pollable_list(m);
    if (m->op == FS_OPEN && m->object == DEV_PTMX)
        return pair_open(m);
    handler_t handler = master                      ? master_handlers[op]
                        : slave && m->op != FS_STAT ? terminal_fs[op]
                                                    : NULL;
    if (!handler)
        return fs_handlers[op] ? fs_handlers[op](m) : -ENOSYS;
    int64_t result = handler(m);
    pair_settle(master ? master : slave);
    return result;
}

int main(void)
{
    static const handler_t fs[FS_HANDLERS] = { [0 ... FS_HANDLERS - 1] = do_fs };
    static struct protocol protocols[] = { PROTOCOL_TABLE(FS, fs), { 0 } };
    protocols[1] = terminal_tty;
    pairs_start();
    service_run(&(struct service){ .protocols = protocols,
                                   .count = ARRAY_SIZE(protocols),
                                   .threads = 1,
                                   .notify = terminal_notified,
                                   .release = pair_release });
}
