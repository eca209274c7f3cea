/* The contents of files: through the cache, a page at a time. */
#include "ext2.h"

enum { READ_AHEAD = 16, READ_AROUND = 4, BYTES_AT_ONCE = 1 << 20 };

/* The page's place on the disk, without allocating. Under inode.lock. */
static int find_place(struct inode *i, uint64_t index, uint32_t *disk)
{
    unsigned shift = 12 - i->mount->geo.block_shift;
    for (unsigned u = 0; u < 1u << shift; u++) {
        int error = map_block(i, (index << shift) + u, false, &disk[u]);
        if (error)
            return error;
    }
    return 0;
}

/* Brings page `index` and up to `ahead` - 1 pages behind it into the cache; the first is returned,
 * held. Under inode.lock. */
static int bring(struct inode *i, uint64_t index, unsigned ahead, struct page **to)
{
    struct page *pages[READ_AHEAD];
    uint64_t end = (i->size + PAGE_SIZE - 1) / PAGE_SIZE, owner = inode_owner(i);
    unsigned count = 0;
    int error = 0;
    for (uint64_t n = index; count < MIN(ahead, (unsigned)READ_AHEAD) && (n < end || n == index);
         n++) {
        uint32_t disk[CACHE_UNITS] = { 0 };
        if (n != index && cache_has(owner, n))
            break;
        error = find_place(i, n, disk);
        if (error)
            break;
        struct page *p = cache_get(owner, n);
        if (!p) {
            error = -ENOMEM;
            break;
        }
        if (!page_fresh(p)) {
            if (n == index) {
                *to = p;
                return 0;
            }
            cache_put(p);
            break;
        }
        p->units = PAGE_SIZE >> i->mount->geo.block_shift;
        memcpy(p->disk, disk, sizeof(disk));
        pages[count++] = p;
    }
    if (!count)
        return error;
    error = cache_read(pages, count);
    if (index + count == end && i->size % PAGE_SIZE)
        memset(pages[count - 1]->data + i->size % PAGE_SIZE, 0, PAGE_SIZE - i->size % PAGE_SIZE);
    for (unsigned k = 0; k < count; k++) {
        cache_ready(pages[k], error);
        if (k || error)
            cache_put(pages[k]);
    }
    *to = pages[0];
    return error;
}

static unsigned read_ahead(const struct inode *i, uint64_t index)
{
    return index == 0 || cache_has(inode_owner(i), index - 1) ? READ_AHEAD : READ_AROUND;
}

