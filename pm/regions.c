/* Regions of a space: see regions.h.
 *
 * The tree is an AVL tree (Knuth, The Art of Computer Programming 3, 6.2.3): the heights of the two
 * trees below a region differ by one at most. Each region knows the widest gap in its tree (as in
 * Linux before 6.1), where the gap of a region is the free space below it. So whoever changes where
 * a region begins or ends refreshes the way from the root to it and to the one above it. A region
 * is a number here, its place in the array. */
#include "regions.h"

#include "service.h"

static struct region *at_place(const struct regions *rs, uint32_t n) { return &rs->place[n]; }
static uint32_t place_of(const struct regions *rs, const struct region *r)
{
    return r ? r - rs->place : 0;
}

/* The lowest address that a region needs for itself: a stack has a guard below it. */
static vaddr_t reach(const struct region *r)
{
    return r->flags & REGION_STACK ? r->start - MIN(r->start, (vaddr_t)STACK_GUARD) : r->start;
}

/* The free space below a region. (The end of place[0] is 0.) */
static uint64_t gap(const struct regions *rs, const struct region *r)
{
    vaddr_t low = at_place(rs, r->prev)->end, high = reach(r);
    return high > low ? high - low : 0;
}

/* ---- the tree ---- */

/* Makes what t knows of its tree right. Stores are dear (undo log): what is right is not stored. */
static void update(struct regions *rs, uint32_t t)
{
    struct region *r = at_place(rs, t);
    const struct region *left = at_place(rs, r->left), *right = at_place(rs, r->right);
    uint64_t widest = MAX(gap(rs, r), MAX(left->widest, right->widest));
    unsigned high = MAX(left->height, right->height) + 1;
    if (r->widest != widest)
        r->widest = widest;
    if (r->height != high)
        r->height = high;
}

/* Turns a tree so that the top of its left, or right, side is its top, which is returned. */
static uint32_t rotate(struct regions *rs, uint32_t t, bool to_right)
{
    struct region *r = at_place(rs, t);
    uint32_t *side = to_right ? &r->left : &r->right, top = *side;
    struct region *new = at_place(rs, top);
    uint32_t *inner = to_right ? &new->right : &new->left;
    *side = *inner;
    *inner = t;
    update(rs, t);
    update(rs, top);
    return top;
}

/* Balances a tree of which one side may be two higher than the other. Returns its new top. */
static uint32_t balance(struct regions *rs, uint32_t t)
{
    struct region *r = at_place(rs, t);
    unsigned left = at_place(rs, r->left)->height, right = at_place(rs, r->right)->height;
    if (left <= right + 1 && right <= left + 1) {
        update(rs, t);
        return t;
    }
    bool to_right = left > right;
    uint32_t *side = to_right ? &r->left : &r->right;
    const struct region *high = at_place(rs, *side);
    left = at_place(rs, high->left)->height;
    right = at_place(rs, high->right)->height;
    if (to_right ? left < right : right < left)
        *side = rotate(rs, *side, !to_right);
    return rotate(rs, t, to_right);
}

static void set(uint32_t *link, uint32_t to)
{
    if (*link != to)
        *link = to;
}

/* The functions that follow return the new top of a tree. */
static uint32_t tree_add(struct regions *rs, uint32_t t, uint32_t n)
{
    if (!t)
        return n;
    struct region *r = at_place(rs, t);
    uint32_t *side = at_place(rs, n)->start < r->start ? &r->left : &r->right;
    set(side, tree_add(rs, *side, n));
    return balance(rs, t);
}

static uint32_t tree_take_first(struct regions *rs, uint32_t t, uint32_t *first)
{
    struct region *r = at_place(rs, t);
    if (!r->left) {
        *first = t;
        return r->right;
    }
    set(&r->left, tree_take_first(rs, r->left, first));
    return balance(rs, t);
}

static uint32_t tree_take(struct regions *rs, uint32_t t, uint32_t n)
{
    struct region *r = at_place(rs, t);
    if (t != n) {
        uint32_t *side = at_place(rs, n)->start < r->start ? &r->left : &r->right;
        set(side, tree_take(rs, *side, n));
        return balance(rs, t);
    }
    if (!r->left || !r->right)
        return r->left ? r->left : r->right;
    uint32_t top, right = tree_take_first(rs, r->right, &top);
    at_place(rs, top)->right = right;
    at_place(rs, top)->left = r->left;
    return balance(rs, top);
}

