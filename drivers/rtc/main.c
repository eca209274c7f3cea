/* rtc: the CMOS clock (Motorola MC146818 data sheet). A read of 8 bytes gives the seconds since
 * 1970 in UTC, which POSIX reads at its start. The ioctls are those of Linux's rtc(4).
 *
 * The chip's registers are reached by an index and a data port. It has seconds to years, in BCD or
 * in binary, with 12 or 24 hours, as its status register B says; two digits of the year. Once a
 * second it updates them, which takes 2 ms: readings are taken twice until two are equal. */
#include "calendar.h"
#include "char.h"
#include "statfs.h"

enum {
    INDEX = 0x70,
    DATA = 0x71,
    MINOR = DEVICE_MINOR(DEV_RTC),
    STATUS_A = 10,
    STATUS_B = 11,
    UPDATING = 0x80,
    BINARY = 4,
    HOURS_24 = 2,
    SET = 0x80
};
enum { CMOS_SECOND = 0, MINUTE = 2, HOUR = 4, DAY = 7, MONTH = 8, YEAR = 9 };
enum { RTC_RD_TIME = 0x80247009, RTC_SET_TIME = 0x4024700a };

static uint8_t cmos(uint8_t at)
{
    out8(INDEX, at);
    return in8(DATA);
}

static void cmos_set(uint8_t at, uint8_t value)
{
    out8(INDEX, at);
    out8(DATA, value);
}

static unsigned from_bcd(unsigned v) { return (v >> 4) * 10 + (v & 15); }
static unsigned to_bcd(unsigned v) { return v / 10 << 4 | v % 10; }

/* Reads all registers, translated; they may be of two different seconds. */
static void read_once(struct rtc_time *t)
{
    unsigned hour;
    while (cmos(STATUS_A) & UPDATING)
        ;
    t->sec = cmos(CMOS_SECOND), t->min = cmos(MINUTE), hour = cmos(HOUR);
    t->mday = cmos(DAY), t->mon = cmos(MONTH), t->year = cmos(YEAR);
    uint8_t b = cmos(STATUS_B);
    bool afternoon = !(b & HOURS_24) && hour & 0x80;
    hour &= 0x7f;
    if (!(b & BINARY)) {
        t->sec = from_bcd(t->sec), t->min = from_bcd(t->min), hour = from_bcd(hour);
        t->mday = from_bcd(t->mday), t->mon = from_bcd(t->mon), t->year = from_bcd(t->year);
    }
    if (!(b & HOURS_24))
        hour = hour % 12 + (afternoon ? 12 : 0);
    t->hour = hour;
    t->mon -= 1;
    t->year += t->year < 70 ? 100 : 0; /* years since 1900, as in struct tm */
}

/* Reads until two readings are equal, so that neither was taken while the clock moved on. */
static void read_clock(struct rtc_time *t)
{
    struct rtc_time again = { 0 };
    *t = (struct rtc_time){ 0 };
    read_once(&again);
    do {
        *t = again;
        read_once(&again);
    } while (memcmp(t, &again, sizeof again) != 0);
}

/* Sets the clock, which stands while its registers change (SET), in 24 hours. */
static void set_clock(const struct rtc_time *t)
{
    uint8_t b = cmos(STATUS_B);
    bool binary = b & BINARY;
    cmos_set(STATUS_B, b | SET | HOURS_24);
    cmos_set(CMOS_SECOND, binary ? (unsigned)t->sec : to_bcd(t->sec));
    cmos_set(MINUTE, binary ? (unsigned)t->min : to_bcd(t->min));
    cmos_set(HOUR, binary ? (unsigned)t->hour : to_bcd(t->hour));
    cmos_set(DAY, binary ? (unsigned)t->mday : to_bcd(t->mday));
    cmos_set(MONTH, binary ? (unsigned)t->mon + 1 : to_bcd(t->mon + 1));
    cmos_set(YEAR, binary ? (unsigned)t->year % 100 : to_bcd(t->year % 100));
    cmos_set(STATUS_B, (b & ~SET) | HOURS_24);
}

static int64_t do_read(struct message *m)
{
    struct rtc_time t;
    if (m->w[2] < sizeof(int64_t))
        return -EINVAL;
    read_clock(&t);
    int64_t seconds = calendar_seconds(&t);
    int error = copy_out(m, 0, &seconds, sizeof seconds);
    return error ? error : (int64_t)sizeof seconds;
}

static int64_t do_ioctl(struct message *m)
{
    struct rtc_time t;
    int error;
    switch ((uint32_t)m->w[1]) {
    case RTC_RD_TIME: read_clock(&t); return copy_out(m, 0, &t, sizeof t);
    case RTC_SET_TIME:
        error = copy_in(m, 0, &t, sizeof t);
        if (error)
            return error;
        if (!calendar_valid(&t))
            return -EINVAL;
        set_clock(&t);
        return 0;
    default: return -ENOTTY;
    }
}

static int64_t do_open(struct message *m) { return char_open(m, m->object == MINOR, CONN_READY); }
static int64_t do_stat(struct message *m) { return char_stat(m, DEVICE_MAJOR(DEV_RTC), 0600); }

int main(void)
{
    static const handler_t handlers[] = {
        [op_number(FS_READ)] = do_read,
        [op_number(FS_WRITE)] = answer_einval,
        [op_number(FS_SEEK)] = answer_espipe,
        [op_number(FS_STAT)] = do_stat,
        [op_number(FS_OPEN)] = do_open,
        [op_number(FS_SYNC)] = answer_einval,
        [op_number(FS_TRUNCATE)] = answer_einval,
        [op_number(FS_IOCTL)] = do_ioctl,
        [op_number(FS_STATFS)] = statfs_of_device,
    };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, handlers) };
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1 });
}
