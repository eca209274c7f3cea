/* The contents of files on disks; the contract stands in contents.h. */
#include "contents.h"

#include "mounts.h"

enum { READ_AHEAD = 16, READ_AROUND = 4, BYTES_AT_ONCE = 1 << 20 };
enum { PAGES_AT_ONCE = 64, UNITS_AT_ONCE = 2048 };

static unsigned unit_shift(const struct disk_node *n) { return disk_mount_of(n)->unit_shift; }
static uint64_t pages_of(uint64_t size) { return (size + PAGE_SIZE - 1) / PAGE_SIZE; }
static struct page *cached_page(const struct disk_node *n, uint64_t index)
{
    return cache_find(contents_owner((const struct fs_node *)n), index);
}

/* Finds the places of page `index` on the disk, a number for each unit, 0 for holes. 0, or what map
 * says. Under node.lock. May wait. */
static int find_place(struct disk_node *n, uint64_t index, uint32_t *disk)
{
    unsigned shift = 12 - unit_shift(n);
    for (unsigned u = 0; u < 1u << shift; u++) {
        int64_t unit = disk_ops.map(n, (index << shift) + u, false);
        if (unit < 0)
            return unit;
        disk[u] = unit;
    }
    return 0;
}

/* Zeroes what lies in page p behind the end of the file. */
static void clear_behind(const struct disk_node *n, struct page *p)
{
    uint64_t start = p->index * PAGE_SIZE, used = n->size > start ? n->size - start : 0;
    if (used < PAGE_SIZE)
        memset(p->data + used, 0, PAGE_SIZE - used);
}

/* ---- Reading ---- */

/* Reads page `index` and up to `ahead` - 1 pages behind it into the cache, in one go; the first is
 * returned, held, or fs_failed(). Under node.lock. */
static struct page *read_pages(struct disk_node *n, uint64_t index, unsigned ahead)
{
    struct page *pages[READ_AHEAD];
    uint64_t end = pages_of(n->size), owner = contents_owner(fs_node(n));
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
            if (k == index)
                return p;
            cache_put(p);
            break;
        }
        p->units = PAGE_SIZE >> unit_shift(n);
        memcpy(p->disk, disk, sizeof disk);
        pages[count++] = p;
    }
    if (!count)
        return fs_failed(error);
    error = cache_read(pages, count);
    if (index + count >= end)
        clear_behind(n, pages[count - 1]);
    for (unsigned k = 0; k < count; k++) {
        cache_ready(pages[k], error);
        if (k || error)
            cache_put(pages[k]);
    }
    return error ? fs_failed(error) : pages[0];
}

struct page *contents_page(struct fs_node *f, uint64_t index, unsigned ahead)
{
    struct page *p = cached_page(disk_node(f), index);
    if (p) {
        p->uses++;
        return p;
    }
    lock_take(&f->lock);
    p = read_pages(disk_node(f), index, ahead);
    lock_give(&f->lock);
    return p;
}

/* Pages to read at once: more when the page before is cached, which a reader from front to back
 * leaves behind. */
static unsigned read_ahead(uint64_t owner, uint64_t index)
{
    return index == 0 || cache_has(owner, index - 1) ? READ_AHEAD : READ_AROUND;
}

