/* Making new objects, for open.c. */
#ifndef VFS_CREATE_H
#define VFS_CREATE_H

#include "walk.h"

/* Makes a new object of this mode, type included, with the name at which the walk ended, in w->dir.
 * 0, and its node, not pinned, in *node unless `node` is NULL; -ENOENT (the directory is removed),
 * -EROFS, -EACCES, -ENFILE, or what FS_CREATE says: -EEXIST, -ENOSPC ... May wait. */
int create_node(struct walk *w, uint32_t mode, uint32_t rdev, struct node **node);

#endif
