/* The load averages: how many threads of programs were ready to run, over the last 1, 5 and 15
 * minutes. Every LOAD_EVERY seconds each average moves towards that number, as Linux's do
 * (kernel/sched/loadavg.c): the old one counts e^(-5/60), e^(-5/300), e^(-5/900). */
#include "load.h"

#include "process.h"
#include "syscalls.h"
#include "timer.h"

enum { LOAD_EVERY = 5 };

static struct timer timer;

/* Counts a thread of a program that runs or could. */
static void count(const struct thread_info *t, void *sum)
{
    *(unsigned *)sum += t->task >= MAX_SERVICE && t->state == THREAD_READY;
}

static void sample(struct timer *t)
{
    static const uint64_t keeps[PROC_LOADS] = { 1884, 2014, 2037 }; /* of LOAD_ONE */
    unsigned ready = 0;
    threads_each(count, &ready);
    uint64_t now = ready * LOAD_ONE;
    for (unsigned i = 0; i < PROC_LOADS; i++) {
        uint64_t *load = &table->head.loads[i], rising = now >= *load ? LOAD_ONE - 1 : 0;
        *load = (*load * keeps[i] + now * (LOAD_ONE - keeps[i]) + rising) / LOAD_ONE;
    }
    timer_set(t, t->when + LOAD_EVERY * SECOND, sample);
}

void load_start(void) { timer_set(&timer, time_now() + LOAD_EVERY * SECOND, sample); }
