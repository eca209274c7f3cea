/* The files of /proc and /proc/sys about the whole system, in Linux's formats (proc(5)). Fields
 * that Minnow has nothing for are 0; the files exist because programs fail without them (`ps`,
 * `free`, `top`, `uptime`, `sysctl`, and the C library). */
#include "procfs.h"

#include <minnow/watch.h>

#include <minnow/devices.h>

enum { HZ = 100, KIB = PAGE_SIZE / 1024 };
#define TICKS(ns) ((uint64_t)(ns) / (SECOND / HZ))

void make_stat(struct text *t, const struct subject *p)
{
    static struct cpu_time told;
    struct system_info s;
    struct posix_table table = { 0 };
    (void)p;
    fact_system(&s);
    fact_table(&table);
    told = cpu_time_onward(&told, s.busy);
    uint64_t user = TICKS(told.ns - told.system_ns), system = TICKS(told.system_ns);
    for (const char *const *name = (const char *const[]){ "cpu ", "cpu0", NULL }; *name; name++)
        text_add(t, "%s %lu 0 %lu %lu 0 0 0 0 0 0\n", *name, user, system, TICKS(s.idle_ns));
    text_add(t, "intr %lu", s.interrupts);
    struct irq_info irq;
    for (unsigned line = 0; fact_irq(line, &irq); line++)
        text_add(t, " %lu", irq.count);
    text_add(t, "\nctxt %lu\nbtime %lu\nprocesses %lu\nprocs_running %u\nprocs_blocked 0\n",
             s.switches, s.boot_wall_ns / SECOND, table.forks, fact_running() + 1);
}

/* The lines that some driver has, and those that have interrupted all the same. The rest is the
 * clock's. */
void make_interrupts(struct text *t, const struct subject *p)
{
    struct system_info s;
    struct irq_info irq;
    (void)p;
    fact_system(&s);
    uint64_t rest = s.interrupts;
    text_add(t, "           CPU0\n");
    for (unsigned line = 0; fact_irq(line, &irq); line++) {
        rest -= MIN(rest, irq.count);
        if (irq.task || irq.count)
            text_add(t, "%3u: %10lu  XT-PIC  %s\n", line, irq.count, fact_service(irq.task));
    }
    text_add(t, "LOC: %10lu  Local timer interrupts\n", rest);
}

/* MemFree is what programs can still get, MemAvailable what programs of users other than root can.
 * Memory that was promised to services counts as in use. */
void make_meminfo(struct text *t, const struct subject *p)
{
    struct system_info s;
    struct pm_usage programs;
    (void)p;
    fact_system(&s);
    fact_programs(&programs);
    uint64_t unused = s.frames_for_programs + programs.virtual_pages - programs.resident;
    static const char *const none[] = { "Buffers",   "Cached",      "SwapCached", "Active",
                                        "Inactive",  "SwapTotal",   "SwapFree",   "Dirty",
                                        "Writeback", "AnonPages",   "Mapped",     "Shmem",
                                        "Slab",      "SReclaimable" };
    text_add(t, "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\n",
             s.frames_all * KIB, unused * KIB, (unused - MIN(unused, programs.data)) * KIB);
    for (unsigned i = 0; i < ARRAY_SIZE(none); i++) {
        char label[17];
        format(label, sizeof label, "%s:", none[i]);
        text_add(t, "%16s%8u kB\n", label, 0);
    }
}

void make_uptime(struct text *t, const struct subject *p)
{
    struct system_info s;
    (void)p;
    fact_system(&s);
    text_add(t, "%lu.%02lu %lu.%02lu\n", s.uptime_ns / SECOND, s.uptime_ns / (SECOND / HZ) % HZ,
             s.idle_ns / SECOND, s.idle_ns / (SECOND / HZ) % HZ);
}

void make_loadavg(struct text *t, const struct subject *p)
{
    struct system_info s;
    struct posix_table table = { 0 };
    (void)p;
    fact_system(&s);
    fact_table(&table);
    for (unsigned i = 0; i < PROC_LOADS; i++) {
        uint64_t hundredths = (table.loads[i] * 100 + LOAD_ONE / 2) / LOAD_ONE;
        text_add(t, "%lu.%02lu ", hundredths / 100, hundredths % 100);
    }
    text_add(t, "%u/%lu %u\n", fact_running() + 1, s.threads, table.last_pid);
}

void make_filesystems(struct text *t, const struct subject *p)
{
    (void)p;
    text_add(t, "\text2\n\tvfat\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\nnodev\tdevpts\n");
}

