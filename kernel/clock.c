/* Alarms of services, the time slice, and the clocks that programs read. There is no periodic tick: the timer is set
 * only when an alarm is due or somebody waits for the processor. */
#include "clock.h"

#include "arch.h"
#include "ipc.h"
#include "log.h"
#include "memory.h"
#include "sched.h"
#include <minnow/errno.h>
#include <minnow/file.h>

enum { SLICE_NS = 10000000, SECOND = 1000000000 };

static struct task *alarms;         /* by time */
static uint64_t slice_end = ~0ul;   /* ~0: nobody waits */
struct clock_page *clock_page;
int64_t clock_wall_base;

static void timer_update(void)
{
    uint64_t when = alarms && alarms->alarm < slice_end ? alarms->alarm : slice_end;
    arch_timer_set(when);
}

void clock_alarm(struct task *t, uint64_t when)
{
    if (!t->alarm && !when)
        return;
    if (t->alarm)
        for (struct task **at = &alarms; *at; at = &(*at)->alarm_next)
            if (*at == t) {
                *at = t->alarm_next;
                break;
            }
    t->alarm = when;
    if (when) {
        struct task **at = &alarms;
        while (*at && (*at)->alarm <= when)
            at = &(*at)->alarm_next;
        t->alarm_next = *at;
        *at = t;
    }
    timer_update();
}

void clock_slice(void)
{
    if (__builtin_expect(slice_end != ~0ul, 1))
        return;
    slice_end = arch_time() + SLICE_NS;
    timer_update();
}

void clock_interrupt(void)
{
    uint64_t now = arch_time();
    while (alarms && alarms->alarm <= now) {
        struct task *t = alarms;
        alarms = t->alarm_next;
        t->alarm = 0;
        ipc_notify(t, 1ul << NOTIFY_ALARM);
    }
    if (slice_end <= now) {
        slice_end = ~0ul;
        sched_tick();
    }
    timer_update();
}

/* Processor time of a thread or a task, the current stretch included. */
static uint64_t cpu_time(struct thread *t, bool whole_task)
{
    struct cpu *cpu = this_cpu();
    uint64_t ns = whole_task ? t->task->cpu_ns : t->cpu_ns;
    if (whole_task)
        for (struct thread *x = t->task->threads; x; x = x->siblings)
            ns += x->cpu_ns;
    if (cpu->charged == t)
        ns += arch_time() - cpu->charged_at;
    return ns;
}

int64_t clock_read(struct thread *t, uint64_t id, struct timespec64 *out)
{
    uint64_t ns;
    switch (id) {
    case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE:
        ns = arch_time() + clock_wall_base;
        break;
    case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_RAW: case CLOCK_MONOTONIC_COARSE: case CLOCK_BOOTTIME:
        ns = arch_time();
        break;
    case CLOCK_PROCESS_CPUTIME_ID: case CLOCK_THREAD_CPUTIME_ID:
        ns = cpu_time(t, id == CLOCK_PROCESS_CPUTIME_ID);
        break;
    default:
        return -EINVAL;
    }
    out->sec = ns / SECOND;
    out->nsec = ns % SECOND;
    return 0;
}
