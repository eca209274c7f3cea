/* mremap(2): a mapping shrinks, grows where it stands, moves with its pages, leaves an empty one
 * behind (MREMAP_DONTUNMAP), or, if it is shared, is there once more (an old length of 0). */
#include "backing.h"
#include "frames.h"
#include "handlers.h"
#include "lock.h"
#include "space.h"

#include <minnow/range.h>

enum { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2, MREMAP_DONTUNMAP = 4 };
enum { BATCH = 64, TABLE_PAGES = 512 };
/* of regions, for a move: what it splits at its source, and its target */
enum { PLACES = 5 };

/* Takes the pages of a range to another address. What is not PM's own (pages of files, shared
 * memory) is found again by a fault. The kernel may need page tables for it, which cannot be
 * refused in the middle of that: see room_to_move(). */
static void move_pages(struct space *s, vaddr_t from, vaddr_t to, uint64_t length,
                       uint32_t protection)
{
    struct page_out out[BATCH];
    struct page_change map[BATCH];
    vaddr_t at = from, end = from + length;
    while (at < end) {
        struct page_change c = page_list(s, PAGE_UNMAP, at, (end - at) / PAGE_SIZE, out, BATCH);
        int64_t n = sys_pages(&c, 1);
        unsigned k = 0;
        for (int64_t i = 0; i < n; i++) {
            if (!out[i].entry)
                continue;
            if (!(out[i].entry & PAGE_OUT_OWNED)) {
                const struct region *r = regions_at(&s->regions, out[i].address);
                if (out[i].entry & PAGE_OUT_DIRTY && r && r->backing && r->backing->service)
                    backing_mark_dirty(r->backing,
                                       (r->offset + out[i].address - r->start) / PAGE_SIZE);
                s->usage->peak = MAX(s->usage->peak, s->usage->resident);
                s->usage->resident--;
                continue;
            }
            uint32_t p = (out[i].entry & PAGE_OUT_WRITABLE ? protection
                                                           : protection & ~PAGE_WRITE) |
                         PAGE_OWNED;
            map[k++] = (struct page_change){ .address = out[i].address - from + to,
                                             .count = 1,
                                             .source = PAGE_DOWN(out[i].entry),
                                             .task = s->task,
                                             .protection = p,
                                             .action = PAGE_MAP };
        }
        if (k && pages_do(map, k) < 0)
            die("no page tables for a move");
        if (n <= 0 || (n < BATCH && out[n - 1].entry))
            return;
        at = out[n - 1].address + PAGE_SIZE;
    }
}

/* Makes the page tables of a range in which nothing is mapped. false: there is no memory for them,
 * or it is left for root. */
static bool tables_make(const struct space *s, vaddr_t start, vaddr_t end)
{
    const uint64_t span = TABLE_PAGES * PAGE_SIZE;
    for (vaddr_t at = start; at < end; at = at / span * span + span) {
        paddr_t none = 0; /* a page is filled with no frame: the kernel makes its table */
        struct page_change c = { .address = at,
                                 .count = 1,
                                 .source = (uint64_t)&none,
                                 .task = s->task,
                                 .action = PAGE_FILL_ZERO };
        if (pages_do(&c, 1) < 0)
            return false;
    }
    return true;
}

/* Whether the page tables are there, or can be had by whoever asks for them, that a move of
 * `length` bytes to this address may need. */
static bool room_to_move(const struct space *s, vaddr_t to, uint64_t length)
{
    enum { UPPER_TABLES = 16, PLENTY_PART = 8, FEW = 64 };
    uint64_t tables = length / PAGE_SIZE / TABLE_PAGES + UPPER_TABLES;
    if (frames_unused() > tables + frames_total() / PLENTY_PART)
        return true;
    return tables < MAX(frames_unused(), (uint64_t)FEW) && tables_make(s, to, to + length);
}

/* Moves the pages of `length` bytes, and the regions that they belong to, in steps. The whole
 * target is there from the beginning, so that nothing else is mapped there, but no thread may touch
 * it before all pages have come. Other threads that change either range meanwhile end the move. */
