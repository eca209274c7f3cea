/* Names: looking up, making, removing, renaming. */
#include "tmpfs.h"

/* The directory of a call that changes it. */
static int enter(struct message *m, struct node **dir)
{
    *dir = node_of(m->object);
    return !*dir                             ? -ESTALE
           : !S_ISDIR((*dir)->mode)          ? -ENOTDIR
           : mounts[(*dir)->mount].read_only ? -EROFS
           : !(*dir)->parent                 ? -ENOENT
                                             : 0;
}

int64_t do_lookup(struct message *m)
{
    char name[NAME_MAX + 1];
    unsigned length = MIN(m->w[2], (uint64_t)NAME_MAX + 1);
    int error = fs_name(m, 0, m->w[2], name);
    if (error)
        return error;
    struct node *dir = node_of(m->object), *n;
    if (!dir)
        return -ESTALE;
    if (!S_ISDIR(dir->mode))
        return -ENOTDIR;
    if (fs_is_dots(name, length)) {
        n = length == 1 ? dir : dir->parent;
    } else {
        struct entry *e = dir_find(dir, name, length);
        n = e ? e->node : NULL;
    }
    if (!n)
        return -ENOENT;
    reply_words(m, node_object(n), n->mode | n->rdev << 32, (uint64_t)n->uid << 32 | n->gid);
    return 0;
}

/* A new node under a name; it has one link then, or a directory two. */
static int make(struct node *dir, const char *name, unsigned length, uint32_t mode, uint64_t owner,
                struct node **to)
{
    uint32_t gid = (uint32_t)owner;
    if (fs_is_dots(name, length) || dir_find(dir, name, length))
        return -EEXIST;
    if (dir->mode & S_ISGID) {
        gid = dir->gid;
        mode |= S_ISDIR(mode) ? S_ISGID : 0;
    }
    struct node *n = node_new(dir->mount, mode, owner >> 32, gid);
    if (!n)
        return -ENOSPC;
    if (!dir_add(dir, name, length, n)) {
        if (S_ISLNK(mode))
            n->target = NULL;
        node_unused(n);
        return -ENOSPC;
    }
    n->links = 1;
    if (S_ISDIR(mode)) {
        n->links = 2;
        n->parent = dir;
        dir->links++;
    }
    dir->mtime = dir->ctime = n->ctime;
    *to = n;
    return 0;
}

int64_t do_create(struct message *m)
{
    char name[NAME_MAX + 1];
    int error = fs_name(m, 0, m->w[2], name);
    if (error)
        return error;
    uint32_t mode = m->w[3] & (S_IFMT | 07777), type = mode & S_IFMT;
    if (type != S_IFREG && type != S_IFDIR && type != S_IFCHR && type != S_IFBLK &&
        type != S_IFIFO && type != S_IFSOCK)
        return -EINVAL;
    struct node *dir, *n;
    error = enter(m, &dir);
    if (!error)
        error = make(dir, name, m->w[2], mode, m->w[4], &n);
    if (error)
        return error;
    if (type == S_IFCHR || type == S_IFBLK)
        n->rdev = m->w[5];
    reply_words(m, node_object(n), 0, 0);
    return 0;
}

int64_t do_symlink(struct message *m)
{
    char name[NAME_MAX + 1];
    uint64_t length = m->w[3], rest = m->w[2] - length;
    if (length > m->w[2])
        return -EINVAL;
    int error = fs_name(m, 0, length, name);
    if (error)
        return error;
    if (rest == 0)
        return -ENOENT;
    if (rest >= PATH_MAX)
        return -ENAMETOOLONG;
    char *target = memory_alloc(rest);
    if (!target)
        return -ENOSPC;
    struct node *dir, *n;
    error = copy_in(m, length, target, rest) ? -EFAULT
            : memchr(target, 0, rest)        ? -EINVAL
                                             : enter(m, &dir);
    if (!error)
        error = make(dir, name, length, S_IFLNK | 0777, m->w[4], &n);
    if (error) {
        memory_free(target);
        return error;
    }
    n->target = target;
    n->size = rest;
    return 0;
}

int64_t do_readlink(struct message *m)
{
    struct node *n = node_of(m->object);
    if (!n)
        return -ESTALE;
    if (!S_ISLNK(n->mode))
        return -EINVAL;
    size_t length = MIN(n->size, m->w[2]);
    return copy_out(m, 0, n->target, length) ? -EFAULT : (int64_t)length;
}

int64_t do_link(struct message *m)
{
    char name[NAME_MAX + 1];
    int error = fs_name(m, 0, m->w[2], name);
    if (error)
        return error;
    struct node *dir, *n = node_of(m->w[3]);
    error = enter(m, &dir);
    if (error)
        return error;
    if (!n)
        return -ESTALE;
    if (n->mount != dir->mount)
        return -EXDEV;
    if (S_ISDIR(n->mode))
        return -EPERM;
    if (n->links == 0)
        return -ENOENT;
    if (fs_is_dots(name, m->w[2]) || dir_find(dir, name, m->w[2]))
        return -EEXIST;
    if (!dir_add(dir, name, m->w[2], n))
        return -ENOSPC;
    n->links++;
    touch(dir);
    n->ctime = dir->ctime;
    return 0;
}

