/* The policy of scheduling: answers threads whose quantum is used up, and twice a second, if any
 * has sunk, lifts all threads to the top.
 *
 * All that this service knows of a thread comes with the thread's call, so nothing is lost when the
 * service dies: it begins by lifting all. */
#include "policy.h"
#include "service.h"
#include "syscalls.h"

static bool boost_due; /* the alarm is set */

static void boost(void)
{
    ask_sched(SCHED_ALL, POLICY_TOP, POLICY_TOP_NS);
    boost_due = false;
}

/* Words: thread, priority, base, processor time, quantum, now. */
static int64_t do_expired(struct message *m)
{
    struct decision d = policy_expired(m->w[1], m->w[2], m->w[4]);
    if (d.priority > POLICY_TOP && !boost_due) {
        alarm_at(m->w[5] + POLICY_BOOST_NS);
        boost_due = true;
    }
    return d.quantum << 8 | d.priority;
}

static void notified(uint64_t bits)
{
    if (bits >> NOTIFY_ALARM & 1)
        boost();
}

int main(void)
{
    static const handler_t handlers[] = { [op_number(SCHED_EXPIRED)] = do_expired };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(SCHED, handlers) };
    boost();
    service_run(
        &(struct service){ .protocols = protocols, .count = 1, .threads = 1, .notify = notified });
}