static int64_t move_in_steps(struct space *s, endpoint_t task, struct region target, vaddr_t from,
                             uint64_t length, bool stays)
{
    const vaddr_t to = target.start;
    const uint8_t protection = target.protection;
    target.protection = target.allowed = 0;
    for (uint64_t done = 0; done < length;) {
        uint64_t part = MIN(length - done, (uint64_t)STEP_PAGES / 2 * PAGE_SIZE);
        struct region *old = regions_at(&s->regions, from + done),
                      *new = regions_at(&s->regions, to + done);
        bool same = old && new && old->backing == target.backing &&
                    old->end - (from + done) >= part &&new->end - (to + done) >= part &&
                    !((old->flags ^ target.flags) & REGION_SHARED) &&
                    !new->allowed &&new->backing == target.backing &&
                    (!target.backing ||
                     (old->offset + (from + done - old->start) == target.offset + done &&
                      new->offset + (to + done - new->start) == target.offset + done));
        if (!same || !room_to_move(s, to + done, part) ||
            regions_reserve_removal(&s->regions, from + done, from + done + part) < 0)
            return -EFAULT;
        move_pages(s, from + done, to + done, part, protection);
        if (!stays)
            regions_remove(&s->regions, from + done, from + done + part);
        done += part;
        if (done < length && !(s = space_pause(s, task, from + done, from + length)))
            return -ESRCH;
    }
    return 0;
}

/* Gives the target of a move in steps its protection, when all pages have come. */
static int64_t open_target(struct space *s, const struct region *target)
{
    struct region *r = regions_at(&s->regions, target->start);
    if (!r || r->allowed || r->end < target->end || regions_reserve(&s->regions, 3) < 0)
        return -ENOMEM;
    if (target->backing)
        backing_ref(target->backing);
    regions_remove(&s->regions, target->start, target->end);
    regions_insert(&s->regions, target);
    return target->start;
}

static int64_t move_large(struct space *s, endpoint_t task, const struct region *target,
                          vaddr_t from, uint64_t old_length, bool stays)
{
    struct region closed = *target;
    closed.protection = closed.allowed = 0;
    regions_insert(&s->regions, &closed);
    uint64_t id = s->id;
    int64_t error = move_in_steps(s, task, *target, from, old_length, stays);
    s = space_of(task);
    if (!s || s->id != id)
        return -ESRCH;
    int64_t result = open_target(s, target);
    return error ? error : result;
}

/* Moves what lies at `from` in one region, and makes it longer, if it is to be. stays: an empty
 * mapping is left there. May wait. */
static int64_t move(struct space *s, endpoint_t task, const struct region *old, vaddr_t from,
                    uint64_t old_length, vaddr_t to, uint64_t length, bool stays)
{
    struct region r = *old;
    if (r.flags & REGION_FIXED || !room_to_move(s, to, old_length))
        return -ENOMEM;
    r.offset += r.backing ? from - r.start : 0;
    r.start = to;
    r.end = to + length;
    r.flags &= ~(REGION_STACK | REGION_HEAP);
    if (r.backing)
        backing_ref(r.backing);
    if (MIN(s->usage->resident * PAGE_SIZE, old_length) > STEP_PAGES * PAGE_SIZE)
        return move_large(s, task, &r, from, old_length, stays);
    move_pages(s, from, to, old_length, r.protection);
    regions_insert(&s->regions, &r);
    if (stays || !old_length)
        return to;
    return space_unmap(s, task, from, from + old_length) ? (int64_t)to : -ESRCH;
}

/* Makes a mapping longer where it stands. false: something is in the way. */
static bool grow(struct space *s, const struct region *old, uint64_t more)
{
    vaddr_t end = old->end;
    if (end > USER_TOP - more || !regions_free(&s->regions, end, end + more))
        return false;
    struct region r = *old;
    r.offset += r.backing ? r.end - r.start : 0;
    r.start = end;
    r.end = end + more;
    if (r.backing)
        backing_ref(r.backing);
    regions_insert(&s->regions, &r);
    return true;
}

/* Takes a range out of the space. 0, -ENOMEM, or -ESRCH: *s is no longer the space of the task. May
 * wait. */
static int64_t take_out(struct space **s, endpoint_t task, vaddr_t start, vaddr_t end)
{
    if (regions_reserve_removal(&(*s)->regions, start, end) < 0)
        return -ENOMEM;
    *s = space_unmap(*s, task, start, end);
    return *s ? 0 : -ESRCH;
}

