/* gate: lets programs call a service by its native protocol. A program opens /dev/gate
 * and says by ioctl what to call; the gate aims the window of the program's call and forwards it,
 * so that the service answers the program and not the gate. */
#include "gate.h"

#include "char.h"
#include "syscalls.h"

/* Forwards the program's own call: the kernel withdraws it when the program is killed, and makes it
 * again from the beginning when the service throws it back. LATER, or an error. */
static int64_t call_service(struct message *m)
{
    struct gate_call c;
    int error = copy_in(m, 0, &c, sizeof c);
    if (error)
        return error;
    c.service[sizeof c.service - 1] = 0;
    endpoint_t to = service_find(c.service);
    if (!to)
        return -ENXIO;
    int64_t aimed = sys_aim(m->call, c.base, c.length, c.window);
    if (aimed < 0)
        return aimed;
    m->op = c.op;
    m->object = m->position = m->flags = 0;
    m->w[0] = c.w0, m->w[1] = c.base, m->w[2] = c.length;
    m->w[3] = c.w3, m->w[4] = c.w4, m->w[5] = c.w5;
    return forward(m, to) == -EPERM ? -EPERM : LATER;
}

static int64_t list_threads(struct message *m)
{
    struct gate_sched list;
    int64_t bytes = ask_info(INFO_SCHED, 0, &list, sizeof list);
    int error = bytes < 0 ? (int)bytes : copy_out(m, 0, &list, bytes);
    return error ? error : bytes / (int64_t)sizeof list.threads[0];
}

static int64_t do_ioctl(struct message *m)
{
    switch (m->w[1]) {
    case GATE_CALL: return call_service(m);
    case GATE_SCHED: return list_threads(m);
    default: return -ENOTTY;
    }
}

static int64_t do_open(struct message *m)
{
    return char_open(m, m->object == DEVICE_MINOR(DEV_GATE), CONN_READY);
}
static int64_t do_stat(struct message *m) { return char_stat(m, DEVICE_MAJOR(DEV_GATE), 0600); }

int main(void)
{
    static const handler_t handlers[] = {
        [op_number(FS_IOCTL)] = do_ioctl,
        [op_number(FS_OPEN)] = do_open,
        [op_number(FS_STAT)] = do_stat,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
