/* The files of a process's directory, in Linux's formats (proc(5)). Fields that Minnow has nothing
 * for are 0, or what Linux prints for a system without the feature. */
#include "procfs.h"

enum { HZ = 100, KIB = PAGE_SIZE / 1024 };
enum { LIMIT_RSS = 5, LIMIT_SIGNALS = 11, KERNEL_THREAD = 0x200000 /* Linux's flag */ };
#define TICKS(ns) ((uint64_t)(ns) / (SECOND / HZ))

static struct posix_tracing tracing_of(const struct subject *p)
{
    return p->tid ? p->record.tracing : p->tracing;
}

static struct posix_policy policy_of(const struct subject *p)
{
    return p->tid ? p->record.policy : p->policy;
}

/* The letter of a process's state. POSIX knows no more than that a process is not stopped and not a
 * zombie ('S'); the kernel knows whether it runs. */
static char state_of(const struct subject *p)
{
    if (p->state != 'Z' && tracing_of(p).trapped)
        return 't';
    if (p->tid && p->state == 'S')
        return p->thread.state == THREAD_READY ? 'R' : 'S';
    return p->state == 'S' && p->task && (p->task == fact_reader || fact_runs(p->task)) ? 'R'
                                                                                        : p->state;
}

/* What the kernel knows of a process. false: its task is gone. */
static bool task_of(const struct subject *p, struct task_info *t)
{
    return p->task && fact_task(endpoint_index(p->task), t) && t->endpoint == p->task;
}

/* The processor time of a process, from the kernel while its task lives, then what POSIX kept; or
 * that of the thread. */
static struct cpu_time cpu(const struct subject *p)
{
    struct task_info t;
    return p->tid ? p->thread.cpu : task_of(p, &t) ? t.cpu : p->cpu;
}

static const char *name_of(const struct subject *p) { return p->tid ? p->record.name : p->name; }
static uint32_t number_of(const struct subject *p) { return p->tid ? p->tid : p->pid; }

/* The signals that a process' first thread blocks. */
static uint64_t blocked(const struct subject *p)
{
    struct task_info t;
    return p->masked ? p->call_mask : task_of(p, &t) ? t.mask : 0;
}

/* The signals that wait for the thread alone. */
static uint64_t thread_pending(const struct subject *p)
{
    return p->tid && p->tid != p->pid ? p->record.pending : p->thread_pending;
}

/* Fields 26 to 30: where the program and its stack stand. */
static void add_layout(struct text *t, const struct pm_layout *at, bool memory, bool may)
{
    if (may || !memory)
        text_add(t, "%lu %lu %lu 0 0 ", at->code, at->code_end, at->stack);
    else
        text_add(t, "1 1 0 0 0 ");
}

/* Fields 31 to 44: signals, and how it is scheduled. */
static void add_signals(struct text *t, const struct subject *p, bool may)
{
    bool waits = may && (p->tid || p->threads < 2) && state_of(p) != 'R';
    text_add(t, "%lu %lu %lu %lu %u ", thread_pending(p) & 0x7fffffff, blocked(p) & 0x7fffffff,
             p->ignored & 0x7fffffff, p->caught & 0x7fffffff, waits);
    text_add(t, "0 0 %d 0 %d %u 0 0 0 ", p->tid && p->tid != p->pid ? -1 : p->exit_signal,
             policy_of(p).priority, policy_of(p).policy);
}

/* 28 fields follow after 24. Who may not look into the process sees no address in it. */
static void add_stat_end(struct text *t, const struct subject *p, const struct pm_usage *u)
{
    bool may = may_look_into(fact_reader, p), memory = p->task && !is_service(p);
    struct pm_layout at = memory && may ? u->at : (struct pm_layout){ 0 };
    text_add(t, "%lu ", p->limits[LIMIT_RSS].soft);
    add_layout(t, &at, memory, may);
    add_signals(t, p, may);
    text_add(t, "%lu %lu %lu ", at.data, at.data_end, at.brk);
    if (memory && may)
        text_add(t, "%lu %lu %lu %lu ", p->arguments.at, p->arguments.end, p->environment.at,
                 p->environment.end);
    else
        text_add(t, "0 0 0 0 ");
    text_add(t, "%u\n", may ? p->exit_status : 0);
}

/* Field 18: of a real-time policy -1 - its priority, of SCHED_DEADLINE -101, else 20 + nice. */
static int priority_of(const struct subject *p)
{
    enum { NORMAL_PRIORITY = 20, DEADLINE_PRIORITY = -101 };
    struct posix_policy policy = policy_of(p);
    if (policy.policy == SCHED_DEADLINE)
        return DEADLINE_PRIORITY;
    return policy.priority ? -1 - policy.priority : NORMAL_PRIORITY + p->nice;
}

