/* The table of devices (minnow/devices.def), for services that look a device up. */
#ifndef DEVICE_TABLE_H
#define DEVICE_TABLE_H

#include <minnow/devices.h>

/* The device of that number, or NULL. *object: the name that its service knows it by. */
const struct device *device_find(uint64_t number, uint64_t *object);
/* The device behind d in the table; d NULL: the first. NULL: d was the last. */
const struct device *device_next(const struct device *d);

#endif
