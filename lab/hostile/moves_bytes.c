/* Says of each call that bytes of it have been moved, that it is slow, and throws it back to be
 * made again. */
#include "service.h"
#include "syscalls.h"
static int64_t do_any(struct message *m)
{
    static uint64_t n;
    call_moved(m->call, n++ * 0x1000001);
    kernel_call(SYS_SLOW, m->call, 0, 0, 0, 0, 0);
    kernel_call(SYS_CONN_ERRORS, m->call, -1, 0, 0, 0, 0);
    if (n % 2)
        throw_back(m->call, -n, n << 40);
    else
        kernel_call(SYS_RETRY, m->call, 0, 0, 0, 0, 0);
    return LATER;
}
int main(void)
{
    static const handler_t handlers[] = { do_any, do_any, do_any, do_any, do_any };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(NAMES, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
