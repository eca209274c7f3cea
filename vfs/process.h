/* What VFS knows of each task. */
#ifndef VFS_PROCESS_H
#define VFS_PROCESS_H

#include "node.h"

#include <minnow/proc.h>
#include <minnow/protocol.h>

struct process {
    endpoint_t task; /* 0: the place is free */
    uint32_t umask;
    /* processes of one group have the same directories and umask (CLONE_FS); 0: of none */
    uint32_t group;
    struct node *cwd, *root; /* pinned */
    struct vfs_cred cred;
};

static inline bool process_can(const struct process *p, unsigned capability)
{
    return p->cred.effective >> capability & 1;
}

/* The record of a task: a service is root's, and stands in the root directory. If the task has gone
 * it is nobody's, without rights, and its `task` is 0. */
struct process *process_of(endpoint_t task);
/* The same, or NULL if the task has gone. */
struct process *process_find(endpoint_t task);
/* The node takes the place of the one in `*place`, which may be NULL, and is pinned in its stead.
 * May wait. */
void process_set(struct node **place, struct node *n);
/* The node, which the caller keeps pinned, becomes the root or the working directory of p, and of
 * those of its group. May wait. */
void process_enter(struct process *p, bool root, struct node *n);

#endif
