/* What a process has used: processor time, pages. The kernel counts the time of a process that
 * lives, PM its memory. Of a zombie the last figures are kept, and a parent has the sums of the
 * children that it has waited for. */
#include "rusage.h"

#include "handlers.h"
#include "syscalls.h"
#include "user_memory.h"

enum { TICKS = 100 }; /* a second, of times() */
enum { RUSAGE_SELF = 0, RUSAGE_CHILDREN = -1, RUSAGE_THREAD = 1 };

void process_counts(const struct process *p, struct task_info *info)
{
    int64_t n = p->i.task ? ask_info(INFO_TASK, endpoint_index(p->i.task), info, sizeof *info) : 0;
    if (n <= 0 || info->endpoint != p->i.task)
        *info = (struct task_info){ 0 };
}

struct cpu_time process_cpu(const struct process *p)
{
    struct task_info info;
    if (!p->i.task || p->exiting)
        return p->i.cpu;
    process_counts(p, &info);
    return info.cpu;
}

void process_usage(const struct process *p, struct pm_usage *usage)
{
    static endpoint_t pm;
    if (!pm)
        pm = service_find("pm");
    *usage = p->usage;
    if (p->i.task)
        ask_info(INFO_PUBLISHED,
                 published_at(pm, (uint64_t)endpoint_index(p->i.task) * sizeof *usage), usage,
                 sizeof *usage);
    usage->peak = MAX(usage->peak, usage->resident);
}

struct cpu_time thread_cpu(struct thread *t)
{
    struct thread_info info;
    if (!thread_look(t->index, &info))
        return t->cpu_told;
    return t->cpu_told = cpu_time_onward(&t->cpu_told, info.cpu);
}

void cpu_time_add(struct cpu_time *to, const struct cpu_time *more)
{
    to->ns += more->ns;
    to->system_ns += more->system_ns;
}

void io_add(struct io_count to[IO_KINDS], const struct io_count more[IO_KINDS])
{
    for (unsigned i = 0; i < IO_KINDS; i++) {
        to[i].calls += more[i].calls;
        to[i].bytes += more[i].bytes;
    }
}

void usage_fill(const struct process *p, bool children, const struct cpu_time *cpu,
                int64_t usage[USAGE_WORDS])
{
    enum { UTIME = 0, STIME = 2, MAXRSS = 4, MINFLT = 8, MAJFLT = 9, KIB = 1024 };
    struct pm_usage u = { .peak = p->children_peak,
                          .faults = p->i.children_faults,
                          .major = p->i.children_major };
    if (!children)
        process_usage(p, &u);
    memset(usage, 0, USAGE_WORDS * sizeof usage[0]);
    uint64_t user = cpu->ns - cpu->system_ns;
    usage[UTIME] = user / SECOND;
    usage[UTIME + 1] = user % SECOND / 1000;
    usage[STIME] = cpu->system_ns / SECOND;
    usage[STIME + 1] = cpu->system_ns % SECOND / 1000;
    usage[MAXRSS] = u.peak * (PAGE_SIZE / KIB);
    usage[MINFLT] = u.faults;
    usage[MAJFLT] = u.major;
}

int64_t linux_times(struct thread *t, struct message *m)
{
    const uint64_t tick = SECOND / TICKS;
    struct cpu_time own = process_cpu(t->process), children = t->process->i.children;
    uint64_t times[4] = { (own.ns - own.system_ns) / tick, own.system_ns / tick,
                          (children.ns - children.system_ns) / tick, children.system_ns / tick };
    int64_t error = m->w[0] ? user_write(t, m->w[0], times, sizeof times) : 0;
    return error ? error : (int64_t)(time_now() / tick);
}

int64_t linux_getrusage(struct thread *t, struct message *m)
{
    int who = (int)m->w[0];
    int64_t usage[USAGE_WORDS];
    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
        return -EINVAL;
    struct cpu_time cpu = who == RUSAGE_CHILDREN ? t->process->i.children
                          : who == RUSAGE_THREAD ? thread_cpu(t)
                                                 : process_cpu(t->process);
    usage_fill(t->process, who == RUSAGE_CHILDREN, &cpu, usage);
    return user_write(t, m->w[1], usage, sizeof usage);
}
