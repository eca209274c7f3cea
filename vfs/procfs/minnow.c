/* /proc/minnow, which Linux has not: services, threads and what they wait for, scheduling, system
 * calls that are missing, the kernel's counters, the boot log. The trace of messages is in trace.c.
 */
#include "procfs.h"

/* ---- services, threads, missed calls ---- */

/* A line for each slot that has a service, or that rs knows: the kernel's figures, and rs' state
 * and count of deaths. Without rs the kernel's alone. There is no processor time: what a service
 * takes is charged to the program that it works for. */
void make_services(struct text *t, const struct subject *p)
{
    static const char *const states[] = { "absent",  "created",  "running", "stopped",
                                          "waiting", "given up", "refused" };
    endpoint_t rs = service_find("rs");
    struct task_info k;
    (void)p;
    text_add(t, "%4s %12s %8s %6s %9s %9s %8s %s\n", "slot", "name", "state", "deaths", " threads",
             " messages", "   [KiB]", "priority");
    for (unsigned slot = 1; slot < MAX_SERVICE; slot++) {
        struct rs_status s = { 0 };
        bool there = fact_task(slot, &k);
        bool known = rs && call_window(rs, &(struct call_args){ .op = RS_STATUS, .w0 = slot },
                                       WINDOW_OUT, &s, sizeof s, NULL) >= 0;
        if (!there && !(known && s.name[0]))
            continue;
        if (!there)
            memset(&k, 0, sizeof k);
        const char *state = known && s.state < ARRAY_SIZE(states) ? states[s.state]
                            : there                               ? "running"
                                                                  : "absent";
        text_add(t, "%4u %12s %8s %6u %9u %9lu %8lu %u\n", slot, there ? k.name : s.name, state,
                 known ? s.deaths : 0, k.threads, k.messages, k.pages * (PAGE_SIZE / 1024),
                 k.priority);
    }
}

enum { THREADS_AT_ONCE = 64 };

static const char *const thread_states[] = {
    [THREAD_READY] = "ready",     [THREAD_RECEIVING] = "receiving", [THREAD_QUEUED] = "queued",
    [THREAD_HELD] = "held",       [THREAD_POSITION] = "position",   [THREAD_PARKED] = "parked",
    [THREAD_MONITOR] = "monitor",
};

/* A line for each thread in the system: its state, and the task and operation that it waits for. */
void make_threads(struct text *t, const struct subject *p)
{
    struct thread_info k;
    char task[32], waits[32];
    (void)p;
    text_add(t, "%6s %20s %10s %16s %s\n", "thread", "task", "state", "waits for", "operation");
    for (unsigned i = 0;; i++) {
        if (ask_info(INFO_THREADS, i, &k, sizeof k) <= 0)
            break;
        i = k.index;
        GIVE_WAY_EVERY(THREADS_AT_ONCE, 1, THREADS_MAX - i);
        task_name(task, sizeof task, k.task);
        task_name(waits, sizeof waits, k.waits_for);
        text_add(t, "%6u %20s %10s %16s %s\n", i, task, thread_states[k.state], waits,
                 k.waits_for ? operation_name(k.op) : "");
    }
}

/* A line for each thread of a program: what the scheduling policy has decided for it. */
void make_sched(struct text *t, const struct subject *p)
{
    struct sched_info k[16];
    char task[32];
    (void)p;
    text_add(t, "%6s %20s %5s %8s %4s %11s %9s\n", "thread", "task", "ready", "priority", "base",
             "quantum[us]", "cpu[us]");
    for (uint64_t from = 0;;) {
        int64_t n = ask_info(INFO_SCHED, from, k, sizeof k) / (int64_t)sizeof k[0];
        if (n <= 0)
            break;
        for (int64_t i = 0; i < n; i++) {
            task_name(task, sizeof task, k[i].task);
            text_add(t, "%6u %20s %5u %8u %4u %11lu %9lu\n", k[i].thread, task, k[i].ready,
                     k[i].priority, k[i].base, k[i].quantum / 1000, k[i].cpu_ns / 1000);
        }
        from = k[n - 1].thread + 1;
    }
}

/* A line for each system call that programs have made and Minnow does not have: number and count.
 */
void make_compat(struct text *t, const struct subject *p)
{
    enum { CALLS = 512 };
    uint64_t count;
    (void)p;
    for (unsigned n = 0; n < CALLS; n++)
        if (ask_info(INFO_MISSED, n, &count, sizeof count) > 0 && count)
            text_add(t, "%u %lu\n", n, count);
}

/* ---- the boot log: the kernel's ring, read by position ---- */

int64_t log_read(struct message *m)
{
    char piece[1024];
    size_t done = 0;
    while (done < m->w[2]) {
        int64_t n = ask_info(INFO_LOG, m->position + done, piece,
                             MIN(sizeof piece, m->w[2] - done));
        if (n <= 0)
            break;
        int error = copy_out(m, done, piece, n);
        if (error)
            return error;
        done += n;
    }
    return done;
}

/* The kernel's own counters, a name and a value a line, which tests compare before and after, and
 * benchmarks divide. */
void make_counters(struct text *t, const struct subject *p)
{
    (void)p;
    struct system_info s;
    fact_system(&s);
    const struct {
        const char *name;
        uint64_t value;
    } counters[] = {
        { "frames_all", s.frames_all },
        { "frames_free", s.frames_free },
        { "tasks", s.tasks },
        { "threads", s.threads },
        { "connections", s.connections },
        { "spaces", s.spaces },
        { "switches", s.switches },
        { "space_switches", s.space_switches },
        { "interrupts", s.interrupts },
        { "idle_ns", s.idle_ns },
        { "uptime_ns", s.uptime_ns },
        { "tsc_hz", s.tsc_hz },
    };
    for (unsigned i = 0; i < ARRAY_SIZE(counters); i++)
        text_add(t, "%s %lu\n", counters[i].name, counters[i].value);
}