int64_t do_read(struct message *m)
{
    struct inode *i;
    int error = inode_of(m->object, &i);
    if (error)
        return error;
    uint64_t position = m->position, length = m->w[2], done = 0, owner = inode_owner(i);
    if (!S_ISREG(i->mode) || m->flags & O_PATH) {
        error = m->flags & O_PATH ? -EBADF : S_ISDIR(i->mode) ? -EISDIR : -EINVAL;
        inode_put(i);
        return error;
    }
    while (done < length && position < i->size) {
        uint64_t index = position / PAGE_SIZE, offset = position % PAGE_SIZE;
        struct page *p = cache_find(owner, index), *held = NULL;
        if (!p) {
            lock_take(&i->lock);
            error = bring(i, index, read_ahead(i, index), &held);
            lock_give(&i->lock);
            if (error)
                break;
            p = held;
        }
        uint64_t part = MIN(length - done, PAGE_SIZE - offset);
        /* one copy takes all pages that lie together in memory */
        struct page *next;
        while (!held && part < length - done && (next = cache_find(owner, ++index)) &&
               next->data == p->data + offset + part)
            part = MIN(length - done, part + PAGE_SIZE);
        /* it may have been cut while we waited */
        part = MIN(part, i->size > position ? i->size - position : 0);
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
    if (error && (error == -EFAULT || !done)) {
        inode_put(i);
        return error;
    }
    if (!(m->flags & O_NOATIME))
        inode_read(i);
    inode_put(i);
    reply_position(m, position);
    return done;
}

/* ---- Writing ---- */

/* The page, held, with a block of the disk under each unit that [from, to) of it touches. It is
 * filled, unless it is to be overwritten as a whole: then it is still fresh, and nothing of it can
 * fail any more. */
static int prepare(struct inode *i, uint64_t index, unsigned from, unsigned to, struct page **page)
{
    struct mount *m = i->mount;
    unsigned shift = 12 - m->geo.block_shift, units = 1u << shift, mapped = 0;
    struct page *p = cache_find(inode_owner(i), index);
    int error = 0;
    if (p) {
        p->uses++;
    } else {
        uint32_t disk[CACHE_UNITS] = { 0 };
        error = find_place(i, index, disk);
        for (unsigned u = 0; u < units; u++)
            mapped += disk[u] != 0;
        bool whole = from == 0 && to == PAGE_SIZE && mapped == units;
        if (!error && mapped && !whole)
            error = bring(i, index, 1, &p);
        else if (!error)
            p = cache_get(inode_owner(i), index);
        if (error || !p)
            return error ? error : -ENOMEM;
        if (page_fresh(p)) {
            p->units = units;
            memcpy(p->disk, disk, sizeof(disk));
            *page = p;
            if (whole)
                return 0;
            memset(p->data, 0, PAGE_SIZE); /* a hole */
            cache_ready(p, 0);
        }
    }
    for (unsigned u = from >> m->geo.block_shift; u <= (to - 1) >> m->geo.block_shift && !error;
         u++) {
        uint32_t block;
        error = map_block(i, (index << shift) + u, true, &block);
        if (!error)
            p->disk[u] = block;
    }
    cache_dirty(p);
    *page = p;
    if (error)
        cache_put(p);
    return error;
}

/* What lies behind the end of the file in its last page is zero before the file grows over it. */
static void clear_tail(struct inode *i)
{
    struct page *p = i->size % PAGE_SIZE ? cache_find(inode_owner(i), i->size / PAGE_SIZE) : NULL;
    if (p)
        memset(p->data + i->size % PAGE_SIZE, 0, PAGE_SIZE - i->size % PAGE_SIZE);
}

/* The units of the file's last page that lie behind its end have no place on the disk any more. */
static void unmap_tail(struct inode *i, struct page *p)
{
    cache_settle(p);
    for (unsigned u =
             (i->size % PAGE_SIZE + i->mount->geo.block_size - 1) >> i->mount->geo.block_shift;
         u < p->units; u++)
        p->disk[u] = 0;
}

/* Undoes what was allocated behind the end of the file by a write that failed. */
static void cut_tail(struct inode *i, uint64_t reached)
{
    clear_tail(i);
    struct page *p = i->size % PAGE_SIZE ? cache_find(inode_owner(i), i->size / PAGE_SIZE) : NULL;
    if (p) {
        p->uses++;
        unmap_tail(i, p);
        cache_put(p);
    }
    cache_forget_from(inode_owner(i), (i->size + PAGE_SIZE - 1) / PAGE_SIZE,
                      (reached + PAGE_SIZE - 1) / PAGE_SIZE);
    map_cut(i, (i->size + i->mount->geo.block_size - 1) >> i->mount->geo.block_shift);
}

static int64_t write_locked(struct inode *i, struct message *m)
{
    uint64_t limit = fs_size_limit(m, ext2_limit(&i->mount->geo));
    uint64_t position = m->flags & O_APPEND ? i->size : m->position, length = m->w[2], done = 0;
    if (!length)
        return 0;
    if (position >= limit)
        return -EFBIG;
    length = MIN(length, limit - position);
    if (position + length > i->size)
        clear_tail(i);
    int error = 0;
    while (done < length && !error) {
        uint64_t at = position + done;
        unsigned offset = at % PAGE_SIZE, part = MIN(length - done, (uint64_t)(PAGE_SIZE - offset));
        struct page *p;
        error = prepare(i, at / PAGE_SIZE, offset, offset + part, &p);
        if (error)
            break;
        if (copy_in(m, done, p->data + offset, part))
            error = -EFAULT;
        if (page_fresh(p))
            cache_ready(p, error);
        cache_dirty(p);
        cache_put(p);
        if (!error)
            done += part;
        GIVE_WAY_EVERY(BYTES_AT_ONCE, part, length - done);
    }
    if (error == -EFAULT)
        done = 0; /* the call comes again as a whole */
    uint64_t reached = position + length;
    if (done && position + done > i->size)
        i->size = position + done;
    if (error && reached > i->size)
        cut_tail(i, reached);
    if (error && !done)
        return error;
    i->mtime = i->ctime = fs_now();
    i->mode = fs_mode_changed(m, i->mode);
    inode_dirty(i);
    flush_later();
    reply_position(m, position + done);
    return done;
}

int64_t do_write(struct message *m)
{
    struct inode *i;
    int64_t result = inode_of(m->object, &i);
    if (result)
        return result;
    if (S_ISDIR(i->mode))
        result = -EISDIR;
    else if (!S_ISREG(i->mode))
        result = -EINVAL;
    else if (i->mount->read_only)
        result = -EROFS;
    else {
        lock_take(&i->lock);
        result = write_locked(i, m);
        lock_give(&i->lock);
        if (result > 0 && (m->flags & O_DSYNC)) {
            int error = inode_sync(i);
            result = error ? error : result;
        }
    }
    inode_put(i);
    return result;
}

/* ---- Size ---- */

int file_resize(struct inode *i, uint64_t size)
{
    struct mount *m = i->mount;
    uint64_t old = i->size, owner = inode_owner(i);
    if (size > ext2_limit(&m->geo))
        return -EFBIG;
    int error = 0;
    struct page *last = NULL;
    if (size < old && size % PAGE_SIZE) {
        /* The rest of the last page becomes zero, on the disk as well. */
        last = cache_find(owner, size / PAGE_SIZE);
        if (last)
            last->uses++;
        else
            error = bring(i, size / PAGE_SIZE, 1, &last);
        if (error)
            return error;
    }
    if (size > old)
        clear_tail(i);
    i->size = size;
    if (last) {
        memset(last->data + size % PAGE_SIZE, 0, PAGE_SIZE - size % PAGE_SIZE);
        unmap_tail(i, last);
        cache_dirty(last);
        cache_put(last);
    }
    if (size < old) {
        cache_forget_from(owner, (size + PAGE_SIZE - 1) / PAGE_SIZE,
                          (old + PAGE_SIZE - 1) / PAGE_SIZE);
        error = map_cut(i, (size + m->geo.block_size - 1) >> m->geo.block_shift);
    }
    i->mtime = i->ctime = fs_now();
    inode_dirty(i);
    flush_later();
    return error;
}

int64_t do_truncate(struct message *m)
{
    struct inode *i;
    int64_t result = inode_of(m->object, &i);
    if (result)
        return result;
    if (S_ISDIR(i->mode))
        result = -EISDIR;
    else if (!S_ISREG(i->mode) || (int64_t)m->w[1] < 0)
        result = -EINVAL;
    else if (i->mount->read_only)
        result = -EROFS;
    else if (i->denies)
        result = -ETXTBSY;
    else {
        lock_take(&i->lock);
        uint64_t old = i->size;
        result = fs_over_limit(m, old) ? -EFBIG : file_resize(i, m->w[1]);
        if (!result)
            i->mode = fs_mode_changed(m, i->mode);
        lock_give(&i->lock);
        if (m->w[1] < old && i->holds && fs_shrunk(m, m->w[1], result))
            result = LATER;
    }
    inode_put(i);
    return result;
}

/* ---- Pages for PM ---- */

int64_t do_pages(struct message *m)
{
    struct inode *i;
    int error = inode_of(m->object, &i);
    if (error)
        return error;
    uint64_t addresses[FS_PAGES_MAX], index = m->position / PAGE_SIZE, owner = inode_owner(i);
    unsigned wanted = MIN(m->w[2] / sizeof(addresses[0]), (uint64_t)ARRAY_SIZE(addresses)),
             count = 0;
    struct page *pages[64];
    if (!S_ISREG(i->mode))
        error = -ENODEV;
    while (!error && count < wanted && (index + count) * PAGE_SIZE < i->size) {
        struct page *p = cache_find(owner, index + count);
        if (p) {
            p->uses++;
        } else {
            lock_take(&i->lock);
            error = bring(i, index + count, wanted - count, &p);
            lock_give(&i->lock);
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
    inode_put(i);
    if (count && copy_out(m, 0, addresses, count * sizeof(addresses[0]))) {
        while (count)
            cache_unpin(pages[--count]);
        return -EFAULT;
    }
    return count ? (int64_t)count : error;
}

/* How many units of a page, which begins before the end of the file, lie before it. */
static unsigned units_in_file(const struct inode *i, const struct page *p)
{
    uint64_t end = MIN(i->size - p->index * PAGE_SIZE, (uint64_t)PAGE_SIZE);
    return ((end - 1) >> i->mount->geo.block_shift) + 1;
}

/* A page that is written through a mapping may lie over a hole, which gets its blocks now. Under
 * inode.lock. May wait. */
static int page_place(struct inode *i, struct page *p)
{
    unsigned shift = 12 - i->mount->geo.block_shift;
    int error = 0;
    p->uses++;
    for (unsigned u = 0; u < units_in_file(i, p) && !error; u++)
        if (!p->disk[u])
            error = map_block(i, (p->index << shift) + u, true, &p->disk[u]);
    cache_dirty(p);
    cache_put(p);
    return error;
}

/* A lent page of the file as it is now, or NULL. */
static struct page *lent_page(const struct inode *i, uint64_t index)
{
    struct page *p = index * PAGE_SIZE < i->size ? cache_find(inode_owner(i), index) : NULL;
    return p && p->pins ? p : NULL;
}

static int64_t pages_placed(const struct inode *i, uint64_t first, unsigned count)
{
    int64_t placed = 0;
    for (unsigned k = 0; k < count; k++) {
        struct page *p = lent_page(i, first + k);
        unsigned u = 0;
        while (p && u < units_in_file(i, p) && p->disk[u])
            u++;
        if (p && u == units_in_file(i, p))
            placed |= 1l << k;
    }
    return placed;
}

int64_t do_reserve(struct message *m)
{
    struct inode *i;
    int64_t result = inode_of(m->object, &i);
    if (result)
        return result;
    uint64_t first = m->w[3], wanted = first + m->w[2];
    lock_take(&i->lock);
    struct page *p = lent_page(i, wanted);
    if (i->mount->read_only)
        result = -EROFS;
    else if (wanted * PAGE_SIZE >= i->size)
        result = -ERANGE;
    else if (p && !(result = page_place(i, p)))
        result = pages_placed(i, first, MIN(m->w[1], (uint64_t)FS_RESERVE_MAX));
    if (result >= 0) {
        i->mtime = i->ctime = fs_now();
        i->mode = fs_mode_mapped(m, i->mode);
        inode_dirty(i);
        flush_later();
    }
    lock_give(&i->lock);
    inode_put(i);
    return result;
}

/* A page comes back that was written through a mapping. Its blocks it mostly has already
 * (FS_RESERVE). */
static int adopt_written(struct inode *i, struct page *p)
{
    uint64_t start = p->index * PAGE_SIZE;
    if ((p->state & PAGE_GONE) || p->owner != inode_owner(i) || start >= i->size)
        return 0;
    unsigned end = MIN(i->size - start, (uint64_t)PAGE_SIZE);
    memset(p->data + end, 0, PAGE_SIZE - end);
    return page_place(i, p);
}

int64_t do_unpin(struct message *m)
{
    uint64_t addresses[FS_PAGES_MAX];
    int count = fs_addresses(m, addresses);
    if (count < 0)
        return count;
    struct inode *i = NULL;
    bool dirty = m->w[3] && inode_of(m->object, &i) == 0;
    int error = 0;
    if (dirty && i->mount->read_only)
        dirty = false;
    if (dirty)
        lock_take(&i->lock);
    for (int k = 0; k < count; k++) {
        struct page *p = cache_by_address(addresses[k]);
        if (!p)
            continue;
        if (dirty) {
            int e = adopt_written(i, p);
            if (e)
                cache_failed(inode_owner(i));
            error = error ? error : e;
        }
        cache_unpin(p);
    }
    if (dirty) {
        flush_later();
        lock_give(&i->lock);
    }
    if (i)
        inode_put(i);
    return error;
}
