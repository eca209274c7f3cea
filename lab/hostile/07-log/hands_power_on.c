/* Hands the test's own call on to the disk, as an order to cut. */
#include "memory.h"

static int64_t harm(struct message *m)
{
    m->op = CUT_NEW;
    m->object = 0;
    return forward(m, service_find("cutdisk")) < 0 ? 0 : LATER;
}

int main(void) { serve(); }
