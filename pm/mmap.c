/* mmap, munmap, remap_file_pages and brk, with the arguments, results and errors of Linux. */
#include "mmap.h"

#include "backing.h"
#include "frames.h"
#include "fault.h"
#include "handlers.h"
#include "lock.h"
#include "segment.h"
#include "space.h"

enum {
    MAP_SHARED = 1,
    MAP_PRIVATE = 2,
    MAP_SHARED_VALIDATE = 3,
    MAP_TYPE = 15,
    MAP_FIXED = 0x10,
    MAP_ANONYMOUS = 0x20,
    MAP_32BIT = 0x40,
    MAP_GROWSDOWN = 0x100,
    MAP_LOCKED = 0x2000,
    MAP_NORESERVE = 0x4000,
    MAP_POPULATE = 0x8000,
    MAP_HUGETLB = 0x40000,
    MAP_FIXED_NOREPLACE = 0x100000,
    /* all flags of before MAP_SHARED_VALIDATE, which refuses further ones */
    MAP_OLD = 0x7f9f3,
};

/* What one mmap wants. */
struct wish {
    uint64_t address, length, flags, offset;
    uint8_t protection, allowed;
    bool shared, anonymous;
    struct backing *backing; /* with one user more, which becomes the region */
};

static int check(const struct message *m, struct wish *w)
{
    *w = (struct wish){ .address = m->w[0],
                        .length = PAGE_UP(m->w[1]),
                        .flags = m->w[3],
                        .offset = m->w[5],
                        .protection = region_protection(m->w[2]),
                        .allowed = PAGE_ALL };
    unsigned type = w->flags & MAP_TYPE;
    if (w->flags & MAP_FIXED_NOREPLACE)
        w->flags |= MAP_FIXED;
    w->shared = type != MAP_PRIVATE;
    w->anonymous = w->flags & MAP_ANONYMOUS;
    if (w->offset % PAGE_SIZE || !m->w[1])
        return -EINVAL;
    if (w->anonymous)
        w->offset = 0; /* /dev/zero, which is found out later, keeps its own, as on Linux */
    if (w->length < m->w[1] || w->length > USER_TOP - ADDRESS_MIN)
        return -ENOMEM;
    if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)
        return -EINVAL;
    if (w->flags & MAP_FIXED) {
        if (w->address % PAGE_SIZE)
            return -EINVAL;
        if (w->address > USER_TOP - w->length)
            return -ENOMEM;
        if (w->address < ADDRESS_MIN)
            return -EPERM;
    }
    return 0;
}

/* Whether the file is sealed against writes through new maps. May wait. */
static bool sealed(const struct conn_info *info)
{
    int64_t seals = info->flags & CONN_APART
                        ? 0
                        : call_object(info->service, FS_SEALS, info->object, 0, 0, 0);
    return seals > 0 && seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
}

/* Finds the file behind the descriptor, and what the mode allows that it was opened in. 0 or an
 * error. May wait. */
static int open_file(const struct message *m, struct wish *w)
{
    struct conn_info info;
    if (ask_conn_get(m->call, (uint32_t)m->w[4], &info) < 0 || info.flags & O_PATH)
        return -EBADF;
    if (!range_within(w->offset, w->length, INT64_MAX))
        return -EOVERFLOW;
    uint32_t access = info.flags & O_ACCMODE;
    if (access == O_WRONLY)
        return -EACCES;
    if (w->shared && access != O_RDWR) {
        if (w->protection & PAGE_WRITE)
            return -EACCES;
        w->allowed &= ~PAGE_WRITE;
    }
    if (w->shared && w->allowed & PAGE_WRITE && sealed(&info)) {
        if (w->protection & PAGE_WRITE)
            return -EPERM;
        w->allowed &= ~PAGE_WRITE;
    }
    bool zero;
    if (info.flags & CONN_APART) /* not a file server's object */
        return -ENODEV;
    int error = backing_get(m->from, info.service, info.object, &w->backing, &zero);
    if (error == -ENODEV && zero) {
        w->anonymous = true;
        w->allowed = PAGE_ALL;
        return 0;
    }
    return error;
}

/* Chooses the address of a mapping. 0: there is no room. */
static vaddr_t place(const struct space *s, const struct wish *w)
{
    const vaddr_t low_first = 0x40000000, low_top = 0x80000000; /* Linux: find_start_end() */
    vaddr_t hint = PAGE_DOWN(w->address), top = w->flags & MAP_32BIT ? low_top : USER_TOP;
    if (w->flags & MAP_FIXED)
        return w->address;
    if (w->length > top)
        return 0;
    if (hint >= ADDRESS_MIN && hint <= top - w->length &&
        regions_apart(&s->regions, hint, hint + w->length))
        return hint;
    if (w->flags & MAP_32BIT)
        return regions_gap(&s->regions, w->length, low_first, low_top);
    vaddr_t at = regions_gap(&s->regions, w->length, ADDRESS_MIN, s->mmap_top);
    return at ? at : regions_gap(&s->regions, w->length, s->mmap_top, USER_TOP);
}

