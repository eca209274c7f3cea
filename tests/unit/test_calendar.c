/* The clock's calendar against the host's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "../../drivers/rtc/calendar.h"

static void every_day_has_the_seconds_the_host_says(void **state)
{
    (void)state;
    for (int64_t at = 0; at < 8000000000; at += 86399) {
        time_t clock = at;
        struct tm tm;
        gmtime_r(&clock, &tm);
        struct rtc_time t = { .sec = tm.tm_sec,
                              .min = tm.tm_min,
                              .hour = tm.tm_hour,
                              .mday = tm.tm_mday,
                              .mon = tm.tm_mon,
                              .year = tm.tm_year };
        assert_true(calendar_valid(&t));
        assert_int_equal(calendar_seconds(&t), at);
    }
}

static void days_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    struct rtc_time t = { .mday = 29, .mon = 1, .year = 124 };
    assert_true(calendar_valid(&t));
    t.year = 125;
    assert_false(calendar_valid(&t));
    t.mday = 0;
    assert_false(calendar_valid(&t));
    t = (struct rtc_time){ .mday = 1, .mon = 12, .year = 124 };
    assert_false(calendar_valid(&t));
    t = (struct rtc_time){ .mday = 1, .sec = 60, .year = 124 };
    assert_false(calendar_valid(&t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_has_the_seconds_the_host_says),
        cmocka_unit_test(days_that_do_not_exist_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
