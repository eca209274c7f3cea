/* Regions of a space: see regions.h. */
#include "regions.h"

#include "service.h"

enum { CAPACITY_FIRST = 16 };

unsigned regions_find(const struct regions *rs, vaddr_t at)
{
    unsigned low = 0, high = rs->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (rs->array[middle].end > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool regions_covered(const struct regions *rs, vaddr_t start, vaddr_t end)
{
    for (unsigned i = regions_find(rs, start); start < end; i++) {
        if (i == rs->count || rs->array[i].start > start)
            return false;
        start = rs->array[i].end;
    }
    return true;
}

uint64_t regions_pages(const struct regions *rs, vaddr_t start, vaddr_t end)
{
    uint64_t bytes = 0;
    for (unsigned i = regions_find(rs, start); i < rs->count && rs->array[i].start < end; i++)
        bytes += MIN(rs->array[i].end, end) - MAX(rs->array[i].start, start);
    return bytes / PAGE_SIZE;
}

/* The lowest address that a region needs for itself: a stack has a guard below it. */
static vaddr_t reach(const struct region *r)
{
    return r->flags & REGION_STACK ? r->start - MIN(r->start, (vaddr_t)STACK_GUARD) : r->start;
}

bool regions_apart(const struct regions *rs, vaddr_t start, vaddr_t end)
{
    unsigned i = regions_find(rs, start);
    return i == rs->count || reach(&rs->array[i]) >= end;
}

vaddr_t regions_gap(const struct regions *rs, uint64_t length, vaddr_t low, vaddr_t high)
{
    for (unsigned i = regions_find(rs, high - 1); high > low && high - low >= length; i--) {
        /* Regions from i on lie above, or reach to, `high`. */
        if (i < rs->count)
            high = MIN(high, reach(&rs->array[i]));
        vaddr_t below = i ? MAX(rs->array[i - 1].end, low) : low;
        if (high > below && high - below >= length)
            return high - length;
        if (!i)
            break;
        high = MIN(high, rs->array[i - 1].end);
    }
    return 0;
}

int regions_reserve(struct regions *rs, unsigned more)
{
    if (rs->count + more <= rs->capacity)
        return 0;
    if (rs->count + more > REGIONS_MAX)
        return -ENOMEM;
    unsigned capacity = MAX(rs->capacity * 2, (unsigned)CAPACITY_FIRST);
    while (capacity < rs->count + more)
        capacity *= 2;
    struct region *bigger = regions_charge(rs, capacity) == 0
                                ? memory_alloc(capacity * sizeof *bigger)
                                : NULL;
    if (!bigger) {
        regions_charge(rs, rs->capacity);
        return -ENOMEM;
    }
    if (rs->count)
        memcpy(bigger, rs->array, rs->count * sizeof *bigger);
    memory_free(rs->array);
    rs->array = bigger;
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

/* ---- changes of the array ---- */

static void place_open(struct regions *rs, unsigned i)
{
    ASSERT(rs->count < rs->capacity);
    memmove(&rs->array[i + 1], &rs->array[i], (rs->count - i) * sizeof rs->array[0]);
    rs->count++;
}

static void places_close(struct regions *rs, unsigned i, unsigned n)
{
    memmove(&rs->array[i], &rs->array[i + n], (rs->count - i - n) * sizeof rs->array[0]);
    rs->count -= n;
}

static void drop(struct region *r)
{
    if (r->backing)
        backing_unref(r->backing);
}

/* Whether a, and b behind it, can be one region. */
static bool one(const struct region *a, const struct region *b)
{
    return a->end == b->start && a->backing == b->backing && a->protection == b->protection &&
           a->allowed == b->allowed && a->flags == b->flags &&
           (!a->backing || a->offset + (a->end - a->start) == b->offset);
}

/* Joins region i with the one before it, if both can be one. */
static void join(struct regions *rs, unsigned i)
{
    if (i == 0 || i >= rs->count || !one(&rs->array[i - 1], &rs->array[i]))
        return;
    rs->array[i - 1].end = rs->array[i].end;
    drop(&rs->array[i]);
    places_close(rs, i, 1);
}

/* Makes `at` a border: splits the region it lies in. */
static void split(struct regions *rs, vaddr_t at)
{
    unsigned i = regions_find(rs, at);
    if (i == rs->count || rs->array[i].start >= at)
        return;
    place_open(rs, i);
    struct region *low = &rs->array[i], *high = low + 1;
    low->end = at;
    high->start = at;
    if (low->backing) {
        high->offset += at - low->start;
        backing_ref(low->backing);
    }
}

void regions_insert(struct regions *rs, const struct region *r)
{
    unsigned i = regions_find(rs, r->start);
    ASSERT(r->start < r->end && (i == rs->count || rs->array[i].start >= r->end));
    place_open(rs, i);
    rs->array[i] = *r;
    join(rs, i + 1);
    join(rs, i);
}

void regions_remove(struct regions *rs, vaddr_t start, vaddr_t end)
{
    unsigned first = regions_find(rs, start), n = 0;
    if (first == rs->count || rs->array[first].start >= end)
        return;
    if (rs->array[first].start < start) {
        if (rs->array[first].end > end)
            split(rs, end);
        rs->array[first++].end = start;
    }
    while (first + n < rs->count && rs->array[first + n].end <= end)
        drop(&rs->array[first + n++]);
    places_close(rs, first, n);
    struct region *last = &rs->array[first];
    if (first == rs->count || last->start >= end)
        return;
    last->offset += last->backing ? end - last->start : 0;
    last->start = end;
}

void regions_protect(struct regions *rs, vaddr_t start, vaddr_t end, uint8_t protection)
{
    split(rs, start);
    split(rs, end);
    unsigned first = regions_find(rs, start), last = first;
    for (; last < rs->count && rs->array[last].start < end; last++)
        rs->array[last].protection = protection;
    for (unsigned i = last; i + 1 > first; i--)
        join(rs, i);
}

void regions_flag(struct regions *rs, vaddr_t start, vaddr_t end, uint8_t flag, bool set)
{
    split(rs, start);
    split(rs, end);
    unsigned first = regions_find(rs, start), last = first;
    for (; last < rs->count && rs->array[last].start < end; last++)
        rs->array[last].flags = (rs->array[last].flags & ~flag) | (set ? flag : 0);
    for (unsigned i = last; i + 1 > first; i--)
        join(rs, i);
}

int regions_copy(struct regions *to, const struct regions *from)
{
    int error = regions_reserve(to, from->count);
    if (error)
        return error;
    if (from->count)
        memcpy(to->array, from->array, from->count * sizeof to->array[0]);
    to->count = from->count;
    for (unsigned i = 0; i < to->count; i++)
        if (to->array[i].backing)
            backing_ref(to->array[i].backing);
    return 0;
}

void regions_clear(struct regions *rs)
{
    for (unsigned i = 0; i < rs->count; i++)
        drop(&rs->array[i]);
    memory_free(rs->array);
    regions_charge(rs, 0);
    *rs = (struct regions){ 0 };
}
