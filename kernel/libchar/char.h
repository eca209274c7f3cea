/* Handlers of protocol FS for simple character devices, whose objects are minor numbers. */
#ifndef CHAR_H
#define CHAR_H

#include <minnow/devices.h>
#include <minnow/file.h>
#include "service.h"

/* Handlers that answer as the comment says. char_open: connects the caller; how: CONN_..., or'ed to
 * the flags; -ENXIO unless `known`, that is the service has this minor number. */
int64_t char_open(struct message *m, bool known, uint32_t how);
/* char_stat: a character device with this major number, owned by root. */
int64_t char_stat(struct message *m, unsigned major, uint32_t permissions);
int64_t char_poll(struct message *m); /* always ready */

#endif
