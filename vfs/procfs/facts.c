/* Where the facts come from: the kernel, by SYS_INFO, and the tables that POSIX and PM publish.
 *
 * Published memory is read by the kernel out of the publisher's address space, without a message,
 * so POSIX and PM need not answer, and procfs cannot wait for them. POSIX publishes a struct
 * posix_table, which says where its records of processes begin and how far apart they stand; each
 * record begins with a struct subject, whose pid is 0 if the place is free. PM publishes a
 * struct pm_usage for each task's index; that at index 0 is of all programs together. A record may
 * change between two reads; within one it does not, since the publisher does not run meanwhile. */
#include "procfs.h"

#include "share.h"

enum { SNAPSHOT_NS = 20000000 }; /* how long a snapshot of the threads serves */

/* SYS_INFO: the bytes that the kernel has written, or an error. */
static int64_t info(unsigned what, uint64_t index, void *to, size_t length)
{
    return ask_info(what, index, to, length);
}

/* Reads published memory of a service, from `offset` on: the bytes, 0 or an error. */
static int64_t published(const char *service, uint64_t offset, void *to, size_t length)
{
    endpoint_t slot = service_find(service);
    return slot ? info(INFO_PUBLISHED, published_at(slot, offset), to, length) : 0;
}

bool fact_task(unsigned index, struct task_info *t)
{
    return info(INFO_TASK, index, t, sizeof *t) == sizeof *t;
}

const char *fact_options(void)
{
    static char options[BOOT_OPTIONS_MAX];
    int64_t n = info(INFO_OPTIONS, 0, options, sizeof options - 1);
    options[MAX(n, 0)] = 0;
    return options;
}

void fact_system(struct system_info *s)
{
    memset(s, 0, sizeof *s);
    info(INFO_SYSTEM, 0, s, sizeof *s);
}

bool fact_irq(unsigned line, struct irq_info *irq)
{
    return info(INFO_IRQ, line, irq, sizeof *irq) == sizeof *irq;
}

bool fact_disks(const char *driver, struct disk_published *disks)
{
    return published(driver, 0, disks, sizeof *disks) == sizeof *disks;
}

bool fact_table(struct posix_table *table)
{
    return published("posix", 0, table, sizeof *table) == sizeof *table;
}

/* Reads the record at a place; false unless it is that of `pid`, or, if that is 0, of any process.
 */
static bool process_at(const struct posix_table *table, unsigned place, uint32_t pid,
                       struct subject *p)
{
    uint64_t at = table->first + (uint64_t)place * table->stride;
    uint32_t there;
    memset(p, 0, sizeof *p);
    if (published("posix", at, &there, sizeof there) != sizeof there || !there ||
        (pid && there != pid))
        return false;
    published("posix", at + table->pending, &p->pending, sizeof p->pending);
    return published("posix", at, p, sizeof(struct posix_proc)) == sizeof(struct posix_proc);
}

bool fact_process_at(unsigned place, struct subject *p)
{
    struct posix_table table;
    return fact_table(&table) && place < table.count && process_at(&table, place, 0, p);
}

/* A service as a process of root, which nobody but root may look into. */
static bool service_process(unsigned slot, struct subject *p)
{
    struct task_info t;
    if (!slot || slot >= MAX_SERVICE || !fact_task(slot, &t))
        return false;
    memset(p, 0, sizeof *p);
    p->pid = p->pgid = p->sid = SERVICES_FROM + slot;
    p->task = t.endpoint;
    p->state = 'S';
    p->threads = t.threads;
    memcpy(p->name, t.name, sizeof p->name);
    return true;
}

unsigned fact_signals(uint32_t user)
{
    struct posix_table table;
    struct share share;
    return fact_table(&table) &&
                   published("posix", table.signals, &share, sizeof share) == sizeof share
               ? share_held(&share, user)
               : 0;
}

bool fact_process(uint32_t pid, struct subject *p)
{
    struct posix_table table;
    /* The place where the last process was found: this one is mostly the same, or near. The search
     * goes from there to both sides. */
    static unsigned last;
    if (pid > SERVICES_FROM)
        return service_process(pid - SERVICES_FROM, p);
    if (!pid || !fact_table(&table) || !table.count)
        return false;
    for (unsigned n = 0; n <= table.count; n++) {
        unsigned place = (last + (n % 2 ? table.count - n / 2 - 1 : n / 2)) % table.count;
        if (process_at(&table, place, pid, p)) {
            last = place;
            return true;
        }
    }
    return false;
}

/* ---- threads ---- */

/* Reads what POSIX publishes of the threads from `index` on: how many records. */
static unsigned threads_at(unsigned index, struct posix_thread *of, unsigned count)
{
    struct posix_table table;
    int64_t n = index < THREADS_MAX && fact_table(&table)
                    ? published("posix", table.threads + index * sizeof *of, of,
                                MIN(count, THREADS_MAX - index) * sizeof *of)
                    : 0;
    return n > 0 ? n / sizeof *of : 0;
}

