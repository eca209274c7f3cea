/* Files, directories and symbolic links, as programs ask for them: each request begins with its
 * inode. */
#include "ext2_ro.h"

int64_t do_open(struct message *m)
{
    struct inode i;
    int error = inode_of(m->object, &i);
    if (error)
        return error;
    bool path = m->w[1] & O_PATH, writes = fs_writes(m->w[1]) || m->w[1] & O_TRUNC;
    if (!path && !S_ISDIR(i.d.mode) && !S_ISREG(i.d.mode))
        return S_ISLNK(i.d.mode) ? -ELOOP : -ENXIO;
    if (!path && writes)
        return S_ISDIR(i.d.mode) ? -EISDIR : -EROFS;
    return connect(m, m->object, fs_connection_flags(m->w[1]));
}

int64_t do_stat(struct message *m)
{
    struct inode i;
    int error = inode_of(m->object, &i);
    if (error)
        return error;
    const struct disk_inode *d = &i.d;
    struct stat s = {
        .dev = mount_dev(i.mount),
        .ino = i.ino,
        .nlink = d->links,
        .mode = d->mode,
        .uid = d->uid | (uint32_t)d->uid_high << 16,
        .gid = d->gid | (uint32_t)d->gid_high << 16,
        .rdev = ext2_rdev(d->mode, d->block),
        .size = i.size,
        .blksize = PAGE_SIZE,
        .blocks = d->sectors,
    };
    ext2_times(&i.mount->geo, d, &s.atime, &s.mtime, &s.ctime);
    return copy_out(m, 0, &s, sizeof(s));
}

int64_t do_seek(struct message *m)
{
    struct inode i;
    int error = inode_of(m->object, &i);
    return error ? error : fs_seek(m, i.size);
}

int64_t do_ioctl(struct message *m)
{
    struct inode i;
    int error = inode_of(m->object, &i);
    return error ? error : S_ISREG(i.d.mode) ? fs_ioctl(m, i.size) : -ENOTTY;
}

/* ---- Contents ---- */

int64_t do_read(struct message *m)
{
    struct inode i;
    int error = inode_of(m->object, &i);
    if (error)
        return error;
    if (!S_ISREG(i.d.mode) || m->flags & O_PATH)
        return m->flags & O_PATH ? -EBADF : S_ISDIR(i.d.mode) ? -EISDIR : -EINVAL;
    uint64_t at = m->position, length = at < i.size ? MIN(m->w[2], i.size - at) : 0, done = 0;
    while (done < length) {
        struct page *p;
        uint64_t offset = (at + done) % PAGE_SIZE, part = MIN(length - done, PAGE_SIZE - offset);
        error = file_page(&i, (at + done) / PAGE_SIZE, &p);
        if (!error)
            error = copy_out(m, done, p->data + offset, part);
        if (error && (error == -EFAULT || !done))
            return error;
        if (error)
            break;
        done += part;
    }
    reply_position(m, at + done);
    return done;
}

static void unpin(const uint64_t *addresses, unsigned count)
{
    while (count) {
        struct page *p = cache_by_address(addresses[--count]);
        if (p)
            cache_unpin(p);
    }
}

int64_t do_pages(struct message *m)
{
    struct inode i;
    uint64_t addresses[FS_PAGES_MAX], index = m->position / PAGE_SIZE;
    unsigned wanted = MIN(m->w[2] / sizeof(addresses[0]), (uint64_t)ARRAY_SIZE(addresses)),
             count = 0;
    int error = inode_of(m->object, &i);
    if (error)
        return error;
    if (!S_ISREG(i.d.mode))
        return -ENODEV;
    for (; count < wanted && (index + count) * PAGE_SIZE < i.size; count++) {
        struct page *p;
        error = file_page(&i, index + count, &p);
        if (!error && !cache_pin(p))
            error = -ENOMEM;
        if (error)
            break;
        addresses[count] = (uint64_t)(uintptr_t)p->data;
    }
    if (count && copy_out(m, 0, addresses, count * sizeof(addresses[0]))) {
        unpin(addresses, count);
        return -EFAULT;
    }
    return count ? (int64_t)count : error;
}

