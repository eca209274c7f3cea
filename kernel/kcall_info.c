/* Kernel calls that look at the system: right INFO. */
#include "arch.h"
#include "boot.h"
#include "clock.h"
#include "conn.h"
#include "ipc.h"
#include "irq.h"
#include "kcall.h"
#include "log.h"
#include "memory.h"
#include "rights.h"
#include "sched.h"
#include "service.h"
#include "space.h"
#include <minnow/errno.h>

/* task_info.stretch: 0 while nothing runs in x, else a number that changes with each message, call
 * and step. */
static uint64_t stretch_of(const struct task *x)
{
    const struct thread *t = x->service ? sched_active(x) : NULL;
    return t ? x->messages + x->advances + t->call : 0;
}

static int64_t info_task(uint64_t index, struct task_info *out)
{
    if (index >= TASKS_MAX)
        return 0;
    struct task *x = tasks[index];
    if (!x)
        return -ENOENT;
    out->endpoint = x->endpoint;
    for (const struct thread *y = x->threads; y; y = y->siblings) {
        out->threads++;
        out->cpu.ns += clock_used(y);
        out->mask = x->service ? 0 : y->mask; /* the first thread stands last */
    }
    out->cpu.ns += x->cpu_ns;
    out->cpu.system_ns = clock_system_part(&x->samples, out->cpu.ns);
    out->cpu = x->told = cpu_time_onward(&x->told, out->cpu);
    out->descriptors = x->conns ? x->conns->used : 0;
    out->priority = x->priority;
    memcpy(out->words, x->words, sizeof out->words);
    out->label = x->label;
    out->pages = x->service ? x->committed : x->space ? x->space->pages : 0;
    out->messages = x->messages;
    out->crash = x->crash;
    out->ready = x->recovery != 0;
    out->protocols = x->protocols;
    out->violations = x->violations;
    out->stretch = stretch_of(x);
    out->serving = x->crash ? service_serving(x) : 0;
    memcpy(out->io, x->io, sizeof out->io);
    memcpy(out->name, x->name, sizeof out->name);
    return sizeof *out;
}

static void describe(const struct thread *t, struct thread_info *out)
{
    bool waits = (t->state == THREAD_QUEUED || t->state == THREAD_HELD) && t->holder;
    *out = (struct thread_info){
        .index = t->index,
        .task = t->task->endpoint,
        .state = t->state,
        .is = (t == sched_first() ? THREAD_IS_NEXT : 0) | (t->slow ? THREAD_IS_SLOW : 0) |
              (t->kind == CALL_EVENT ? THREAD_IS_EVENT : 0) | (t->aside ? THREAD_IS_ASIDE : 0),
        .rip = t->regs.rip - t->task->rights.slide,
        .cpu.ns = clock_used(t),
    };
    out->cpu.system_ns = clock_system_part(&samples[t->index], out->cpu.ns);
    if (!waits)
        return;
    out->waits_for = t->holder->endpoint;
    out->call = t->call;
    out->op = t->op, out->object = t->object, out->position = t->position;
    out->word = t->words[0];
}

/* What a policy of scheduling must know to choose among programs' threads. */
static void describe_sched(const struct thread *t, struct sched_info *out)
{
    *out = (struct sched_info){ .thread = t->index,
                                .task = t->task->endpoint,
                                .ready = t->state == THREAD_READY || t->kind == CALL_EXPIRED,
                                .priority = t->priority,
                                .base = t->task->priority,
                                .rank = t->rank,
                                .cpu_ns = clock_used(t),
                                .quantum = t->quantum };
}

/* Writes the threads from index `first` on to t's memory, as many as fit: all, or (sched) those of
 * programs. The bytes written, or -EFAULT. */
static int64_t info_threads(struct thread *t, uint64_t first, vaddr_t to, uint64_t length,
                            bool sched)
{
    union {
        struct thread_info thread;
        struct sched_info sched;
    } out;
    uint64_t done = 0, size = sched ? sizeof out.sched : sizeof out.thread;
    for (uint64_t i = first; i < THREADS_MAX && length - done >= size; i++) {
        const struct thread *x = threads[i];
        if (!x || (sched && !x->user))
            continue;
        if (sched)
            describe_sched(x, &out.sched);
        else
            describe(x, &out.thread);
        if (space_write(t->space, to + done, &out, size) < 0)
            return -EFAULT;
        done += size;
    }
    return done;
}