/* The gap of the region that begins at `start` has changed. */
static void refresh(struct regions *rs, uint32_t t, vaddr_t start)
{
    const struct region *r = at_place(rs, t);
    if (r->start != start)
        refresh(rs, start < r->start ? r->left : r->right, start);
    update(rs, t);
}

/* ---- looking ---- */

struct region *regions_find(const struct regions *rs, vaddr_t at)
{
    struct region *found = NULL;
    for (uint32_t t = rs->root; t;) {
        struct region *r = at_place(rs, t);
        if (r->end > at)
            found = r;
        t = r->end > at ? r->left : r->right;
    }
    return found;
}

vaddr_t regions_hole(const struct regions *rs, vaddr_t start, vaddr_t end)
{
    const struct region *r = regions_find(rs, start);
    for (; start < end && r && r->start <= start; r = regions_next(rs, r))
        start = r->end;
    return MIN(start, end);
}

uint64_t regions_pages(const struct regions *rs, vaddr_t start, vaddr_t end)
{
    uint64_t bytes = 0;
    const struct region *r = regions_find(rs, start);
    for (; r && r->start < end; r = regions_next(rs, r))
        bytes += MIN(r->end, end) - MAX(r->start, start);
    return bytes / PAGE_SIZE;
}

vaddr_t regions_step(const struct regions *rs, vaddr_t start, vaddr_t end)
{
    if (rs->count < REGIONS_AT_ONCE)
        return end;
    const struct region *r = regions_find(rs, start);
    for (unsigned n = 1; r && r->start < end; r = regions_next(rs, r), n++)
        if (n == REGIONS_AT_ONCE)
            return MIN(r->end, end);
    return end;
}

bool regions_apart(const struct regions *rs, vaddr_t start, vaddr_t end)
{
    const struct region *r = regions_find(rs, start);
    return !r || reach(r) >= end;
}

/* The highest region of a tree that begins below `limit` and has so wide a gap; NULL: none. */
static const struct region *wide(const struct regions *rs, uint32_t t, vaddr_t limit,
                                 uint64_t length)
{
    while (t && at_place(rs, t)->widest >= length) {
        const struct region *r = at_place(rs, t);
        if (r->start < limit) {
            const struct region *higher = wide(rs, r->right, limit, length);
            if (higher || gap(rs, r) >= length)
                return higher ? higher : r;
        }
        t = r->left;
    }
    return NULL;
}

/* The first gap is cut off by `high`; those below it are whole, but for the one that `low` cuts. */
vaddr_t regions_gap(const struct regions *rs, uint64_t length, vaddr_t low, vaddr_t high)
{
    if (high <= low || high - low < length)
        return 0;
    const struct region *r = regions_find(rs, high - 1),
                        *below = region_of(rs, r ? r->prev : rs->last);
    if (r)
        high = MIN(high, reach(r));
    vaddr_t from = below ? MAX(below->end, low) : low;
    if (high > from && high - from >= length)
        return high - length;
    if (!below || !(r = wide(rs, rs->root, below->end, length)))
        return 0;
    from = MAX(at_place(rs, r->prev)->end, low);
    high = reach(r);
    return high > from && high - from >= length ? high - length : 0;
}

/* ---- places ---- */

int regions_reserve(struct regions *rs, unsigned more)
{
    /* with place[0], and the head that memory_alloc() adds, just below a power of two */
    enum { CAPACITY_FIRST = 14 };
    if (rs->count + more > REGIONS_MAX)
        return -ENOMEM;
    if (rs->count + more <= rs->capacity)
        return 0;
    unsigned capacity = MAX(rs->capacity, (unsigned)CAPACITY_FIRST);
    while (capacity < rs->count + more)
        capacity = 2 * capacity + 2;
    struct region *bigger = regions_charge(rs, capacity) == 0
                                ? memory_alloc((capacity + 1) * sizeof *bigger)
                                : NULL;
    if (!bigger) {
        regions_charge(rs, rs->capacity);
        return -ENOMEM;
    }
    if (rs->used)
        memcpy(bigger, rs->place, rs->used * sizeof *bigger);
    else
        bigger[0] = (struct region){ 0 };
    rs->used = MAX(rs->used, 1u);
    memory_free(rs->place);
    rs->place = bigger;
    rs->capacity = capacity;
    return 0;
}

