/* Names: found. */
#include "minix.h"

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
