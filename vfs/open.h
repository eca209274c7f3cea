/* Opening what was found, for handle.c. */
#ifndef VFS_OPEN_H
#define VFS_OPEN_H

#include "walk.h"

/* Opens n, which the caller has pinned, for the caller of m, with the rights that the walk found.
 * What a handler returns. May wait. */
int64_t open_found(struct message *m, const struct walk *w, const struct node *n, uint32_t flags);

#endif