int64_t contents_read(struct fs_node *f, struct message *m, uint64_t position, uint64_t length)
{
    uint64_t done = 0, owner = contents_owner(f);
    int error = 0;

    while (done < length && position < f->size) {
        uint64_t index = position / PAGE_SIZE, offset = position % PAGE_SIZE;
        struct page *p = cache_find(owner, index), *held = NULL, *next;
        if (!p) {
            p = held = contents_page(f, index, read_ahead(owner, index));
            error = fs_error(p);
            if (error)
                break;
        }
        uint64_t part = MIN(length - done, PAGE_SIZE - offset);
        /* one copy takes all pages that lie together in memory */
        while (!held && part < length - done && (next = cache_find(owner, ++index)) &&
               next->data == p->data + offset + part)
            part = MIN(length - done, part + PAGE_SIZE);
        /* the file may have been cut during the wait */
        part = MIN(part, f->size > position ? f->size - position : 0);
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
    return error && (error == -EFAULT || !done) ? error : (int64_t)done;
}

/* ---- Writing ---- */

/* A write touches [from, to) of a page, and the page must be good as a whole before it is dirty.
 * What has to be done depends on where the page is, and how much of it has a place on the disk:
 *
 *     in the cache                              nothing but places for [from, to)
 *     nowhere on the disk, a hole               all zero in memory, then places for [from, to)
 *     on the disk, and touched in part          read first, then places for [from, to)
 *     on the disk as a whole, all overwritten   neither: the page stays fresh
 *
 * In the last case the old bytes are not read, since they are overwritten. The caller fills the
 * fresh page and calls cache_ready(), for which other threads that want the page wait. If the copy
 * fails the fresh page goes away, and the disk still has the old bytes. Such a page must have all
 * its places already: an allocation could fail, and a page with new places would have to be written
 * with what was in them before.
 *
 * Places that were allocated when a later one fails are not given back here: the page that holds
 * them stays in the cache, zero there, and contents_write() cuts what lies behind the end of the
 * file. */
struct page *contents_prepare(struct fs_node *f, uint64_t index, unsigned from, unsigned to)
{
    struct disk_node *n = disk_node(f);
    unsigned shift = 12 - unit_shift(n), units = 1u << shift, placed = 0;
    struct page *p = cached_page(n, index);
    if (p) {
        p->uses++;
    } else {
        uint32_t disk[CACHE_UNITS] = { 0 };
        int error = find_place(n, index, disk);
        if (error)
            return fs_failed(error);
        for (unsigned u = 0; u < units; u++)
            placed += disk[u] != 0;
        bool whole = from == 0 && to == PAGE_SIZE && placed == units;
        p = placed && !whole ? read_pages(n, index, 1) : cache_get(contents_owner(f), index);
        if (!p || fs_error(p))
            return p ? p : fs_failed(-ENOMEM);
        if (page_fresh(p)) {
            p->units = units;
            memcpy(p->disk, disk, sizeof disk);
            if (whole)
                return p;
            memset(p->data, 0, PAGE_SIZE);
            cache_ready(p, 0);
        }
    }
    int64_t unit = 0;
    for (unsigned u = from >> unit_shift(n); u <= (to - 1) >> unit_shift(n) && unit >= 0; u++) {
        unit = disk_ops.map(n, (index << shift) + u, true);
        if (unit >= 0)
            p->disk[u] = unit;
    }
    cache_dirty(p);
    if (unit >= 0)
        return p;
    cache_put(p);
    return fs_failed(unit);
}

/* To be called before the file grows: zeroes what lies behind its end in its last page. A program
 * may have written there through a mapping. */
static void clear_tail(struct disk_node *n)
{
    struct page *p = n->size % PAGE_SIZE ? cached_page(n, n->size / PAGE_SIZE) : NULL;
    if (p)
        clear_behind(n, p);
}

int contents_cut(struct fs_node *f, uint64_t size, uint64_t reached)
{
    struct disk_node *n = disk_node(f);
    struct page *p = NULL;
    if (size % PAGE_SIZE) {
        p = cached_page(n, size / PAGE_SIZE);
        if (p)
            p->uses++;
        else if (size < f->size)
            p = read_pages(n, size / PAGE_SIZE, 1);
        if (fs_error(p))
            return fs_error(p);
    }
    f->size = size;
    /* The rest of the last page becomes zero, on the disk as well; units that lie in the rest as a
     * whole have no place any more. */
    if (p) {
        cache_settle(p);
        clear_behind(n, p);
        for (unsigned u = (size % PAGE_SIZE + (1u << unit_shift(n)) - 1) >> unit_shift(n);
             u < p->units; u++)
            p->disk[u] = 0;
        cache_dirty(p);
        cache_put(p);
    }
    cache_forget_from(contents_owner(f), pages_of(size), pages_of(reached));
    return disk_ops.cut(n, size);
}

int64_t contents_write(struct fs_node *f, struct message *m, uint64_t position, uint64_t length)
{
    uint64_t done = 0;
    int error = 0;
    if (position + length > f->size)
        clear_tail(disk_node(f));
    while (done < length && !error) {
        uint64_t at = position + done;
        unsigned offset = at % PAGE_SIZE, part = MIN(length - done, (uint64_t)(PAGE_SIZE - offset));
        struct page *p = contents_prepare(f, at / PAGE_SIZE, offset, offset + part);
        error = fs_error(p);
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
    if (done && position + done > f->size)
        f->size = position + done;
    if (error && position + length > f->size)
        contents_cut(f, f->size, position + length);
    return done ? (int64_t)done : error;
}

int contents_resize(struct fs_node *f, uint64_t size)
{
    if (size < f->size)
        return contents_cut(f, size, f->size);
    clear_tail(disk_node(f));
    f->size = size;
    return 0;
}

/* ---- Room and holes ---- */

/* 1 if each byte of page `index` that is in the file has a place on the disk, else 0, or an error.
 * Under node.lock. May wait. */
static int placed(struct disk_node *n, uint64_t index, unsigned bytes)
{
    uint32_t disk[CACHE_UNITS];
    int error = find_place(n, index, disk);
    for (unsigned u = 0; !error && u <= (bytes - 1) >> unit_shift(n); u++)
        if (!disk[u])
            return 0;
    return error ? error : 1;
}

int contents_allocate(struct fs_node *f, uint64_t from, uint64_t to)
{
    struct disk_node *n = disk_node(f);
    if (to > f->size) /* e2fsck finds no sense in blocks behind the end */
        return -EOPNOTSUPP;
    uint64_t end = pages_of(to);
    for (uint64_t index = from / PAGE_SIZE; index < end; index++) {
        unsigned bytes = MIN(f->size - index * PAGE_SIZE, (uint64_t)PAGE_SIZE);
        int there = placed(n, index, bytes);
        struct page *p = there ? NULL : contents_prepare(f, index, 0, bytes);
        int error = there < 0 ? there : fs_error(p);
        if (error)
            return error;
        if (p)
            cache_put(p);
        GIVE_WAY_EVERY(PAGES_AT_ONCE, 1, end - index - 1);
    }
    return 0;
}

/* Makes bytes [from, to) of page `index` zero. As a whole the page becomes a hole, unless it is
 * lent: programs have it mapped, and must see zeros, not another page. */
static int punch_page(struct disk_node *n, uint64_t index, unsigned from, unsigned to)
{
    unsigned shift = 12 - unit_shift(n);
    struct page *p = cached_page(n, index);
    if (p) {
        p->uses++;
        cache_settle(p);
        cache_put(p);
    }
    if (to - from == PAGE_SIZE && !(p && p->pins)) {
        cache_forget(contents_owner(fs_node(n)), index);
        return disk_ops.free(n, index << shift, (index + 1) << shift);
    }
    p = contents_prepare(fs_node(n), index, from, to);
    if (fs_error(p))
        return fs_error(p);
    memset(p->data + from, 0, to - from);
    cache_dirty(p);
    cache_put(p);
    return 0;
}

/* The number of the first page from number `index` on that has a place; -ENXIO, or an error. */
static int64_t next_page(struct disk_node *n, uint64_t index)
{
    unsigned shift = 12 - unit_shift(n);
    int64_t unit = disk_ops.next(n, index << shift);
    return unit < 0 ? unit : unit >> shift;
}

int contents_punch(struct fs_node *f, uint64_t from, uint64_t to)
{
    uint64_t end = pages_of(to);
    int64_t index = from / PAGE_SIZE;
    int error = 0;
    while (!error && (index = next_page(disk_node(f), index)) >= 0 && (uint64_t)index < end) {
        uint64_t start = index * PAGE_SIZE;
        error = punch_page(disk_node(f), index, MAX(from, start) - start,
                           MIN(to - start, (uint64_t)PAGE_SIZE));
        index++;
        GIVE_WAY_EVERY(PAGES_AT_ONCE, 1, end - MIN((uint64_t)index, end));
    }
    return error ? error : index == -ENXIO ? 0 : (int)MIN(index, 0);
}

int64_t contents_seek(struct fs_node *f, uint64_t position, bool hole)
{
    struct disk_node *n = disk_node(f);
    unsigned shift = unit_shift(n);
    int64_t unit = position >> shift, place = 1;
    if (!hole) {
        unit = disk_ops.next(n, unit);
        if (unit < 0)
            return unit;
        return unit << shift < (int64_t)f->size ? (int64_t)MAX(position, (uint64_t)unit << shift)
                                                : -ENXIO;
    }
    uint64_t end = (f->size + (1u << shift) - 1) >> shift;
    while ((uint64_t)unit < end && (place = disk_ops.map(n, unit, false)) > 0) {
        unit++;
        GIVE_WAY_EVERY(UNITS_AT_ONCE, 1, end - unit);
    }
    return place < 0 ? place : (int64_t)MIN(MAX(position, (uint64_t)unit << shift), f->size);
}

/* ---- Pages for PM ---- */

int contents_lend(struct fs_node *f, uint64_t index, unsigned ahead, bool wanted, uint64_t *address)
{
    (void)wanted;
    struct page *p = contents_page(f, index, ahead);
    if (fs_error(p))
        return fs_error(p);
    bool pinned = cache_pin(p);
    cache_put(p);
    *address = (uint64_t)(uintptr_t)p->data;
    return pinned ? 0 : -ENOMEM;
}

/* How many units of a page, which begins before the end of the file, begin before that end. */
static unsigned units_in_file(const struct disk_node *n, const struct page *p)
{
    uint64_t end = MIN(n->size - p->index * PAGE_SIZE, (uint64_t)PAGE_SIZE);
    return ((end - 1) >> unit_shift(n)) + 1;
}

/* A page that is written through a mapping may lie over a hole, which gets its place now. Under
 * node.lock. May wait. */
static int page_place(struct disk_node *n, struct page *p)
{
    unsigned shift = 12 - unit_shift(n);
    int64_t unit = 0;
    p->uses++;
    for (unsigned u = 0; u < units_in_file(n, p) && unit >= 0; u++) {
        if (p->disk[u])
            continue;
        unit = disk_ops.map(n, (p->index << shift) + u, true);
        if (unit >= 0)
            p->disk[u] = unit;
    }
    cache_dirty(p);
    cache_put(p);
    return MIN(unit, 0);
}

/* Takes back a page that was written through a mapping: it becomes dirty, and gets the places that
 * it has not (FS_RESERVE has mostly given them). A page that is no part of the file any more is
 * left alone. 0, or -ENOSPC, which an fsync reports too. Under node.lock. May wait. */
static int adopt_written(struct disk_node *n, struct page *p)
{
    uint64_t owner = contents_owner(fs_node(n));
    if ((p->state & PAGE_GONE) || p->owner != owner || p->index * PAGE_SIZE >= n->size)
        return 0;
    clear_behind(n, p);
    flush_later();
    int error = page_place(n, p);
    if (error)
        cache_failed(owner);
    return error;
}

int contents_take_back(struct fs_node *f, uint64_t address)
{
    struct page *p = cache_by_address(address);
    if (!p)
        return 0;
    int error = f ? adopt_written(disk_node(f), p) : 0;
    cache_unpin(p);
    return error;
}

/* A lent page of the file as it is now, or NULL. */
static struct page *lent_page(const struct disk_node *n, uint64_t index)
{
    struct page *p = index * PAGE_SIZE < n->size ? cached_page(n, index) : NULL;
    return p && p->pins ? p : NULL;
}

int64_t contents_reserve(struct fs_node *f, uint64_t first, unsigned count, uint64_t wanted)
{
    struct disk_node *n = disk_node(f);
    struct page *p = lent_page(n, wanted);
    int64_t placed = 0;
    int error = p ? page_place(n, p) : 0;
    if (!p || error)
        return error;
    for (unsigned k = 0; k < count; k++) {
        unsigned u = 0;
        p = lent_page(n, first + k);
        while (p && u < units_in_file(n, p) && p->disk[u])
            u++;
        if (p && u == units_in_file(n, p))
            placed |= 1l << k;
    }
    return placed;
}
