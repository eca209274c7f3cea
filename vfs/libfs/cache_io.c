/* Between the cache and the device: reading fresh pages, writing dirty ones back, in runs that are
 * as long as the blocks lie together on the device.
 *
 * The order in which things reach the disk:
 *
 *   1. A sync of everything writes metadata first (inode tables, bitmaps, directories, the
 *      superblock), then the data of files. After a crash in between, a new file's blocks may hold
 *      old bytes; but no file whose name is gone can come back with another file's bytes in it.
 *   2. An fsync writes the file's data first, then all metadata, then flushes the device: when the
 *      fsync returns, the data are on the disk, and the file can be found by its name.
 *   3. When the pool is full (cache_write_some), the pages that have been dirty for longest go, and
 *      metadata before data, as in 1.
 *
 * A sync writes what was dirty when it began and no more, or it would never end while others write:
 * each page knows when it became dirty (`since`), by a count of cache_dirty(). A page that becomes
 * dirty again while it is being written is both PAGE_WRITING and PAGE_DIRTY, and is written once
 * more. No page is written twice at the same time, and a page whose place on the disk is to change
 * waits for its write (cache_settle).
 *
 * A run that fails is tried again page by page, so that the error is reported to the file of the
 * page that failed, and to no other. */
#include "cache_private.h"

#include <minnow/file.h>

enum { BATCH = 64, RUN_BYTES = 128 * 1024 };

static struct device {
    endpoint_t service;
    uint64_t object;
    uint32_t unit;    /* bytes */
    uint32_t writing; /* pages on their way to it */
    int error;        /* of a write, since the last sync */
    struct condition written;
} devices[CACHE_DEVICES];

static uint32_t dirty_clock; /* counts cache_dirty(): a sync stops at pages that came after it */

void cache_device(unsigned index, endpoint_t service, uint64_t object, uint32_t unit)
{
    devices[index] = (struct device){ .service = service, .object = object, .unit = unit };
}

int cache_device_read(endpoint_t service, uint64_t object, uint64_t position, void *to,
                      size_t bytes)
{
    struct call_args a = { .op = FS_READ, .object = object, .position = position };
    struct call_result r;
    return call_window(service, &a, WINDOW_OUT, to, bytes, &r) == (int64_t)bytes ? 0 : -EIO;
}

void cache_dirty(struct page *p)
{
    if (p->state & (PAGE_DIRTY | PAGE_GONE))
        return;
    p->state |= PAGE_DIRTY;
    p->since = ++dirty_clock;
    p->before = dirty_ring.before;
    p->behind = &dirty_ring;
    dirty_ring.before->behind = p;
    dirty_ring.before = p;
    dirty_count++;
}

bool cache_any_dirty(void) { return dirty_count != 0; }

/* ---- Transfers ---- */

struct run { /* units that follow each other on the device */
    struct device *device;
    bool write;
    unsigned count;
    uint64_t position;
    size_t bytes;
    struct iovec parts[BATCH];
};

/* Transfers what the run has collected, in one call to the driver, and empties it. 0, -EIO. */
static int run_end(struct run *r)
{
    if (!r->bytes)
        return 0;
    struct call_args a = { .op = r->write ? FS_WRITE : FS_READ,
                           .object = r->device->object,
                           .position = r->position };
    struct call_result answer;
    enum window window = r->write ? WINDOW_IN : WINDOW_OUT;
    int64_t done = r->count == 1
                       ? call_window(r->device->service, &a, window,
                                     (void *)(uintptr_t)r->parts[0].base, r->bytes, &answer)
                       : call_window(r->device->service, &a, window | WINDOW_IOVEC, r->parts,
                                     r->count, &answer);
    int error = done == (int64_t)r->bytes ? 0 : -EIO;
    if (error)
        print("device %s error at byte %lu: %ld", r->write ? "write" : "read", r->position, done);
    r->bytes = 0;
    r->count = 0;
    return error;
}

/* Adds a unit to the run. A unit that does not follow on the device, or has no room, ends the run
 * and begins the next. 0, or -EIO of the run that was ended. */
