/* The page from which a program's vDSO reads the time without a call. */
#ifndef MINNOW_CLOCK_H
#define MINNOW_CLOCK_H

#include <minnow/types.h>

/* Nanoseconds since boot = ((tsc - tsc_base) * mult) >> shift, with a 128-bit product. */
struct clock_page {
    uint64_t tsc_base, mult;
    uint32_t shift, sequence; /* odd while the page is being changed */
    int64_t wall_base_ns;     /* nanoseconds since 1970 when the system booted */
};

enum {
    CLOCK_REALTIME = 0,
    CLOCK_MONOTONIC = 1,
    CLOCK_PROCESS_CPUTIME_ID = 2,
    CLOCK_THREAD_CPUTIME_ID = 3,
    CLOCK_MONOTONIC_RAW = 4,
    CLOCK_REALTIME_COARSE = 5,
    CLOCK_MONOTONIC_COARSE = 6,
    CLOCK_BOOTTIME = 7,
    CLOCK_REALTIME_ALARM = 8,
    CLOCK_BOOTTIME_ALARM = 9,
    CLOCK_TAI = 11
};

#endif
