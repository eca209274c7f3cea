/* Who may do what: owner, group, others, and root, by the rules of Linux (path_resolution(7),
 * inode(7)). */
#include "vfs.h"

bool in_group(const struct walk *w, uint32_t gid)
{
    if (gid == w->gid)
        return true;
    const struct vfs_cred *c = &w->process->cred;
    for (unsigned i = 0; i < c->count; i++)
        if (c->groups[i] == gid)
            return true;
    return false;
}

bool is_owner(const struct walk *w, const struct node *n)
{
    return w->uid == 0 || w->uid == n->uid;
}

static bool allowed(const struct walk *w, const struct node *n, unsigned may)
{
    if (w->uid == 0) /* root: everything but running what nobody can run */
        return !(may & MAY_EXEC) || S_ISDIR(n->mode) || n->mode & 0111;
    unsigned bits = w->uid == n->uid ? n->mode >> 6 : in_group(w, n->gid) ? n->mode >> 3 : n->mode;
    return (bits & may) == may;
}

int permission(const struct walk *w, const struct node *n, unsigned may)
{
    if (may & MAY_WRITE && read_only(n) &&
        (S_ISREG(n->mode) || S_ISDIR(n->mode) || S_ISLNK(n->mode)))
        return -EROFS;
    return allowed(w, n, may) ? 0 : -EACCES;
}

int may_create(const struct walk *w, const struct node *dir)
{
    return dir->flags & NODE_REMOVED ? -ENOENT : permission(w, dir, MAY_WRITE | MAY_EXEC);
}

int may_delete(const struct walk *w, const struct node *dir, const struct node *n, bool directory)
{
    int error = permission(w, dir, MAY_WRITE | MAY_EXEC);
    if (error)
        return error;
    if (dir->mode & S_ISVTX && w->uid && w->uid != n->uid && w->uid != dir->uid)
        return -EPERM;
    if (directory && !S_ISDIR(n->mode))
        return -ENOTDIR;
    if (!directory && S_ISDIR(n->mode))
        return -EISDIR;
    return n->flags & (NODE_COVERED | NODE_ROOT) ? -EBUSY : 0;
}

uint32_t create_mode(const struct walk *w, const struct node *dir, uint32_t mode, uint32_t *gid)
{
    mode &= ~(w->process->umask & 0777);
    *gid = w->gid;
    if (!(dir->mode & S_ISGID))
        return mode;
    *gid = dir->gid;
    if (S_ISDIR(mode))
        return mode | S_ISGID;
    if ((mode & (S_ISGID | 010)) == (S_ISGID | 010) && w->uid && !in_group(w, dir->gid))
        mode &= ~S_ISGID;
    return mode;
}
