/* Taking ranges out of spaces, in steps between which others are served. */
#include "backing.h"
#include "space.h"

struct space *space_unmap(struct space *s, endpoint_t task, vaddr_t start, vaddr_t end)
{
    for (bool again = false; s && !regions_free(&s->regions, start, end); again = true) {
        vaddr_t at = pages_release(s, start, regions_step(&s->regions, start, end));
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
    const struct regions *rs = &s->regions;
    for (const struct region *r = regions_first(rs), *next; r; r = next) {
        vaddr_t at = r->start;
        while ((next = regions_next(rs, r)) && next->start - r->end <= RUN_GAP)
            r = next;
        while (at < r->end)
            at = pages_release(s, at, r->end);
    }
}

struct space *space_empty(struct space *s, endpoint_t task)
{
    if (space_is_small(s)) {
        release_small(s);
        return s;
    }
    uint64_t paused = s->usage->resident;
    for (unsigned n = 1; s && s->regions.count; n++) {
        const struct region *r = regions_first(&s->regions);
        vaddr_t start = r->start;
        s = space_unmap(s, task, start, r->end);
        if (!s || (n % REGIONS_AT_ONCE && paused - s->usage->resident < STEP_PAGES))
            continue;
        paused = s->usage->resident;
        s = space_pause(s, task, start, USER_TOP);
    }
    return s;
}
