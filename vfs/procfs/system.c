/* The files of /proc and /proc/sys about the whole system, in Linux's formats (proc(5)). Fields
 * that Minnow has nothing for are 0; the files exist because programs fail without them (`ps`,
 * `free`, `top`, `uptime`, `sysctl`, and the C library). */
#include "procfs.h"

#include <minnow/watch.h>

enum { HZ = 100, KIB = PAGE_SIZE / 1024 };
#define TICKS(ns) ((uint64_t)(ns) / (SECOND / HZ))

void make_stat(struct text *t, const struct subject *p)
{
    struct system_info s;
    struct posix_table table = { 0 };
    (void)p;
    fact_system(&s);
    fact_table(&table);
    uint64_t busy = TICKS(s.uptime_ns - s.idle_ns), idle = TICKS(s.idle_ns);
    text_add(t, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\ncpu0 %lu 0 0 %lu 0 0 0 0 0 0\n", busy, idle, busy,
             idle);
    text_add(t, "intr %lu\nctxt %lu\nbtime %lu\nprocesses %lu\nprocs_running %u\nprocs_blocked 0\n",
             s.interrupts, s.switches, s.boot_wall_ns / SECOND, table.forks, fact_running() + 1);
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
    text_add(t, "\text2\n\tvfat\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\n");
}

void make_version(struct text *t, const struct subject *p)
{
    (void)p;
    text_add(t, SYSTEM_NAME " version " SYSTEM_RELEASE
                            " (Minnow, a teaching system) " SYSTEM_VERSION "\n");
}

static void cpuid(uint32_t leaf, uint32_t r[4])
{
    __asm__("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
}

void make_cpuinfo(struct text *t, const struct subject *p)
{
    enum { EXTENDED = 0x80000000, BRAND = 0x80000002, BRAND_LAST = 0x80000004 };
    struct system_info s;
    uint32_t r[4], brand[13] = { 0 };
    (void)p;
    fact_system(&s);
    cpuid(0, r);
    uint32_t vendor[4] = { r[1], r[3], r[2], 0 };
    cpuid(EXTENDED, r);
    for (uint32_t leaf = BRAND; leaf <= BRAND_LAST && r[0] >= BRAND_LAST; leaf++) {
        uint32_t part[4];
        cpuid(leaf, part);
        memcpy(&brand[(leaf - BRAND) * 4], part, sizeof part);
    }
    cpuid(1, r);
    unsigned family = r[0] >> 8 & 15, model = r[0] >> 4 & 15;
    if (family == 15 || family == 6)
        model |= r[0] >> 12 & 0xf0;
    if (family == 15)
        family += r[0] >> 20 & 0xff;
    text_add(t,
             "processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: "
             "%s\nstepping\t: %u\n",
             (char *)vendor, family, model, (char *)brand, r[0] & 15);
    text_add(t, "cpu MHz\t\t: %lu.%03lu\nsiblings\t: 1\ncpu cores\t: 1\n\n", s.tsc_hz / 1000000,
             s.tsc_hz / 1000 % 1000);
}

/* The major numbers of devices, by name. */
void make_devices(struct text *t, const struct subject *p)
{
    (void)p;
    text_add(t, "Character devices:\n  1 mem\n  4 tty\n  5 /dev/tty\n 10 misc\n\n"
                "Block devices:\n  3 ide0\n254 virtblk\n");
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
SYS(cap_last_cap, "%u\n", PROC_CAPABILITIES - 1)
SYS(leases_enable, "1\n")
SYS(nr_open, "%u\n", DESCRIPTORS_MAX)
SYS(inotify_instances, "%u\n", INOTIFY_INSTANCES)
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

void make_sys_file_nr(struct text *t, const struct subject *p)
{
    struct system_info s;
    (void)p;
    fact_system(&s);
    text_add(t, "%lu\t0\t%lu\n", s.connections, (uint64_t)INT64_MAX);
}

void make_sys_pipe_max_size(struct text *t, const struct subject *p)
{
    struct posix_table table = { 0 };
    (void)p;
    fact_table(&table);
    text_add(t, "%u\n", table.pipe_max);
}

void make_sys_lease_break(struct text *t, const struct subject *p)
{
    struct posix_table table = { 0 };
    (void)p;
    fact_table(&table);
    text_add(t, "%u\n", table.lease_break);
}

void make_sys_last_pid(struct text *t, const struct subject *p)
{
    struct posix_table table = { 0 };
    (void)p;
    fact_table(&table);
    text_add(t, "%u\n", table.last_pid);
}

void make_sys_hostname(struct text *t, const struct subject *p)
{
    struct posix_table table = { 0 };
    (void)p;
    fact_table(&table);
    text_add(t, "%s\n", table.node_name);
}

void make_sys_domainname(struct text *t, const struct subject *p)
{
    struct posix_table table = { 0 };
    (void)p;
    fact_table(&table);
    text_add(t, "%s\n", table.domain_name);
}

void make_sys_core_pattern(struct text *t, const struct subject *p)
{
    struct posix_table table = { 0 };
    (void)p;
    fact_table(&table);
    text_add(t, "%s\n", table.core_pattern);
}

void make_sys_core_uses_pid(struct text *t, const struct subject *p)
{
    struct posix_table table = { 0 };
    (void)p;
    fact_table(&table);
    text_add(t, "%u\n", table.core_uses_pid);
}
