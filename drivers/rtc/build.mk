SERVICES += drivers/rtc
