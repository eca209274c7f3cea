/* Who may do what. Nothing here waits. */
#ifndef VFS_PERMISSION_H
#define VFS_PERMISSION_H

#include "mount.h"
#include "process.h"

enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };

/* For whom permissions are asked: the effective user of a process, or the real one. */
struct subject {
    uint32_t uid, gid;
    const struct process *process; /* further groups, umask */
};

/* Whether the subject may; 0, -EROFS, -EACCES. */
int permission(const struct subject *s, const struct node *n, unsigned may);
/* Whether he may put a name into this directory. 0, -ENOENT (it is removed), -EROFS, -EACCES. */
int may_create(const struct subject *s, const struct node *dir);
/* Whether he may take the name of `n` out of this directory, by rmdir or renaming a directory
 * (`directory`) or else. 0, -EACCES, -EPERM, -ENOTDIR, -EISDIR, -EBUSY. */
int may_delete(const struct subject *s, const struct node *dir, const struct node *n,
               bool directory);
/* Whether he is the owner, or root. */
bool is_owner(const struct subject *s, const struct node *n);
bool in_group(const struct subject *s, uint32_t gid);
/* Mode and group of what he creates in this directory: umask and set-group-id directories are taken
 * into account. */
uint32_t create_mode(const struct subject *s, const struct node *dir, uint32_t mode, uint32_t *gid);

#endif
