/* What VFS knows of each task. */
#ifndef VFS_PROCESS_H
#define VFS_PROCESS_H

#include "node.h"

#include <minnow/protocol.h>

struct process {
    endpoint_t task; /* 0: the place is free */
    uint32_t umask;
    struct node *cwd, *root; /* pinned */
    struct vfs_cred cred;
};

/* The record of a task; one that was never heard of is root's and stands in the root directory. */
struct process *process_of(endpoint_t task);
struct process *process_find(endpoint_t task); /* for others than itself; NULL when it is gone */
/* The node takes the place of the one in `place`, pinned. May wait. */
void process_set(struct node **place, struct node *n);

#endif
