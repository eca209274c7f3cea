/* Names: found, made, removed, renamed. */
#include "minix.h"

/* The directory of a call that changes it. */
static int enter(uint64_t object, struct inode *dir)
{
    int error = inode_of(object, dir);
    if (error)
        return error;
    error = !S_ISDIR(dir->d->mode) ? -ENOTDIR
            : mount.read_only      ? -EROFS
            : !dir->d->links       ? -ENOENT
                                   : 0;
    if (error)
        inode_put(dir);
    return error;
}

/* The inode that a name leads to. */
static int lookup(struct inode *dir, const char *name, unsigned length, struct inode *i)
{
    struct place p;
    int error = dir_find(dir, name, length, &p);
    if (error)
        return error;
    uint32_t ino = p.entry->ino;
    cache_put(p.page);
    return inode_get(ino, i);
}

int64_t do_lookup(struct message *m)
{
    char name[NAME_MAX + 1];
    struct inode dir, i;
    int error = dir_name(m, 0, m->w[2], name);
    if (!error)
        error = inode_of(m->object, &dir);
    if (error)
        return error;
    error = S_ISDIR(dir.d->mode) ? lookup(&dir, name, m->w[2], &i) : -ENOTDIR;
    if (!error) {
        uint32_t type = i.d->mode & S_IFMT;
        uint64_t rdev = type == S_IFCHR || type == S_IFBLK ? i.d->zone[0] : 0;
        reply_words(m, inode_object(i.ino), i.d->mode | rdev << 32,
                    (uint64_t)i.d->uid << 32 | i.d->gid);
        inode_put(&i);
    }
    inode_put(&dir);
    return error;
}

/* ---- making ---- */

/* What a new inode holds before it gets its name. */
static int fill(struct inode *i, uint32_t parent, uint64_t rdev, const char *target)
{
    uint32_t type = i->d->mode & S_IFMT;
    if (type == S_IFDIR) {
        int error = dir_add(i, ".", 1, i->ino);
        return error ? error : dir_add(i, "..", 2, parent);
    }
    if (type == S_IFCHR || type == S_IFBLK)
        i->d->zone[0] = rdev;
    if (type != S_IFLNK)
        return 0;
    uint32_t block;
    struct page *page;
    int error = map_block(i, 0, true, &block);
    if (!error)
        error = block_get(block, &page);
    if (error)
        return error;
    i->d->size = strlen(target);
    memcpy(page->data, target, i->d->size);
    cache_dirty(page);
    cache_put(page);
    return 0;
}

/* Makes an inode and its name. */
static int make(struct inode *dir, const char *name, uint32_t mode, uint64_t owner, uint64_t rdev,
                const char *target, uint32_t *ino)
{
    struct inode i;
    unsigned length = strlen(name);
    uint32_t gid = dir->d->mode & S_ISGID ? dir->d->gid : (uint32_t)owner;
    if (fs_is_dots(name, length) || lookup(dir, name, length, &i) == 0) {
        if (!fs_is_dots(name, length))
            inode_put(&i);
        return -EEXIST;
    }
    if (owner >> 32 > ID_MAX || gid > ID_MAX)
        return -EINVAL;
    if (S_ISDIR(mode) && dir->d->links >= LINKS_MAX)
        return -EMLINK;
    if (S_ISDIR(mode))
        mode |= dir->d->mode & S_ISGID;
    int error = inode_create(mode, owner >> 32, gid, &i);
    if (error)
        return error;
    error = fill(&i, dir->ino, rdev, target);
    if (!error)
        error = dir_add(dir, name, length, i.ino);
    if (!error) {
        i.d->links = S_ISDIR(mode) ? 2 : 1;
        dir->d->links += S_ISDIR(mode);
        inode_dirty(&i);
        inode_dirty(dir);
        *ino = i.ino;
    }
    inode_put(&i); /* without a link it is freed */
    return error;
}

int64_t do_create(struct message *m)
{
    char name[NAME_MAX + 1];
    struct inode dir;
    uint32_t ino;
    int error = dir_name(m, 0, m->w[2], name);
    if (!error)
        error = enter(m->object, &dir);
    if (error)
        return error;
    error = make(&dir, name, (uint32_t)m->w[3] & (S_IFMT | 07777), m->w[4], m->w[5], NULL, &ino);
    inode_put(&dir);
    if (!error)
        reply_words(m, inode_object(ino), 0, 0);
    return error;
}

