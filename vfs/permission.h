/* Permissions: what a user may do with a node. Nothing here waits. */
#ifndef VFS_PERMISSION_H
#define VFS_PERMISSION_H

#include "mount.h"
#include "process.h"

enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };

/* The user whose permissions count: the effective user of a process, or the real one. */
struct subject {
    uint32_t uid, gid;
    uint64_t capabilities;
    endpoint_t task;               /* 0: it has gone already */
    const struct process *process; /* further groups, umask */
};

/* Whether the task is still there, and the record its own: to be asked after each wait. */
static inline bool subject_lives(const struct subject *s)
{
    return s->task && s->process->task == s->task;
}

/* 0 if the subject has all permissions in `may` (MAY_) on the node; -EROFS, -EACCES. */
int permission(const struct subject *s, const struct node *n, unsigned may);
/* 0 if the subject may put a name into this directory; -ENOENT (it is removed), -EROFS, -EACCES. */
int may_create(const struct subject *s, const struct node *dir);
/* 0 if the subject may take the name of `n` out of this directory. `directory`: as that of a
 * directory (rmdir, or a rename of one), else as that of anything else. -EROFS, -EACCES, -EPERM
 * (the directory is sticky), -ENOTDIR, -EISDIR, -EBUSY (something is mounted there). */
int may_delete(const struct subject *s, const struct node *dir, const struct node *n,
               bool directory);
static inline bool subject_can(const struct subject *s, unsigned capability)
{
    return s->capabilities >> capability & 1;
}
/* Whether the subject owns the node, or is root. */
bool is_owner(const struct subject *s, const struct node *n);
/* Whether the subject is in the group, by its own or by further groups. */
bool in_group(const struct subject *s, uint32_t gid);
/* The mode, and in *gid the group, of what the subject creates in this directory with `mode`, type
 * included: umask and set-group-id directories are taken into account. */
uint32_t create_mode(const struct subject *s, const struct node *dir, uint32_t mode, uint32_t *gid);

#endif
