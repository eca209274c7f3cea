/* Content of files: see tmpfs.h. */
#include "tmpfs.h"

enum { PIN_BATCH = 16 };

static const uint8_t zeroes[PAGE_SIZE];

int64_t do_read(struct message *m)
{
    struct node *n = node_find(m->object);
    if (!n)
        return -ESTALE;
    if (!S_ISREG(n->mode))
        return S_ISDIR(n->mode) ? -EISDIR : -EINVAL;
    uint64_t at = m->position;
    uint64_t length = at < n->size ? MIN(m->w[2], n->size - at) : 0;
    for (uint64_t done = 0, now; done < length; done += now, at += now) {
        now = MIN(length - done, PAGE_SIZE - at % PAGE_SIZE);
        const uint8_t *page = file_page(n, at / PAGE_SIZE, false);
        int error = copy_out(m, done, page ? page + at % PAGE_SIZE : zeroes, now);
        if (error)
            return error;
    }
    if (length && fs_atime_due(&n->atime, &n->mtime, &n->ctime, &n->mtime))
        n->atime = fs_now();
    reply_position(m, at);
    return length;
}

/* A copy failed midway in the page at `at`: what it left behind the end of the file must not show when the file grows. */
static void wipe_behind_end(struct node *n, uint64_t at)
{
    uint64_t start = at / PAGE_SIZE * PAGE_SIZE;
    uint8_t *page = file_page(n, at / PAGE_SIZE, false);
    if (n->size < start + PAGE_SIZE) {
        uint64_t keep = n->size > start ? n->size - start : 0;
        memset(page + keep, 0, PAGE_SIZE - keep);
    }
}

int64_t do_write(struct message *m)
{
    struct node *n = node_find(m->object);
    if (!n)
        return -ESTALE;
    if (!S_ISREG(n->mode))
        return S_ISDIR(n->mode) ? -EISDIR : -EINVAL;
    uint64_t at = m->flags & O_APPEND ? n->size : m->position, done = 0;
    if (!m->w[2])
        return 0;
    if (at >= FILE_MAX)
        return -EFBIG;
    for (uint64_t now; done < m->w[2]; done += now, at += now) {
        now = MIN(m->w[2] - done, PAGE_SIZE - at % PAGE_SIZE);
        uint8_t *page = at < FILE_MAX ? file_page(n, at / PAGE_SIZE, true) : NULL;
        if (!page)
            break;
        int error = copy_in(m, done, page + at % PAGE_SIZE, now);
        if (error) {
            wipe_behind_end(n, at);
            return error;
        }
    }
    if (!done)
        return -ENOSPC;
    n->size = MAX(n->size, at);
    n->mode &= ~(uint32_t)(n->mode & S_ISGID && !(n->mode & 010) ? S_ISUID : S_ISUID | S_ISGID);
    node_touch(n, true);
    reply_position(m, at);
    return done;
}

int64_t do_seek(struct message *m)
{
    struct node *n = node_find(m->object);
    return n ? fs_seek(m, S_ISDIR(n->mode) ? n->next_cookie : n->size) : -ESTALE;
}

int64_t do_truncate(struct message *m)
{
    struct node *n = node_find(m->object);
    if (!n)
        return -ESTALE;
    if (!S_ISREG(n->mode))
        return S_ISDIR(n->mode) ? -EISDIR : -EINVAL;
    if ((int64_t)m->w[1] < 0)
        return -EINVAL;
    if (m->w[1] > FILE_MAX)
        return -EFBIG;
    if (m->w[1] < n->size)
        file_cut(n, m->w[1]);
    n->size = m->w[1];
    node_touch(n, true);
    return 0;
}

/* PM wants pages of the file to map. A hole gets its page now, for PM may map it writable. */
int64_t do_pages(struct message *m)
{
    struct node *n = node_find(m->object);
    uint64_t places = m->w[2] / sizeof(uint64_t), index = m->position / PAGE_SIZE, found = 0;
    uint64_t addresses[PIN_BATCH];
    if (!n)
        return -ESTALE;
    places = MIN(places, (uint64_t)PIN_BATCH);
    while (found < places && (index + found) * PAGE_SIZE < n->size) {
        void *page = file_page(n, index + found, true);
        if (!page)
            break;
        addresses[found++] = (uint64_t)page;
    }
    if (!found)
        return index * PAGE_SIZE < n->size ? -ENOMEM : 0;
    int error = copy_out(m, 0, addresses, found * sizeof addresses[0]);
    if (error)
        return error;
    n->pins += found;
    return found;
}

int64_t do_unpin(struct message *m)
{
    struct node *n = node_find(m->object);
    uint32_t count = m->w[2] / sizeof(uint64_t);
    if (!n)
        return -ESTALE;
    n->pins -= MIN(n->pins, count);
    if (m->w[3])
        node_touch(n, true);
    node_drop(n);
    return 0;
}
