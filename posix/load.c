/* The load averages: how many threads of programs were ready to run, over the last 1, 5 and 15
 * minutes. Every LOAD_EVERY seconds each average moves towards that number, as Linux's do
 * (kernel/sched/loadavg.c): the old one counts e^(-5/60), e^(-5/300), e^(-5/900). */
#include "load.h"

#include "process.h"
#include "syscalls.h"
#include "timer.h"

enum { LOAD_EVERY = 5, AT_ONCE = 16 };

static struct timer timer;

/* Threads of programs that run or could. A step each, since there may be thousands. */
static unsigned ready(void)
{
    struct thread_info info[AT_ONCE];
    unsigned sum = 0;
    for (uint32_t from = 0;;) {
        int64_t bytes = ask_info(INFO_THREADS, from, info, sizeof info);
        int n = bytes > 0 ? (int)(bytes / (int64_t)sizeof info[0]) : 0;
        for (int i = 0; i < n; i++)
            sum += info[i].task >= MAX_SERVICE && info[i].state == THREAD_READY;
        if (n < AT_ONCE)
            return sum;
        from = info[n - 1].index + 1;
    }
}

static void sample(struct timer *t)
{
    static const uint64_t keeps[PROC_LOADS] = { 1884, 2014, 2037 }; /* of LOAD_ONE */
    uint64_t now = ready() * LOAD_ONE;
    for (unsigned i = 0; i < PROC_LOADS; i++) {
        uint64_t *load = &table->head.loads[i], rising = now >= *load ? LOAD_ONE - 1 : 0;
        *load = (*load * keeps[i] + now * (LOAD_ONE - keeps[i]) + rising) / LOAD_ONE;
    }
    timer_set(t, t->when + LOAD_EVERY * SECOND, sample);
}

void load_start(void) { timer_set(&timer, time_now() + LOAD_EVERY * SECOND, sample); }
