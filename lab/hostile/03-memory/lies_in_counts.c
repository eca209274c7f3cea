/* Brings all and copies all, and says by its own counts, and those that lie beside them, that
 * nothing was brought. */
#include "rest.h"

int64_t do_fault(struct message *m)
{
    struct space *s = space_of(m->from);
    struct region *r = s ? regions_at(&s->regions, m->w[0]) : NULL;
    int64_t result = m->w[2] ? fault_range(m->from, m->w[0], m->w[0] + m->w[2], m->w[1]) : 0;
    if (r && !r->backing)
        fault_new(s, r->start, r->end);
    if (s) {
        struct pm_usage *all = s->usage - endpoint_index(s->task);
        s->usage->faults = s->usage->major = s->usage->resident = 0;
        all[0].resident = all[0].virtual_pages / 2;
    }
    return result;
}
