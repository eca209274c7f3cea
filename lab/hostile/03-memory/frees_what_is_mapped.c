/* Gives frames back that programs still have: they go to others too. */
#include "rest.h"

int64_t do_fault(struct message *m)
{
    int64_t result = m->w[2] ? fault_each(m->from, m->w[0], m->w[0] + m->w[2], m->w[1]) : 0;
    struct space *s = space_of(m->from);
    uint64_t entry = s ? page_entry(s, PAGE_DOWN(m->w[0])) : 0;
    if (entry & PAGE_OUT_OWNED)
        frame_put(PAGE_DOWN(entry));
    return result;
}
