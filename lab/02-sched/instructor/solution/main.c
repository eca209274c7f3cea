/* A policy of scheduling: three levels of feedback, and below them a pool in which processor time
 * goes by tickets (stride scheduling, Waldspurger and Weihl 1995).
 *
 * A thread's priority says where it is. In the pool one is the winner, with a better priority than
 * the others: who of the ready ones has had the least for his tickets. What they have had is read
 * from the kernel at each choice. */
#include "service.h"
#include "syscalls.h"

enum {
    MS = 1000000,
    LEVEL_1 = PRIORITY_PROGRAM,
    LEVEL_3 = LEVEL_1 + 2,
    WINNER = 14,
    POOL = 15,
    LEVEL_NS = 4 * MS,
    TURN_NS = 10 * MS,
    WAIT_NS = 2 * MS,
    LIFT_NS = 1000 * MS,
    THREADS = THREADS_MAX,
    BATCH = 32,
    NOBODY = THREADS,
};

struct member {
    endpoint_t task; /* 0: not in the pool */
    bool ready;      /* at the last choice */
    uint64_t cpu;    /* processor time by then */
    uint64_t pass;   /* of it, in the pool, by ticket */
};

static struct member members[THREADS];
static uint64_t pass_now; /* of the last winner: nobody comes with less */
static bool lift_due;

static int64_t decision(unsigned priority, uint64_t quantum) { return quantum << 8 | priority; }

static void lift(uint64_t bits)
{
    (void)bits;
    ask_sched(SCHED_ALL, LEVEL_1, LEVEL_NS);
    lift_due = false;
}

/* What one thread of the pool has had since the last choice. */
static void account(const struct sched_info *k)
{
    struct member *m = &members[k->thread];
    bool same = m->task == k->task && k->cpu_ns >= m->cpu;
    if (same)
        m->pass += (k->cpu_ns - m->cpu) / (PRIORITIES - k->base);
    if (!same || (k->ready && !m->ready))
        m->pass = same ? MAX(m->pass, pass_now) : pass_now;
    m->task = k->task;
    m->cpu = k->cpu_ns;
    m->ready = k->ready;
}

/* The next winner; the one before loses his priority. */
static unsigned choose(unsigned asking)
{
    struct sched_info list[BATCH];
    unsigned best = NOBODY;
    for (unsigned from = 0;;) {
        int64_t bytes = ask_info(INFO_SCHED, from, list, sizeof list);
        if (bytes <= 0)
            break;
        for (const struct sched_info *k = list; (char *)k < (char *)list + bytes; k++) {
            from = k->thread + 1;
            if (k->priority < WINNER && k->thread != asking) {
                members[k->thread].task = 0;
                continue;
            }
            account(k);
            if (k->priority == WINNER && k->thread != asking)
                ask_sched(k->thread, POOL, WAIT_NS);
            if (k->ready && (best == NOBODY || members[k->thread].pass < members[best].pass))
                best = k->thread;
        }
    }
    return best;
}

/* Words: thread, priority, base, processor time, quantum, now. */
static int64_t do_expired(struct message *m)
{
    unsigned thread = m->w[0], priority = m->w[1];
    if (!m->w[4] || (priority > LEVEL_3 && priority < WINNER))
        return decision(LEVEL_1, LEVEL_NS);
    if (priority < LEVEL_3)
        return decision(priority + 1, (uint64_t)LEVEL_NS << (priority + 1 - LEVEL_1));
    if (!lift_due)
        alarm_at(m->w[5] + LIFT_NS);
    lift_due = true;
    unsigned winner = choose(thread);
    pass_now = MAX(pass_now, members[winner].pass);
    if (winner == thread)
        return decision(WINNER, TURN_NS);
    ask_sched(winner, WINNER, TURN_NS);
    return decision(POOL, WAIT_NS);
}

int main(void)
{
    static const handler_t handlers[] = { [op_number(SCHED_EXPIRED)] = do_expired };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(SCHED, handlers) };
    lift(0);
    service_run(
        &(struct service){ .protocols = protocols, .count = 1, .threads = 1, .notify = lift });
}
