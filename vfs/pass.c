#include "pass.h"

#include "syscalls.h"

int aim(struct message *m, caller_t address, size_t length, enum window window)
{
    m->w[1] = address;
    m->w[2] = length;
    return sys_aim(m->call, address, length, window);
}

int64_t pass(struct message *m, endpoint_t to)
{
    int error = to ? forward(m, to) : -ENXIO;
    return error == -ENXIO || error == -EPERM ? -ENXIO : LATER;
}

int64_t pass_node(struct message *m, uint64_t op, const struct node *n)
{
    m->op = op;
    m->object = n->object;
    m->position = 0;
    m->flags &= CALL_LIMITED; /* a truncation's limit is among its words */
    return pass(m, n->service);
}