/* The node's name in `dir` is gone, or will be. */
static void drop_link(struct node *dir, struct node *n)
{
    n->ctime = fs_now();
    if (S_ISDIR(n->mode)) {
        n->links = 0;
        n->parent = NULL;
        dir->links--;
    } else {
        n->links--;
    }
    node_unused(n);
}

static int may_drop(const struct node *n, bool directory)
{
    if (S_ISDIR(n->mode))
        return !directory ? -EISDIR : n->first ? -ENOTEMPTY : 0;
    return directory ? -ENOTDIR : 0;
}

int64_t do_unlink(struct message *m)
{
    char name[NAME_MAX + 1];
    int error = fs_name(m, 0, m->w[2], name);
    if (error)
        return error;
    bool directory = m->w[3] & AT_REMOVEDIR;
    if (fs_is_dots(name, m->w[2]))
        return !directory ? -EISDIR : m->w[2] == 1 ? -EINVAL : -ENOTEMPTY;
    struct node *dir;
    error = enter(m, &dir);
    struct entry *e = error ? NULL : dir_find(dir, name, m->w[2]);
    if (error || !e)
        return error ? error : -ENOENT;
    struct node *n = e->node;
    error = may_drop(n, directory);
    if (error)
        return error;
    dir_remove(e);
    touch(dir);
    drop_link(dir, n);
    return 0;
}

/* ---- Rename ---- */

static bool is_below(const struct node *n, const struct node *top)
{
    for (; n && n != n->parent; n = n->parent)
        if (n == top)
            return true;
    return n == top;
}

static void set_parent(struct node *n, struct node *from, struct node *to)
{
    if (!S_ISDIR(n->mode))
        return;
    n->parent = to;
    from->links--;
    to->links++;
}

static int exchange(struct entry *a, struct entry *b)
{
    struct node *x = a->node, *y = b->node;
    if ((S_ISDIR(x->mode) && a->dir != b->dir && is_below(b->dir, x)) ||
        (S_ISDIR(y->mode) && a->dir != b->dir && is_below(a->dir, y)))
        return -EINVAL;
    a->node = y;
    b->node = x;
    set_parent(x, a->dir, b->dir);
    set_parent(y, b->dir, a->dir);
    return 0;
}

static int move(struct entry *from, struct node *to, const char *name, unsigned length,
                struct entry *over)
{
    struct node *n = from->node, *dir = from->dir;
    if (S_ISDIR(n->mode) && dir != to && is_below(to, n))
        return -EINVAL;
    int error = over ? may_drop(over->node, S_ISDIR(n->mode)) : 0;
    if (error)
        return error;
    if (over) {
        struct node *old = over->node;
        over->node = n;
        drop_link(to, old);
    } else if (!dir_add(to, name, length, n)) {
        return -ENOSPC;
    }
    dir_remove(from);
    set_parent(n, dir, to);
    return 0;
}

int64_t do_rename(struct message *m)
{
    char old[NAME_MAX + 1], new[NAME_MAX + 1];
    uint64_t length = m->w[3], rest = m->w[2] - length;
    if (length > m->w[2] || m->w[2] > 2 * NAME_MAX)
        return -ENAMETOOLONG;
    if (m->w[5] & ~(uint64_t)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
        m->w[5] == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    int error = fs_name(m, 0, length, old);
    if (!error)
        error = fs_name(m, length, rest, new);
    if (error)
        return error;
    if (fs_is_dots(old, length) || fs_is_dots(new, rest))
        return -EBUSY;
    struct node *dir, *to = node_of(m->w[4]);
    error = enter(m, &dir);
    if (error)
        return error;
    if (!to)
        return -ESTALE;
    if (to->mount != dir->mount)
        return -EXDEV;
    if (!S_ISDIR(to->mode))
        return -ENOTDIR;
    if (!to->parent)
        return -ENOENT;
    struct entry *a = dir_find(dir, old, length), *b = dir_find(to, new, rest);
    if (!a || (!b && m->w[5] & RENAME_EXCHANGE))
        return -ENOENT;
    if (b && m->w[5] & RENAME_NOREPLACE)
        return -EEXIST;
    if (b && a->node == b->node)
        return 0;
    struct node *n = a->node;
    error = m->w[5] & RENAME_EXCHANGE ? exchange(a, b) : move(a, to, new, rest, b);
    if (error)
        return error;
    touch(dir);
    to->mtime = to->ctime = n->ctime = dir->ctime;
    return 0;
}
