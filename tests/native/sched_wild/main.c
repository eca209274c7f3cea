/* A policy of scheduling that gets everything wrong in turn: senseless answers, calls thrown back
 * or forwarded, late answers, kernel calls that are refused, and at last its own death with a
 * request unanswered. Programs must run on as if there were no policy (tests/test_sched.py). */
#include "service.h"
#include "syscalls.h"

enum { QUANTUM_NS = 10000000, LATE_NS = 5000000, CALM = 40 /* requests before it dies */ };

static call_t kept;

static void answer_kept(uint64_t bits)
{
    (void)bits;
    if (kept)
        reply(kept, -EAGAIN);
    kept = 0;
}

static void refused(uint64_t thread)
{
    for (uint64_t priority = 0; priority < 20; priority++)
        ask_sched(thread + 1000, priority, 1);
    ask_sched(SCHED_ALL, 3, 0);
    ask_sched(SCHED_ALL, 0, ~0ul);
}

static int64_t do_expired(struct message *m)
{
    static const int64_t answers[] = { 0,
                                       -EIO,
                                       -ESRCH,
                                       12,
                                       QUANTUM_NS,
                                       (int64_t)QUANTUM_NS << 8,
                                       (int64_t)QUANTUM_NS << 8 | 1,
                                       (int64_t)QUANTUM_NS << 8 | 200,
                                       1l << 8 | 12,
                                       INT64_MAX,
                                       INT64_MIN + 1,
                                       -1 };
    static unsigned questions;
    enum {
        ANSWERS = ARRAY_SIZE(answers),
        THROW = ANSWERS,
        RETRY,
        FORWARD,
        REFUSED,
        KEEP,
        DIE,
        WAYS
    };
    unsigned way = questions++ % WAYS;
    if (way == DIE && questions > CALM)
        *(volatile int *)QUANTUM_NS = 0;
    answer_kept(0);
    switch (way) {
    case THROW: throw_back(m->call, 0, PAGE_SIZE); return LATER;
    case RETRY: sys_retry(m->call); return LATER;
    case FORWARD: return forward(m, service_find("pm"));
    case REFUSED: refused(m->w[0]); return -1;
    case KEEP:
        kept = m->call;
        alarm_at(m->w[5] + LATE_NS);
        return LATER;
    default: return way < ANSWERS ? answers[way] : 0;
    }
}

int main(void)
{
    static const handler_t handlers[] = { [op_number(SCHED_EXPIRED)] = do_expired };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(SCHED, handlers) };
    service_run(&(struct service){
        .protocols = protocols, .count = 1, .threads = 1, .notify = answer_kept });
}
