/* The Gregorian calendar: days are counted by years, and leap years before them (Richards,
 * Explanatory Supplement to the Astronomical Almanac, 15.11). */
#include "calendar.h"

static bool leap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

static int month_days(int month, int year)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return days[month] + (month == 1 && leap(year));
}

bool calendar_valid(const struct rtc_time *t)
{
    return t->sec >= 0 && t->sec < 60 && t->min >= 0 && t->min < 60 && t->hour >= 0 &&
           t->hour < 24 && t->mon >= 0 && t->mon < 12 && t->year >= 70 && t->year < 1000 &&
           t->mday >= 1 && t->mday <= month_days(t->mon, t->year + 1900);
}

int64_t calendar_seconds(const struct rtc_time *t)
{
    int year = t->year + 1900, before = year - 1;
    int64_t days = (int64_t)(year - 1970) * 365 + (before / 4 - before / 100 + before / 400) -
                   (1969 / 4 - 1969 / 100 + 1969 / 400);
    for (int m = 0; m < t->mon && m < 12; m++)
        days += month_days(m, year);
    days += t->mday - 1;
    return ((days * 24 + t->hour) * 60 + t->min) * 60 + t->sec;
}
