/* The table of devices (minnow/devices.def) for those who look something up in it. */
#ifndef DEVICE_TABLE_H
#define DEVICE_TABLE_H

#include <minnow/devices.h>

/* The device of that number, or NULL. *object: what it is to be called by in its service. */
const struct device *device_find(uint64_t number, uint64_t *object);
/* The one behind it in the table; of NULL: the first; NULL: there is none. */
const struct device *device_next(const struct device *d);

#endif
