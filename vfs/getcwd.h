/* Back from objects to paths. */
#ifndef VFS_GETCWD_H
#define VFS_GETCWD_H

#include "node.h"

/* The path, from `root` on, of a directory, or of another object that the name cache has a name
 * for, built at the end of buffer[size] with a NUL. *text is its beginning. Its length without the
 * NUL, -ENOENT, -ENAMETOOLONG, or what a file server says. May wait. */
int path_of(struct node *n, struct node *root, char *buffer, size_t size, char **text);

#endif