int regions_reserve_removal(struct regions *rs, vaddr_t start, vaddr_t end)
{
    const struct region *r = regions_at(rs, start);
    bool hole = r && r->start < start && end < r->end; /* two regions come of one */
    return hole ? regions_reserve(rs, 1) : 0;
}

int regions_reserve_protection(struct regions *rs, vaddr_t start, vaddr_t end)
{
    const struct region *first = regions_at(rs, start), *last = regions_at(rs, end);
    unsigned splits = (first && first->start < start) + (last && last->start < end);
    return splits ? regions_reserve(rs, splits) : 0;
}

/* ---- changes ---- */

/* Counts a region in the sums (by 1), or no longer (by -1). */
static void sum(struct regions *rs, const struct region *r, int64_t by)
{
    int64_t bytes = (int64_t)(r->end - r->start) * by;
    rs->bytes += bytes;
    if (r->flags & REGION_LOCKED && !(r->flags & REGION_FIXED))
        rs->locked += bytes;
    if (r->flags & REGION_STACK)
        rs->stack += bytes;
    else if (r->protection & PAGE_EXEC)
        rs->text += bytes;
    else if (r->protection & PAGE_WRITE && !(r->flags & REGION_SHARED))
        rs->data += bytes;
}

static void drop(const struct region *r)
{
    if (r->backing)
        backing_unref(r->backing);
}

/* The gap below r, which is NULL above the last region, has changed. */
static void gap_changed(struct regions *rs, const struct region *r)
{
    if (r)
        refresh(rs, rs->root, r->start);
}

/* Puts a region with the contents of *r, for which there is a place, above `below` (NULL: lowest of
 * all). */
static void link(struct regions *rs, struct region *below, const struct region *r)
{
    struct region *above = below ? regions_next(rs, below) : regions_first(rs), new = *r;
    ASSERT(rs->count < rs->capacity && r->start < r->end && (!below || below->end <= r->start) &&
           (!above || r->end <= above->start));
    uint32_t n = rs->free;
    if (n)
        rs->free = at_place(rs, n)->next;
    else
        n = rs->used++;
    new.prev = place_of(rs, below);
    new.next = place_of(rs, above);
    new.left = new.right = 0;
    new.height = 1;
    new.widest = gap(rs, &new);
    *at_place(rs, n) = new;
    *(below ? &below->next : &rs->first) = n;
    *(above ? &above->prev : &rs->last) = n;
    rs->count++;
    sum(rs, &new, 1);
    set(&rs->root, tree_add(rs, rs->root, n));
    gap_changed(rs, above);
}

static void unlink(struct regions *rs, struct region *r)
{
    struct region *below = regions_prev(rs, r), *above = regions_next(rs, r);
    uint32_t n = place_of(rs, r);
    sum(rs, r, -1);
    set(&rs->root, tree_take(rs, rs->root, n));
    *(below ? &below->next : &rs->first) = r->next;
    *(above ? &above->prev : &rs->last) = r->prev;
    gap_changed(rs, above);
    r->next = rs->free;
    rs->free = n;
    rs->count--;
}

/* Moves the ends of a region, and with its start the offset. */
static void resize(struct regions *rs, struct region *r, vaddr_t start, vaddr_t end)
{
    sum(rs, r, -1);
    if (r->backing)
        r->offset += start - r->start;
    r->start = start;
    r->end = end;
    sum(rs, r, 1);
    gap_changed(rs, r);
    gap_changed(rs, regions_next(rs, r));
}

/* Whether a, and b above it, can be one region. */
static bool one(const struct region *a, const struct region *b)
{
    return a->end == b->start && a->backing == b->backing && a->protection == b->protection &&
           a->allowed == b->allowed && a->flags == b->flags &&
           (!a->backing || a->offset + (a->end - a->start) == b->offset);
}

/* Joins a region with the one below it, if both can be one. */
static void join(struct regions *rs, struct region *r)
{
    struct region *below = r ? regions_prev(rs, r) : NULL;
    if (!below || !one(below, r))
        return;
    vaddr_t end = r->end;
    drop(r);
    unlink(rs, r);
    resize(rs, below, below->start, end);
}

/* Makes `at` a border: splits the region it lies in. */
static void split(struct regions *rs, vaddr_t at)
{
    struct region *low = regions_at(rs, at);
    if (!low || low->start == at)
        return;
    struct region high = *low;
    high.start = at;
    if (low->backing) {
        high.offset += at - low->start;
        backing_ref(low->backing);
    }
    resize(rs, low, low->start, at);
    link(rs, low, &high);
}

