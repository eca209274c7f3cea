/* The Gregorian calendar. Pure logic. */
#ifndef CALENDAR_H
#define CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

/* Linux's struct rtc_time: months count from 0, years from 1900. */
struct rtc_time {
    int32_t sec, min, hour, mday, mon, year, wday, yday, isdst;
};

/* Whether *t is a day and time that exists, from 1970 to 2899. */
bool calendar_valid(const struct rtc_time *t);
/* The seconds from 1970 to *t, in UTC. */
int64_t calendar_seconds(const struct rtc_time *t);

#endif
