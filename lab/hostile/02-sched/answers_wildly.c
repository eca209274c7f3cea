/* Gives answers that are no decisions, decisions about threads that do not exist, and servers'
 * priorities to programs. */
#include "service.h"
#include "syscalls.h"

static int64_t do_expired(struct message *m)
{
    static uint64_t n;
    for (uint64_t i = 0; i < 40; i++)
        kernel_call(SYS_SCHED, i * n, n % 40 - 4, i << n % 64, 0, 0, 0);
    n++;
    if (n % 7 == 0)
        throw_back(m->call, n, -n);
    return n % 7 ? (int64_t)(n * 0x9e3779b97f4a7c15) : LATER;
}

int main(void)
{
    static const handler_t handlers[] = { [op_number(SCHED_EXPIRED)] = do_expired };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(SCHED, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
