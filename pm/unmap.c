/* Taking ranges out of spaces, in steps between which others are served. */
#include "backing.h"
#include "space.h"

struct space *space_unmap(struct space *s, endpoint_t task, vaddr_t start, vaddr_t end)
{
    for (bool again = false; s && !regions_free(&s->regions, start, end); again = true) {
        vaddr_t at = pages_release(s, start, end);
        if ((again || at < end) && regions_reserve_removal(&s->regions, start, at) < 0) {
            if (at < end)
                continue; /* no memory for the parts of a region: all of it is done in one go */
            /* other threads have taken the last places meanwhile: the range stays, empty */
            return s;
        }
        regions_remove(&s->regions, start, at);
        if (at == end)
            break;
        start = at;
        s = space_pause(s, task, at, end);
    }
    return s;
}

/* Gives back the pages of a small space, and leaves its regions as they are. */
static void release_small(struct space *s)
{
    const struct region *r = s->regions.array, *last = r + s->regions.count;
    while (r < last) {
        const struct region *first = r++;
        while (r < last && r->start - r[-1].end <= RUN_GAP)
            r++;
        for (vaddr_t at = first->start; at < r[-1].end;)
            at = pages_release(s, at, r[-1].end);
    }
}

/* The regions go from the last to the first, since then nothing in the array has to move. */
struct space *space_empty(struct space *s, endpoint_t task)
{
    enum { REGIONS_AT_ONCE = 512 };
    if (space_is_small(s)) {
        release_small(s);
        return s;
    }
    uint64_t paused = s->usage->resident;
    for (unsigned n = 1; s && s->regions.count; n++) {
        const struct region *r = &s->regions.array[s->regions.count - 1];
        vaddr_t start = r->start;
        if (regions_reserve_removal(&s->regions, start, r->end) < 0) {
            release_small(s);
            return s;
        }
        s = space_unmap(s, task, start, r->end);
        if (!s || (n % REGIONS_AT_ONCE && paused - s->usage->resident < STEP_PAGES))
            continue;
        paused = s->usage->resident;
        s = space_pause(s, task, start, start);
    }
    return s;
}