/* Unmaps what is in the way, and reserves places for that and for one region more. 0; -ENOMEM;
 * -ESRCH: the space has gone, and *s is NULL; -EAGAIN: other threads map something there again and
 * again. May wait. */
static int make_room(struct space **s, endpoint_t task, vaddr_t start, vaddr_t end)
{
    /* other threads may map something there meanwhile */
    enum { ROUNDS = 4 };
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (regions_free(&(*s)->regions, start, end))
            return regions_reserve(&(*s)->regions, 1);
        if (regions_reserve(&(*s)->regions, 3) < 0)
            return -ENOMEM;
        *s = space_unmap(*s, task, start, end);
        if (!*s)
            return -ESRCH;
    }
    return -EAGAIN;
}

/* Makes the region, after all that may fail. Returns its address or an error. May wait. */
static int64_t map(struct space *s, endpoint_t task, const struct wish *w)
{
    bool data = w->protection & PAGE_WRITE && !w->shared;
    uint8_t locks = s->lock_new | (w->flags & MAP_LOCKED ? REGION_LOCKED : 0);
    if (w->flags & MAP_LOCKED && !s->limit[PM_LIMIT_MEMLOCK])
        return -EPERM;
    if (locks && !space_may_lock(s, w->length))
        return -EAGAIN;
    uint64_t replaced = w->flags & MAP_FIXED
                            ? regions_pages(&s->regions, w->address, w->address + w->length) *
                                  PAGE_SIZE
                            : 0;
    if (!space_allows(s, w->length - MIN(replaced, w->length), data))
        return -ENOMEM;
    if (w->anonymous && w->protection & PAGE_WRITE && !(w->flags & MAP_NORESERVE) &&
        w->length / PAGE_SIZE > frames_total())
        return -ENOMEM;
    if (replaced && w->flags & MAP_FIXED_NOREPLACE)
        return -EEXIST;
    vaddr_t at = place(s, w);
    if (!at)
        return -ENOMEM;
    int error = replaced ? make_room(&s, task, at, at + w->length)
                         : regions_reserve(&s->regions, 1);
    if (error)
        return error;
    regions_insert(&s->regions,
                   &(struct region){ .start = at,
                                     .end = at + w->length,
                                     .offset = w->backing ? w->offset : 0,
                                     .backing = w->backing,
                                     .protection = w->protection,
                                     .allowed = w->allowed,
                                     .flags = locks | (w->shared ? REGION_SHARED : 0) |
                                              (w->flags & MAP_GROWSDOWN ? REGION_STACK : 0) });
    space_account(s);
    fault_new(s, at, at + w->length);
    return at;
}

int64_t map_backing(endpoint_t task, struct backing *b, vaddr_t address, bool replace,
                    uint8_t protection, uint8_t allowed)
{
    struct wish w = { .address = address,
                      .length = PAGE_UP(b->size),
                      .flags = (address ? MAP_FIXED : 0) | (replace ? 0 : MAP_FIXED_NOREPLACE),
                      .protection = protection,
                      .allowed = allowed,
                      .shared = true,
                      .backing = b };
    struct space *s = space_of(task);
    bool fits = address <= USER_TOP - w.length && (!address || address >= ADDRESS_MIN);
    int64_t at = !s ? -ESRCH : fits ? map(s, task, &w) : -EINVAL;
    if (at < 0)
        backing_unref(b);
    backing_settle_soon();
    return at;
}

int64_t do_mmap(struct message *m)
{
    struct wish w;
    struct space *s = space_of(m->from);
    uint64_t id = s ? s->id : 0;
    int error = check(m, &w);
    if (!w.anonymous && !error)
        error = open_file(m, &w);
    if (!error && (m->w[3] & MAP_TYPE) == MAP_SHARED_VALIDATE)
        error = w.anonymous ? -EINVAL : m->w[3] & ~(uint64_t)MAP_OLD ? -EOPNOTSUPP : 0;
    if (!error && w.flags & MAP_GROWSDOWN && (w.shared || !w.anonymous))
        error = -EINVAL;
    if (!error && w.flags & MAP_HUGETLB) /* as Linux without CONFIG_HUGETLBFS */
        error = -EINVAL;
    if (error && w.backing)
        backing_unref(w.backing);
    if (error)
        return error;
    if (w.anonymous && w.shared && !(w.backing = backing_shared(m->from, w.length)))
        return -ENOMEM;
    s = space_of(m->from); /* another thread may have run another program meanwhile */
    int64_t at = s && s->id == id ? map(s, m->from, &w) : -ESRCH;
    if (at < 0 && w.backing)
        backing_unref(w.backing);
    backing_settle_soon();
    if (at > 0 && w.flags & MAP_POPULATE && w.protection)
        fault_range(m->from, at, at + w.length, w.protection & PAGE_WRITE ? PM_FAULT_WRITE : 0);
    if (at > 0)
        lock_bring(m->from, at, at + w.length);
    return at;
}