static int64_t info_system(struct system_info *out)
{
    const struct cpu *cpu = this_cpu();
    uint64_t now = arch_time(), busy_ns = now - cpu->idle_ns;
    *out = (struct system_info){
        .frames_all = frames_all,
        .frames_free = frames_free,
        .frames_for_programs = frames_for_programs(),
        .frames_kept = frames_kept(),
        .tasks = tasks_count,
        .threads = threads_count,
        .connections = conns_count,
        .spaces = spaces_count,
        .switches = cpu->switches,
        .space_switches = cpu->space_switches,
        .interrupts = cpu->interrupts,
        .idle_ns = cpu->idle_ns,
        .uptime_ns = now,
        .boot_wall_ns = clock_wall_base,
        .tsc_hz = arch_tsc_hz(),
        .busy = { busy_ns, clock_system_part(&clock_samples, busy_ns) },
    };
    return sizeof *out;
}

static int64_t info_resident(uint64_t index, struct resident_info *out)
{
    enum { TASK = (1 << RESIDENT_PAGE_SHIFT) - 1 };
    const struct task *x = (index & TASK) < TASKS_MAX ? tasks[index & TASK] : NULL;
    uint64_t page = index >> RESIDENT_PAGE_SHIFT;
    if (!x || x->service || !x->space || page >= USER_TOP / PAGE_SIZE)
        return -ENOENT;
    space_count(x->space, page, out);
    return sizeof *out;
}

static int64_t info_published(struct thread *t, uint64_t index, vaddr_t to, uint64_t length)
{
    struct task *x = tasks[published_service(index) % MAX_SERVICE];
    uint64_t offset = published_offset(index);
    if (!x || !x->space || offset >= x->published_length)
        return 0;
    if (length > x->published_length - offset)
        length = x->published_length - offset;
    return space_copy(t->space, to, x->space, x->published + offset, length) < 0 ? -EFAULT
                                                                                 : (int64_t)length;
}

static int64_t info_log(struct thread *t, uint64_t offset, vaddr_t to, uint64_t length)
{
    const char *piece;
    uint64_t done = 0;
    for (size_t n; done < length && (n = log_piece(offset + done, &piece)); done += n) {
        n = n < length - done ? n : length - done;
        if (space_write(t->space, to + done, piece, n) < 0)
            return -EFAULT;
    }
    return done;
}

static int64_t info_options(struct thread *t, vaddr_t to, uint64_t length)
{
    uint64_t n = strlen(boot_options);
    n = n < length ? n : length;
    return space_write(t->space, to, boot_options, n) < 0 ? -EFAULT : (int64_t)n;
}

int64_t sys_info(struct thread *t, const uint64_t *a)
{
    union {
        struct task_info task;
        struct system_info system;
        struct resident_info resident;
        struct irq_info irq;
        uint64_t word;
    } out = { 0 };
    int64_t n = sizeof out.word;
    if (!has_right(t, a[0] == INFO_SCHED ? RIGHT_INFO | RIGHT_SCHED : RIGHT_INFO) &&
        a[0] != INFO_FPU_SIZE)
        return -EPERM;
    switch (a[0]) {
    case INFO_TASK: n = info_task(a[1], &out.task); break;
    case INFO_IRQ: n = irq_describe(a[1], &out.irq) ? (int64_t)sizeof out.irq : -ENOENT; break;
    case INFO_RESIDENT: n = info_resident(a[1], &out.resident); break;
    case INFO_SYSTEM: n = info_system(&out.system); break;
    case INFO_PUBLISHED: return info_published(t, a[1], a[2], a[3]);
    case INFO_THREADS:
    case INFO_SCHED: return info_threads(t, a[1], a[2], a[3], a[0] == INFO_SCHED);
    case INFO_LOG: return info_log(t, a[1], a[2], a[3]);
    case INFO_OPTIONS: return info_options(t, a[2], a[3]);
    case INFO_MISSED:
        if (!personality || a[1] >= ROUTES_MAX)
            return -ENOENT;
        out.word = personality->missed[a[1]];
        break;
    case INFO_FPU_SIZE: return arch_fpu_size();
    case INFO_CLOCK_PAGE: out.word = clock_page_frame(); break;
    default: return -EINVAL;
    }
    if (n <= 0)
        return n;
    if ((uint64_t)n > a[3])
        n = a[3];
    return space_write(t->space, a[2], &out, n) < 0 ? -EFAULT : n;
}

int64_t sys_log(struct thread *t, const uint64_t *a)
{
    char line[256];
    uint64_t n = a[1] < sizeof line ? a[1] : sizeof line;
    if (space_read(t->space, a[0], line, n) < 0)
        return -EFAULT;
    log_write(t->task->name, strlen(t->task->name));
    log_write(": ", 2);
    log_write(line, n);
    return n;
}

int64_t sys_publish(struct thread *t, const uint64_t *a)
{
    t->task->published = a[0];
    t->task->published_length = a[1];
    return 0;
}

int64_t sys_frame_count(struct thread *t, const uint64_t *a)
{
    return (int64_t)(frames_free << 32 | frames_all);
}
