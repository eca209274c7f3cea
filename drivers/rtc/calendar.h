/* The Gregorian calendar. Pure logic. */
#ifndef CALENDAR_H
#define CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

/* Linux's struct rtc_time: months from 0, years since 1900. */
struct rtc_time {
    int32_t sec, min, hour, mday, mon, year, wday, yday, isdst;
};

bool calendar_valid(const struct rtc_time *t);
int64_t calendar_seconds(const struct rtc_time *t); /* since 1970, UTC */

#endif