void make_version(struct text *t, const struct subject *p)
{
    (void)p;
    text_add(t, SYSTEM_NAME " version " SYSTEM_RELEASE
                            " (Minnow, a teaching system) " SYSTEM_VERSION "\n");
}

/* ---- devices ---- */

/* The major numbers of devices, by name. */
void make_devices(struct text *t, const struct subject *p)
{
    (void)p;
    text_add(t, "Character devices:\n  1 mem\n  4 tty\n  4 ttyS\n  5 /dev/tty\n  5 /dev/console\n"
                "  5 /dev/ptmx\n 10 misc\n136 pts\n\n"
                "Block devices:\n  3 ide0\n254 virtblk\n");
}

/* The minor numbers of those with the major number 10. */
void make_misc(struct text *t, const struct subject *p)
{
    enum { MISC = 10 };
    static const struct {
        const char *name;
        unsigned major, minor;
    } devices[] = {
#define DEVICE(id, node, service, kind, mode, group, major, minor, object) { node, major, minor },
#define DISK(id, node, service, major, minor)
#define NUMBER(id, service, kind, major, minor, object)
#define RANGE(id, service, kind, major, count)
#include <minnow/devices.def>
#undef DEVICE
#undef DISK
#undef NUMBER
#undef RANGE
    };
    (void)p;
    for (unsigned i = 0; i < ARRAY_SIZE(devices); i++)
        if (devices[i].major == MISC)
            text_add(t, "%3u %s\n", devices[i].minor, devices[i].name);
}

/* A disk of the table of devices, and its driver. */
struct disk_row {
    const char *name, *service;
    unsigned major, minor;
};
static const struct disk_row disks[] = {
#define DEVICE(id, node, service, kind, mode, group, major, minor, object)
#define DISK(id, node, service, major, minor) { node, service, major, minor },
#define NUMBER(id, service, kind, major, minor, object)
#define RANGE(id, service, kind, major, count)
#include <minnow/devices.def>
#undef DEVICE
#undef DISK
#undef NUMBER
#undef RANGE
};

/* Calls add() for each disk and partition that there is. */
static void each_part(struct text *t, void (*add)(struct text *t, unsigned major, unsigned minor,
                                                  const char *name, const struct disk_part *d))
{
    struct disk_published all;
    char name[16];
    for (unsigned i = 0; i < ARRAY_SIZE(disks); i++) {
        unsigned place = disks[i].minor / DISK_MINORS;
        if (place >= DISKS_MAX || !fact_disks(disks[i].service, &all))
            continue;
        for (unsigned part = 0; part < DISK_PARTITIONS; part++) {
            format(name, sizeof name, part ? "%s%u" : "%s", disks[i].name, part);
            if (all.part[place][part].sectors)
                add(t, disks[i].major, disks[i].minor + part, name, &all.part[place][part]);
        }
    }
}

static void add_partition(struct text *t, unsigned major, unsigned minor, const char *name,
                          const struct disk_part *d)
{
    enum { SECTORS = 2 /* a KiB */ };
    text_add(t, "%4u  %7u %10lu %s\n", major, minor, d->sectors / SECTORS, name);
}

void make_partitions(struct text *t, const struct subject *p)
{
    (void)p;
    text_add(t, "major minor  #blocks  name\n\n");
    each_part(t, add_partition);
}

/* What was read and written and how long that took; then the same sum for the time that the disk
 * was busy, and weighted by requests, which nobody measures more exactly; nothing is merged or
 * discarded. */
static void add_disk(struct text *t, unsigned major, unsigned minor, const char *name,
                     const struct disk_part *d)
{
    enum { MS = SECOND / 1000 };
    uint64_t busy = d->read.ns + d->written.ns + d->flush_ns;
    text_add(t, "%4u %7u %s %lu 0 %lu %lu %lu 0 %lu %lu ", major, minor, name, d->read.count,
             d->read.sectors, d->read.ns / MS, d->written.count, d->written.sectors,
             d->written.ns / MS);
    text_add(t, "0 %lu %lu 0 0 0 0 %lu %lu\n", busy / MS, busy / MS, d->flushes, d->flush_ns / MS);
}

void make_diskstats(struct text *t, const struct subject *p)
{
    (void)p;
    each_part(t, add_disk);
}

