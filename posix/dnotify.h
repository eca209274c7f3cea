/* Signals for what happens in directories: see dnotify.c. */
#ifndef DNOTIFY_H
#define DNOTIFY_H

#include "process.h"

enum { F_NOTIFY = 1026 };

/* fcntl's F_NOTIFY on the open file c behind t's descriptor fd: what is to be told from now on.
 * Returns what the handler is to return. May wait. */
int64_t dnotify_set(struct thread *t, unsigned fd, const struct conn_info *c, uint32_t what);
/* An open file has gone. */
void dnotify_release(uint32_t file);

#endif
