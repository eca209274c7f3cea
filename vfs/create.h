#ifndef VFS_CREATE_H
#define VFS_CREATE_H

#include "walk.h"

/* Puts a new object with this name into w->dir. 0, and *node if it was asked for (not pinned). */
int create_node(struct walk *w, uint32_t mode, uint32_t rdev, struct node **node);

#endif
