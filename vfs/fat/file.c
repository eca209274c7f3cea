/* The contents of files: through the cache, a page at a time. A FAT file has no holes: what a write
 * or a truncation leaves out is filled with zeros. */
#include "fat.h"

enum { READ_AHEAD = 16, READ_AROUND = 4 };
#define FILE_MAX 0xffffffffull

static unsigned page_units(const struct node *n) { return PAGE_SIZE >> n->mount->sector_shift; }
static uint32_t clusters_of(const struct node *n, uint64_t size)
{
    return (size + (1ull << n->mount->cluster_shift) - 1) >> n->mount->cluster_shift;
}

/* Where the page's sectors are; those behind the file's last cluster are nowhere. Under node.lock.
 */
static int find_place(struct node *n, uint64_t index, uint32_t *disk)
{
    uint64_t end = (uint64_t)clusters_of(n, n->size) << n->mount->cluster_shift;
    for (unsigned u = 0; u < page_units(n); u++) {
        uint64_t offset = index * PAGE_SIZE + ((uint64_t)u << n->mount->sector_shift);
        disk[u] = 0;
        if (offset >= end)
            continue;
        int error = chain_sector(n, offset, false, &disk[u]);
        if (!error && !disk[u])
            error = mount_corrupt(n->mount, "cluster chain too short", n->cluster);
        if (error)
            return error;
    }
    return 0;
}

/* Brings page `index` and some behind it into the cache; the first is returned, held. Under
 * node.lock. */
static int bring(struct node *n, uint64_t index, unsigned ahead, struct page **to)
{
    struct page *pages[READ_AHEAD];
    uint64_t end = (n->size + (uint64_t)PAGE_SIZE - 1) / PAGE_SIZE, owner = node_owner(n);
    unsigned count = 0;
    int error = 0;
    for (uint64_t k = index; count < MIN(ahead, (unsigned)READ_AHEAD) && (k < end || k == index);
         k++) {
        uint32_t disk[CACHE_UNITS] = { 0 };
        if (k != index && cache_has(owner, k))
            break;
        error = find_place(n, k, disk);
        struct page *p = error ? NULL : cache_get(owner, k);
        if (!p) {
            error = error ? error : -ENOMEM;
            break;
        }
        if (!page_fresh(p)) {
            if (k == index) {
                *to = p;
                return 0;
            }
            cache_put(p);
            break;
        }
        p->units = page_units(n);
        memcpy(p->disk, disk, sizeof(disk));
        pages[count++] = p;
    }
    if (!count)
        return error;
    error = cache_read(pages, count);
    if (index + count >= end) {
        uint64_t start = (index + count - 1) * PAGE_SIZE,
                 used = n->size > start ? n->size - start : 0;
        if (used < PAGE_SIZE)
            memset(pages[count - 1]->data + used, 0, PAGE_SIZE - used);
    }
    for (unsigned k = 0; k < count; k++) {
        cache_ready(pages[k], error);
        if (k || error)
            cache_put(pages[k]);
    }
    *to = pages[0];
    return error;
}

int64_t do_read(struct message *m)
{
    struct node *n;
    int error = node_of(m->object, &n);
    if (error)
        return error;
    uint64_t position = m->position, length = m->w[2], done = 0, owner = node_owner(n);
    if (n->directory || m->flags & O_PATH) {
        error = n->directory ? -EISDIR : -EBADF;
        node_put(n);
        return error;
    }
    while (done < length && position < n->size) {
        uint64_t index = position / PAGE_SIZE, offset = position % PAGE_SIZE;
        struct page *p = cache_find(owner, index), *held = NULL;
        if (!p) {
            unsigned ahead = index == 0 || cache_has(owner, index - 1) ? READ_AHEAD : READ_AROUND;
            lock_take(&n->lock);
            error = bring(n, index, ahead, &held);
            lock_give(&n->lock);
            if (error)
                break;
            p = held;
        }
        uint64_t part = MIN(length - done, PAGE_SIZE - offset);
        part = MIN(part, n->size > position ? n->size - position : 0);
        if (part && copy_out(m, done, p->data + offset, part))
            error = -EFAULT;
        if (held)
            cache_put(held);
        if (error)
            break;
        done += part;
        position += part;
        GIVE_WAY_EVERY(BYTES_AT_ONCE, part, length - done);
    }
    node_put(n);
    if (error && (error == -EFAULT || !done))
        return error;
    reply_position(m, position);
    return done;
}

/* ---- Writing ---- */

