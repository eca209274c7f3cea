/* Another policy of scheduling: round robin. Each thread has its task's priority, and all have the
 * same quantum. */
#include "service.h"
#include "syscalls.h"

enum { QUANTUM_NS = 10000000 };

/* Words: thread, priority, base, processor time, quantum, now. */
static int64_t do_expired(struct message *m) { return (int64_t)QUANTUM_NS << 8 | m->w[2]; }

int main(void)
{
    static const handler_t handlers[] = { [op_number(SCHED_EXPIRED)] = do_expired };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(SCHED, handlers) };
    ask_sched(SCHED_ALL, 0, QUANTUM_NS);
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
