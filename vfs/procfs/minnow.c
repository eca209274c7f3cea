/* /proc/minnow, which Linux has not: services, threads and what they wait for, scheduling, system
 * calls that are missing, the kernel's counters, the boot log, and the trace of messages. */
#include "procfs.h"

/* ---- names ---- */

struct operation {
    uint16_t number;
    const char *name;
};

static const struct operation operations[] = {
#define PROTOCOL(name, number, who)
#define OP(protocol, name, number, words, result) { protocol##_##name, #protocol "_" #name },
#include <minnow/protocol.def>
#undef PROTOCOL
#undef OP
};

static const char *operation_name(uint64_t op)
{
    for (unsigned i = 0; i < ARRAY_SIZE(operations); i++)
        if (operations[i].number == op)
            return operations[i].name;
    return "?";
}

/* Writes a task's name for people: a service's name, or name and pid of a process. */
static void task_name(char *to, size_t size, endpoint_t task)
{
    struct subject p;
    if (!task)
        format(to, size, "-");
    else if (task < MAX_SERVICE)
        format(to, size, "%s", fact_service(task));
    else if (fact_process(fact_pid(task), &p))
        format(to, size, "%s[%u]", p.name, p.pid);
    else
        format(to, size, "task %u", endpoint_index(task));
}

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

enum { THREADS_AT_ONCE = 64, LINES_AT_ONCE = 256 * 160 /* bytes */ };

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

/* ---- the trace ----
 *
 * The kernel keeps the last records in a ring, numbered from the beginning of the trace. All lines
 * have the same length, so that position / LINE is the number of a record, whatever has been lost
 * since. A reader that is too slow for the ring goes on at the oldest record that is left; its
 * position jumps there, and the lines that it read are still whole. */
enum { LINE = 160 };

static const char *const kernel_calls[] = {
#define KCALL(NAME, name, ...)   [SYS_##NAME] = #name,
#define MESSAGE(NAME, name, ...) [SYS_##NAME] = #name,
#include <minnow/kcalls.def>
};

/* The task that each thread belongs to, as far as records have said so: a reply names only the call
 * that it answers, which tells the thread. */
static endpoint_t task_of_thread[THREADS_MAX];

/* The task to which a service's kernel call sends something; 0: none. */
static endpoint_t trace_target(const struct trace_record *r)
{
    switch (r->rax) {
    case SYS_CALL:
    case SYS_FORWARD: return r->to;
    case SYS_NOTIFY: return r->w[0];
    case SYS_REPLY:
    case SYS_REPLY_RECEIVE: return task_of_thread[call_thread(r->w[0]) % THREADS_MAX];
    default: return 0;
    }
}

/* Formats a record: number, time in us, from, to, the call and its operation, its words or result.
 */
static void trace_line(char *line, const struct trace_record *r)
{
    char from[32], to[32], what[48];
    bool service = r->from < MAX_SERVICE;
    bool message = service ? r->rax == SYS_CALL || r->rax == SYS_FORWARD : r->to != 0;
    task_of_thread[r->thread % THREADS_MAX] = r->from;
    task_name(from, sizeof from, r->from);
    task_name(to, sizeof to, service ? trace_target(r) : r->to);
    if (!service)
        format(what, sizeof what, "syscall %lu %s", r->rax, message ? operation_name(r->op) : "");
    else if (r->rax < ARRAY_SIZE(kernel_calls))
        format(what, sizeof what, "%s %s", kernel_calls[r->rax],
               message ? operation_name(r->op) : "");
    else
        format(what, sizeof what, "kernel call %lu", r->rax);
    bool reply = service && (r->rax == SYS_REPLY || r->rax == SYS_REPLY_RECEIVE);
    size_t n = format(line, LINE, "%8lu %12lu.%03lu %16s %16s %28s ", r->number, r->time / 1000,
                      r->time % 1000, from, to, what);
    if (n < LINE && reply)
        n += format(line + n, LINE - n, "= %ld", r->w[1]);
    else if (n < LINE)
        n += format(line + n, LINE - n, "%lx %lx %lx", r->w[0], r->w[1], r->w[2]);
    for (n = MIN(n, (size_t)LINE - 1); n < LINE - 1; n++)
        line[n] = ' ';
    line[LINE - 1] = '\n';
}

int64_t trace_read(struct message *m)
{
    char line[LINE];
    struct trace_record r;
    uint64_t position = m->position;
    size_t done = 0;
    while (done < m->w[2]) {
        if (ask_trace(TRACE_READ, position / LINE, &r, sizeof r) != sizeof r)
            break;
        if (r.number > position / LINE)
            position = r.number * LINE; /* the records between have been lost */
        trace_line(line, &r);
        size_t skip = position % LINE, part = MIN((size_t)LINE - skip, m->w[2] - done);
        int error = copy_out(m, done, line + skip, part);
        if (error)
            return error;
        done += part;
        position += part;
        GIVE_WAY_EVERY(LINES_AT_ONCE, part, m->w[2] - done);
    }
    m->position = position - done; /* libfs adds `done`: behind what was read and lost */
    return done;
}

/* The commands "on", "off" and "clear"; a newline behind them does no harm. */
int64_t trace_write(struct message *m)
{
    char word[8] = "";
    size_t length = MIN(m->w[2], (uint64_t)sizeof word - 1);
    int error = copy_in(m, 0, word, length);
    if (error)
        return error;
    if (length && word[length - 1] == '\n')
        word[length - 1] = 0;
    static const struct {
        const char *word;
        unsigned operation;
    } commands[] = {
        { "on", TRACE_ON },
        { "off", TRACE_OFF },
        { "clear", TRACE_CLEAR },
    };
    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
        if (strcmp(word, commands[i].word) == 0) {
            error = ask_trace(commands[i].operation, 0, NULL, 0);
            return error < 0 ? error : (int64_t)m->w[2];
        }
    return -EINVAL;
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
