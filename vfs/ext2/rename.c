/* Rename, in all its cases: over something or not, of directories, which learn their new '..', and
 * as an exchange. The new name is written before the old one goes. */
#include "ext2.h"

struct side { /* where from, or where to */
    struct inode *dir;
    char name[NAME_MAX + 1];
    unsigned length;
    struct inode *inode; /* what bears the name now, held, or NULL */
};

enum { LEVELS_AT_ONCE = 128 };

/* Whether `dir` lies in or below `top`. 1, 0 or an error. */
static int is_below(struct inode *dir, const struct inode *top)
{
    struct mount *m = dir->mount;
    uint32_t ino = dir->ino;
    for (uint32_t steps = 0; steps < m->geo.inodes; steps++) {
        GIVE_WAY_EVERY(LEVELS_AT_ONCE, 1, m->geo.inodes - steps);
        if (ino == top->ino)
            return 1;
        if (ino == ROOT_INO)
            return 0;
        struct inode *i;
        int error = inode_get(m, ino, &i);
        if (!error && !S_ISDIR(i->mode)) {
            inode_put(i);
            error = -ESTALE;
        }
        if (error)
            return error == -ESTALE ? mount_corrupt(m, "'..' leads nowhere", ino) : error;
        error = dir_lookup(i, "..", 2, &ino);
        inode_put(i);
        if (error)
            return error == -ENOENT ? mount_corrupt(m, "directory without '..'", ino) : error;
    }
    return mount_corrupt(m, "'..' goes round in circles", ino);
}

static int find_side(struct side *s)
{
    uint32_t ino;
    int error = dir_lookup(s->dir, s->name, s->length, &ino);
    return error ? error : inode_named(s->dir, ino, &s->inode);
}

/* Lets the name lead to another inode. */
static int point_name(struct side *s, struct inode *to)
{
    struct place p;
    int error = dir_find(s->dir, s->name, s->length, &p);
    if (error)
        return error;
    dir_replace(s->dir, &p, to->ino, to->mode);
    place_put(&p);
    return 0;
}

/* The directory i, formerly in `from`, is now in `to`. */
static int move_parent(struct inode *i, struct inode *from, struct inode *to)
{
    struct place p;
    if (!S_ISDIR(i->mode) || from == to)
        return 0;
    int error = dir_find(i, "..", 2, &p);
    if (error)
        return error;
    dir_replace(i, &p, to->ino, S_IFDIR);
    place_put(&p);
    from->links -= from->links > 2;
    to->links++;
    inode_dirty(from);
    inode_dirty(to);
    return 0;
}

static void touch(struct inode *i)
{
    i->ctime = fs_now();
    inode_dirty(i);
}

/* 0 if a directory that moves does not come to lie under itself and its new parent can count it. */
static int may_move(struct side *from, struct side *to)
{
    if (!S_ISDIR(from->inode->mode) || from->dir == to->dir)
        return 0;
    int below = is_below(to->dir, from->inode);
    if (below)
        return below < 0 ? below : -EINVAL;
    bool grows = !to->inode || !S_ISDIR(to->inode->mode);
    return grows && to->dir->links >= LINKS_MAX ? -EMLINK : 0;
}

static int exchange(struct side *a, struct side *b)
{
    int error = may_move(a, b);
    if (!error)
        error = may_move(b, a);
    if (!error)
        error = point_name(a, b->inode);
    if (!error)
        error = point_name(b, a->inode);
    if (!error)
        error = move_parent(a->inode, a->dir, b->dir);
    if (!error)
        error = move_parent(b->inode, b->dir, a->dir);
    touch(a->inode);
    touch(b->inode);
    return error;
}

static int move(struct side *from, struct side *to)
{
    struct place p;
    int error = may_move(from, to);
    if (error)
        return error;
    if (to->inode) {
        error = link_may_drop(to->inode, S_ISDIR(from->inode->mode));
        if (!error)
            error = point_name(to, from->inode);
    } else {
        error = dir_add(to->dir, to->name, to->length, from->inode->ino, from->inode->mode);
    }
    if (error)
        return error;
    error = dir_find(from->dir, from->name, from->length, &p);
    if (error)
        return error;
    dir_remove(from->dir, &p, from->name, from->length);
    place_put(&p);
    if (to->inode)
        link_drop(to->dir, to->inode);
    error = move_parent(from->inode, from->dir, to->dir);
    touch(from->inode);
    return error;
}

static int rename_locked(struct side *from, struct side *to, uint64_t flags)
{
    if (from->dir->links == 0 || to->dir->links == 0)
        return -ENOENT;
    int error = find_side(from);
    if (error)
        return error;
    error = find_side(to);
    if (error && error != -ENOENT)
        return error;
    if (flags & RENAME_EXCHANGE)
        return !to->inode ? -ENOENT : from->inode == to->inode ? 0 : exchange(from, to);
    if (to->inode && (flags & RENAME_NOREPLACE))
        return -EEXIST;
    return from->inode == to->inode ? 0 : move(from, to);
}

int64_t do_rename(struct message *m)
{
    struct side from = { .length = m->w[3] }, to = { .length = m->w[2] - m->w[3] };
    if (m->w[3] > m->w[2] || m->w[2] > 2 * NAME_MAX)
        return -ENAMETOOLONG;
    if (m->w[5] & ~(uint64_t)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
        m->w[5] == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    int error = fs_name(m, 0, from.length, from.name);
    if (!error)
        error = fs_name(m, from.length, to.length, to.name);
    if (error)
        return error;
    if (fs_is_dots(from.name, from.length) || fs_is_dots(to.name, to.length))
        return -EBUSY;
    error = inode_of(m->object, &from.dir);
    if (error)
        return error;
    error = inode_of(m->w[4], &to.dir);
    if (error) {
        inode_put(from.dir);
        return error;
    }
    struct mount *mount = from.dir->mount;
    if (mount != to.dir->mount) {
        error = -EXDEV;
    } else if (mount->read_only) {
        error = -EROFS;
    } else if (!S_ISDIR(from.dir->mode) || !S_ISDIR(to.dir->mode)) {
        error = -ENOTDIR;
    } else {
        lock_take(&mount->tree);
        error = rename_locked(&from, &to, m->w[5]);
        if (from.inode)
            inode_put(from.inode);
        if (to.inode)
            inode_put(to.inode);
        lock_give(&mount->tree);
    }
    inode_put(to.dir);
    inode_put(from.dir);
    return error;
}
