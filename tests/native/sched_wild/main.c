/* A policy of scheduling that gets everything wrong in turn: answers that make no sense, calls thrown back or handed on, no answer until the next
 * asks, kernel calls that are refused, and at last its own death. Programs must run on as if there were no policy (tests/test_sched.py). */
#include "service.h"
#include "syscalls.h"

enum { QUANTUM_NS = 10000000 };

static call_t kept;

static int64_t do_expired(struct message *m)
{
    static unsigned turn;
    static const int64_t answers[] = { 0, -EIO, -ESRCH, 12, QUANTUM_NS, (int64_t)QUANTUM_NS << 8, (int64_t)QUANTUM_NS << 8 | 1, (int64_t)QUANTUM_NS << 8 | 200,
                                       1l << 8 | 12, INT64_MAX, INT64_MIN + 1, -1 };
    unsigned now = turn++ % (ARRAY_SIZE(answers) + 6);
    if (kept) {
        reply(kept, -EAGAIN);
        kept = 0;
    }
    if (now < ARRAY_SIZE(answers))
        return answers[now];
    switch (now - ARRAY_SIZE(answers)) {
    case 0:
        throw_back(m->call, 0, PAGE_SIZE);
        return LATER;
    case 1:
        kernel_ask(SYS_RETRY, m->call, 0, 0, 0, 0, 0);
        return LATER;
    case 2:
        forward(m, service_find("pm"));
        return -EPERM;
    case 3:
        kept = m->call;
        return LATER;
    case 4:
        for (uint64_t priority = 0; priority < 20; priority++)
            kernel_ask(SYS_SCHED, m->w[0] + 1000, priority, 1, 0, 0, 0);
        kernel_ask(SYS_SCHED, SCHED_ALL, 3, 0, 0, 0, 0);
        kernel_ask(SYS_SCHED, SCHED_ALL, 0, ~0ul, 0, 0, 0);
        return -1;
    default:
        if (turn > 3 * ARRAY_SIZE(answers))
            *(volatile int *)QUANTUM_NS = 0;
        return 0;
    }
}

int main(void)
{
    static const handler_t handlers[] = { [op_number(SCHED_EXPIRED)] = do_expired };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(SCHED, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