/* Whether what is kept of a mapping lies in one region, and there may be so much more of it. 0,
 * -EFAULT, -ENOMEM, -EAGAIN: it is locked, and so much may not be; -EINVAL: nothing is kept of what
 * is not shared. There are places for a move afterwards. */
static int64_t may_resize(struct space *s, vaddr_t at, uint64_t kept, uint64_t more)
{
    if (regions_reserve(&s->regions, PLACES) < 0)
        return -ENOMEM;
    const struct region *r = regions_at(&s->regions, at);
    if (!r || kept > r->end - at)
        return -EFAULT;
    if (!kept && !(r->flags & REGION_SHARED))
        return -EINVAL;
    bool data = r->protection & PAGE_WRITE && !(r->flags & REGION_SHARED);
    if (r->flags & REGION_LOCKED && !space_may_lock(s, more))
        return -EAGAIN;
    return more && (!space_allows(s, more, data) ||
                    (data && !r->backing && more / PAGE_SIZE > frames_total()))
               ? -ENOMEM
               : 0;
}

/* Only what is kept must lie in one region: what is cut off may be of many, with holes. */
static int64_t remap(struct space *s, endpoint_t task, vaddr_t at, uint64_t old_length,
                     uint64_t length, uint64_t flags, vaddr_t to)
{
    const bool fixed = flags & MREMAP_FIXED, stays = flags & MREMAP_DONTUNMAP;
    const uint64_t kept = MIN(old_length, length), more = stays ? length : length - kept;
    if (!regions_at(&s->regions, at))
        return -EFAULT;
    if (kept < old_length && !range_within(at, old_length, USER_TOP))
        return -EINVAL;
    int64_t error = fixed || more ? may_resize(s, at, kept, more) : 0;
    if (!error && fixed)
        error = take_out(&s, task, to, to + length);
    if (!error && kept < old_length)
        error = take_out(&s, task, at + kept, at + old_length);
    if (error || (!more && !fixed))
        return error ? error : (int64_t)at;
    if (fixed && (error = may_resize(s, at, kept, more))) /* other threads have run meanwhile */
        return error;
    const struct region *r = regions_at(&s->regions, at);
    if (fixed)
        return regions_free(&s->regions, to, to + length)
                   ? move(s, task, r, at, kept, to, length, stays)
                   : -EFAULT;
    if (!stays && kept && at + kept == r->end && !(r->flags & REGION_FIXED) && grow(s, r, more))
        return at;
    if (!stays || !to ||
        !regions_apart(&s->regions, to, to + length)) /* it is no hint, or a bad one */
        to = flags & MREMAP_MAYMOVE ? regions_gap(&s->regions, length, ADDRESS_MIN, s->mmap_top)
                                    : 0;
    return to ? move(s, task, r, at, kept, to, length, stays) : -ENOMEM;
}

int64_t do_mremap(struct message *m)
{
    vaddr_t at = m->w[0], to = m->w[4];
    uint64_t old_length = PAGE_UP(m->w[1]), length = PAGE_UP(m->w[2]), flags = m->w[3];
    struct space *s = space_of(m->from);
    if (!s)
        return -ESRCH;
    if (at % PAGE_SIZE || !m->w[2] || old_length < m->w[1] ||
        flags & ~(uint64_t)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
        return -EINVAL;
    if (length < m->w[2] || length > USER_TOP)
        return -EINVAL;
    if (flags & MREMAP_DONTUNMAP && m->w[1] != m->w[2])
        return -EINVAL;
    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
        if (!(flags & MREMAP_MAYMOVE) || to % PAGE_SIZE || to > USER_TOP - length)
            return -EINVAL;
        if (to < ADDRESS_MIN && (to || flags & MREMAP_FIXED))
            return -EINVAL;
        if (to < at + old_length && at < to + length)
            return -EINVAL;
    }
    int64_t result = remap(s, m->from, at, old_length, length, flags, to);
    s = space_of(m->from);
    if (s)
        space_account(s);
    if (result > 0 && flags & MREMAP_DONTUNMAP)
        lock_bring(m->from, at, at + length);
    else if (result > 0 && length > old_length)
        lock_bring(m->from, result + old_length, result + length);
    backing_settle_soon();
    return result;
}
