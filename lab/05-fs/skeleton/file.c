/* The contents of files, a block at a time. */
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
        int error = map_block(i, at / BLOCK, &block);
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
