/* The vDSO: a small shared object that PM maps into every program (AT_SYSINFO_EHDR). musl takes
 * clock_gettime and its like from it, so that they need no system call (vdso(7)). Its data is the
 * clock page, which PM maps read-only just before it and the kernel writes. Clocks that are not in
 * that page are read by a system call. */
#include <minnow/clock.h>
#include <minnow/errno.h>

enum { SYS_clock_gettime = 228 };

struct timespec {
    int64_t sec, nsec;
};
struct timeval {
    int64_t sec, usec;
};

/* Placed by vdso.lds one page before the first byte. */
extern const volatile struct clock_page clock_page __attribute__((visibility("hidden")));

static long syscall2(long number, long a, long b)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b)
                     : "rcx", "r11", "memory");
    return result;
}

static uint64_t tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* Nanoseconds since boot; *wall_base: nanoseconds since 1970 at boot. Reads again when the kernel
 * has changed the page meanwhile (a sequence lock). */
static uint64_t now(int64_t *wall_base)
{
    uint32_t sequence;
    uint64_t ns;
    do {
        sequence = clock_page.sequence;
        *wall_base = clock_page.wall_base_ns;
        ns = (unsigned __int128)(tsc() - clock_page.tsc_base) * clock_page.mult >> clock_page.shift;
    } while (__builtin_expect((sequence & 1) || sequence != clock_page.sequence, 0));
    return ns;
}

int __vdso_clock_gettime(int clock, struct timespec *to)
{
    int64_t wall_base;
    uint64_t ns;
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        ns = now(&wall_base);
        ns += wall_base;
        break;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME: ns = now(&wall_base); break;
    default: return syscall2(SYS_clock_gettime, clock, (long)to);
    }
    to->sec = ns / SECOND;
    to->nsec = ns % SECOND;
    return 0;
}

int __vdso_gettimeofday(struct timeval *to, int32_t zone[2])
{
    int64_t wall_base;
    if (to) {
        uint64_t ns = now(&wall_base) + wall_base;
        to->sec = ns / SECOND;
        to->usec = ns % SECOND / 1000;
    }
    if (zone)
        zone[0] = zone[1] = 0;
    return 0;
}

int64_t __vdso_time(int64_t *to)
{
    int64_t wall_base, sec = (now(&wall_base) + wall_base) / SECOND;
    if (to)
        *to = sec;
    return sec;
}

int __vdso_getcpu(uint32_t *cpu, uint32_t *node)
{
    if (cpu)
        *cpu = 0;
    if (node)
        *node = 0;
    return 0;
}

int clock_gettime(int, struct timespec *) __attribute__((weak, alias("__vdso_clock_gettime")));
int gettimeofday(struct timeval *, int32_t *) __attribute__((weak, alias("__vdso_gettimeofday")));
int64_t time(int64_t *) __attribute__((weak, alias("__vdso_time")));
int getcpu(uint32_t *, uint32_t *) __attribute__((weak, alias("__vdso_getcpu")));
