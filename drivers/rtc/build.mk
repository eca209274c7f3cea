SERVICES += drivers/rtc
UNIT_test_calendar := drivers/rtc/calendar.c
LIBS_rtc := libchar
