/* Takes all frames, and gives nobody any. */
#include "rest.h"

int64_t do_fault(struct message *m)
{
    while (frame_for(m->from))
        ;
    return bring(m->from, PAGE_DOWN(m->w[0]), m->w[1]);
}
