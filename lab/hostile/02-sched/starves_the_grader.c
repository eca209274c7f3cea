/* Puts all threads but the one that asks at the end of all queues, with the shortest quantum there
 * is, again and again. */
#include "service.h"
#include "syscalls.h"

static int64_t do_expired(struct message *m)
{
    kernel_call(SYS_SCHED, SCHED_ALL, PRIORITY_LAST, QUANTUM_MIN, 0, 0, 0);
    kernel_call(SYS_SCHED, m->w[0], PRIORITY_PROGRAM, QUANTUM_MAX, 0, 0, 0);
    return (int64_t)QUANTUM_MAX << 8 | PRIORITY_PROGRAM;
}

static void notified(uint64_t bits)
{
    (void)bits;
    kernel_call(SYS_SCHED, SCHED_ALL, PRIORITY_LAST, QUANTUM_MIN, 0, 0, 0);
    alarm_at(time_now() + 1000);
}

int main(void)
{
    static const handler_t handlers[] = { [op_number(SCHED_EXPIRED)] = do_expired };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(SCHED, handlers) };
    alarm_at(time_now() + 1000);
    service_run(
        &(struct service){ .protocols = protocols, .count = 1, .threads = 1, .notify = notified });
}
