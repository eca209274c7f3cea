/* Signal-driven input: see async.c. */
#ifndef ASYNC_H
#define ASYNC_H

#include "process.h"
#include <minnow/file.h>

/* fcntl's commands about who gets an open file's signals, and which. */
enum { F_SETOWN = 8, F_GETOWN, F_SETSIG, F_GETSIG, F_SETOWN_EX = 15, F_GETOWN_EX };

/* One of those commands, on the open file c behind t's descriptor fd. The result of fcntl: -EINVAL,
 * -ESRCH, -ENOLCK: too many open files have such an owner; or as user_read(). */
int64_t async_control(struct thread *t, unsigned fd, const struct conn_info *c, unsigned command,
                      uint64_t argument);
/* O_ASYNC of the open file is on or off from now on. 0, -ENOLCK. May wait. */
int64_t async_switch(struct thread *t, unsigned fd, const struct conn_info *c, bool on);
/* The open file c behind t's descriptor fd gets t's process as the owner that its signals go to, if
 * it has none. 0, -ENOLCK. */
int64_t async_own(struct thread *t, unsigned fd, const struct conn_info *c);
/* Sends the owner of an open file the news that it waits for (POLL_MSG), told of descriptor fd. May
 * wait. */
void async_tell(uint32_t file, int32_t fd);
/* An open file has gone. */
void async_release(uint32_t file);

#endif