void make_process_stat(struct text *t, const struct subject *p)
{
    struct pm_usage u;
    fact_usage(p->task, &u);
    text_add(t, "%u (%s) %c %u %u %u %lu %d %u ", number_of(p), name_of(p), state_of(p), p->ppid,
             p->pgid, p->sid, p->tty, p->tty ? (int)p->tty_pgrp : -1,
             is_service(p) ? KERNEL_THREAD : 0);
    struct cpu_time own = cpu(p);
    const struct cpu_time *of[] = { &own, &p->children };
    text_add(t, "%lu %lu %lu %lu ", u.faults, p->children_faults, u.major, p->children_major);
    for (unsigned i = 0; i < sizeof of / sizeof of[0]; i++)
        text_add(t, "%lu %lu ", TICKS(of[i]->ns - of[i]->system_ns), TICKS(of[i]->system_ns));
    text_add(t, "%d %d %u 0 %lu %lu %lu ", priority_of(p), p->nice, p->threads, TICKS(p->start_ns),
             u.virtual_pages * PAGE_SIZE, u.resident);
    add_stat_end(t, p, &u);
}

static const char *state_name(char state)
{
    switch (state) {
    case 'R': return "running";
    case 'T': return "stopped";
    case 't': return "tracing stop";
    case 'Z': return "zombie";
    default: return "sleeping";
    }
}

static void add_ids(struct text *t, const struct subject *p)
{
    struct task_info k;
    char state = state_of(p);
    if (!task_of(p, &k))
        k.descriptors = 0;
    text_add(t,
             "Name:\t%s\nState:\t%c (%s)\nTgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\n"
             "TracerPid:\t%u\n",
             name_of(p), state, state_name(state), p->pid, number_of(p), p->ppid,
             tracing_of(p).tracer);
    text_add(t, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", p->uid,
             p->euid, p->suid, p->fsuid, p->gid, p->egid, p->sgid, p->fsgid,
             MAX(64u, k.descriptors));
    for (unsigned i = 0; i < MIN(p->group_count, (uint32_t)PROC_GROUPS); i++)
        text_add(t, "%u ", p->groups[i]);
    text_add(t, "\nNStgid:\t%u\nNSpid:\t%u\nNSpgid:\t%u\nNSsid:\t%u\nKthread:\t%u\n", p->pid,
             number_of(p), p->pgid, p->sid, is_service(p));
}

/* Pages of the program's code; all that runs and is not of the program is of libraries. */
static uint64_t code_pages(const struct pm_usage *u)
{
    uint64_t first = u->at.code / PAGE_SIZE, end = (u->at.code_end + PAGE_SIZE - 1) / PAGE_SIZE;
    return MIN(end > first ? end - first : 0, u->text);
}

static void add_memory(struct text *t, const struct subject *p)
{
    struct pm_usage u;
    struct resident_info r;
    fact_usage(p->task, &u);
    fact_resident(p->task, &r);
    const struct {
        const char *name;
        uint64_t pages;
    } lines[] = { { "VmPeak", MAX(u.virtual_peak, u.virtual_pages) },
                  { "VmSize", u.virtual_pages },
                  { "VmLck", u.locked },
                  { "VmPin", 0 },
                  { "VmHWM", MAX(u.peak, u.resident) },
                  { "VmRSS", r.anonymous + r.file + r.shared },
                  { "RssAnon", r.anonymous },
                  { "RssFile", r.file },
                  { "RssShmem", r.shared },
                  { "VmData", u.data },
                  { "VmStk", u.stack },
                  { "VmExe", code_pages(&u) },
                  { "VmLib", u.text - code_pages(&u) },
                  { "VmPTE", r.tables },
                  { "VmSwap", 0 },
                  { "HugetlbPages", 0 } };
    for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
        text_add(t, "%s:\t%8lu kB\n", lines[i].name, lines[i].pages * KIB);
}

void make_process_status(struct text *t, const struct subject *p)
{
    add_ids(t, p);
    if (p->task && !is_service(p))
        add_memory(t, p);
    text_add(t, "Threads:\t%u\nSigQ:\t%u/%lu\nSigPnd:\t%016lx\nShdPnd:\t%016lx\n", p->threads,
             fact_signals(p->uid), p->limits[LIMIT_SIGNALS].soft, thread_pending(p), p->pending);
    text_add(t, "SigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n", blocked(p), p->ignored,
             p->caught);
    text_add(t,
             "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\n"
             "CapAmb:\t%016lx\n",
             p->caps.inheritable, p->caps.permitted, p->caps.effective, p->caps.bounding,
             p->caps.ambient);
    text_add(t, "NoNewPrivs:\t%u\nSeccomp:\t0\nSeccomp_filters:\t0\n", p->no_new_privs);
    text_add(t, "Cpus_allowed:\t1\nCpus_allowed_list:\t0\nMems_allowed:\t1\n"
                "Mems_allowed_list:\t0\n");
}

