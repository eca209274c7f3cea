/* Names: looking up, making and removing them. */
#include "ext2.h"

/* The directory of a call that changes it, held, under its mount's tree lock. */
static int enter(struct message *m, struct inode **dir)
{
    int error = inode_of(m->object, dir);
    if (error)
        return error;
    lock_take(&(*dir)->mount->tree);
    if (!S_ISDIR((*dir)->mode))
        error = -ENOTDIR;
    else if ((*dir)->mount->read_only)
        error = -EROFS;
    else if ((*dir)->links == 0)
        error = -ENOENT;
    if (error) {
        lock_give(&(*dir)->mount->tree);
        inode_put(*dir);
    }
    return error;
}

static void leave(struct inode *dir)
{
    lock_give(&dir->mount->tree);
    inode_put(dir);
}

int inode_named(struct inode *dir, uint32_t ino, struct inode **to)
{
    int error = inode_get(dir->mount, ino, to);
    return error == -ESTALE ? mount_corrupt(dir->mount, "name of an unused inode", ino) : error;
}

int64_t do_lookup(struct message *m)
{
    char name[NAME_MAX + 1];
    int error = fs_name(m, 0, m->w[2], name);
    if (error)
        return error;
    struct inode *dir, *i;
    error = inode_of(m->object, &dir);
    if (error)
        return error;
    uint32_t ino = dir->ino;
    if (!S_ISDIR(dir->mode))
        error = -ENOTDIR;
    else if (m->w[2] != 1 || name[0] != '.')
        error = dir_lookup(dir, name, m->w[2], &ino);
    if (!error)
        error = inode_named(dir, ino, &i);
    inode_put(dir);
    if (error)
        return error;
    reply_words(m, inode_object(i), i->mode | inode_rdev(i) << 32, (uint64_t)i->uid << 32 | i->gid);
    inode_put(i);
    return 0;
}

/* Makes an inode and its name; under the tree lock. `target` is a symbolic link's. The new inode is
 * returned held. */
static int make(struct inode *dir, const char *name, uint32_t mode, uint64_t owner, uint64_t rdev,
                const char *target, struct inode **to)
{
    unsigned length = strlen(name);
    uint32_t ino, uid = owner >> 32, gid = (uint32_t)owner;
    bool directory = S_ISDIR(mode);
    int error = dir_lookup(dir, name, length, &ino);
    if (error != -ENOENT)
        return error ? error : -EEXIST;
    if (directory && dir->links >= LINKS_MAX)
        return -EMLINK;
    if (dir->mode & S_ISGID) {
        gid = dir->gid;
        mode |= directory ? S_ISGID : 0;
    }
    struct inode *i;
    error = inode_create(dir, mode, uid, gid, &i);
    if (error)
        return error;
    if (directory)
        error = dir_init(i, dir->ino);
    else if (target)
        error = link_store(i, target);
    else
        inode_set_rdev(i, rdev);
    if (!error) {
        i->links = directory ? 2 : 1;
        error = dir_add(dir, name, length, i->ino, mode);
        if (error)
            i->links = 0;
    }
    if (error) {
        inode_put(i); /* frees it */
        return error;
    }
    if (directory) {
        dir->links++;
        inode_dirty(dir);
    }
    inode_dirty(i);
    *to = i;
    return 0;
}

int64_t do_create(struct message *m)
{
    char name[NAME_MAX + 1];
    int error = fs_name(m, 0, m->w[2], name);
    if (error)
        return error;
    uint32_t mode = (uint32_t)m->w[3];
    switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK: break;
    default: return -EINVAL;
    }
    struct inode *dir, *i;
    error = enter(m, &dir);
    if (error)
        return error;
    bool device = (mode & S_IFMT) == S_IFCHR || (mode & S_IFMT) == S_IFBLK;
    error = fs_is_dots(name, m->w[2])
                ? -EEXIST
                : make(dir, name, mode & (S_IFMT | 07777), m->w[4], device ? m->w[5] : 0, NULL, &i);
    leave(dir);
    if (error)
        return error;
    reply_words(m, inode_object(i), 0, 0);
    inode_put(i);
    return 0;
}

/* ---- Symbolic links ---- */

/* A short target stands in the inode, a longer one in the first block. */
int link_store(struct inode *i, const char *target)
{
    struct mount *m = i->mount;
    size_t length = strlen(target);
    if (length < sizeof(i->block)) {
        memcpy(i->block, target, length);
        i->size = length;
        return 0;
    }
    if (length >= m->geo.block_size)
        return -ENAMETOOLONG;
    uint32_t block;
    struct page *page;
    int error = map_block(i, 0, true, &block);
    if (error)
        return error;
    error = cache_block_new(m->index, block, &page);
    if (error)
        return error;
    memcpy(page->data, target, length);
    cache_put(page);
    i->size = length;
    return 0;
}