int64_t do_munmap(struct message *m)
{
    vaddr_t start = m->w[0], length = PAGE_UP(m->w[1]);
    struct space *s = space_of(m->from);
    if (!s)
        return -ESRCH;
    if (start % PAGE_SIZE || !length || start > USER_TOP || length > USER_TOP - start)
        return -EINVAL;
    if (regions_reserve_removal(&s->regions, start, start + length) < 0)
        return -ENOMEM;
    s = space_unmap(s, m->from, start, start + length);
    if (s)
        space_account(s);
    backing_settle_soon();
    return 0;
}

/* Whether what is mapped from r on shows the same memory in the same way, without a hole, up to
 * `end`. */
static bool shows_alike(const struct space *s, const struct region *r, vaddr_t end)
{
    for (const struct region *next; r->end < end; r = next) {
        next = regions_next(&s->regions, r);
        if (!next || next->start != r->end || next->backing != r->backing ||
            next->flags != r->flags || next->protection != r->protection ||
            next->allowed != r->allowed)
            return false;
    }
    return true;
}

/* Has the range show w->backing, which has a user more for it, from another page on. 0 or an error.
 * May wait. */
static int64_t show_instead(struct space *s, endpoint_t task, const struct wish *w)
{
    const vaddr_t end = w->address + w->length;
    if (w->backing->segment && segment_dropped(w->backing)) {
        /* the range may be the last that shows the segment, which goes with it */
        if (regions_reserve_removal(&s->regions, w->address, end) < 0)
            return -ENOMEM;
        s = space_unmap(s, task, w->address, end);
        if (!s || w->backing->users == 1)
            return s ? -EINVAL : -ESRCH;
    }
    return MIN(map(s, task, w), 0l);
}

/* remap_file_pages: a mapping of shared memory, or a part of one, shows other pages. It is an mmap
 * of what is mapped there, as on Linux since it knows no mappings of pages in any order. */
int64_t do_remap_pages(struct message *m)
{
    vaddr_t start = PAGE_DOWN(m->w[0]), length = PAGE_DOWN(m->w[1]), end = start + length;
    uint64_t page = m->w[3];
    struct space *s = space_of(m->from);
    if (!s)
        return -ESRCH;
    if (m->w[2] || end <= start || page + length / PAGE_SIZE < page)
        return -EINVAL;
    const struct region *r = regions_at(&s->regions, start);
    if (!r || !(r->flags & REGION_SHARED) || !r->backing || !shows_alike(s, r, end))
        return -EINVAL;
    if (page > INT64_MAX / PAGE_SIZE || !range_within(page * PAGE_SIZE, length, INT64_MAX))
        return -EOVERFLOW;
    struct wish w = { .address = start,
                      .length = length,
                      .flags = MAP_FIXED | (r->flags & REGION_LOCKED ? MAP_LOCKED : 0),
                      .offset = page * PAGE_SIZE,
                      .protection = r->protection,
                      .allowed = r->allowed,
                      .shared = true,
                      .backing = r->backing };
    backing_ref(w.backing);
    int64_t error = show_instead(s, m->from, &w);
    if (error)
        backing_unref(w.backing);
    backing_settle_soon();
    if (!error && w.protection)
        fault_range(m->from, start, end, 0);
    if (!error)
        lock_bring(m->from, start, end);
    return error;
}

/* Moves the break, upwards only where nothing else is mapped; what a program has mapped over a part
 * of its heap stays while the heap grows. Returns the break, old or new. */
int64_t do_brk(struct message *m)
{
    vaddr_t want = m->w[0];
    struct space *s = space_of(m->from);
    if (!s)
        return -ESRCH;
    vaddr_t old_end = PAGE_UP(s->brk), end = PAGE_UP(want);
    if (want < s->brk_start || want > USER_TOP - PAGE_SIZE)
        return s->brk;
    if (end < old_end ? regions_reserve_removal(&s->regions, end, old_end) < 0
                      : regions_reserve(&s->regions, 1) < 0)
        return s->brk;
    if (end > old_end) {
        uint64_t more = end - old_end;
        if (!regions_free(&s->regions, old_end, end + PAGE_SIZE) || !space_allows(s, more, true) ||
            more / PAGE_SIZE > frames_total() || (s->lock_new && !space_may_lock(s, more)))
            return s->brk;
        if (end - s->brk_start > s->limit[PM_LIMIT_DATA])
            return s->brk;
        regions_insert(&s->regions, &(struct region){ .start = old_end,
                                                      .end = end,
                                                      .protection = PAGE_READ | PAGE_WRITE,
                                                      .allowed = PAGE_ALL,
                                                      .flags = REGION_HEAP | s->lock_new });
    } else if (end < old_end) {
        s = space_unmap(s, m->from, end, old_end);
        if (!s)
            return -ESRCH;
    }
    s->brk = want;
    space_account(s);
    if (end > old_end) {
        fault_new(s, old_end, end);
        lock_bring(m->from, old_end, end);
    }
    backing_settle_soon();
    return want;
}
