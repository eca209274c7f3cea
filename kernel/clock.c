/* Alarms of services, the time slice, and the clocks that programs read. There is no periodic tick:
 * the timer is set for alarms, for looks at the manager, when a program waits for the processor,
 * and, while a program is charged, about a hundred times a second to see whether the program itself
 * runs, or a service or the kernel for it. */
#include "clock.h"

#include "arch.h"
#include <minnow/errno.h>
#include <minnow/file.h>

enum { SAMPLE_NS = SECOND / 100 };

static struct task *alarms; /* by time */
static uint64_t watch;      /* the time of the last clock_set() */
int64_t clock_slice_end = -1;
uint64_t clock_sample_at = ~0ul;
int64_t clock_wall_base;

static void timer_update(void)
{
    uint64_t slice = clock_slice_end, when = slice < watch ? slice : watch;
    when = clock_sample_at < when ? clock_sample_at : when;
    arch_timer_set(alarms && alarms->alarm < when ? alarms->alarm : when);
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

/* When t's quantum ends if t runs from now on; but no sooner than QUANTUM_MIN, since by then no
 * other program may want to run any more. */
static int64_t quantum_end(const struct thread *t, uint64_t used, uint64_t now)
{
    int64_t left = t->quantum_end - (int64_t)used;
    return now + (left > QUANTUM_MIN ? left : QUANTUM_MIN);
}

void clock_slice_slow(const struct thread *t)
{
    uint64_t now = arch_time();
    clock_slice_end = t ? quantum_end(t, clock_used(t), now) : (int64_t)now + QUANTUM_DEFAULT;
    timer_update();
}

void clock_runs_slow(const struct thread *t, uint64_t now)
{
    int64_t end = quantum_end(t, t->cpu_ns, now);
    if (end < clock_slice_end) {
        clock_slice_end = end;
        timer_update();
    }
}

/* The next sample is between a half and one and a half of SAMPLE_NS away, so that no program keeps
 * step with the samples. */
static uint64_t sample_next(uint64_t now) { return now + SAMPLE_NS / 2 + now % SAMPLE_NS; }

void clock_sample_begin(uint64_t now)
{
    clock_sample_at = sample_next(now);
    timer_update();
}

struct cpu_samples clock_samples;

/* Both counts are halved before one overflows: only their ratio matters. */
static void count(struct cpu_samples *s, bool user)
{
    if (s->user == 0xffff || s->system == 0xffff)
        *s = (struct cpu_samples){ s->user / 2, s->system / 2 };
    s->user += user;
    s->system += !user;
}

void clock_sample(uint64_t now)
{
    const struct cpu *cpu = this_cpu();
    struct thread *t = cpu->charged;
    if (now < clock_sample_at)
        return;
    clock_sample_at = t ? sample_next(now) : ~0ul;
    if (!t)
        return;
    bool user = cpu->current == t && !arch_in_call(t);
    count(&samples[t->index], user);
    count(&t->task->samples, user);
    count(&clock_samples, user);
}

struct task *clock_alarm_due(uint64_t now)
{
    struct task *t = alarms;
    if (!t || t->alarm > now)
        return NULL;
    alarms = t->alarm_next;
    t->alarm = 0;
    return t;
}

bool clock_slice_over(uint64_t now)
{
    if (clock_slice_end < 0 || clock_slice_end > (int64_t)now)
        return false;
    clock_slice_end = -1;
    return true;
}

void clock_set(uint64_t when)
{
    watch = when;
    timer_update();
}

void clock_charge(struct thread *program)
{
    struct cpu *cpu = this_cpu();
    if (cpu->charged == program)
        return;
    uint64_t now = arch_time();
    if (cpu->charged)
        cpu->charged->cpu_ns += now - cpu->charged_at;
    cpu->charged = program;
    cpu->charged_at = now;
    if (program)
        clock_runs(program, now);
}

uint64_t clock_used(const struct thread *t)
{
    const struct cpu *cpu = this_cpu();
    return t->cpu_ns + (cpu->charged == t ? arch_time() - cpu->charged_at : 0);
}

uint64_t clock_system_part(const struct cpu_samples *s, uint64_t used_ns)
{
    uint64_t all = s->user + s->system;
    return all ? used_ns / all * s->system + used_ns % all * s->system / all : 0;
}

/* clock_used() for a task. Out of line, so that reading the other clocks is not slowed down. */
static __attribute__((noinline)) uint64_t task_used(const struct task *task)
{
    uint64_t ns = task->cpu_ns;
    for (const struct thread *t = task->threads; t; t = t->siblings)
        ns += clock_used(t);
    return ns;
}

int64_t clock_read(struct thread *t, uint64_t id, struct timespec64 *out)
{
    uint64_t ns;
    switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI: ns = arch_time() + clock_wall_base; break;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM: ns = arch_time(); break;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        ns = id == CLOCK_PROCESS_CPUTIME_ID ? task_used(t->task) : clock_used(t);
        break;
    default: return -EINVAL;
    }
    out->sec = ns / SECOND;
    out->nsec = ns % SECOND;
    return 0;
}
