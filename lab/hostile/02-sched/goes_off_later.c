/* Takes turns at one level, as if it were a policy; after a second it lets all threads that ask
 * wait for ever. */
#include "service.h"
#include "syscalls.h"

static int64_t do_expired(struct message *m)
{
    (void)m;
    return time_now() > 1000000000 ? LATER : (int64_t)4000000 << 8 | PRIORITY_PROGRAM;
}

int main(void)
{
    static const handler_t handlers[] = { [op_number(SCHED_EXPIRED)] = do_expired };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(SCHED, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
