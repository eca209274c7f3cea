/* Handing the caller of a request on to somebody else. */
#ifndef VFS_PASS_H
#define VFS_PASS_H

#include "node.h"

/* Moves the window of m, and says so in its words. -ESRCH: the caller has gone. */
int aim(struct message *m, caller_t address, size_t length, enum window window);
/* Hands m over to a service: LATER, or -ENXIO when it is not there. */
int64_t pass(struct message *m, endpoint_t to);
/* Likewise as `op` on a node. */
int64_t pass_node(struct message *m, uint64_t op, const struct node *n);

#endif
