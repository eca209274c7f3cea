/* Permissions of owner, group, others, and root, by the rules of Linux (path_resolution(7),
 * inode(7)); the contracts stand in permission.h. */
#include "permission.h"

bool in_group(const struct subject *s, uint32_t gid)
{
    if (gid == s->gid)
        return true;
    if (!subject_lives(s))
        return false;
    const struct vfs_cred *c = &s->process->cred;
    for (unsigned i = 0; i < c->count; i++)
        if (c->groups[i] == gid)
            return true;
    return false;
}

bool is_owner(const struct subject *s, const struct node *n)
{
    return s->uid == n->uid || subject_can(s, CAP_FOWNER);
}

static bool allowed(const struct subject *s, const struct node *n, unsigned may)
{
    bool runs = may & MAY_EXEC && !S_ISDIR(n->mode);
    /* all but run a file that nobody may run */
    if (subject_can(s, CAP_DAC_OVERRIDE) && (!runs || n->mode & 0111))
        return true;
    if (subject_can(s, CAP_DAC_READ_SEARCH) && !(may & MAY_WRITE) && !runs)
        return true;
    unsigned bits = s->uid == n->uid ? n->mode >> 6 : in_group(s, n->gid) ? n->mode >> 3 : n->mode;
    return (bits & may) == may;
}

int permission(const struct subject *s, const struct node *n, unsigned may)
{
    if (may & MAY_WRITE && read_only(n) &&
        (S_ISREG(n->mode) || S_ISDIR(n->mode) || S_ISLNK(n->mode)))
        return -EROFS;
    return allowed(s, n, may) ? 0 : -EACCES;
}

int may_create(const struct subject *s, const struct node *dir)
{
    return dir->flags & NODE_REMOVED ? -ENOENT : permission(s, dir, MAY_WRITE | MAY_EXEC);
}

int may_delete(const struct subject *s, const struct node *dir, const struct node *n,
               bool directory)
{
    int error = permission(s, dir, MAY_WRITE | MAY_EXEC);
    if (error)
        return error;
    if (dir->mode & S_ISVTX && !is_owner(s, n) && s->uid != dir->uid)
        return -EPERM;
    if (directory && !S_ISDIR(n->mode))
        return -ENOTDIR;
    if (!directory && S_ISDIR(n->mode))
        return -EISDIR;
    return n->flags & (NODE_COVERED | NODE_ROOT) ? -EBUSY : 0;
}

uint32_t create_mode(const struct subject *s, const struct node *dir, uint32_t mode, uint32_t *gid)
{
    mode &= ~((subject_lives(s) ? s->process->umask : 0777) & 0777);
    *gid = s->gid;
    if (!(dir->mode & S_ISGID))
        return mode;
    *gid = dir->gid;
    if (S_ISDIR(mode))
        return mode | S_ISGID;
    if ((mode & (S_ISGID | 010)) == (S_ISGID | 010) && !subject_can(s, CAP_FSETID) &&
        !in_group(s, dir->gid))
        mode &= ~S_ISGID;
    return mode;
}