int64_t do_unpin(struct message *m)
{
    uint64_t addresses[FS_PAGES_MAX];
    int count = fs_addresses(m, addresses);
    if (count < 0)
        return count;
    unpin(addresses, count);
    return 0;
}

/* ---- Names ---- */

static int directory_of(uint64_t object, struct inode *dir)
{
    int error = inode_of(object, dir);
    return error ? error : S_ISDIR(dir->d.mode) ? 0 : -ENOTDIR;
}

int64_t do_lookup(struct message *m)
{
    char name[NAME_MAX + 1];
    struct inode dir, i;
    struct entry *e;
    uint64_t at = 0;
    int more = fs_name(m, 0, m->w[2], name);
    if (!more)
        more = directory_of(m->object, &dir);
    if (more)
        return more;
    do
        more = dir_next(&dir, &at, &e);
    while (more > 0 && (e->name_length != m->w[2] || memcmp(e->name, name, e->name_length)));
    if (more <= 0)
        return more ? more : -ENOENT;
    uint32_t ino = e->ino;
    int error = inode_get(dir.mount, ino, &i);
    if (error)
        return error == -ESTALE ? corrupt(dir.mount, "name of an unused inode", ino) : error;
    reply_words(m, inode_object(&i), i.d.mode | ext2_rdev(i.d.mode, i.d.block) << 32,
                (uint64_t)(i.d.uid | (uint32_t)i.d.uid_high << 16) << 32 | i.d.gid |
                    (uint32_t)i.d.gid_high << 16);
    return 0;
}

int64_t do_dents(struct message *m)
{
    struct inode dir;
    struct dents d;
    struct entry *e;
    int more = directory_of(m->object, &dir), added = 1;
    if (more)
        return more;
    dents_start(&d, m);
    /* entries are known from their block's beginning on */
    uint64_t position = m->position, at = position - position % dir.mount->geo.block_size;
    while (added > 0 && (more = dir_next(&dir, &at, &e)) > 0) {
        if (at - e->reclen < position)
            continue;
        added = dents_add(&d, e->ino, at, ext2_dtype(&dir.mount->geo, e), e->name, e->name_length);
        if (added > 0)
            position = at;
    }
    if (added < 0 || (more < 0 && d.sent + d.filled == 0))
        return added < 0 ? added : more;
    return dents_end(&d, position, added == 0);
}

int64_t do_name(struct message *m)
{
    struct inode dir;
    struct entry *e;
    uint64_t at = 0;
    int more = directory_of(m->object, &dir);
    if (more)
        return more;
    do
        more = dir_next(&dir, &at, &e);
    while (more > 0 && (e->ino != fs_object_ino(m->w[3]) || fs_is_dots(e->name, e->name_length)));
    if (more <= 0)
        return more ? more : -ENOENT;
    int error = e->name_length > m->w[2] ? -ERANGE : copy_out(m, 0, e->name, e->name_length);
    return error ? error : e->name_length;
}

/* A short target stands in the inode, a longer one in the first block. */
int64_t do_readlink(struct message *m)
{
    struct inode i;
    struct page *p;
    const void *target = i.d.block;
    int error = inode_of(m->object, &i);
    if (error)
        return error;
    if (!S_ISLNK(i.d.mode))
        return -EINVAL;
    if (ext2_has_blocks(&i.mount->geo, i.d.mode, i.d.sectors, i.d.file_acl)) {
        error = i.d.block[0] ? file_page(&i, 0, &p)
                             : corrupt(i.mount, "symbolic link without a block", i.ino);
        if (error)
            return error;
        target = p->data;
    }
    size_t length = MIN(i.size, m->w[2]);
    error = copy_out(m, 0, target, length);
    return error ? error : (int64_t)length;
}