int64_t do_symlink(struct message *m)
{
    char name[NAME_MAX + 1], target[PATH_MAX];
    uint64_t length = m->w[3];
    if (length > m->w[2])
        return -EINVAL;
    uint64_t rest = m->w[2] - length;
    int error = fs_name(m, 0, length, name);
    if (error)
        return error;
    if (rest == 0)
        return -ENOENT;
    if (rest >= sizeof(target))
        return -ENAMETOOLONG;
    if (copy_in(m, length, target, rest))
        return -EFAULT;
    target[rest] = 0;
    if (memchr(target, 0, rest))
        return -EINVAL;
    struct inode *dir, *i;
    error = enter(m, &dir);
    if (error)
        return error;
    error = fs_is_dots(name, length) ? -EEXIST
                                     : make(dir, name, S_IFLNK | 0777, m->w[4], 0, target, &i);
    leave(dir);
    if (!error)
        inode_put(i);
    return error;
}

int64_t do_readlink(struct message *m)
{
    struct inode *i;
    int64_t result = inode_of(m->object, &i);
    if (result)
        return result;
    size_t length = MIN(i->size, m->w[2]);
    if (!S_ISLNK(i->mode)) {
        result = -EINVAL;
    } else if (!inode_has_data_blocks(i)) {
        result = copy_out(m, 0, i->block, length) ? -EFAULT : (int64_t)length;
    } else {
        uint32_t block;
        struct page *page;
        result = map_block(i, 0, false, &block);
        if (!result && !block)
            result = mount_corrupt(i->mount, "symbolic link without a block", i->ino);
        if (!result)
            result = cache_block(i->mount->index, block, &page);
        if (!result) {
            result = copy_out(m, 0, page->data, length) ? -EFAULT : (int64_t)length;
            cache_put(page);
        }
    }
    inode_put(i);
    return result;
}

/* ---- Links ---- */

int64_t do_link(struct message *m)
{
    char name[NAME_MAX + 1];
    int error = fs_name(m, 0, m->w[2], name);
    if (error)
        return error;
    struct inode *dir, *i;
    uint32_t ino;
    error = enter(m, &dir);
    if (error)
        return error;
    error = inode_of(m->w[3], &i);
    if (error)
        goto out;
    if (i->mount != dir->mount)
        error = -EXDEV;
    else if (S_ISDIR(i->mode))
        error = -EPERM;
    else if (i->links == 0)
        error = -ENOENT;
    else if (i->links >= LINKS_MAX)
        error = -EMLINK;
    else if (dir_lookup(dir, name, m->w[2], &ino) != -ENOENT)
        error = -EEXIST;
    if (!error) {
        /* before the name is there, so that the disk never has more names than links */
        i->links++;
        error = dir_add(dir, name, m->w[2], i->ino, i->mode);
        if (error)
            i->links--;
        i->ctime = fs_now();
        inode_dirty(i);
    }
    inode_put(i);
out:
    leave(dir);
    return error;
}

/* Takes one link from an inode whose name in `dir` is gone. */
void link_drop(struct inode *dir, struct inode *i)
{
    if (S_ISDIR(i->mode)) {
        i->links = 0;
        if (dir->links > 2)
            dir->links--;
        inode_dirty(dir);
    } else if (i->links) {
        i->links--;
    }
    i->ctime = fs_now();
    inode_dirty(i);
}

/* Whether `i` may go as what the caller takes it for. */
int link_may_drop(struct inode *i, bool directory)
{
    if (!S_ISDIR(i->mode))
        return directory ? -ENOTDIR : 0;
    if (!directory)
        return -EISDIR;
    if (i->ino == ROOT_INO)
        return -EBUSY;
    int empty = dir_empty(i);
    return empty < 0 ? empty : empty ? 0 : -ENOTEMPTY;
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
    struct inode *dir, *i;
    struct place p;
    error = enter(m, &dir);
    if (error)
        return error;
    error = dir_find(dir, name, m->w[2], &p);
    if (error)
        goto out;
    error = inode_named(dir, p.entry->ino, &i);
    if (error)
        goto put_place;
    error = link_may_drop(i, directory);
    if (!error) {
        dir_remove(dir, &p, name, m->w[2]);
        link_drop(dir, i);
    }
    inode_put(i);
put_place:
    place_put(&p);
out:
    leave(dir);
    return error;
}