struct posix_thread fact_thread_at(unsigned index)
{
    struct posix_thread of = { .pid = 0 };
    threads_at(index, &of, 1);
    return of;
}

uint32_t fact_next_thread(uint32_t pid, unsigned from, unsigned *index)
{
    struct posix_thread of[64];
    for (unsigned n; (n = threads_at(from, of, ARRAY_SIZE(of))); from += n)
        for (unsigned i = 0; i < n; i++)
            if (of[i].pid == pid) {
                *index = from + i;
                return of[i].tid;
            }
    return 0;
}

bool fact_thread(uint32_t tid, struct subject *p)
{
    unsigned index = 0;
    uint32_t found;
    while ((found = fact_next_thread(p->pid, index, &index)) && found != tid)
        index++;
    p->tid = found;
    if (found)
        p->record = fact_thread_at(index);
    return found && info(INFO_THREADS, index, &p->thread, sizeof p->thread) == sizeof p->thread &&
           p->thread.index == index;
}

void fact_usage(endpoint_t task, struct pm_usage *usage)
{
    memset(usage, 0, sizeof *usage);
    if (task)
        published("pm", endpoint_index(task) * sizeof *usage, usage, sizeof *usage);
}

void fact_resident(endpoint_t task, struct resident_info *sum)
{
    enum { CALLS_AT_ONCE = 8, SPAN_SHIFT = 30 };
    struct resident_info piece = { 0 };
    unsigned calls = 0;
    *sum = piece;
    do {
        uint64_t at = resident_at(endpoint_index(task), piece.next);
        if (!task || info(INFO_RESIDENT, at, &piece, sizeof piece) != sizeof piece)
            return;
        sum->anonymous += piece.anonymous;
        sum->shared += piece.shared;
        sum->file += piece.file;
        sum->tables = piece.tables;
        if (++calls % CALLS_AT_ONCE == 0)
            give_way((USER_TOP - piece.next * PAGE_SIZE) >> SPAN_SHIFT);
    } while (piece.next);
}

bool fact_sysv(enum sysv_kind kind, unsigned place, struct posix_sysv *i)
{
    struct posix_table table;
    uint64_t at = sizeof *i * (kind * SYSV_PLACES + place);
    return fact_table(&table) && published("posix", table.sysv + at, i, sizeof *i) == sizeof *i &&
           i->used;
}

unsigned fact_attached(unsigned place)
{
    uint32_t n = 0;
    published("pm", offsetof(struct pm_published, attached) + place * sizeof n, &n, sizeof n);
    return n;
}

void fact_programs(struct pm_usage *sum)
{
    memset(sum, 0, sizeof *sum);
    published("pm", 0, sum, sizeof *sum);
}

/* ---- which tasks run ----
 *
 * `ps` reads the state of every process, and each needs the states of all threads: one snapshot of
 * all serves for SNAPSHOT_NS. */

static uint8_t runs[TASKS_MAX / 8];
static unsigned running;
static uint64_t taken;
endpoint_t fact_reader;

static void note(const struct thread_info *t, void *unused)
{
    unsigned task = endpoint_index(t->task) % TASKS_MAX;
    (void)unused;
    if (t->state != THREAD_READY || t->task < MAX_SERVICE)
        return;
    runs[task / 8] |= 1 << task % 8;
    running++;
}

static void snapshot(void)
{
    uint64_t now = time_now();
    if (taken && now - taken < SNAPSHOT_NS)
        return;
    taken = now;
    running = 0;
    memset(runs, 0, sizeof runs);
    threads_each(note, NULL);
}

bool fact_runs(endpoint_t task)
{
    unsigned i = endpoint_index(task) % TASKS_MAX;
    snapshot();
    return runs[i / 8] >> (i % 8) & 1;
}

unsigned fact_running(void)
{
    snapshot();
    return running;
}

uint32_t fact_pid(endpoint_t task)
{
    enum { WORD_PID = 0 };
    struct task_info t;
    return task && fact_task(endpoint_index(task), &t) && t.endpoint == task ? t.words[WORD_PID]
                                                                             : 0;
}

const char *fact_service(endpoint_t service)
{
    static char names[MAX_SERVICE][sizeof((struct task_info *)0)->name];
    struct task_info t;
    if (service >= MAX_SERVICE)
        return "";
    if (!names[service][0] && service && fact_task(service, &t))
        memcpy(names[service], t.name, sizeof t.name);
    return names[service];
}

bool may_look_into(endpoint_t task, const struct subject *p)
{
    struct subject who;
    uint32_t pid = fact_pid(task);
    if (pid && pid == p->pid)
        return true;
    if (!pid || !fact_process(pid, &who))
        return false;
    if (who.caps.effective >> CAP_SYS_PTRACE & 1)
        return true;
    return p->dumpable && !(p->caps.permitted & ~who.caps.effective) && who.fsuid == p->uid &&
           who.fsuid == p->euid && who.fsuid == p->suid && who.fsgid == p->gid &&
           who.fsgid == p->egid && who.fsgid == p->sgid;
}
