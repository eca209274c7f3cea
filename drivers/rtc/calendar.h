/* The Gregorian calendar. Pure logic. */
#ifndef CALENDAR_H
#define CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

/* Linux's struct rtc_time: months from 0, years since 1900. */
struct rtc_time {
    int32_t sec, min, hour, mday, mon, year, wday, yday, isdst;
};

/* Whether there is such a day and time, from 1970 to 2899. */
bool calendar_valid(const struct rtc_time *t);
/* Seconds since 1970, UTC. */
int64_t calendar_seconds(const struct rtc_time *t);

#endif