int64_t do_symlink(struct message *m)
{
    char name[NAME_MAX + 1], target[BLOCK];
    struct inode dir;
    uint32_t ino;
    uint64_t length = m->w[3], rest = m->w[2] - length;
    if (length > m->w[2])
        return -EINVAL;
    int error = dir_name(m, 0, length, name);
    if (error)
        return error;
    if (!rest || rest >= sizeof target)
        return rest ? -ENAMETOOLONG : -ENOENT;
    error = copy_in(m, length, target, rest);
    target[rest] = 0;
    if (!error)
        error = enter(m->object, &dir);
    if (error)
        return error;
    error = make(&dir, name, S_IFLNK | 0777, m->w[4], 0, target, &ino);
    inode_put(&dir);
    return error;
}

int64_t do_readlink(struct message *m)
{
    struct inode i;
    struct page *page;
    uint32_t block;
    int64_t result = inode_of(m->object, &i);
    if (result)
        return result;
    result = S_ISLNK(i.d->mode) ? map_block(&i, 0, false, &block) : -EINVAL;
    if (!result)
        result = block ? block_get(block, &page) : corrupt("symbolic link without a block", i.ino);
    if (!result) {
        size_t length = MIN((uint64_t)MIN(i.d->size, (uint32_t)BLOCK), m->w[2]);
        result = copy_out(m, 0, page->data, length);
        result = result ? result : (int64_t)length;
        cache_put(page);
    }
    inode_put(&i);
    return result;
}

static int link_to(struct inode *dir, const char *name, unsigned length, struct inode *i)
{
    struct place p;
    if (S_ISDIR(i->d->mode))
        return -EPERM;
    if (!i->d->links)
        return -ENOENT;
    if (i->d->links >= LINKS_MAX)
        return -EMLINK;
    int error = dir_find(dir, name, length, &p);
    if (!error)
        cache_put(p.page);
    if (error != -ENOENT)
        return error ? error : -EEXIST;
    error = dir_add(dir, name, length, i->ino);
    if (error)
        return error;
    i->d->links++;
    i->d->ctime = fs_now().sec;
    inode_dirty(i);
    return 0;
}

int64_t do_link(struct message *m)
{
    char name[NAME_MAX + 1];
    struct inode dir, i;
    int error = dir_name(m, 0, m->w[2], name);
    if (!error)
        error = enter(m->object, &dir);
    if (error)
        return error;
    error = inode_of(m->w[3], &i);
    if (!error) {
        error = link_to(&dir, name, m->w[2], &i);
        inode_put(&i);
    }
    inode_put(&dir);
    return error;
}

/* ---- removing ---- */

static int may_drop(struct inode *i, bool directory)
{
    if (!S_ISDIR(i->d->mode))
        return directory ? -ENOTDIR : 0;
    if (!directory)
        return -EISDIR;
    int empty = i->ino == ROOT_INO ? -EBUSY : dir_empty(i);
    return empty < 0 ? empty : empty ? 0 : -ENOTEMPTY;
}

/* Its name in `dir` is gone. */
static void drop(struct inode *dir, struct inode *i)
{
    if (S_ISDIR(i->d->mode)) {
        i->d->links = 0;
        dir->d->links--;
        inode_dirty(dir);
    } else {
        i->d->links--;
    }
    i->d->ctime = fs_now().sec;
    inode_dirty(i);
}

static int unlink_from(struct inode *dir, const char *name, unsigned length, bool directory)
{
    struct place p;
    struct inode i;
    int error = dir_find(dir, name, length, &p);
    if (error)
        return error;
    error = inode_get(p.entry->ino, &i);
    if (!error) {
        error = may_drop(&i, directory);
        if (!error) {
            dir_remove(dir, &p);
            drop(dir, &i);
        }
        inode_put(&i);
    }
    cache_put(p.page);
    return error;
}

