#include "device_table.h"

#include "service.h"

#define DEVICE(id, node, service, kind, mode, group, major, minor, object) \
    { service, id, object, 1, DEVICE_##kind },
#define DISK(id, node, service, major, minor)           { service, id, minor, DISK_MINORS, DEVICE_DISK },
#define NUMBER(id, service, kind, major, minor, object) { service, id, object, 1, DEVICE_##kind },
#define RANGE(id, service, kind, major, count)          { service, id, id, count, DEVICE_##kind },
static const struct device devices[] = {
#include <minnow/devices.def>
};
#undef DEVICE
#undef DISK
#undef NUMBER
#undef RANGE

/* Does nothing: two entries with one number do not compile ("duplicate case value"). */
#define DEVICE(id, node, service, kind, mode, group, major, minor, object) case id:
#define DISK(id, node, service, major, minor) \
    case id:                                  \
    case id + 1 ... id + DISK_MINORS - 1:
#define NUMBER(id, service, kind, major, minor, object) case id:
#define RANGE(id, service, kind, major, count)          case id ... id + count - 1:
static inline void numbers_differ(uint64_t number)
{
    switch (number) {
#include <minnow/devices.def>
    default: return;
    }
}

const struct device *device_next(const struct device *d)
{
    d = d ? d + 1 : devices;
    return d < devices + ARRAY_SIZE(devices) ? d : NULL;
}

const struct device *device_find(uint64_t number, uint64_t *object)
{
    for (const struct device *d = NULL; (d = device_next(d));) {
        if (number < d->number || number - d->number >= d->count)
            continue;
        *object = d->object + (number - d->number);
        return d;
    }
    return NULL;
}
