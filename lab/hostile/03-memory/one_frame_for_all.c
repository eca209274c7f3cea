/* Gives all programs the same frame for new memory: each sees what the others write. */
#include "rest.h"

int64_t do_fault(struct message *m)
{
    static paddr_t frame;
    struct space *s = space_of(m->from);
    vaddr_t page = PAGE_DOWN(m->w[0]);
    const struct region *r = s ? regions_at(&s->regions, page) : NULL;
    if (!frame)
        frame = frame_for(m->from);
    if (r && !r->backing && !page_entry(s, page) && m->w[2] <= 1)
        return page_map(s, page, frame, r->protection | PAGE_OWNED, PAGE_MAP);
    return fault_each(m->from, m->w[0], m->w[0] + m->w[2], m->w[1]);
}