static int run_add(struct run *r, uint8_t *data, uint32_t block)
{
    uint32_t unit = r->device->unit;
    uint64_t position = (uint64_t)block * unit;
    int error = 0;
    if (r->bytes) {
        struct iovec *last = &r->parts[r->count - 1];
        bool follows = position == r->position + r->bytes && r->bytes < RUN_BYTES;
        if (follows && last->base + last->length == (caller_t)(uintptr_t)data) {
            last->length += unit;
            r->bytes += unit;
            return 0;
        }
        if (!follows || r->count == BATCH)
            error = run_end(r);
    }
    if (!r->bytes)
        r->position = position;
    r->parts[r->count++] = (struct iovec){ (caller_t)(uintptr_t)data, unit };
    r->bytes += unit;
    return error;
}

/* Reads or writes all units of the pages that have a place on the device. 0, or -EIO if any of the
 * runs failed; all are tried. */
static int transfer(struct device *d, bool write, struct page **pages, unsigned count)
{
    struct run r = { .device = d, .write = write };
    int error = 0;
    for (unsigned i = 0; i < count; i++) {
        struct page *p = pages[i];
        for (unsigned u = 0; u < p->units; u++) {
            uint8_t *data = p->data + u * d->unit;
            if (p->disk[u] || p->owner & CACHE_META) {
                int e = run_add(&r, data, p->disk[u]);
                error = error ? error : e;
            } else if (!write) {
                memset(data, 0, d->unit);
            }
        }
        size_t used = p->units * d->unit;
        if (!write && used < PAGE_SIZE)
            memset(p->data + used, 0, PAGE_SIZE - used);
    }
    int e = run_end(&r);
    return error ? error : e;
}

int cache_read(struct page **pages, unsigned count)
{
    return transfer(&devices[pages[0]->owner >> 56], false, pages, count);
}

/* ---- Failed writes ---- */

enum { FAILURES = 32 };
#define CALL_ERRORS_MAX 0x3fffffffu

/* The last failure of each owner. Only the first `failures_used` places have ever been used: mostly
 * none, so that an open, which looks for its file's, is fast. A failure for which no place is left
 * counts as one of the whole device. */
static struct failure {
    uint64_t owner;
    uint32_t number;
    bool told;
} failures[FAILURES];
static unsigned failures_used;
static uint32_t last_failure;

static struct failure *failure_of(uint64_t owner)
{
    for (struct failure *f = failures; f < failures + failures_used; f++)
        if (f->number && f->owner == owner)
            return f;
    return NULL;
}

void cache_failed(uint64_t owner)
{
    uint64_t who = owner & CACHE_META ? cache_meta(owner >> 56) : owner;
    struct failure *f = failure_of(who), *end = failures + FAILURES;
    if (!f)
        for (f = failures; f < end && f->number; f++)
            ;
    if (f == end) {
        who = cache_meta(owner >> 56);
        f = failure_of(who);
        f = f ? f : failures;
    }
    failures_used = MAX(failures_used, (unsigned)(f - failures) + 1);
    f->owner = who;
    f->number = last_failure < CALL_ERRORS_MAX ? ++last_failure : last_failure;
    f->told = false;
}

/* The last failure that concerns a file, or NULL. */
static struct failure *last_of(uint64_t owner)
{
    struct failure *own = failure_of(owner), *all = failure_of(cache_meta(owner >> 56));
    return !own || (all && all->number > own->number) ? all : own;
}

static uint32_t last_number(uint64_t owner)
{
    const struct failure *f = last_of(owner);
    return f ? f->number : 0;
}

int cache_told(struct message *m, uint64_t owner)
{
    struct failure *f = last_of(owner);
    uint32_t knows = m->flags >> CALL_ERRORS_SHIFT, number = last_number(owner);
    if (m->from < MAX_SERVICE)
        reply_words(m, MAX(number, knows), 0, 0);
    if (number <= knows)
        return 0;
    f->told = true;
    if (m->from >= MAX_SERVICE)
        connection_errors(m, number);
    return -EIO;
}

uint64_t cache_errors_at_open(uint64_t owner)
{
    const struct failure *f = last_of(owner);
    uint64_t number = !f ? 0 : f->told ? f->number : f->number - 1;
    return number << CALL_ERRORS_SHIFT;
}

void cache_forgive(uint64_t owner)
{
    struct failure *f = failure_of(owner);
    if (f)
        f->number = 0;
}

