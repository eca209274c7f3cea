/* Leases of files: see lease.c. */
#ifndef LEASE_H
#define LEASE_H

#include "process.h"

enum { F_SETLEASE = 1024, F_GETLEASE };

/* Those two commands of fcntl, on the open file c behind t's descriptor fd. Returns what the
 * handler is to return. May wait. */
int64_t lease_control(struct thread *t, unsigned fd, const struct conn_info *c, unsigned command,
                      uint64_t argument);
/* The handler of POSIX_LEASE: t's open or truncation is in conflict with leases. */
int64_t lease_break(struct thread *t, struct message *m);
/* An open file has gone, and its lease with it. May wait. */
void lease_release(uint32_t file);

#endif