/* The page, held and filled, with sectors under [from, to) of it. Clusters are allocated. */
static int prepare(struct node *n, uint64_t index, unsigned from, unsigned to, struct page **page)
{
    struct page *p = cache_find(node_owner(n), index);
    int error = 0;
    if (p) {
        p->uses++;
    } else if (index * PAGE_SIZE < n->size) {
        error = bring(n, index, 1, &p);
        if (error)
            return error;
    } else {
        p = cache_get(node_owner(n), index);
        if (!p)
            return -ENOMEM;
        if (page_fresh(p)) {
            memset(p->data, 0, PAGE_SIZE);
            p->units = page_units(n);
            cache_ready(p, 0);
        }
    }
    for (unsigned u = from >> n->mount->sector_shift;
         u <= (to - 1) >> n->mount->sector_shift && !error; u++) {
        uint32_t sector;
        error = chain_sector(n, index * PAGE_SIZE + ((uint64_t)u << n->mount->sector_shift), true,
                             &sector);
        if (!error)
            p->disk[u] = sector;
    }
    cache_dirty(p);
    *page = p;
    if (error)
        cache_put(p);
    return error;
}

/* The file is `size` bytes long from now on, no longer than before: what lies behind goes. */
static int cut(struct node *n, uint64_t size, uint64_t reached)
{
    struct page *p = NULL;
    int error = 0;
    if (size % PAGE_SIZE) {
        p = cache_find(node_owner(n), size / PAGE_SIZE);
        if (p)
            p->uses++;
        else if (size < n->size)
            error = bring(n, size / PAGE_SIZE, 1, &p);
        if (error)
            return error;
    }
    n->size = size;
    n->dirty = true;
    if (p) {
        cache_settle(p);
        memset(p->data + size % PAGE_SIZE, 0, PAGE_SIZE - size % PAGE_SIZE);
        for (unsigned u = (size % PAGE_SIZE + n->mount->sector_size - 1) >> n->mount->sector_shift;
             u < p->units; u++)
            p->disk[u] = 0;
        cache_dirty(p);
        cache_put(p);
    }
    cache_forget_from(node_owner(n), (size + PAGE_SIZE - 1) / PAGE_SIZE,
                      (reached + PAGE_SIZE - 1) / PAGE_SIZE);
    return chain_cut(n, clusters_of(n, size));
}

/* Zeros from the end of the file up to `size`. */
static int fill_up(struct node *n, uint64_t size)
{
    uint64_t old = n->size;
    int error = 0;
    while (n->size < size && !error) {
        unsigned from = n->size % PAGE_SIZE, to = MIN(size - n->size + from, (uint64_t)PAGE_SIZE);
        struct page *p;
        error = prepare(n, n->size / PAGE_SIZE, from, to, &p);
        if (error)
            break;
        memset(p->data + from, 0, to - from);
        cache_put(p);
        n->size += to - from;
        GIVE_WAY_EVERY(BYTES_AT_ONCE, to - from, size - n->size);
    }
    if (error)
        cut(n, old, size);
    n->dirty = true;
    return error;
}

static void touch(struct node *n)
{
    n->mtime = fs_now();
    n->attributes |= ATTR_ARCHIVE;
    n->dirty = true;
    flush_later();
}

static int64_t write_locked(struct node *n, struct message *m)
{
    uint64_t position = m->flags & O_APPEND ? n->size : m->position, length = m->w[2], done = 0,
             old = n->size;
    uint64_t limit = fs_size_limit(m, FILE_MAX);
    if (!length)
        return 0;
    if (position >= limit)
        return -EFBIG;
    length = MIN(length, limit - position);
    int error = position > n->size ? fill_up(n, position) : 0;
    uint64_t filled = n->size;
    while (done < length && !error) {
        uint64_t at = position + done;
        unsigned offset = at % PAGE_SIZE, part = MIN(length - done, (uint64_t)(PAGE_SIZE - offset));
        struct page *p;
        error = prepare(n, at / PAGE_SIZE, offset, offset + part, &p);
        if (error)
            break;
        if (copy_in(m, done, p->data + offset, part))
            error = -EFAULT;
        cache_put(p);
        if (!error)
            done += part;
        GIVE_WAY_EVERY(BYTES_AT_ONCE, part, length - done);
    }
    if (error == -EFAULT)
        done = 0; /* the call comes again as a whole */
    uint64_t size = done ? MAX(n->size, position + done) : old;
    if (error && (position + length > filled || filled > old))
        cut(n, size, MAX(position + length, filled));
    else
        n->size = size;
    if (error && !done)
        return error;
    touch(n);
    reply_position(m, position + done);
    return done;
}