void make_process_statm(struct text *t, const struct subject *p)
{
    struct pm_usage u;
    struct resident_info r;
    fact_usage(p->task, &u);
    fact_resident(p->task, &r);
    text_add(t, "%lu %lu %lu %lu 0 %lu 0\n", u.virtual_pages, r.anonymous + r.file + r.shared,
             r.file + r.shared, code_pages(&u), u.data + u.stack);
}

void make_process_comm(struct text *t, const struct subject *p) { text_add(t, "%s\n", name_of(p)); }

void make_process_coredump_filter(struct text *t, const struct subject *p)
{
    text_add(t, "%08x\n", p->core_filter);
}

/* ---- limits ---- */

static void add_limit(struct text *t, uint64_t value)
{
    char number[24] = "unlimited";
    if (value != ~0ul)
        format(number, sizeof number, "%lu", value);
    text_add(t, "%-20s ", number);
}

void make_process_limits(struct text *t, const struct subject *p)
{
    static const struct {
        const char *name, *unit;
    } limits[PROC_LIMITS] = {
        { "Max cpu time", "seconds" },     { "Max file size", "bytes" },
        { "Max data size", "bytes" },      { "Max stack size", "bytes" },
        { "Max core file size", "bytes" }, { "Max resident set", "bytes" },
        { "Max processes", "processes" },  { "Max open files", "files" },
        { "Max locked memory", "bytes" },  { "Max address space", "bytes" },
        { "Max file locks", "locks" },     { "Max pending signals", "signals" },
        { "Max msgqueue size", "bytes" },  { "Max nice priority", "" },
        { "Max realtime priority", "" },   { "Max realtime timeout", "us" },
    };
    text_add(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (unsigned i = 0; i < PROC_LIMITS; i++) {
        text_add(t, "%-25s ", limits[i].name);
        add_limit(t, p->limits[i].soft);
        add_limit(t, p->limits[i].hard);
        text_add(t, limits[i].unit[0] ? "%-10s\n" : "\n", limits[i].unit);
    }
}

/* ---- reads and writes ---- */

/* What comes from a disk, and goes to it, does so for all: it is not counted for a process. How
 * much is read tells secrets, such as how long a password is. */
void make_process_io(struct text *t, const struct subject *p)
{
    struct task_info k;
    const struct io_count *before = p->io, *now = k.io;
    if (!task_of(p, &k))
        k = (struct task_info){ 0 };
    text_add(t, "rchar: %lu\nwchar: %lu\n", before[IO_READ].bytes + now[IO_READ].bytes,
             before[IO_WRITE].bytes + now[IO_WRITE].bytes);
    text_add(t, "syscr: %lu\nsyscw: %lu\n", before[IO_READ].calls + now[IO_READ].calls,
             before[IO_WRITE].calls + now[IO_WRITE].calls);
}

/* ---- what is chosen when memory runs out ---- */

void make_process_oom_score_adj(struct text *t, const struct subject *p)
{
    text_add(t, "%d\n", p->oom_adjust);
}

/* The scale that Linux had before. */
void make_process_oom_adj(struct text *t, const struct subject *p)
{
    enum { MOST = 1000, OLD_LEAST = -17, OLD_MOST = 15 };
    int old = p->oom_adjust == MOST ? OLD_MOST : p->oom_adjust * -OLD_LEAST / MOST;
    text_add(t, "%d\n", MIN(old, OLD_MOST));
}

/* The part of the machine's memory that the process has, in thousandths, with its adjustment; in
 * Linux's scale (fs/proc/base.c, proc_oom_score()). */
void make_process_oom_score(struct text *t, const struct subject *p)
{
    enum { INIT = 1, THOUSAND = 1000 };
    struct pm_usage u;
    struct system_info s;
    int64_t score = 0;
    fact_usage(p->task, &u);
    fact_system(&s);
    int64_t all = s.frames_all, had = (int64_t)u.resident + p->oom_adjust * (all / THOUSAND);
    if (p->pid != INIT && !is_service(p) && p->oom_adjust != -THOUSAND && all)
        score = (THOUSAND + had * THOUSAND / all) * 2 / 3;
    text_add(t, "%ld\n", score);
}

/* ---- small ones ---- */

void make_process_personality(struct text *t, const struct subject *p)
{
    text_add(t, "%08x\n", p->personality);
}

/* How long it has run and, which nobody counts here, how long and often it has waited. */
void make_process_schedstat(struct text *t, const struct subject *p)
{
    text_add(t, "%lu 0 0\n", cpu(p).ns);
}

/* As Linux shows who may not know. */
void make_process_wchan(struct text *t, const struct subject *p)
{
    (void)p;
    text_add(t, "0");
}

void make_descriptor(struct text *t, const struct subject *p)
{
    text_add(t, "pos:\t%lu\nflags:\t0%o\n", p->file.position,
             p->file.flags & (O_SHOWN | O_CLOEXEC));
}
