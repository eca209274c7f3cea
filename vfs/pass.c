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
    return to ? hand_over(m, to, WINDOW_NONE) : -ENXIO;
}

int64_t pass_node(struct message *m, uint64_t op, const struct node *n, enum window window)
{
    m->op = op;
    m->object = n->object;
    m->position = 0;
    m->flags &= CALL_LIMITED; /* a truncation's limit is among its words */
    if (__builtin_expect(n->flags & NODE_HELD, 0)) {
        int error = window ? aim(m, m->w[1], m->w[2], window) : 0;
        if (!error)
            error = forward(m, n->service);
        return error ? -ENXIO : LATER;
    }
    return hand_over(m, n->service, window);
}
