/* Handlers of protocol FS for simple character devices, whose objects are minor numbers. */
#ifndef CHAR_H
#define CHAR_H

#include <minnow/devices.h>
#include <minnow/file.h>
#include "service.h"

/* how: CONN_...; -ENXIO unless the minor number is known */
int64_t char_open(struct message *m, bool known, uint32_t how);
int64_t char_stat(struct message *m, unsigned major, uint32_t permissions);
int64_t char_seek(struct message *m);    /* -ESPIPE */
int64_t char_poll(struct message *m);    /* always ready */
int64_t char_ioctl(struct message *m);   /* -ENOTTY */
int64_t char_invalid(struct message *m); /* -EINVAL */

#endif