int64_t do_unlink(struct message *m)
{
    char name[NAME_MAX + 1];
    struct inode dir;
    bool directory = m->w[3] & AT_REMOVEDIR;
    int error = dir_name(m, 0, m->w[2], name);
    if (error)
        return error;
    if (fs_is_dots(name, m->w[2]))
        return !directory ? -EISDIR : m->w[2] == 1 ? -EINVAL : -ENOTEMPTY;
    error = enter(m->object, &dir);
    if (error)
        return error;
    error = unlink_from(&dir, name, m->w[2], directory);
    inode_put(&dir);
    return error;
}

/* ---- renaming ---- */

/* Whether the directory `ino` is `top` or lies below it. 1, 0 or an error. */
static int is_below(uint32_t ino, uint32_t top)
{
    for (uint32_t steps = 0; steps < mount.inodes; steps++) {
        struct inode dir, parent;
        if (ino == top)
            return 1;
        if (ino == ROOT_INO)
            return 0;
        int error = inode_get(ino, &dir);
        if (error)
            return error;
        error = lookup(&dir, "..", 2, &parent);
        inode_put(&dir);
        if (error)
            return error == -ENOENT ? corrupt("directory without '..'", ino) : error;
        ino = parent.ino;
        inode_put(&parent);
    }
    return corrupt("'..' goes round in circles", ino);
}

static int set_name(struct inode *dir, const char *name, unsigned length, uint32_t ino)
{
    struct place p;
    int error = dir_find(dir, name, length, &p);
    if (error)
        return error;
    p.entry->ino = ino;
    cache_dirty(p.page);
    cache_put(p.page);
    inode_touch(dir);
    return 0;
}

/* `i` gets its new name, over `old` if that is not NULL, and loses its former one. */
static int move(struct inode *from, const char *name, struct inode *to, const char *new_name,
                struct inode *i, struct inode *old)
{
    bool directory = S_ISDIR(i->d->mode);
    struct place p;
    int error = directory && from->ino != to->ino ? is_below(to->ino, i->ino) : 0;
    if (error)
        return error > 0 ? -EINVAL : error;
    if (directory && from->ino != to->ino && !old && to->d->links >= LINKS_MAX)
        return -EMLINK;
    error = old ? may_drop(old, directory) : 0;
    if (error)
        return error;
    error = old ? set_name(to, new_name, strlen(new_name), i->ino)
                : dir_add(to, new_name, strlen(new_name), i->ino);
    if (!error)
        error = dir_find(from, name, strlen(name), &p);
    if (error)
        return error;
    dir_remove(from, &p);
    cache_put(p.page);
    if (old)
        drop(to, old);
    if (directory && from->ino != to->ino) {
        error = set_name(i, "..", 2, to->ino);
        from->d->links--;
        to->d->links++;
        inode_dirty(from);
        inode_dirty(to);
    }
    i->d->ctime = fs_now().sec;
    inode_dirty(i);
    return error;
}

static int rename_in(struct inode *from, const char *name, struct inode *to, const char *new_name,
                     uint64_t flags)
{
    struct inode i, old;
    int error = lookup(from, name, strlen(name), &i);
    if (error)
        return error;
    int found = lookup(to, new_name, strlen(new_name), &old);
    if (found && found != -ENOENT)
        error = found;
    else if (!found && flags & RENAME_NOREPLACE)
        error = -EEXIST;
    else if (found || old.ino != i.ino)
        error = move(from, name, to, new_name, &i, found ? NULL : &old);
    if (!found)
        inode_put(&old);
    inode_put(&i);
    return error;
}

int64_t do_rename(struct message *m)
{
    char name[NAME_MAX + 1], new_name[NAME_MAX + 1];
    struct inode from, to;
    if (m->w[3] > m->w[2])
        return -EINVAL;
    if (m->w[5] & ~(uint64_t)RENAME_NOREPLACE)
        return -EINVAL;
    int error = dir_name(m, 0, m->w[3], name);
    if (!error)
        error = dir_name(m, m->w[3], m->w[2] - m->w[3], new_name);
    if (error)
        return error;
    if (fs_is_dots(name, m->w[3]) || fs_is_dots(new_name, m->w[2] - m->w[3]))
        return -EBUSY;
    error = enter(m->object, &from);
    if (error)
        return error;
    error = enter(m->w[4], &to);
    if (!error) {
        error = rename_in(&from, name, &to, new_name, m->w[5]);
        inode_put(&to);
    }
    inode_put(&from);
    return error;
}
