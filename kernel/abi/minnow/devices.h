/* Device numbers, and what stands behind them: made from devices.def. */
#ifndef MINNOW_DEVICES_H
#define MINNOW_DEVICES_H

#include <minnow/types.h>

/* makedev() of minor numbers below 256, as a constant. */
#define DEVICE_NUMBER(major, minor) ((major) << 8 | (minor))
#define DEVICE_MAJOR(number)        ((number) >> 8)
#define DEVICE_MINOR(number)        ((number)&0xff)

#define DEVICE(id, node, service, kind, mode, group, major, minor, object) \
    id = DEVICE_NUMBER(major, minor),
#define DISK(id, node, service, major, minor)           id = DEVICE_NUMBER(major, minor),
#define NUMBER(id, service, kind, major, minor, object) id = DEVICE_NUMBER(major, minor),
#define RANGE(id, service, kind, major, count)          id = DEVICE_NUMBER(major, 0), id##_COUNT = count,
enum device_number {
#include <minnow/devices.def>
};
#undef DEVICE
#undef DISK
#undef NUMBER
#undef RANGE

enum device_kind {
    DEVICE_CHARACTER,
    DEVICE_TERMINAL,     /* may become a controlling terminal */
    DEVICE_OWN_TERMINAL, /* /dev/tty: whichever is the caller's */
    DEVICE_DISK,
};
enum { DISK_MINORS = 64 };

/* The object of the master of pseudo terminal N at its driver is PTY_MASTER + N. */
#define PTY_MASTER (1ull << 56)

struct device {
    const char *service;
    uint32_t number; /* the first of `count` */
    uint32_t object; /* in that service; likewise */
    uint32_t count;  /* of a disk DISK_MINORS, of a range as many as it has, else 1 */
    enum device_kind kind;
};

#endif