/* ---- Writing back ---- */

/* Sorts by the first unit's place on the device, so that runs are long. */
static void sort_by_place(struct page **pages, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        struct page *p = pages[i];
        unsigned k = i;
        for (; k > 0 && pages[k - 1]->disk[0] > p->disk[0]; k--)
            pages[k] = pages[k - 1];
        pages[k] = p;
    }
}

/* Finds up to BATCH dirty pages, those that have been dirty for longest first, whose owner is
 * `value` under `mask` and which were dirty when dirty_clock was `until`: how many. All are of one
 * device, and none is being written. */
static unsigned collect(uint64_t mask, uint64_t value, uint32_t until, struct page **pages)
{
    unsigned count = 0;
    for (struct page *p = dirty_ring.behind; p != &dirty_ring && count < BATCH; p = p->behind) {
        if ((int32_t)(p->since - until) > 0)
            break;
        if ((p->owner & mask) != value || (p->state & PAGE_WRITING))
            continue;
        if (count && pages[0]->owner >> 56 != p->owner >> 56)
            continue;
        pages[count++] = p;
    }
    return count;
}

/* Writes pages of one device, and remembers which failed. A page is clean as soon as its write
 * begins, so that a change during the write makes it dirty again. May wait. */
static void write_batch(struct page **pages, unsigned count)
{
    struct device *d = &devices[pages[0]->owner >> 56];
    for (unsigned i = 0; i < count; i++) {
        page_clean(pages[i]);
        pages[i]->state |= PAGE_WRITING;
    }
    d->writing += count;
    sort_by_place(pages, count);
    if (transfer(d, true, pages, count))
        for (unsigned i = 0; i < count;
             i++) /* each page by itself, to find out to which file the error belongs */
            if (transfer(d, true, &pages[i], 1)) {
                d->error = -EIO;
                cache_failed(pages[i]->owner);
            }
    d->writing -= count;
    for (unsigned i = 0; i < count; i++) {
        struct page *p = pages[i];
        p->state &= ~PAGE_WRITING;
        condition_wake(&p->done);
        if ((p->state & PAGE_GONE) && !p->uses && !p->pins)
            page_release(p);
    }
    condition_wake(&d->written);
}

void cache_settle(struct page *p)
{
    while (p->state & PAGE_WRITING)
        condition_wait(&p->done);
}

/* Writes the pages that collect() selects and that are dirty now, and waits for writes of other
 * threads to the device. */
static void sync_matching(uint64_t mask, uint64_t value, struct device *d)
{
    struct page *pages[BATCH];
    uint32_t until = dirty_clock;
    for (;;) {
        unsigned count = collect(mask, value, until, pages);
        if (count)
            write_batch(pages, count);
        else if (d->writing)
            condition_wait(&d->written);
        else
            break;
    }
}

int cache_sync_owner(uint64_t owner)
{
    struct device *d = &devices[owner >> 56];
    uint32_t before = last_number(owner);
    sync_matching(UINT64_MAX, owner, d);
    return last_number(owner) == before ? 0 : -EIO;
}

int cache_sync_meta(unsigned device)
{
    struct device *d = &devices[device];
    uint32_t before = last_number(cache_meta(device));
    sync_matching(0xffull << 56 | CACHE_META, cache_meta(device), d);
    return last_number(cache_meta(device)) == before ? 0 : -EIO;
}

int cache_sync_data(unsigned device)
{
    struct device *d = &devices[device];
    sync_matching(0xffull << 56 | CACHE_META, cache_owner(device, 0), d);
    int error = d->error;
    d->error = 0;
    return error;
}

int cache_flush_device(unsigned device)
{
    struct device *d = &devices[device];
    return call_object(d->service, FS_SYNC, d->object, FS_SYNC_ALL, 0, 0) == -EIO ? -EIO : 0;
}

void cache_write_some(void)
{
    struct page *pages[BATCH];
    unsigned count = collect(CACHE_META, CACHE_META, dirty_clock, pages);
    if (!count)
        count = collect(0, 0, dirty_clock, pages);
    if (count)
        write_batch(pages, count);
    else if (dirty_count)
        cache_settle(dirty_ring.behind); /* dirty again while it is being written */
}
