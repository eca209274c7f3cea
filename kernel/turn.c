/* What happens to a thread when its turn comes; mostly it just runs. A program's thread with a
 * used-up quantum asks the policy instead, one that has a signal its personality; one with a thrown
 * call makes it again. A service's thread that stood aside enters its monitor again. And what the
 * timer's interrupt does, for that ends turns. */
#include "turn.h"

#include "arch.h"
#include "clock.h"
#include "ipc.h"
#include "sched.h"
#include "service.h"
#include "syscall.h"
#include "trace.h"

enum { WATCH_NS = SECOND / 4, STRIKE_NS = 20011 };

bool turn_polls;

/* t, a thread of a program, has come out of its queue, and other programs wait or t has a
 * signal. */
static __attribute__((noinline)) void compete(struct thread *t)
{
    struct task *policy = tasks[sched_policy];
    uint64_t used = clock_used(t);
    if (__builtin_expect(t->interrupted & CALL_SIGNAL, 0)) {
        t->state = THREAD_PARKED;
        ipc_signal(t);
    } else if (__builtin_expect((int64_t)used < t->quantum_end, 1)) {
        this_cpu()->current = t;
        clock_slice(t);
    } else if (policy && !policy->dead && !policy->crash) {
        t->state = THREAD_PARKED;
        ipc_expired(t, policy, used);
    } else {
        sched_decide(t, -ESRCH);
    }
}

/* The processor's time is t's from now on, though t itself does not run yet. */
static void charge(struct thread *t)
{
    clock_charge(t);
    arch_bases_changed(t);
}

/* A program's thread whose thrown call waited for its turn has come out of its queue. It is charged
 * now: if the call is thrown back again t has not run, and yet the quantum must come to its end. */
static void call_again(struct thread *t)
{
    if (this_cpu()->charged != t)
        charge(t);
    if (sched_mask && !(t->interrupted & CALL_SIGNAL))
        compete(t);
    else
        this_cpu()->current = t;
    if (this_cpu()->current != t)
        return;
    if (ipc_again(t)) {
        syscall_dispatch(t);
        ipc_told_over(t);
    }
    t->resumed = 0;
}

/* A service's thread has come out of the queue in which it stood aside. The program that it works
 * for is charged again. */
static void step_in(struct thread *t)
{
    struct thread *program = t->works_for ? threads[t->works_for - 1] : NULL;
    t->aside = 0;
    t->priority = t->task->priority;
    t->quantum_end = arch_time() + QUANTUM_MIN;
    if (program)
        charge(program);
    else
        clock_charge(NULL);
    sched_ready(t);
}

static __attribute__((noinline)) void idle(struct cpu *cpu)
{
    uint64_t from = arch_time();
    clock_charge(NULL);
    arch_idle(turn_polls);
    cpu->idle_ns += arch_time() - from;
}

struct thread *turn_next(void)
{
    struct cpu *cpu = this_cpu();
    while (__builtin_expect(!cpu->current, 0)) {
        struct thread *t = sched_take();
        if (__builtin_expect(!t, 0))
            idle(cpu);
        else if (__builtin_expect(t->aside, 0))
            step_in(t);
        else if (__builtin_expect(t->again, 0))
            call_again(t);
        else if (t->priority >= PRIORITY_PROGRAM && (sched_mask | t->interrupted))
            compete(t);
        else
            cpu->current = t;
    }
    return cpu->current;
}

void turn_clock(void)
{
    static uint64_t watch; /* when the manager is checked next */
    uint64_t now = arch_time();
    clock_sample(now);
    for (struct task *t; (t = clock_alarm_due(now));) {
        trace_event(TRACE_NOTIFIED, t, 1ul << NOTIFY_ALARM);
        mail_notify(t, 1ul << NOTIFY_ALARM);
    }
    if (now >= watch) {
        watch = now + (service_strikes ? STRIKE_NS + now % STRIKE_NS : WATCH_NS);
        service_watch(now);
    }
    if (clock_slice_over(now))
        sched_tick();
    clock_set(watch);
}
