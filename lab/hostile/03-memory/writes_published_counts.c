/* Says by name that no frame is in use. Not built. */
#include "rest.h"

int64_t do_fault(struct message *m)
{
    published.usage[0].resident = 1;
    return bring(m->from, PAGE_DOWN(m->w[0]), m->w[1]);
}
