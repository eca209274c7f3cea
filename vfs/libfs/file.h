/* What handlers of several files do with one node. */
#ifndef FS_FILE_H
#define FS_FILE_H

#include "fs.h"

/* The node's lock, which a server with one thread does not need. */
static inline void lock_node(struct fs_node *n)
{
    if (fs_ops.threads > 1)
        lock_take(&n->lock);
}
static inline void unlock_node(struct fs_node *n)
{
    if (fs_ops.threads > 1)
        lock_give(&n->lock);
}

/* A read of n, or a mapping, sets its atime if that is due. */
void file_was_read(struct fs_node *n);
/* Empties a file that is opened with O_TRUNC. 0, LATER (PM hands the open back), or an error. */
int64_t file_empty(struct fs_node *n, struct message *m);

#endif
