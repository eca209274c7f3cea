/* The policy of scheduling: answers threads whose quantum is used up, and twice a second, if any
 * has sunk, lifts all threads to the top; sooner, if a realtime thread has sunk.
 *
 * All that this service knows of a thread comes with the thread's call, so nothing is lost when the
 * service dies but how much of this second realtime threads have had: it begins by lifting all. */
#include "policy.h"
#include "service.h"
#include "syscalls.h"

static uint64_t boost_due; /* the alarm is set to that time; 0: it is not */

static void boost(void)
{
    ask_sched(SCHED_ALL, POLICY_TOP, POLICY_TOP_NS);
    boost_due = 0;
}

/* Not later than `at` all are lifted. */
static void boost_at(uint64_t at)
{
    if (boost_due && boost_due <= at)
        return;
    boost_due = at;
    alarm_at(at);
}

/* Words: thread, priority, base, processor time, quantum, now. */
static int64_t do_expired(struct message *m)
{
    struct decision d = policy_expired(m->w[1], m->w[2], m->w[4]);
    if (d.priority > POLICY_TOP)
        boost_at(m->w[5] + POLICY_BOOST_NS);
    return d.quantum << 8 | d.priority;
}

/* Words: thread, rank, REALTIME_ROUNDS or 0, processor time, quantum, now. */
static int64_t do_realtime(struct message *m)
{
    static struct realtime all;
    struct decision d = policy_realtime(&all, m->w[2], m->w[4], m->w[5]);
    if (d.priority > POLICY_TOP)
        boost_at(all.began + POLICY_REALTIME_NS);
    return d.quantum << 8 | d.priority;
}

static void notified(uint64_t bits)
{
    if (bits >> NOTIFY_ALARM & 1)
        boost();
}

int main(void)
{
    static const handler_t handlers[] = { [op_number(SCHED_EXPIRED)] = do_expired,
                                          [op_number(SCHED_REALTIME)] = do_realtime };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(SCHED, handlers) };
    boost();
    service_run(
        &(struct service){ .protocols = protocols, .count = 1, .threads = 1, .notify = notified });
}
