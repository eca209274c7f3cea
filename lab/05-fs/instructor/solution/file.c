/* The contents of files, a block at a time. What lies in a file's last block behind its end is
 * always zero. */
#include "minix.h"

static const uint8_t zeroes[BLOCK];

static int regular(const struct inode *i)
{
    return S_ISREG(i->d->mode) ? 0 : S_ISDIR(i->d->mode) ? -EISDIR : -EINVAL;
}

static int64_t read_from(struct message *m, struct inode *i)
{
    uint64_t position = m->position, done = 0;
    uint64_t length = position < i->d->size ? MIN(m->w[2], i->d->size - position) : 0;
    while (done < length) {
        uint64_t at = position + done, part = MIN(length - done, BLOCK - at % BLOCK);
        uint32_t block;
        struct page *page = NULL;
        int error = map_block(i, at / BLOCK, false, &block);
        if (!error && block)
            error = block_get(block, &page);
        if (!error)
            error = copy_out(m, done, page ? page->data + at % BLOCK : zeroes, part);
        if (page)
            cache_put(page);
        if (error)
            return error == -EFAULT || !done ? error : (int64_t)done;
        done += part;
    }
    reply_position(m, position + done);
    return done;
}

int64_t do_read(struct message *m)
{
    struct inode i;
    int64_t result = inode_of(m->object, &i);
    if (result)
        return result;
    result = m->flags & O_PATH ? -EBADF : regular(&i);
    if (!result)
        result = read_from(m, &i);
    if (result >= 0 && !mount.read_only && !(m->flags & O_NOATIME)) {
        i.d->atime = fs_now().sec;
        inode_dirty(&i);
    }
    inode_put(&i);
    return result;
}

/* One block's part of a write. */
static int write_block(struct message *m, struct inode *i, uint64_t done, uint64_t at,
                       unsigned part)
{
    uint32_t block;
    struct page *page;
    int error = map_block(i, at / BLOCK, true, &block);
    if (!error)
        error = block_get(block, &page);
    if (error)
        return error;
    error = copy_in(m, done, page->data + at % BLOCK, part);
    cache_dirty(page);
    cache_put(page);
    return error;
}

/* Behind the end of the file nothing is left: neither blocks nor bytes. */
static int cut_tail(struct inode *i)
{
    uint32_t block = 0, rest = i->d->size % BLOCK;
    struct page *page;
    int error = rest ? map_block(i, i->d->size / BLOCK, false, &block) : 0;
    if (!error && block) {
        error = block_get(block, &page);
        if (!error) {
            memset(page->data + rest, 0, BLOCK - rest);
            cache_dirty(page);
            cache_put(page);
        }
    }
    return error ? error : map_cut(i, (i->d->size + BLOCK - 1) / BLOCK);
}

/* The size is changed last: a call that is thrown back has not happened. */
static int64_t write_to(struct message *m, struct inode *i)
{
    uint64_t position = m->flags & O_APPEND ? i->d->size : m->position, length = m->w[2], done = 0;
    int error = 0;
    if (!length)
        return 0;
    if (position >= mount.max_size)
        return -EFBIG;
    length = MIN(length, mount.max_size - position);
    while (done < length && !error) {
        uint64_t at = position + done, part = MIN(length - done, BLOCK - at % BLOCK);
        error = write_block(m, i, done, at, part);
        done += error ? 0 : part;
    }
    if (error == -EFAULT)
        done = 0;
    if (done && position + done > i->d->size)
        i->d->size = position + done;
    if (error && position + length > i->d->size)
        cut_tail(i);
    if (!done)
        return error;
    inode_touch(i);
    reply_position(m, position + done);
    return done;
}

int64_t do_write(struct message *m)
{
    struct inode i;
    int64_t result = inode_of(m->object, &i);
    if (result)
        return result;
    result = mount.read_only ? -EROFS : regular(&i);
    if (!result)
        result = write_to(m, &i);
    inode_put(&i);
    return result;
}

int file_resize(struct inode *i, uint64_t size)
{
    if (size > mount.max_size)
        return -EFBIG;
    bool shorter = size < i->d->size;
    i->d->size = size;
    int error = shorter ? cut_tail(i) : 0;
    inode_touch(i);
    return error;
}

int64_t do_truncate(struct message *m)
{
    struct inode i;
    int64_t result = inode_of(m->object, &i);
    if (result)
        return result;
    result = regular(&i);
    if (!result)
        result = (int64_t)m->w[1] < 0 ? -EINVAL
                 : mount.read_only    ? -EROFS
                                      : file_resize(&i, m->w[1]);
    inode_put(&i);
    return result;
}

static int64_t size_of(struct message *m, struct inode *i)
{
    int error = inode_of(m->object, i);
    if (error)
        return error;
    int64_t size = i->d->size;
    inode_put(i);
    return size;
}

int64_t do_seek(struct message *m)
{
    struct inode i;
    int64_t size = size_of(m, &i);
    return size < 0 ? size : fs_seek(m, size, mount.max_size);
}

int64_t do_ioctl(struct message *m)
{
    struct inode i;
    int64_t size = size_of(m, &i);
    return size < 0 ? size : fs_ioctl(m, size);
}
