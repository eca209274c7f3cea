/* adjtimex and clock_adjtime, as far as they change nothing: the clock of the host stays as it is.
 * What root can do by them is a test of its own (_rooted.c). */
#define _GNU_SOURCE
#include "oracle.h"
#include <sys/syscall.h>
#include <sys/timex.h>

enum { NOBODY = 65534, CLOCKS = 16 };

static long adjust(long clock, unsigned modes, long value)
{
    struct timex x = { .modes = modes, .offset = value, .freq = value, .tick = value };
    return syscall(SYS_clock_adjtime, clock, &x);
}

static void reads(void)
{
    struct timex x = { .modes = 0, .precision = 99, .tick = -1, .jitcnt = 7, .stabil = 8 }, y = x;
    struct timespec now;
    SAY("a state: %d", adjtimex(&x) >= 0);
    clock_gettime(CLOCK_REALTIME, &now);
    SAY("precision %ld, tolerance %ld, pulses %ld %ld, time %d", x.precision, x.tolerance, x.jitcnt,
        x.stabil, now.tv_sec - x.time.tv_sec <= 1);
    SAY("as clock_adjtime: %d", syscall(SYS_clock_adjtime, CLOCK_REALTIME, &y) >= 0);
    SAY("the same: %d", x.tick == y.tick && x.status == y.status && x.freq == y.freq);
    SHOW(syscall(SYS_adjtimex, 8) == -1 && errno == EFAULT);
    SHOW(syscall(SYS_adjtimex, NULL));
    SHOW(syscall(SYS_clock_adjtime, CLOCK_REALTIME, NULL));
    SHOW(syscall(SYS_clock_adjtime, CLOCKS, NULL));
    static const int clocks[] = { CLOCK_MONOTONIC,
                                  CLOCK_PROCESS_CPUTIME_ID,
                                  CLOCK_THREAD_CPUTIME_ID,
                                  CLOCK_MONOTONIC_RAW,
                                  CLOCK_REALTIME_COARSE,
                                  CLOCK_BOOTTIME,
                                  10,
                                  CLOCKS - 4,
                                  CLOCKS,
                                  CLOCKS + 1,
                                  -6,
                                  -5 };
    for (unsigned i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        long result = adjust(clocks[i], 0, 0);
        SAY("clock %d: %s", clocks[i], result < 0 ? error_name(errno) : "yes");
    }
}

static void nobody(void)
{
    SHOW(setgid(NOBODY) || setuid(NOBODY));
    SHOW(adjust(CLOCK_REALTIME, ADJ_OFFSET, 0));
    SHOW(adjust(CLOCK_REALTIME, ADJ_FREQUENCY, 0));
    SHOW(adjust(CLOCK_REALTIME, ADJ_STATUS, 0));
    SHOW(adjust(CLOCK_REALTIME, ADJ_TICK, 1));
    SHOW(adjust(CLOCK_REALTIME, ADJ_SETOFFSET, 0));
    SHOW(adjust(CLOCK_REALTIME, ADJ_OFFSET_SINGLESHOT, 0));
    SHOW(adjust(CLOCK_REALTIME, 0x8000, 0));
    SHOW(adjust(CLOCK_REALTIME, ADJ_OFFSET_SS_READ, 0) >= 0);
    SHOW(adjust(CLOCK_REALTIME, 0, 0) >= 0);
    SHOW(adjtime(&(struct timeval){ 1, 0 }, NULL));
    SHOW(adjtime(NULL, &(struct timeval){ 1, 0 }));
    SHOW(settimeofday(&(struct timeval){ -1, 0 }, NULL));
    SHOW(settimeofday(&(struct timeval){ 1, 1000000 }, NULL));
    SHOW(settimeofday(&(struct timeval){ 1, -1 }, NULL));
    SHOW(settimeofday(&(struct timeval){ 1, 1l << 60 }, NULL));
    SHOW(clock_settime(CLOCK_REALTIME, &(struct timespec){ -1, 0 }));
    SHOW(clock_settime(CLOCK_REALTIME, &(struct timespec){ 1, 1000000000 }));
    SHOW(clock_settime(CLOCK_REALTIME, &(struct timespec){ 1, 0 }));
    SHOW(clock_settime(CLOCK_MONOTONIC, &(struct timespec){ 1, 0 }));
}

int main(void)
{
    reads();
    nobody();
    return 0;
}