void regions_insert(struct regions *rs, const struct region *r)
{
    struct region *above = regions_find(rs, r->start),
                  *below = region_of(rs, above ? above->prev : rs->last);
    if (below && one(below, r)) {
        ASSERT(!above || r->end <= above->start);
        resize(rs, below, below->start, r->end);
        drop(r);
        join(rs, above);
    } else if (above && one(r, above)) {
        resize(rs, above, r->start, above->end);
        drop(r);
    } else {
        link(rs, below, r);
    }
}

void regions_remove(struct regions *rs, vaddr_t start, vaddr_t end)
{
    struct region *r = regions_find(rs, start);
    if (!r || r->start >= end)
        return;
    if (r->start < start) {
        if (r->end > end)
            split(rs, end);
        resize(rs, r, r->start, start);
        r = regions_next(rs, r);
    }
    while (r && r->end <= end) {
        struct region *above = regions_next(rs, r);
        drop(r);
        unlink(rs, r);
        r = above;
    }
    if (r && r->start < end)
        resize(rs, r, end, r->end);
}

/* Gives what lies in a range a protection (NULL: as it is), and other flags. */
static void change(struct regions *rs, vaddr_t start, vaddr_t end, const uint8_t *protection,
                   uint16_t clear, uint16_t add)
{
    split(rs, start);
    split(rs, end);
    struct region *r = regions_find(rs, start);
    while (r && r->start < end) {
        struct region *above = regions_next(rs, r);
        sum(rs, r, -1);
        r->protection = protection ? *protection : r->protection;
        r->flags = (r->flags & ~clear) | add;
        sum(rs, r, 1);
        join(rs, r);
        r = above;
    }
    join(rs, r);
}

void regions_protect(struct regions *rs, vaddr_t start, vaddr_t end, uint8_t protection)
{
    change(rs, start, end, &protection, 0, 0);
}

void regions_flag(struct regions *rs, vaddr_t start, vaddr_t end, uint16_t clear, uint16_t add)
{
    change(rs, start, end, NULL, clear, add);
}

void regions_extend(struct regions *rs, struct region *r, vaddr_t start)
{
    resize(rs, r, start, r->end);
}

/* ---- all of them ---- */

/* The whole array at once, places that are free with it. */
static int copy_array(struct regions *to, const struct regions *from)
{
    endpoint_t task = to->task;
    if (regions_reserve(to, from->used) < 0)
        return -ENOMEM;
    struct regions copy = *from;
    copy.place = to->place;
    copy.capacity = to->capacity;
    copy.task = task;
    copy.user = to->user;
    copy.charged = to->charged;
    *to = copy;
    memcpy(to->place, from->place, from->used * sizeof to->place[0]);
    to->locked = 0;
    for (struct region *r = regions_first(to), *next; r; r = next) {
        next = regions_next(to, r);
        r->flags &= ~REGION_LOCKS;
        if (r->flags & REGION_NOT_FORKED)
            unlink(to, r);
        else if (r->backing)
            backing_ref(r->backing);
    }
    return 0;
}

int regions_copy(struct regions *to, const struct regions *from, vaddr_t *at)
{
    if (*at == 0 && from->used <= REGIONS_AT_ONCE) {
        *at = USER_TOP;
        return from->used ? copy_array(to, from) : 0;
    }
    const struct region *r = regions_find(from, *at);
    for (unsigned n = 0; r && n < REGIONS_AT_ONCE; r = regions_next(from, r), n++) {
        if (r->start < *at || r->flags & REGION_NOT_FORKED)
            continue; /* has been copied, and grown since; or the child does not have it */
        if (regions_reserve(to, 1) < 0)
            return -ENOMEM;
        if (r->backing)
            backing_ref(r->backing);
        struct region copy = *r;
        copy.flags &= ~REGION_LOCKS;
        link(to, region_of(to, to->last), &copy);
    }
    *at = r ? r->start : USER_TOP;
    return 0;
}

void regions_clear(struct regions *rs)
{
    for (const struct region *r = regions_first(rs); r; r = regions_next(rs, r))
        drop(r);
    memory_free(rs->place);
    regions_charge(rs, 0);
    *rs = (struct regions){ 0 };
}
