/* Handing the caller of a request on to another service. Nothing here waits. */
#ifndef VFS_PASS_H
#define VFS_PASS_H

#include "node.h"

/* Moves the window of m to [address, address + length) of its caller, and its words w[1] and w[2]
 * with it. 0, or -ESRCH: the caller has gone. */
int aim(struct message *m, caller_t address, size_t length, enum window window);
/* Hands m, as its fields stand when the handler ends, over to a service, whose reply the caller
 * gets. The handler returns the result: FORWARDED, or -ENXIO if there is no such service. */
int64_t pass(struct message *m, endpoint_t to);
/* The same with operation `op` on the object of a node, at position 0, without flags but
 * CALL_LIMITED; with `window` the call's window moves to w[1], w[2]. An object that exists only as
 * long as VFS holds it (NODE_HELD) gets the call at once, before the handler ends its walk: the
 * result is LATER then. */
int64_t pass_node(struct message *m, uint64_t op, const struct node *n, enum window window);

#endif