/* There is no memory but the machine's. */
void make_swaps(struct text *t, const struct subject *p)
{
    (void)p;
    text_add(t, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}

void make_cmdline(struct text *t, const struct subject *p)
{
    (void)p;
    text_add(t, "%s\n", fact_options());
}

/* ---- /proc/sys: fixed values, which cannot be changed ---- */

#define SYS(name, ...)                                            \
    void make_sys_##name(struct text *t, const struct subject *p) \
    {                                                             \
        (void)p;                                                  \
        text_add(t, __VA_ARGS__);                                 \
    }
SYS(ostype, "%s\n", SYSTEM_NAME)
SYS(osrelease, "%s\n", SYSTEM_RELEASE)
SYS(version, "%s\n", SYSTEM_VERSION)
SYS(pid_max, "%u\n", PROC_PID_MAX)
SYS(threads_max, "%u\n", THREADS_MAX)
SYS(ngroups_max, "%u\n", PROC_GROUPS)
SYS(tainted, "0\n")
SYS(arch, "x86_64\n")
SYS(dmesg_restrict, "1\n") /* only root reads the boot log */
SYS(shm_rmid_forced, "0\n")
SYS(panic_on_oom, "0\n")
SYS(oom_kill_allocating_task, "1\n") /* nothing chooses another process */
SYS(legacy_va_layout, "0\n")
SYS(protected_hardlinks, "1\n")
SYS(unprotected, "0\n")
SYS(cap_last_cap, "%u\n", PROC_CAPABILITIES - 1)
SYS(leases_enable, "1\n")
SYS(nr_open, "%u\n", DESCRIPTORS_MAX)
SYS(inotify_watches, "%u\n", INOTIFY_WATCHES)
SYS(inotify_events, "%u\n", INOTIFY_EVENTS)
SYS(overflow_id, "65534\n")
SYS(randomize_va_space, "2\n") /* the heap too */
SYS(panic, "0\n")              /* the machine stands still */
SYS(overcommit_memory, "0\n")  /* refused is what the whole machine has not */
SYS(max_map_count, "%u\n", PROC_MAPS)
SYS(mmap_min_addr, "%u\n", PROC_LOWEST)
SYS(nr_hugepages, "0\n")
SYS(sched_rr_timeslice_ms, "%u\n", PROC_ROUND_MS)
SYS(file_max, "%lu\n", (uint64_t)INT64_MAX) /* memory is the limit */
SYS(random_bits, "256\n")                   /* of the pool, which is never empty */

/* What the kernel keeps for itself, and PM for root. */
void make_sys_min_free_kbytes(struct text *t, const struct subject *p)
{
    struct system_info s;
    (void)p;
    fact_system(&s);
    text_add(t, "%lu\n", s.frames_kept * KIB);
}

void make_sys_admin_reserve_kbytes(struct text *t, const struct subject *p)
{
    struct pm_usage programs;
    (void)p;
    fact_programs(&programs);
    text_add(t, "%lu\n", programs.data * KIB);
}

void make_sys_file_nr(struct text *t, const struct subject *p)
{
    struct system_info s;
    (void)p;
    fact_system(&s);
    text_add(t, "%lu\t0\t%lu\n", s.connections, (uint64_t)INT64_MAX);
}

/* ---- /proc/sys: what POSIX publishes ---- */

#define OF_TABLE(name, format, field)                             \
    void make_sys_##name(struct text *t, const struct subject *p) \
    {                                                             \
        struct posix_table table = { 0 };                         \
        (void)p;                                                  \
        fact_table(&table);                                       \
        text_add(t, format, table.field);                         \
    }
OF_TABLE(pipe_max_size, "%u\n", pipe_max)
OF_TABLE(lease_break, "%u\n", lease_break)
OF_TABLE(inotify_instances, "%u\n", inotify_instances)
OF_TABLE(last_pid, "%u\n", last_pid)
OF_TABLE(hostname, "%s\n", node_name)
OF_TABLE(domainname, "%s\n", domain_name)
OF_TABLE(core_pattern, "%s\n", core_pattern)
OF_TABLE(core_uses_pid, "%u\n", core_uses_pid)
OF_TABLE(queues_max, "%u\n", mq[MQ_LIMIT_QUEUES])
OF_TABLE(msg_max, "%u\n", mq[MQ_LIMIT_MOST])
OF_TABLE(msg_default, "%u\n", mq[MQ_LIMIT_MOST_DEFAULT])
OF_TABLE(msgsize_max, "%u\n", mq[MQ_LIMIT_SIZE])
OF_TABLE(msgsize_default, "%u\n", mq[MQ_LIMIT_SIZE_DEFAULT])
OF_TABLE(sem_next, "%d\n", sysv_next[SYSV_SEM])
OF_TABLE(msg_next, "%d\n", sysv_next[SYSV_MSG])
OF_TABLE(shm_next, "%d\n", sysv_next[SYSV_SHM])
