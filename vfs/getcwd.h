/* Back from objects to paths. */
#ifndef VFS_GETCWD_H
#define VFS_GETCWD_H

#include "node.h"

/* The path of a directory, or of whatever the cache has a name for, from `root` on, built at the
 * end of buffer[size]. *text is its beginning; the length without the NUL, -ENOENT, -ENAMETOOLONG.
 * May wait. */
int path_of(struct node *n, struct node *root, char *buffer, size_t size, char **text);

#endif