int64_t do_write(struct message *m)
{
    struct node *n;
    int64_t result = node_of(m->object, &n);
    if (result)
        return result;
    if (n->directory) {
        result = -EISDIR;
    } else if (n->mount->read_only) {
        result = -EROFS;
    } else {
        lock_take(&n->lock);
        result = write_locked(n, m);
        lock_give(&n->lock);
    }
    node_put(n);
    return result;
}

int file_resize(struct node *n, uint64_t size)
{
    if (size > FILE_MAX)
        return -EFBIG;
    int error = size < n->size ? cut(n, size, n->size) : fill_up(n, size);
    if (!error)
        touch(n);
    return error;
}

int64_t do_truncate(struct message *m)
{
    struct node *n;
    int64_t result = node_of(m->object, &n);
    if (result)
        return result;
    if (n->directory) {
        result = -EISDIR;
    } else if ((int64_t)m->w[1] < 0) {
        result = -EINVAL;
    } else if (n->mount->read_only) {
        result = -EROFS;
    } else if (n->denies) {
        result = -ETXTBSY;
    } else {
        lock_take(&n->lock);
        uint64_t old = n->size;
        result = fs_over_limit(m, old) ? -EFBIG : file_resize(n, m->w[1]);
        lock_give(&n->lock);
        if (m->w[1] < old && n->holds && fs_shrunk(m, m->w[1], result))
            result = LATER;
    }
    node_put(n);
    return result;
}

/* ---- Pages for PM ---- */

int64_t do_pages(struct message *m)
{
    struct node *n;
    int error = node_of(m->object, &n);
    if (error)
        return error;
    uint64_t addresses[FS_PAGES_MAX], index = m->position / PAGE_SIZE, owner = node_owner(n);
    unsigned wanted = MIN(m->w[2] / sizeof(addresses[0]), (uint64_t)ARRAY_SIZE(addresses)),
             count = 0;
    struct page *pages[64];
    if (n->directory)
        error = -ENODEV;
    while (!error && count < wanted && (index + count) * PAGE_SIZE < n->size) {
        struct page *p = cache_find(owner, index + count);
        if (p) {
            p->uses++;
        } else {
            lock_take(&n->lock);
            error = bring(n, index + count, wanted - count, &p);
            lock_give(&n->lock);
            if (error)
                break;
        }
        bool pinned = cache_pin(p);
        cache_put(p);
        if (!pinned) {
            error = -ENOMEM;
            break;
        }
        addresses[count] = (uint64_t)(uintptr_t)p->data;
        pages[count++] = p;
    }
    node_put(n);
    if (count && copy_out(m, 0, addresses, count * sizeof(addresses[0]))) {
        while (count)
            cache_unpin(pages[--count]);
        return -EFAULT;
    }
    return count ? (int64_t)count : error;
}

/* A FAT file has no holes: all of its pages have their places. */
int64_t do_reserve(struct message *m)
{
    struct node *n;
    int64_t result = node_of(m->object, &n);
    if (result)
        return result;
    if (n->mount->read_only) {
        result = -EROFS;
    } else if ((m->w[3] + m->w[2]) * PAGE_SIZE >= n->size) {
        result = -ERANGE;
    } else {
        touch(n);
        result = (1l << FS_RESERVE_MAX) - 1;
    }
    node_put(n);
    return result;
}

int64_t do_unpin(struct message *m)
{
    uint64_t addresses[FS_PAGES_MAX];
    int count = fs_addresses(m, addresses);
    if (count < 0)
        return count;
    struct node *n = NULL;
    bool dirty = m->w[3] && node_of(m->object, &n) == 0 && !n->mount->read_only;
    for (int k = 0; k < count; k++) {
        struct page *p = cache_by_address(addresses[k]);
        if (!p)
            continue;
        uint64_t start = p->index * PAGE_SIZE;
        if (dirty && !(p->state & PAGE_GONE) && p->owner == node_owner(n) && start < n->size) {
            unsigned end = MIN(n->size - start, (uint64_t)PAGE_SIZE);
            memset(p->data + end, 0, PAGE_SIZE - end);
            cache_dirty(p);
        }
        cache_unpin(p);
    }
    if (dirty)
        flush_later();
    if (n)
        node_put(n);
    return 0;
}
